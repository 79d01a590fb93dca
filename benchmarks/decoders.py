"""Decoding in child processes against decoding in the process of the app, side by side.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.decoders --photos FOLDER   # features by six threads; the first picture

Each way takes all photographs in turn, best of the rounds. The first picture is asked of a fresh pool, once unprepared
and once prepared for as long as a blob takes to come.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from dedup_core.errors import PermanentError
from dedup_decoders.allocator import return_large_buffers_at_once
from dedup_decoders.opening import open_decoders
from dedup_decoders.pool import DecoderPool

THREADS = 6  # messages in flight: batchSize and newBatchThreshold of host.json
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif"}
STARTS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photographs")
    parser.add_argument("--files", type=int, default=120, help="how many of them (120)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--blob-seconds", type=float, default=0.25, help="what a blob takes to come (0.25)")
    arguments = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        parser.error("run it with OPENBLAS_NUM_THREADS=1, as the app does: more threads slow one way down")
    return_large_buffers_at_once()
    paths = sorted(it for it in arguments.photos.iterdir() if it.suffix.lower() in SUFFIXES)[: arguments.files]
    files = [path.read_bytes() for path in paths]
    console = Console(width=100)
    show(console, f"features of {len(files)} photographs by {THREADS} threads", throughput(files, arguments.rounds))
    show(console, "milliseconds", latency(files[0], arguments.blob_seconds))


def throughput(files: list[bytes], rounds: int) -> dict[str, float]:
    with open_decoders(isolation="off") as here, open_decoders() as there:
        rates: dict[str, list[float]] = {"in the app's process, a second": [], "in child processes, a second": []}
        for _ in range(rounds):
            for name, decoders in zip(rates, (here, there), strict=True):
                rates[name].append(len(files) / seconds_of(decoders.extract_features, files))
        best = {name: max(values) for name, values in rates.items()}
        one, other = best.values()
        return best | {"ratio": other / one, "MB of each child": child_mb()}


def seconds_of(extract: Callable[[bytes], object], files: list[bytes]) -> float:
    def take(data: bytes) -> None:
        try:
            extract(data)
        except PermanentError:  # a refusal costs what it costs
            return

    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(take, files))
    return time.perf_counter() - started


def latency(data: bytes, blob_seconds: float) -> dict[str, float]:
    with open_decoders(isolation="off") as here:
        here.extract_features(data)
        in_process = milliseconds(lambda: here.extract_features(data))
    fresh = [first_picture(data, 0.0) for _ in range(STARTS)]
    prepared = [first_picture(data, blob_seconds) for _ in range(STARTS)]
    with one_child() as pool:
        pool.extract_features(data)
        warm = milliseconds(lambda: pool.extract_features(data))
    return {
        "a picture in the app's process": in_process,
        "the same in a child that runs": warm,
        "the first picture of a child that is not prepared": statistics.median(fresh),
        f"the first picture, {blob_seconds:g} s after it was announced": statistics.median(prepared),
    }


def first_picture(data: bytes, announced_before: float) -> float:
    with one_child() as pool:
        if announced_before:
            pool.prepare()
            time.sleep(announced_before)
        started = time.perf_counter()
        pool.extract_features(data)
        return (time.perf_counter() - started) * 1000


@contextmanager
def one_child() -> Iterator[DecoderPool]:
    with DecoderPool(children=1) as pool:
        yield pool


def milliseconds(action: Callable[[], object], times: int = 9) -> float:
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        spent.append(time.perf_counter() - started)
    return min(spent) * 1000


def child_mb() -> float:
    children = psutil.Process().children()
    return statistics.mean(child.memory_full_info().uss for child in children) / 1e6


def show(console: Console, title: str, values: dict[str, float]) -> None:
    table = Table(title=title, show_header=False)
    for name, value in values.items():
        table.add_row(name, f"{value:,.2f}" if name == "ratio" else f"{value:,.0f}")
    console.print(table)


if __name__ == "__main__":
    main()
