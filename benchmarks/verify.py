"""The old way and ours, side by side on the same blobs: reads at the storage side, bytes, seconds, memory.

    python -m benchmarks.verify                        # pairs of 1, 12 and 24 megapixels, and 200 small pairs
    python -m benchmarks.verify --small-pairs 10000    # the old way takes a sample of them (`--old-sample`)

Every way has a process of its own, which lives through the whole run of a workload; the two take turns, a block of
pairs each, so that whatever else the machine does meets both. Reads are counted in Azurite's access log. "with storage"
is the time of a comparison with its reads; "alone" is the processor time of one without them, on one core, which other
programs on the machine hardly change. Memory is what the comparisons added to the process after its imports and a
warm-up.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from azure.storage.blob import BlobServiceClient
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.peak_memory import peak_bytes, reset_peak
from dedup_core.errors import DedupError
from local_host.azurite import Azurite

ROOT = Path(__file__).resolve().parent.parent
CONTAINER = "images"
MEGAPIXELS = {1: (1200, 900), 12: (4000, 3000), 24: (6000, 4000)}
SMALL_SIZE = (320, 240)
SMALL_IMAGES = 100
BLOCKS = 10
MAX_IMAGE_BYTES = 64 * 1024 * 1024
# Scikit-learn's threads wait for each other at full speed: next to another busy program two of them take fifty times
# longer than one, which would flatter us.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
WAYS = ("old", "new")

type Compare = Callable[[str, str], dict[str, float]]
type Numbers = dict[str, float]


def main() -> None:
    arguments = parse_arguments()
    if arguments.child:
        run_child(arguments.child, alone=arguments.alone)
        return
    rows = []
    with (
        tempfile.TemporaryDirectory(prefix="verify-") as folder,
        Azurite(access_log=Path(folder) / "requests.log") as azurite,
    ):
        workloads = upload(azurite, arguments.photo, arguments.small_pairs)
        for workload, pairs in workloads.items():
            rows.append(measure(azurite, workload, {"old": pairs[: arguments.old_sample], "new": pairs}))
    show(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, help="picture to enlarge; without it one that scikit-image ships")
    parser.add_argument("--small-pairs", type=int, default=200)
    parser.add_argument("--old-sample", type=int, default=300, help="pairs of a workload that the old way takes (300)")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    parser.add_argument("--child", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def upload(azurite: Azurite, photo: Path | None, small_pairs: int) -> dict[str, list[str]]:
    """Workload -> pairs, each written as `left right`; the right image is a paler copy at a lower JPEG quality."""
    original = Image.open(photo or shipped_photo()).convert("RGB")
    workloads: dict[str, list[str]] = {}
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.create_container(CONTAINER)

        def put(name: str, picture: Image.Image, quality: int) -> str:
            buffer = BytesIO()
            picture.save(buffer, "JPEG", quality=quality)
            container.upload_blob(name, buffer.getvalue())
            return f"{CONTAINER}/{name}"

        for megapixels, size in MEGAPIXELS.items():
            picture = enlarge(original, size)
            left = put(f"{megapixels}-left.jpg", picture, 90)
            right = put(f"{megapixels}-right.jpg", picture.point(lambda value: min(255, value + 8)), 70)
            workloads[f"{megapixels} megapixel{'s' * (megapixels > 1)}"] = [f"{left} {right}"]
        small = [
            put(f"small-{number}.jpg", enlarge(original.rotate(number), SMALL_SIZE), 85)
            for number in range(SMALL_IMAGES)
        ]
        pairs = [f"{small[n % SMALL_IMAGES]} {small[(n + 1) % SMALL_IMAGES]}" for n in range(small_pairs)]
        workloads["{} x {}".format(*SMALL_SIZE)] = pairs
    return workloads


def shipped_photo() -> Path:
    """A photo in the public domain, found without importing its package."""
    spec = importlib.util.find_spec("skimage")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "data" / "coffee.png"


def enlarge(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """At `size`, with a camera's grain, so that the JPEG file is as large as that of a real photo."""
    pixels = np.asarray(picture.resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
    grain = np.random.default_rng(0).normal(0, 6, (*pixels.shape[:2], 1)).astype(np.int16)
    return Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8))


def measure(azurite: Azurite, workload: str, pairs: dict[str, list[str]]) -> dict:
    """Both ways on their pairs; the processor time alone on as many of ours as the old way has."""
    stored = take_turns(azurite, pairs, alone=False)
    alone = take_turns(azurite, {way: pairs[way][: len(pairs["old"])] for way in WAYS}, alone=True)
    row: dict = {"workload": workload}
    for way in WAYS:
        row[way] = {
            "comparisons": len(pairs[way]),
            "failures": stored[way]["failures"],
            "reads_per_comparison": stored[way]["storage_reads"] / len(pairs[way]),
            "megabytes_per_comparison": stored[way]["bytes"] / len(pairs[way]) / 1e6,
            "seconds_with_storage": stored[way]["seconds"] / len(pairs[way]),
            "seconds_alone": alone[way]["seconds"] / len(pairs["old"]),
            "peak_megabytes": stored[way]["peak_bytes"] / 1e6,
        }
    return row


def take_turns(azurite: Azurite, pairs: dict[str, list[str]], *, alone: bool) -> dict[str, Numbers]:
    """Totals by way. Each way compares a block of its pairs, then the other one does."""
    children = {way: start_child(azurite, way, alone=alone) for way in WAYS}
    totals: dict[str, Numbers] = {way: Counter() for way in WAYS}
    for block in range(BLOCKS):
        for way, child in children.items():
            mine = pairs[way][block * len(pairs[way]) // BLOCKS : (block + 1) * len(pairs[way]) // BLOCKS]
            if mine:
                reads_before = image_reads(azurite)
                totals[way] = Counter(totals[way]) + Counter(ask(child, mine))
                totals[way]["storage_reads"] += image_reads(azurite) - reads_before
    for way, child in children.items():
        totals[way]["peak_bytes"] = float(child.communicate()[0])
    return totals


def image_reads(azurite: Azurite) -> int:
    return sum(request.method == "GET" and f"/{CONTAINER}/" in request.url for request in azurite.requests())


def start_child(azurite: Azurite, way: str, *, alone: bool) -> subprocess.Popen[str]:
    environment = os.environ | ONE_THREAD | {"ImageStorage": azurite.connection_string}
    command = [sys.executable, "-m", "benchmarks.verify", "--child", way, *(["--alone"] if alone else [])]
    return subprocess.Popen(
        command, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def ask(child: subprocess.Popen[str], pairs: list[str]) -> Numbers:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps(pairs) + "\n")
    child.stdin.flush()
    return json.loads(child.stdout.readline())


def run_child(way: str, *, alone: bool) -> None:
    """Compare the pairs of every line of the input and answer each with its numbers; at the end with the peak.

    With `alone` the blobs are fetched before the clock starts, and one core does the work.
    """
    counted = Counter(bytes=0)
    kept: dict[str, bytes] = {}
    read_blob = blob_reader()

    def read(path: str) -> bytes:
        if path not in kept:
            data = read_blob(path)
            counted["bytes"] += len(data)
            return data
        return kept[path]

    compare = old_compare(read) if way == "old" else new_compare(read)
    kept.update(warm_up_images())
    compare(*kept)
    kept.clear()
    if alone:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    clock = time.process_time if alone else time.perf_counter
    idle_bytes = reset_peak()
    for line in sys.stdin:
        pairs = [pair.split() for pair in json.loads(line)]
        if alone:
            kept.update({path: read(path) for pair in pairs for path in pair})
        counted.clear()
        started = clock()
        failures = sum(not compared(compare, *pair) for pair in pairs)
        seconds = clock() - started
        print(json.dumps({"seconds": seconds, "bytes": counted["bytes"], "failures": failures}), flush=True)
    print(peak_bytes() - idle_bytes)


def compared(compare: Compare, left: str, right: str) -> bool:
    """Whether the comparison gave its three numbers; a failure is one that the loader names."""
    try:
        metrics = compare(left, right)
    except DedupError as error:
        print(f"{left} and {right}: {error}", file=sys.stderr)
        return False
    return len(metrics) == 3 and all(np.isfinite(list(metrics.values())))


def warm_up_images() -> dict[str, bytes]:
    """Two small images that never were in storage: they load every module and fill every pool."""
    images = {}
    for number, color in enumerate(("navy", "olive")):
        picture = Image.new("RGB", (64, 64), color)
        picture.paste("white", (10, 10 + number, 30, 40))
        buffer = BytesIO()
        picture.save(buffer, "JPEG")
        images[f"{CONTAINER}/warm-up-{number}.jpg"] = buffer.getvalue()
    return images


def old_compare(read: Callable[[str], bytes]) -> Compare:
    from benchmarks.old_way import OldWay  # noqa: PLC0415 - the new way must not carry scikit-learn

    return OldWay(read).compare


def new_compare(read: Callable[[str], bytes]) -> Compare:
    from dedup_core.loading.loader import MemoryEfficientImageLoader  # noqa: PLC0415

    return MemoryEfficientImageLoader(lambda path: read(str(path))).compute_all_color_metrics


def blob_reader() -> Callable[[str], bytes]:
    service = BlobServiceClient.from_connection_string(
        os.environ["ImageStorage"],  # noqa: SIM112 - the setting's name
        max_single_get_size=MAX_IMAGE_BYTES,
    )

    def read(path: str) -> bytes:
        container, name = path.split("/", maxsplit=1)
        return service.get_blob_client(container, name).download_blob().readall()

    return read


def show(rows: list[dict]) -> None:
    table = Table(title="one comparison, the old way / ours")
    for column in (
        "",
        "comparisons",
        "failures",
        "reads",
        "MB read",
        "ms with storage",
        "ms alone",
        "faster alone",
        "MB above idle",
        "memory saved",
    ):
        table.add_column(column, justify="right")
    for row in rows:
        old, new = row["old"], row["new"]
        table.add_row(
            row["workload"],
            both(old, new, "comparisons", "{:,.0f}"),
            both(old, new, "failures", "{:.0f}"),
            both(old, new, "reads_per_comparison", "{:.2g}"),
            both(old, new, "megabytes_per_comparison", "{:.1f}"),
            both(old, new, "seconds_with_storage", "{:,.0f}", scale=1000),
            both(old, new, "seconds_alone", "{:,.0f}", scale=1000),
            f"{old['seconds_alone'] / new['seconds_alone']:.1f} x",
            both(old, new, "peak_megabytes", "{:.0f}"),
            f"{1 - new['peak_megabytes'] / old['peak_megabytes']:.1%}",
        )
    Console(width=140).print(table)


def both(old: dict, new: dict, name: str, template: str, scale: float = 1) -> str:
    return f"{template.format(old[name] * scale)} / {template.format(new[name] * scale)}"


if __name__ == "__main__":
    main()
