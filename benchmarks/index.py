"""Time and memory of the candidate index from one to ten million images, loaded from a log in Azurite.

    python -m benchmarks.index                                     # one million images
    python -m benchmarks.index --millions 1 3 10 --json index.json --plot docs/img/index.png

Every image held has two different hashes and all 24 keypoints, which is the worst case; one more row has the same hash
in both windows in 83 % of the images, as photographs have. The keypoints are drawn from those of real photographs
(crops of what scikit-image ships, or of a folder given with `--photos`), each bit changed with a probability of 15 %.

Searches are told as multiples of a bare XOR-and-popcount pass over as many 256-bit values, in processor time, taking
turns, so that whatever else the machine does meets both alike. Each size is loaded by a process of its own, whose peak
memory is that of an instance; everything else is wall-clock time with Azurite on the same machine.
"""

import argparse
import json
import multiprocessing
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.index_log import MILLION, CountedSegments, Loaded, Searched, load_and_measure, search
from benchmarks.index_records import log_block, made_up, pictures, real_fingerprints
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_storage.logs.fingerprint_log import BLOCK_RECORDS
from local_host.azurite import Azurite

SAME_WINDOWS = 0.83  # of photographs
BATCH = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[1.0])
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--grouped", type=int, default=96, help="images to show group commit with, at the first size")
    parser.add_argument("--photos", type=Path, help="a folder of photographs to take keypoints from")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    known = real_fingerprints(pictures(arguments.photos), np.random.default_rng(1))
    sizes = sorted(round(size * MILLION) for size in arguments.millions)
    usual = apart(search_usual, known, sizes[0], arguments.queries)
    with tempfile.TemporaryDirectory(prefix="index-benchmark-") as folder, Azurite(Path(folder)) as azurite:
        loaded = measure(azurite.connection_string, known, sizes, arguments.queries, arguments.grouped)
    print_tables(loaded, usual)
    if arguments.json:
        found = {"worst": [asdict(result) for result in loaded], "usual": asdict(usual)}
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    if arguments.plot:
        plot(loaded, arguments.plot)


def measure(
    connection_string: str, known: list[Fingerprints], sizes: list[int], queries: int, grouped: int
) -> list[Loaded]:
    """Let the log grow from size to size, and a new process load it at each."""
    random = np.random.default_rng(2)
    segments = CountedSegments(connection_string)
    written, results = 0, []
    for size in sizes:
        while written < size:
            count = min(BLOCK_RECORDS, size - written)
            segments.append(1, log_block(made_up(known, count, 0.0, random), random))
            written += count
        results.append(apart(load_and_measure, connection_string, known, queries, 0 if results else grouped))
    return results


def apart[T](work: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """The result of a call in a new process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(work, *arguments, **named).result()


def search_usual(known: list[Fingerprints], images: int, queries: int) -> Searched:
    """Search an index of images that have the same hash in both windows as often as photographs have."""
    random = np.random.default_rng(4)
    index = FingerprintIndex()
    for start in range(0, images, BATCH):
        count = min(BATCH, images - start)
        ids = random.integers(0, 256, (count, 16), np.uint8)
        index.add_many(ids, made_up(known, count, SAME_WINDOWS, random), more_to_come=True)
    index.settle()
    return search(index, known, queries)


def print_tables(loaded: list[Loaded], usual: Searched) -> None:
    print_row("images", "bytes/image", "bare pass", "search", "in passes", "ns/image", "slowest", "found")
    for name, result in [*(("", one.searched) for one in loaded), (f" ({SAME_WINDOWS:.0%} same)", usual)]:
        print_row(
            f"{result.images:,}{name}",
            f"{result.bytes_an_image}",
            f"{result.bare_pass_ms} ms",
            f"{result.search_ms} ms",
            f"{result.in_passes}",
            f"{result.nanoseconds_an_image}",
            f"{result.slowest_ms} ms",
            f"{result.found}/{result.asked}",
        )
    print()
    print_row("images", "cold load", "processor", "us/image", "idle", "peak", "arrays", "append", "tail read")
    for one in loaded:
        print_row(
            f"{one.searched.images:,}",
            f"{one.load_seconds} s",
            f"{one.load_processor_seconds} s",
            f"{one.load_seconds / one.searched.images * 1e6:.1f}",
            f"{one.idle_mb:.0f} MB",
            f"{one.peak_mb:.0f} MB",
            f"{one.arrays_mb:.0f} MB",
            f"{one.append_ms} ms",
            f"{one.tail_read_ms} ms",
        )
    print()
    print_row("threads", "images", "blocks", "tail reads", "seconds", "images/s")
    for group in loaded[0].groups:
        print_row(*(str(value) for value in astuple(group)), f"{group.images / group.seconds:.1f}")


def print_row(first: str, *cells: str) -> None:
    print(f"{first:>22}" + "".join(f"{cell:>12}" for cell in cells))


def plot(loaded: list[Loaded], path: Path) -> None:
    """Search, cold load and memory over the number of images, each with the line from nothing to the largest."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only where plots are asked for

    millions = [one.searched.images / MILLION for one in loaded]
    panels: list[tuple[str, list[tuple[str, list[float]]]]] = [
        (
            "milliseconds of processor time",
            [
                ("search in all views", [one.searched.search_ms for one in loaded]),
                ("eight bare passes", [8 * one.searched.bare_pass_ms for one in loaded]),
            ],
        ),
        ("seconds", [("cold load from Azurite", [one.load_seconds for one in loaded])]),
        (
            "gigabytes",
            [
                ("peak of the process", [one.peak_mb / 1000 for one in loaded]),
                ("arrays", [one.arrays_mb / 1000 for one in loaded]),
            ],
        ),
    ]
    figure, axes = plt.subplots(1, len(panels), figsize=(11, 3.4), layout="constrained")
    for axis, (unit, lines) in zip(axes, panels, strict=True):
        for color, (label, values) in zip(("C0", "C1"), lines, strict=False):
            axis.plot([0, millions[-1]], [0, values[-1]], color=color, linewidth=0.8, linestyle=":")
            axis.plot(millions, values, "o-", color=color, label=label)
        axis.set(xlabel="million images held", ylabel=unit, xlim=(0, None), ylim=(0, None))
        axis.legend(frameon=False)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
