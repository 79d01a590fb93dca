"""The running app on real storage: images and comparisons a second, and storage operations an image by kind.

    python -m benchmarks.pipeline --photos FOLDER      # every picture of a folder; lists pairs called copies
    python -m benchmarks.pipeline --drawn 500          # pictures drawn in code, for counting operations

Starts Azurite and the app (`local_host`) on free ports, uploads everything first, then starts the clock and the app,
and stops when every image has its final status, every pair its verdict and the queues are empty. Storage, host and app
share this machine's cores, so a real storage account leaves more of them to the app.
"""

import argparse
import io
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import psutil
from azure.storage.blob import BlobServiceClient
from PIL import Image
from rich.console import Console
from rich.table import Table

from dedup_app.ports import PROCESSING
from dedup_app.services import Services
from dedup_app.settings import Settings
from dedup_core.stats import LoaderStats
from dedup_storage.connect import connect
from local_host.azurite import ACCOUNT, Azurite
from local_host.process import HostProcess

ROOT = Path(__file__).parent.parent
CONTAINER = "images"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"}
COPY_EVERY = 5  # of the drawn pictures, so that the number of pairs grows with the number of images
LIMIT_SECONDS = 7200


def main() -> None:
    arguments = _parse()
    with tempfile.TemporaryDirectory(prefix="pipeline-") as folder:
        result = run(Path(folder), _pictures(arguments), arguments.processes)
    show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


def run(folder: Path, pictures: Iterator[tuple[str, bytes]], processes: int) -> dict:
    with Azurite(folder / "azurite", access_log=folder / "requests.log") as azurite:
        environment = {
            "AzureWebJobsStorage": azurite.connection_string,
            "ImageStorage": azurite.connection_string,
            "IMAGE_CONTAINER": CONTAINER,
            "BLOB_TRIGGER_SOURCE": "LogsAndContainerScan",
            "AzureFunctionsWebHost__hostid": "pipeline",
        }
        images = _upload(azurite, pictures)
        services = connect(Settings.from_environment(environment))
        requests_before = len(azurite.requests())
        hosts = [HostProcess(ROOT, environment, scan_seconds=1) for _ in range(processes)]
        started = time.perf_counter()
        try:
            for host in hosts:
                host.start()
            began = time.perf_counter()
            indexed_seconds, seconds = _wait(services, images, began)
            cpu_seconds = sum(_cpu_seconds(host.pid) for host in hosts)
            peak_mib = max(_peak_mib(host.pid) for host in hosts)
        finally:
            for host in hosts:
                host.stop()
        requests = azurite.requests()[requests_before:]
        pairs = list(services.pairs.all())
        statuses = services.features.count_by_status()
        stats = LoaderStats.sum(list(services.stats.of_day(time.strftime("%Y-%m-%d", time.gmtime())).values()))
    return {
        "images": images,
        "statuses": statuses,
        "host_start_seconds": round(began - started, 2),
        "indexed_seconds": round(indexed_seconds, 2),
        "seconds": round(seconds, 2),
        "images_per_second": round(images / seconds, 2),
        "comparisons": len(pairs),
        "comparisons_per_second": round(len(pairs) / seconds, 2),
        "reads_per_comparison": round(stats.images_downloaded / max(stats.comparisons_performed, 1), 3),
        "host_cpu_seconds_per_image": round(cpu_seconds / images, 4),
        "host_peak_mib": round(peak_mib, 1),
        "verdicts": dict(Counter(str(pair.verdict.kind) for pair in pairs if pair.verdict)),
        "copies": [
            [str(pair.left), str(pair.right), str(pair.verdict.kind), list(pair.verdict.reasons)]
            for pair in pairs
            if pair.verdict and pair.verdict.kind in {"identical", "duplicate"}
        ],
        "operations_per_image": {
            kind: round(count / images, 3) for kind, count in sorted(Counter(map(_kind, requests)).items())
        },
    }


def _upload(azurite: Azurite, pictures: Iterator[tuple[str, bytes]]) -> int:
    count = 0
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.create_container(CONTAINER)
        for name, data in pictures:
            container.upload_blob(name, data)
            count += 1
    return count


def _wait(services: Services, images: int, began: float) -> tuple[float, float]:
    """Seconds until every image had its final status, and until every pair had its verdict too."""
    indexed_seconds = 0.0
    while (seconds := time.perf_counter() - began) < LIMIT_SECONDS:
        if not indexed_seconds:
            counts = services.features.count_by_status()
            if sum(count for status, count in counts.items() if status != PROCESSING) == images:
                indexed_seconds = seconds
        elif not any(length.waiting for length in services.queues.lengths().values()):
            return indexed_seconds, seconds
        time.sleep(1)  # each look costs the storage emulator something, and it shares our cores
    raise TimeoutError(f"not done after {LIMIT_SECONDS} s")


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def _kind(request: object) -> str:
    """What kind of operation a request was, by whom it serves: the app, or the host."""
    url = urlsplit(request.url)
    path = unquote(url.path).removeprefix(f"/{ACCOUNT}/")
    query = parse_qs(url.query)
    head = path.split("/")[0].split("(")[0]
    if head in {"features", "pairs", "loaderstats", "reports"}:
        return f"app: table {head} {request.method}"
    if head == CONTAINER and "list" not in query.get("comp", []):
        # The host looks whether the blob is still the one of its message; the app only ever gets.
        return f"{'app' if request.method == 'GET' else 'host'}: image {request.method} {request.status}"
    if head == "dedup-index":
        return f"app: log {request.method}{' append' if 'appendblock' in query.get('comp', []) else ''}"
    if head.startswith(("verify-pairs", "ingest-images", "azure-webjobs-blobtrigger", "webjobs-")):
        verb = {"POST": "send", "GET": "receive", "DELETE": "delete", "PUT": "update"}.get(
            request.method, request.method
        )
        owner = "app" if head == "verify-pairs" and verb == "send" else "host"
        return f"{owner}: queue {re.sub(r'-[0-9a-z]*$', '', head) if 'webjobs' in head else head} {verb}"
    return f"host: {head if head.startswith('azure-webjobs') else 'other'} {request.method}"


def _pictures(arguments: argparse.Namespace) -> Iterator[tuple[str, bytes]]:
    if arguments.drawn:
        yield from _drawn(arguments.drawn)
        return
    for file in sorted(arguments.photos.iterdir()):
        if file.suffix.lower() in SUFFIXES:
            yield file.name, file.read_bytes()


def _drawn(count: int) -> Iterator[tuple[str, bytes]]:
    """Random abstract paintings of 640 x 480; every fifth is the one before it at another JPEG quality."""
    for number in range(count):
        is_copy = number % COPY_EVERY == COPY_EVERY - 1
        random = np.random.default_rng(number - 1 if is_copy else number)
        blobs = random.integers(0, 256, (7, 9, 3), dtype=np.uint8)
        picture = Image.fromarray(blobs).resize((640, 480), Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=60 if is_copy else 90)
        yield f"{number:06}.jpg", buffer.getvalue()


def show(result: dict) -> None:
    console = Console()
    table = Table(title=f"{result['images']} images through the running app")
    table.add_column("what")
    table.add_column("value", justify="right")
    for name, value in result.items():
        if name not in {"copies", "operations_per_image"}:
            table.add_row(name.replace("_", " "), str(value))
    console.print(table)
    operations = Table(title="storage operations an image")
    operations.add_column("kind")
    operations.add_column("count", justify="right")
    for kind, count in result["operations_per_image"].items():
        operations.add_row(kind, f"{count:.3f}")
    console.print(operations)
    for left, right, kind, reasons in result["copies"][:20]:
        console.print(f"{kind}: {left} and {right}: {'; '.join(reasons)}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--photos", type=Path, help="a folder of pictures")
    what.add_argument("--drawn", type=int, help="this many pictures drawn in code, every fifth a copy")
    parser.add_argument("--processes", type=int, default=1, help="hosts side by side (1)")
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
