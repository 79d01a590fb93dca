"""A burst of large images in one worker: peak memory with the budgets of the settings, without them, and before.

    python -m benchmarks.memory                    # 16 messages with 24-megapixel JPEGs at once, in 16 threads
    python -m benchmarks.memory --format PNG       # which cannot be shrunk while they are decoded
    python -m benchmarks.memory --against ../before  # and a checkout that decodes in the process of the app, as all did

Every run is a process of its own on Azurite: all images are ingested at once, as many threads as messages, then each
message (one image and two candidates) is verified, all at once again. The peak is that of the process and of its
decoders (VmHWM, summed): Python, NumPy, the SDK and everything else. Half of the JPEGs are progressive, which cannot
be decoded in strips.
Exit code 1 if the burst with the budgets takes more than `--limit` MB or loses a pair.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
from azure.storage.blob import BlobServiceClient
from PIL import Image
from rich.console import Console
from rich.table import Table

from dedup_app.configuration.settings import Settings
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from dedup_storage.connect import connect
from local_host.azurite import Azurite

CONTAINER = "images"
DISTINCT = 4  # pictures; drawing them takes longer than comparing them
ROOT = Path(__file__).resolve().parent.parent
BUDGETS = "budgets of the settings"
ONE_PROCESS = "decoding in the app's process"
BEFORE = f"{ONE_PROCESS}, before"
UNBOUNDED = dict.fromkeys(("DOWNLOAD_BUDGET_BYTES", "DECODE_BUDGET_BYTES"), str(64 * 1024**3))
RUNS: dict[str, dict[str, str]] = {
    BUDGETS: {},
    ONE_PROCESS: {"DECODER_ISOLATION": "off"},
    f"{ONE_PROCESS}, no budgets": {"DECODER_ISOLATION": "off", **UNBOUNDED},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=16)
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--format", choices=("JPEG", "PNG"), default="JPEG")
    parser.add_argument("--limit", type=int, default=2048, help="MB that app and decoders may take with the budgets")
    parser.add_argument("--budgets-only", action="store_true", help="leave out all but the first")
    parser.add_argument(
        "--against", type=Path, metavar="OLD", help="another checkout: the same burst in it, with its budgets"
    )
    parser.add_argument("--json", type=Path, help="write the numbers there")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(burst(arguments.messages)))
        return
    files = drawn_files(arguments)
    runs = {BUDGETS: RUNS[BUDGETS]} if arguments.budgets_only else RUNS
    results = {name: run(files, settings) for name, settings in runs.items()}
    if arguments.against:
        results[BEFORE] = run(files, {}, arguments.against.resolve())
    size = f"{min(map(len, files)) / 1e6:.1f} to {max(map(len, files)) / 1e6:.1f} MB a file"
    show(results, f"{arguments.messages} messages, {arguments.megapixels:g} megapixels, {arguments.format}, {size}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")
    bounded = results[BUDGETS]
    sys.exit(bounded["peak_mb"] > arguments.limit or bounded["pairs"] != bounded["expected_pairs"])


def drawn_files(arguments: argparse.Namespace) -> list[bytes]:
    """One for each message: copies of a few pictures, at different qualities, so that they make pairs."""
    height = round((arguments.megapixels * 1e6 / 1.5) ** 0.5)
    pictures = [picture(seed, round(height * 1.5), height) for seed in range(DISTINCT)]
    return [encoded(pictures[number % DISTINCT], arguments.format, number) for number in range(arguments.messages)]


def picture(seed: int, width: int, height: int) -> Image.Image:
    """Soft shapes with grain, so that the file has a size that photographs have."""
    dice = np.random.default_rng(seed)
    shapes = Image.fromarray(dice.integers(0, 256, (24, 36, 3), np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    grain = Image.effect_noise((width // 2, height // 2), 24).resize((width, height))
    return Image.blend(shapes, Image.merge("RGB", [grain] * 3), 0.1)


def encoded(image: Image.Image, file_format: str, number: int) -> bytes:
    file = BytesIO()
    if file_format == "PNG":
        image.save(file, "PNG", compress_level=1, dpi=(number + 1, number + 1))
    else:
        image.save(file, "JPEG", quality=80 + number % 16, progressive=number % 2 == 1)
    return file.getvalue()


def run(files: list[bytes], settings: dict[str, str], tree: Path = ROOT) -> dict[str, float]:
    with Azurite() as azurite:
        with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
            container = service.create_container(CONTAINER)
            for number, data in enumerate(files):
                container.upload_blob(str(number), data)
        environment = {
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",
            "ImageStorage": azurite.connection_string,
            "PYTHONPATH": str(tree),
            **settings,
        }
        command = [sys.executable, "-m", "benchmarks.memory", "--child", "--messages", str(len(files))]
        done = subprocess.run(command, env=environment, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the burst failed: {done.stderr}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def burst(messages: int) -> dict[str, float]:
    services = connect(Settings.from_environment(os.environ))
    services.features.tally()  # the SDK and its connection are not part of the burst
    idle = peak_mb()
    paths = [ImagePath(CONTAINER, str(number)) for number in range(messages)]
    requests = [
        VerifyMessage(path, tuple(VerifyTarget(paths[(number + step) % messages]) for step in (1, DISTINCT)))
        for number, path in enumerate(paths)
    ]
    started = time.perf_counter()
    with ThreadPoolExecutor(messages) as threads:
        list(threads.map(services.ingest.ingest, paths))
        ingested = time.perf_counter()
        ingest_peak = peak_mb()
        list(threads.map(services.verify.verify, requests))
    pairs = {frozenset({it.left, target.path}) for it in requests for target in it.rights}
    verified = {frozenset({it.left, it.right}) for it in services.pairs.all() if it.verdict and it.verdict.metrics}
    return {
        "idle_mb": idle,
        "ingest_peak_mb": ingest_peak,
        "peak_mb": peak_mb(),
        "ingest_seconds": ingested - started,
        "verify_seconds": time.perf_counter() - ingested,
        "pairs": len(pairs & verified),
        "expected_pairs": len(pairs),
    }


def peak_mb() -> float:
    """The peaks of this process and of its decoders together, which may have come at different moments."""
    process = psutil.Process()
    return sum(peak_of(it.pid) for it in (process, *process.children(recursive=True)))


def peak_of(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    if found is None:
        raise RuntimeError("this kernel tells no peak memory (VmHWM in /proc/self/status)")
    return int(found[1]) / 1024


def show(results: dict[str, dict[str, float]], title: str) -> None:
    table = Table("run", "idle MB", "ingest peak MB", "peak MB", "ingest s", "verify s", "pairs", title=title)
    for name, it in results.items():
        numbers = [f"{it[key]:.0f}" for key in ("idle_mb", "ingest_peak_mb", "peak_mb")]
        seconds = [f"{it[key]:.1f}" for key in ("ingest_seconds", "verify_seconds")]
        table.add_row(name, *numbers, *seconds, f"{it['pairs']:.0f} of {it['expected_pairs']:.0f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
