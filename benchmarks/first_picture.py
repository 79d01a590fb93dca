"""How soon an app that has just started answers: the first picture, and a function without one, of checkouts in turns.

    python -m benchmarks.first_picture --photo FILE --checkouts OLD . --rounds 7

Each round starts Azurite and a host with the app, its modules compiled as in the package that is deployed, uploads the
photograph, announces it as Event Grid does, and waits until its row says `indexed`: nothing of the app but `import
function_app` has happened before. Then the second one, of other bytes. The function without a picture is `import
function_app` and its services, in a fresh process. The least of the rounds counts, because other programs on the
machine only ever add to it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableServiceClient

from benchmarks.announcing import CONTAINER, announce
from benchmarks.checkouts import HERE, commit_of, packaged
from benchmarks.pipeline import HOST_ID, SOURCES, PackagedHost, upload
from local_host.azurite import Azurite

WITHOUT_A_PICTURE = """
import os, function_app
from dedup_app.configuration.settings import Settings
from dedup_storage.connect import connect
connect(Settings.from_environment(dict(os.environ)))
"""
PICTURES = ("first", "second")
LOOK_SECONDS = 0.005
LIMIT_SECONDS = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, required=True, help="the picture")
    parser.add_argument("--checkouts", nargs="+", type=Path, default=[HERE], help="folders with the app (this one)")
    parser.add_argument("--rounds", type=int, default=7, help="of each checkout, in turns (7)")
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    arguments = parser.parse_args()
    found: dict[str, dict[str, list[float]]] = {}
    for _ in range(arguments.rounds):
        for checkout in arguments.checkouts:
            of_commit = found.setdefault(commit_of(checkout), {})
            for name, seconds in one_round(checkout, arguments.photo.read_bytes()):
                of_commit.setdefault(name, []).append(seconds)
    least = {commit: {name: min(times) for name, times in of.items()} for commit, of in found.items()}
    show(least)
    if arguments.json:
        told = {"least": least, "all": found, "load_average": os.getloadavg()[1]}
        arguments.json.write_text(json.dumps(told, indent=2) + "\n")


def one_round(checkout: Path, photo: bytes) -> Iterator[tuple[str, float]]:
    with tempfile.TemporaryDirectory(prefix="first-") as name, Azurite(Path(name) / "azurite") as azurite:
        app = packaged(checkout, Path(name) / "app")
        environment = {
            "AzureWebJobsStorage": azurite.connection_string,
            "ImageStorage": azurite.connection_string,
            "IMAGE_CONTAINER": CONTAINER,
            "BLOB_TRIGGER_SOURCE": SOURCES["events"],
            "AzureFunctionsWebHost__hostid": HOST_ID,
        }
        upload(azurite, iter([("first", photo), ("second", photo + bytes(1))]))
        with PackagedHost(app, environment) as host:
            for picture in PICTURES:
                started = time.perf_counter()
                announce(azurite, host, (picture,))
                wait_for_row(azurite, picture)
                yield f"{picture} picture, from its event to its row, s", time.perf_counter() - started
        yield "a function without a picture, processor s", processor_seconds(app, environment)


def wait_for_row(azurite: Azurite, name: str) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        table = service.get_table_client("features")
        while time.monotonic() < end:
            try:
                rows = list(table.query_entities(f"path eq '{CONTAINER}/{name}' and status eq 'indexed'"))
            except ResourceNotFoundError:  # no table yet
                rows = []
            if rows:
                return
            time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"{name} is not indexed after {LIMIT_SECONDS:g} s")


def processor_seconds(app: Path, environment: dict[str, str]) -> float:
    process = subprocess.Popen(
        [sys.executable, "-c", WITHOUT_A_PICTURE], cwd=app, env={**os.environ, **environment, "PYTHONPATH": str(app)}
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{WITHOUT_A_PICTURE!r} failed in {app}")
    return usage.ru_utime + usage.ru_stime


def show(least: dict[str, dict[str, float]]) -> None:
    first, *others = least
    for name, before in least[first].items():
        print(f"{name}: {first} {before:.3f}")
        for other in others:
            after = least[other][name]
            print(f"    {other} {after:.3f}: {after - before:+.3f} s, {after / before:.2f} times as long")


if __name__ == "__main__":
    main()
