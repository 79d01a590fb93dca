"""One instance that loads a fingerprint log from storage, searches it and appends to it, measured from inside."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dedup_app.configuration.storage_connection import StorageConnection
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_storage.account.clients import open_clients
from dedup_storage.logs.fingerprint_log import FingerprintLog
from dedup_storage.logs.places import BlockPlace, Chunk
from dedup_storage.logs.reading import READ_BYTES
from dedup_storage.logs.segments import AzureSegments

CONTAINER = "dedup-index"
MILLION = 1_000_000
THREADS = (1, 4, 16)


@dataclass(frozen=True)
class Group:
    """What came of images that were handed to a log by some threads at a time."""

    threads: int
    images: int
    blocks: int
    tail_reads: int
    seconds: float


@dataclass(frozen=True)
class Searched:
    """Processor time of searches beside that of bare passes over as many values, taking turns."""

    images: int
    bytes_an_image: float
    bare_pass_ms: float
    search_ms: float
    slowest_ms: float
    in_passes: float
    nanoseconds_an_image: float
    found: int
    asked: int


@dataclass(frozen=True)
class Loaded:
    """An instance that started cold."""

    searched: Searched
    load_seconds: float
    load_processor_seconds: float
    idle_mb: float
    peak_mb: float
    arrays_mb: float
    append_ms: float
    tail_read_ms: float
    groups: list[Group]


class CountedSegments(AzureSegments):
    """Segments that note how long each call took."""

    def __init__(self, connection_string: str) -> None:
        clients = open_clients(StorageConnection(connection_string), largest_read=READ_BYTES)
        super().__init__(clients.blobs, CONTAINER)
        self.appends: list[float] = []
        self.reads: list[float] = []

    def append(self, number: int, block: bytes) -> BlockPlace:
        started = time.perf_counter()
        place = super().append(number, block)
        self.appends.append(time.perf_counter() - started)
        return place

    def read(self, number: int, offset: int, length: int) -> Chunk:
        started = time.perf_counter()
        chunk = super().read(number, offset, length)
        self.reads.append(time.perf_counter() - started)
        return chunk


def load_and_measure(connection_string: str, known: list[Fingerprints], queries: int, grouped: int) -> Loaded:
    """In a process of its own, whose memory is then that of an instance."""
    segments = CountedSegments(connection_string)
    log = FingerprintLog(segments)
    idle = peak_mb()
    started, processor = time.perf_counter(), time.process_time()
    log.refresh()
    load, load_processor = time.perf_counter() - started, time.process_time() - processor
    log.index.search(known[0])
    peak, arrays = peak_mb(), log.index.memory_bytes / MILLION  # before the bare passes ask for arrays of their own
    searched = search(log.index, known, queries)
    return Loaded(
        searched=searched,
        load_seconds=round(load, 1),
        load_processor_seconds=round(load_processor, 1),
        idle_mb=round(idle),
        peak_mb=round(peak),
        arrays_mb=round(arrays),
        **one_by_one(log, segments, known, queries),
        groups=[group(log, segments, known, threads, grouped) for threads in THREADS if grouped],
    )


def search(index: FingerprintIndex, known: list[Fingerprints], queries: int) -> Searched:
    images, held = len(index), index.memory_bytes
    for number, fingerprints in enumerate(known[:queries]):
        index.add(f"{number:032x}", fingerprints)
    random = np.random.default_rng(3)
    sizes = [min(MILLION, images - start) for start in range(0, images, MILLION)]
    columns = [random.integers(0, 2**63, (4, size), np.uint64) for size in sizes]
    passes, searches, found = [], [], 0
    for number, fingerprints in enumerate(known[:queries]):
        passes.append(seconds(lambda: [bare_pass(some) for some in columns]))
        searches.append(seconds(lambda fingerprints=fingerprints: index.search(fingerprints)))
        found += any(hit.image_id == f"{number:032x}" for hit in index.search(fingerprints))
    bare, middle = float(np.median(passes)), float(np.median(searches))
    return Searched(
        images=images,
        bytes_an_image=round(held / images, 1),
        bare_pass_ms=round(bare * 1e3, 2),
        search_ms=round(middle * 1e3, 2),
        slowest_ms=round(max(searches) * 1e3, 2),
        in_passes=round(middle / bare, 2),
        nanoseconds_an_image=round(middle / images * 1e9, 1),
        found=found,
        asked=queries,
    )


def bare_pass(columns: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """The distances of one 256-bit value to as many as there are, in the quickest way that plain NumPy has."""
    distances = np.bitwise_count(columns[0] ^ np.uint64(0x0F1E2D3C4B5A6978)).astype(np.uint16)
    for column in columns[1:]:
        distances += np.bitwise_count(column ^ np.uint64(0x0F1E2D3C4B5A6978))
    return distances


def one_by_one(
    log: FingerprintLog, segments: CountedSegments, known: list[Fingerprints], images: int
) -> dict[str, float]:
    segments.appends.clear()
    segments.reads.clear()
    for number, fingerprints in enumerate(known[:images]):
        log.add_and_search(f"{number:032x}", 0, fingerprints)
    return {
        "append_ms": round(float(np.median(segments.appends)) * 1e3, 1),
        "tail_read_ms": round(float(np.median(segments.reads)) * 1e3, 1),
    }


def group(
    log: FingerprintLog, segments: CountedSegments, known: list[Fingerprints], threads: int, images: int
) -> Group:
    """Hand the log so many images by so many threads at a time."""
    segments.appends.clear()
    segments.reads.clear()
    together = threading.Barrier(threads)

    def work(number: int) -> None:
        together.wait()
        for image in range(number, images, threads):
            log.add_and_search(f"{image:032x}", 0, known[image % len(known)])

    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    return Group(
        threads=threads,
        images=images,
        blocks=len(segments.appends),
        tail_reads=len(segments.reads),
        seconds=round(time.perf_counter() - started, 2),
    )


def seconds(work: Callable[[], object]) -> float:
    started = time.thread_time()
    work()
    return time.thread_time() - started


def peak_mb() -> float:
    """The most memory that this process has had so far."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return kilobytes * 1024 / MILLION
