"""The running app on real storage: images and comparisons a second, processor time by stage, storage operations.

    python -m benchmarks.pipeline --drawn 500 5000     # drawn pictures, a fifth of them near-duplicates
    python -m benchmarks.pipeline --photos FOLDER      # every picture of a folder; lists pairs called copies
    python -m benchmarks.pipeline --photos FOLDER --processes 1 --rounds 2 --checkouts OLD .   # two commits in turns
    python -m benchmarks.pipeline --photos FOLDER --processes 1 --rounds 2 --isolation off separate

Starts Azurite and the app (`local_host`) on free ports and uploads everything. Then the clock starts: the blobs are
announced as Event Grid announces them (by way of a queue with `--source queue`, or with `--source scan` found by the
host), and it stops when the queues are empty, so when every image has its final status and every pair its verdict.
Storage, host and app share this machine's cores, so a real storage account leaves more of them to the app. Processor
time by stage comes from clocks around the functions of each stage (`benchmarks/clocked_host.py`); operations from the
storage's access log. Processor time and peak memory are of the host with all processes below it, decoders included; the
peak is the highest sum that was seen. Checkouts differ in the app alone: host, clocks and storage are those of this one
(`benchmarks/checkouts.py`).
"""

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import batched
from pathlib import Path
from typing import Any

import psutil
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from benchmarks.announcing import CONTAINER, EVENTS_QUEUE, announce, put_on_queue
from benchmarks.checkouts import commit_of, linked, look_with
from benchmarks.clocked_host import CLOCK_FILE
from benchmarks.drawn_images import drawn_images
from benchmarks.pipeline_report import KINDS, RATE, STAGES, show
from benchmarks.process_tree import DECODERS, HOST, WORKER, ProcessTree, cpu_seconds
from benchmarks.storage_operations import count_billed, count_kinds
from dedup_app.configuration.settings import ISOLATIONS, Settings
from dedup_core.loading.stats import LoaderStats
from dedup_storage.connect import connect
from local_host.azurite import Azurite
from local_host.process import HostProcess

ROOT = Path(__file__).parent.parent
HOST_ID = "pipeline"
QUEUES = (f"azure-webjobs-blobtrigger-{HOST_ID}", EVENTS_QUEUE, "verify-pairs", "ingest-images")
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"}
SOURCES = {"events": "EventGrid", "queue": "EventGrid", "scan": "LogsAndContainerScan"}
SCAN_SECONDS = 10  # as the host does; every scan lists the whole container
EVENTS_AT_ONCE = 50
LOOK_SECONDS = 0.5
LIMIT_SECONDS = 7200


class PackagedHost(HostProcess):
    """The local host with nothing but the modules of the folder that it runs."""

    def __init__(self, app_dir: Path, env: Mapping[str, str]) -> None:
        super().__init__(app_dir, env, scan_seconds=SCAN_SECONDS)
        self._env["PYTHONPATH"] = str(app_dir)


class ClockedHost(PackagedHost):
    """The same with a clock on every stage."""

    module = "benchmarks.clocked_host"


def main() -> None:
    arguments = parse_arguments()
    results = [
        run(pictures, arguments, checkout, isolation)
        for _ in range(arguments.rounds)
        for checkout in arguments.checkouts
        for isolation in arguments.isolation
        for pictures in workloads(arguments)
    ]
    show(results, drawn=bool(arguments.drawn))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--photos", type=Path, help="a folder of pictures")
    what.add_argument("--drawn", type=int, nargs="+", help="as many pictures drawn in code, in a run each")
    parser.add_argument("--copies", type=float, default=0.2, help="share of near-duplicates among the drawn (0.2)")
    parser.add_argument("--processes", type=int, default=2, help="hosts side by side (2)")
    parser.add_argument("--source", choices=SOURCES, default="events", help="how blobs are announced (events)")
    parser.add_argument(
        "--isolation",
        nargs="+",
        choices=ISOLATIONS,
        default=["separate"],
        help="of the decoders, a run each (separate)",
    )
    parser.add_argument(
        "--checkouts", nargs="+", type=Path, default=[ROOT], help="folders with the app, a run each (this one)"
    )
    parser.add_argument("--rounds", type=int, default=1, help="how often everything is run, in turns (1)")
    parser.add_argument("--most", type=int, help="no more than so many pictures of the folder")
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    return parser.parse_args()


def workloads(arguments: argparse.Namespace) -> Iterator[Iterator[tuple[str, bytes]]]:
    if arguments.drawn:
        yield from (drawn_images(count, arguments.copies) for count in arguments.drawn)
        return
    files = sorted(it for it in arguments.photos.iterdir() if it.suffix.lower() in SUFFIXES)
    yield ((file.name, file.read_bytes()) for file in files[: arguments.most])


def run(
    pictures: Iterator[tuple[str, bytes]], arguments: argparse.Namespace, checkout: Path, isolation: str
) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="pipeline-") as name,
        Azurite(Path(name) / "azurite", access_log=Path(name) / "requests.log") as azurite,
    ):
        folder = Path(name)
        environment = {
            "AzureWebJobsStorage": azurite.connection_string,
            "ImageStorage": azurite.connection_string,
            "IMAGE_CONTAINER": CONTAINER,
            "BLOB_TRIGGER_SOURCE": SOURCES[arguments.source],
            "AzureFunctionsWebHost__hostid": HOST_ID,
            "DECODER_ISOLATION": isolation,
        }
        names = upload(azurite, pictures)
        app = linked(checkout, folder / "app")
        hosts = [
            ClockedHost(app, environment | {CLOCK_FILE: str(folder / f"{number}.json")})
            for number in range(arguments.processes)
        ]
        requests_before = len(azurite.requests())
        try:
            for host in hosts:
                host.start()
            timed = time_run(azurite, hosts, names, arguments.source)
        finally:
            for host in hosts:
                host.stop()
        clocks = [json.loads((folder / f"{number}.json").read_text()) for number in range(len(hosts))]
        requests = azurite.requests()[requests_before:]
        found = look_with(app, environment)
    images = len(names)
    kinds = {kind: count / images for kind, count in sorted(count_kinds(requests, CONTAINER).items())}
    stages = sum((Counter(it["cpu_seconds"]) for it in clocks), Counter()) + Counter(azurite=timed["azurite_seconds"])
    return {
        "commit": commit_of(checkout),
        "images": images,
        "hosts": arguments.processes,
        "announced_by": arguments.source,
        "decoders": isolation,
        **timed,
        RATE: images / timed["seconds"],
        "comparisons_per_second": found["comparisons"] / timed["seconds"],
        **{f"{who}_operations_per_image": of_owner(kinds, who) for who in ("app", "host")},
        **found,
        STAGES: {stage: seconds / images * 1000 for stage, seconds in stages.most_common()},
        KINDS: kinds,
        "billed_per_image": {
            f"{owner}: {billed}": count / images for (owner, billed), count in sorted(count_billed(requests).items())
        },
    }


def of_owner(kinds: Mapping[str, float], who: str) -> float:
    return sum(count for kind, count in kinds.items() if kind.startswith(who))


def upload(azurite: Azurite, pictures: Iterator[tuple[str, bytes]]) -> list[str]:
    names = []
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.create_container(CONTAINER)
        for name, data in pictures:
            container.upload_blob(name, data)
            names.append(name)
    return names


def time_run(azurite: Azurite, hosts: list[HostProcess], names: list[str], source: str) -> dict[str, float]:
    trees = [ProcessTree(host.pid) for host in hosts]
    azurite_before = cpu_seconds(psutil.Process(azurite.pid))
    before = used_by(trees)
    started = time.perf_counter()
    if source == "queue":
        put_on_queue(azurite, names)
    elif source == "events":
        for number, group in enumerate(batched(names, EVENTS_AT_ONCE, strict=False)):
            announce(azurite, hosts[number % len(hosts)], group)
    seconds = wait_until_done(azurite, started, trees, found_by_host=source == "scan")
    azurite_seconds = cpu_seconds(psutil.Process(azurite.pid)) - azurite_before
    after = used_by(trees)
    used = {role: after[role] - before[role] for role in (HOST, WORKER, DECODERS)}
    return {
        "seconds": seconds,
        "azurite_seconds": azurite_seconds,
        **{f"{role}_cpu_ms_per_image": spent / len(names) * 1000 for role, spent in used.items()},
        "app_with_decoders_cpu_ms_per_image": (used[WORKER] + used[DECODERS]) / len(names) * 1000,
        "cores_busy": (sum(used.values()) + azurite_seconds) / seconds,
        "host_peak_mib": max(tree.peak_mib for tree in trees),
        "host_processes": max(tree.most_processes for tree in trees),
        "load_average": os.getloadavg()[0],
    }


def used_by(trees: Iterable[ProcessTree]) -> Counter[str]:
    return sum((tree.look() for tree in trees), Counter())


def wait_until_done(azurite: Azurite, started: float, trees: list[ProcessTree], *, found_by_host: bool) -> float:
    """Seconds until the queues are empty; a message leaves its queue when it has been handled to the end.

    An image puts its verifications on the queue before its own message goes, so that empty means all is done.
    """
    seen = not found_by_host
    with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        while (seconds := time.perf_counter() - started) < LIMIT_SECONDS:
            waiting = sum(queue_length(service, name) for name in QUEUES)
            if seen and not waiting:
                return seconds
            seen = seen or waiting > 0
            for tree in trees:
                tree.look()
            time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"not done after {LIMIT_SECONDS} s")


def queue_length(service: QueueServiceClient, name: str) -> int:
    try:
        return service.get_queue_client(name).get_queue_properties().approximate_message_count or 0
    except ResourceNotFoundError:
        return 0


def look_into_tables(environment: dict[str, str]) -> dict[str, object]:
    services = connect(Settings.from_environment(environment))
    pairs = list(services.pairs.all())
    stats = LoaderStats.sum(list(services.stats.of_day(time.strftime("%Y-%m-%d", time.gmtime())).values()))
    copies = [pair for pair in pairs if pair.verdict and pair.verdict.kind in {"identical", "duplicate"}]
    return {
        "statuses": {str(status): count for status, count in services.features.tally().statuses.items()},
        "comparisons": stats.comparisons_performed,
        "comparisons_failed": stats.comparisons_failed,
        "reads_per_comparison": stats.images_downloaded / max(stats.comparisons_performed, 1),
        "verdicts": dict(Counter(str(pair.verdict.kind) if pair.verdict else "none" for pair in pairs)),
        "copies": [
            [str(it.left), str(it.right), str(it.verdict.kind), list(it.verdict.reasons)] for it in copies if it.verdict
        ],
    }


if __name__ == "__main__":
    main()
