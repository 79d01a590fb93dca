"""What an instance needs until its first search: read from the log, and from a snapshot and the log that came after it.

    python -m benchmarks.index_start                               # one million images
    python -m benchmarks.index_start --millions 1 3 --json index_start.json

The log is in Azurite; a twentieth of its images come after the snapshot, which is the most that a start finds there.
Each start is a process of its own, whose peak memory is that of an instance. Processor time counts all threads of it.
"""

import argparse
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.index import apart
from benchmarks.index_log import CONTAINER, MILLION, peak_mb
from benchmarks.index_records import log_block, made_up, pictures, real_fingerprints
from dedup_app.configuration.storage_connection import StorageConnection
from dedup_core.fingerprinting.record import Fingerprints
from dedup_storage.account.clients import open_clients
from dedup_storage.logs.fingerprint_log import BLOCK_RECORDS, FingerprintLog
from dedup_storage.logs.reading import READ_BYTES
from dedup_storage.logs.segments import AzureSegments
from dedup_storage.logs.snapshot_blobs import AzureSnapshots
from dedup_storage.logs.snapshot_keeper import UNSAVED_SHARE
from local_host.azurite import Azurite


@dataclass(frozen=True)
class Start:
    """Until the first search was answered."""

    images: int
    seconds: float
    processor_seconds: float
    peak_mb: float
    """Above what the process had before."""
    arrays_mb: float


@dataclass(frozen=True)
class Starts:
    """Both ways into the same index, and what writing the snapshot took."""

    from_log: Start
    from_snapshot: Start
    writing_seconds: float
    writing_processor_seconds: float
    snapshot_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[1.0])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    known = real_fingerprints(pictures(None), np.random.default_rng(1))
    found = [measure(known, round(size * MILLION)) for size in arguments.millions]
    for one in found:
        print(f"{one.from_log.images:,} images, a snapshot of {one.snapshot_mb:.0f} MB", end="")
        print(f" written in {one.writing_seconds} s ({one.writing_processor_seconds} s of processor time)")
        for name, start in (("log", one.from_log), ("snapshot", one.from_snapshot)):
            print(
                f"{'from the ' + name:>20}: {start.seconds} s, {start.processor_seconds} s of processor time, "
                f"{start.peak_mb:.0f} MB at the peak, {start.peak_mb / start.arrays_mb:.2f} times the arrays"
            )
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n")


def measure(known: list[Fingerprints], images: int) -> Starts:
    with tempfile.TemporaryDirectory(prefix="index-benchmark-") as folder, Azurite(Path(folder)) as azurite:
        later = round(images * UNSAVED_SHARE)
        append(azurite.connection_string, known, images - later)
        written = apart(write, azurite.connection_string)
        append(azurite.connection_string, known, later)
        from_log = apart(start, azurite.connection_string, known[0], with_snapshots=False)
        from_snapshot = apart(start, azurite.connection_string, known[0], with_snapshots=True)
    return Starts(from_log, from_snapshot, *written)


def append(connection_string: str, known: list[Fingerprints], images: int) -> None:
    random = np.random.default_rng(images)
    segments = AzureSegments(open_clients(StorageConnection(connection_string), largest_read=1).blobs, CONTAINER)
    while images:
        count = min(BLOCK_RECORDS, images)
        segments.append(1, log_block(made_up(known, count, 0.83, random), random))
        images -= count


def opened(connection_string: str, *, with_snapshots: bool) -> tuple[FingerprintLog, AzureSnapshots]:
    blobs = open_clients(StorageConnection(connection_string), largest_read=READ_BYTES).blobs
    snapshots = AzureSnapshots(blobs, CONTAINER)
    log = FingerprintLog(AzureSegments(blobs, CONTAINER), snapshots=snapshots if with_snapshots else None)
    return log, snapshots


def write(connection_string: str) -> tuple[float, float, float]:
    """Seconds, those of the processor and megabytes of a snapshot."""
    log, snapshots = opened(connection_string, with_snapshots=True)
    log.refresh()
    started, processor = time.perf_counter(), time.process_time()
    log.tend(datetime.now(UTC))
    took = time.perf_counter() - started, time.process_time() - processor
    return round(took[0], 2), round(took[1], 2), snapshots.stored()[0].size / MILLION


def start(connection_string: str, query: Fingerprints, *, with_snapshots: bool) -> Start:
    log, _ = opened(connection_string, with_snapshots=with_snapshots)
    idle, started, processor = peak_mb(), time.perf_counter(), time.process_time()
    log.search("f" * 32, 0, query)
    return Start(
        images=log.refresh(),
        seconds=round(time.perf_counter() - started, 2),
        processor_seconds=round(time.process_time() - processor, 2),
        peak_mb=round(peak_mb() - idle),
        arrays_mb=round(log.index.memory_bytes / MILLION),
    )


if __name__ == "__main__":
    main()
