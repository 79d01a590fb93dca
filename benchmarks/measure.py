"""`dedup measure` on a folder of photographs in Azurite: what it reads and calls, how long it takes, what it holds.

    python -m benchmarks.measure FOLDER [--sample 300] [--json FILE] [--html FILE] [--data DIR] [--against QUALITY.JSON]

FOLDER is taken in by the app's own services first; with --data the account stays there for another run. Calls are
counted at the storage side, memory is the proportional set size of all processes together. --against names what
`python benchmarks/quality.py --photos FOLDER --json QUALITY.JSON` gave: every change is told whose interval there does
not meet the one here.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from benchmarks.process_tree import HOST, ProcessTree
from dedup_app.configuration.settings import Settings
from dedup_app.intervals import Share
from dedup_app.services import Services
from dedup_core.paths import ImagePath
from dedup_storage.connect import connect
from local_host.azurite import Azurite, StorageRequest

ROOT = Path(__file__).resolve().parent.parent
SUFFIXES = {".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
LOOK_SECONDS = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--json", type=Path, help="write what was counted")
    parser.add_argument("--html", type=Path, help="write the report of the command")
    parser.add_argument("--record", type=Path, help="write the figures of the command")
    parser.add_argument("--keep", type=Path, help="keep what was measured there, for `dedup tune`")
    parser.add_argument("--data", type=Path, help="where the account stays")
    parser.add_argument("--against", type=Path, help="what benchmarks/quality.py found")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "access.log"
        data = options.data or Path(folder) / "data"
        data.mkdir(exist_ok=True, parents=True)
        with Azurite(data, access_log=log) as azurite:
            environment = {"ImageStorage": azurite.connection_string, "IMAGE_CONTAINER": "images"}
            images = take_in(options.folder, environment)
            before = len(azurite.requests())
            told = run(environment, options, Path(folder))
            counted = told | calls_of(azurite.requests()[before:]) | {"stored": images}
    print(json.dumps({name: value for name, value in counted.items() if name != "record"}, indent=1))
    if options.against:
        compare(counted["record"], json.loads(options.against.read_text()))
    if options.json:
        options.json.write_text(json.dumps({k: v for k, v in counted.items() if k != "record"}, indent=1) + "\n")


def take_in(folder: Path, environment: dict[str, str]) -> int:
    """Upload, ingest and verify whatever is not there yet; how many images there are."""
    services = connect(Settings.from_environment(environment))
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    with BlobServiceClient.from_connection_string(environment["ImageStorage"]) as blobs:
        container = blobs.get_container_client("images")
        try:
            container.create_container()
        except ResourceExistsError:
            known = set(container.list_blob_names())
        else:
            known = set()
        new = [path for path in files if path.name not in known]
        for path in new:
            container.upload_blob(path.name, path.read_bytes())
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda path: services.ingest.ingest(ImagePath("images", path.name)), new))
    verify_all(services, environment["ImageStorage"])
    services.decoders.close()
    return len(files)


def verify_all(services: Services, connection_string: str) -> None:
    """Work through the queue, as the host would."""
    queue = QueueClient.from_connection_string(connection_string, services.settings.verify_queue)
    with suppress(ResourceExistsError):
        queue.create_queue()
    while messages := list(queue.receive_messages(max_messages=32)):
        for message in messages:
            services.verify.handle_message(message.content, message.id)
            queue.delete_message(message)


def run(environment: dict[str, str], options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    record = options.record or folder / "record.json"
    arguments = ["--sample", str(options.sample), "--json", str(record), "--yes"]
    arguments += ["--html", str(options.html.resolve())] if options.html else []
    arguments += ["--keep", str(options.keep.resolve())] if options.keep else []
    command = [sys.executable, "-m", "dedup_cli", "measure", *arguments]
    outside = {**os.environ, **environment, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder)}
    started = time.monotonic()
    process = subprocess.Popen(command, env=outside, cwd=folder, stdout=subprocess.DEVNULL)
    tree = ProcessTree(process.pid)
    used: Counter[str] = Counter()
    while process.poll() is None:
        used = tree.look() or used
        time.sleep(LOOK_SECONDS)
    if process.returncode:
        sys.exit(f"dedup measure ended with {process.returncode}")
    found = json.loads(record.read_text())
    return {
        "sample": found["images"]["drawn"],
        "copies": found["interval"]["of"],
        "images_read": found["images_read"],
        "bytes_read": found["bytes_read"],
        "seconds": round(time.monotonic() - started, 1),
        "cpu_seconds": round(sum(used.values()), 1),
        "cpu_seconds_of_workers": round(sum(used.values()) - used[HOST], 1),
        "peak_mib": round(tree.peak_mib, 1),
        "processes": tree.most_processes,
        "load_average": os.getloadavg()[1],
        "cores": os.cpu_count(),
        "record": found,
    }


def calls_of(requests: list[StorageRequest]) -> dict[str, Any]:
    """By method, and by what was asked for."""
    methods = Counter(request.method for request in requests)
    kinds: Counter[str] = Counter()
    for request in requests:
        path = request.url.partition("?")[0]
        images = "/images/" in path
        kinds["reads of images" if images else "log and snapshots" if "dedup-index" in path else "tables"] += 1
    return {"calls": sum(methods.values()), "methods": dict(methods), "kinds": dict(kinds)}


def compare(here: dict[str, Any], there: dict[str, Any]) -> None:
    changes, known = here["changes"], there["ours"]["transforms"]
    both = sorted(set(changes) & set(known))
    apart = []
    for name in both:
        found, copies = changes[name]["found"], known[name]["copies"]
        other = Share(round(known[name]["verdict_recall"] * copies), copies)
        if not meet(found, other):
            apart.append(f"{name}: {found['share']:.3f} of {found['of']} against {other.share:.3f} of {copies}")
    print(f"{len(both) - len(apart)} of {len(both)} changes agree within their intervals")
    print("\n".join(apart))
    for name, point in there["ours"]["presets"].items():
        other, found = Share(point["found"], point["copies"]), here["policies"][name]
        how = "meet" if meet(found["interval"], other) else "part"
        print(f"{name}: {found['found']:.4f} against {point['verdict_recall']:.4f}, intervals {how}")


def meet(found: dict[str, float], other: Share) -> bool:
    """Whether two intervals have anything in common."""
    return max(found["low"], other.low) <= min(found["high"], other.high)


if __name__ == "__main__":
    main()
