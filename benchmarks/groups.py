"""The review page over many groups, and time and memory of a large verdict log, side by side with a bare read of it.

    python -m benchmarks.groups                    # 5,000 groups behind the page, then a log of 500,000 pairs
    python -m benchmarks.groups --json results.json

The page is asked as its server asks it, over Azurite. Cold is a process of its own, with compiled modules as packages
and any second start have them, from its start to the first whole page; warm is the first page again after a new
verdict; the storage's access log counts operations. A part of the groups has three images and more, up to crowds of
twenty, and a person has decided about every tenth.
Exit code 1 if a goal is missed.
"""

import argparse
import asyncio
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from benchmarks.checkouts import HERE, packaged
from dedup_app.collector import paused_collector
from dedup_app.configuration.settings import Settings
from dedup_app.records.group_book import GroupBook
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.facts import Decided, Decision, Family, ImageFacts, Link
from dedup_core.groups.keeper import KeeperPolicy
from dedup_storage.account.clients import open_clients
from dedup_storage.logs.reading import READ_BYTES
from dedup_storage.logs.segments import AzureSegments
from dedup_storage.logs.verdict_log import PREFIX, VerdictLog
from local_host.azurite import Azurite

if TYPE_CHECKING:
    from starlette.types import ASGIApp

GOALS = {"cold first page": 3.0, "warm first page": 1.0, "next page": 0.3, "load and group": 5.0, "memory MB": 300.0}
MOST_OPERATIONS_A_PAGE = 4  # the tail of the log is read, and whether another segment has begun
SIZES = (2, 2, 2, 2, 2, 3, 3, 4, 6, 20)  # images of a group: half are pairs
NOON = 1_780_000_000_000_000
PAGES = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=5_000)
    parser.add_argument("--pairs", type=int, default=500_000)
    parser.add_argument("--json", type=Path, help="write the numbers there")
    parser.add_argument("--child", choices=("page", "load"), help=argparse.SUPPRESS)
    parser.add_argument("--account", help=argparse.SUPPRESS)
    parser.add_argument("--access-log", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        done = page(arguments.account, arguments.access_log) if arguments.child == "page" else load(arguments.account)
        print(json.dumps(done))
        return 0
    found = {
        "page": measured("page", filled(groups=arguments.groups)),
        "load": measured("load", filled(pairs=arguments.pairs)),
    }
    told = {
        "cold first page": found["page"]["cold_seconds"],
        "warm first page": found["page"]["warm_seconds"],
        "next page": found["page"]["slowest_next_seconds"],
        "load and group": found["load"]["seconds"],
        "memory MB": found["load"]["megabytes"],
    }
    for name, goal in GOALS.items():
        print(f"{name:16} {told[name]:8.2f}  (at most {goal:g})")
    operations = found["page"]["most_operations_a_page"]
    print(f"{'operations':16} {operations:8d}  (at most {MOST_OPERATIONS_A_PAGE} a page)")
    print(json.dumps(found, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    missed = [name for name, goal in GOALS.items() if told[name] > goal]
    return 1 if missed or operations > MOST_OPERATIONS_A_PAGE else 0


def filled(*, groups: int = 0, pairs: int = 0) -> Iterator[ImageFacts | Link | Decided]:
    """Records as the app writes them, of so many groups, or of as many as have so many pairs in all."""
    made = number = 0
    while (number < groups) if groups else (made < pairs):
        size = SIZES[number % len(SIZES)]
        images = [image(number, place) for place in range(size)]
        yield from images
        for place, left in enumerate(images):
            for right in images[place + 1 :]:
                kind = VerdictKind.IDENTICAL if number % 7 == 0 else VerdictKind.DUPLICATE
                yield Link(*sorted((left.image_id, right.image_id)), kind, 1, 1, NOON + number)  # type: ignore[misc]
                made += 1
        if number % 10 == 0:
            yield Decided.of(images[0], images[1], Decision.DUPLICATE, by="ann", at=NOON + number)
        number += 1


def image(group: int, place: int) -> ImageFacts:
    path = f"images/uploads/2026/{group % 365:03}/photo-{group:07}-{place:02}.jpg"
    digest = hashlib.sha256(path.encode()).digest()
    side = 4000 >> (place % 3)
    return ImageFacts(
        digest[:16], path, 1, digest[16:], side, side * 3 // 4, side * 300, "JPEG", 95 - place % 20, place > 0, side
    )


def measured(what: str, records: Iterator[ImageFacts | Link | Decided]) -> dict[str, float]:
    """What a process of its own says of a log with these records."""
    with tempfile.TemporaryDirectory() as folder, Azurite(access_log=Path(folder, "access.log")) as azurite:
        settings = Settings.from_environment({"ImageStorage": azurite.connection_string})
        clients = open_clients(settings.require_image_storage(), largest_read=READ_BYTES)
        VerdictLog(AzureSegments(clients.blobs, settings.index_container, PREFIX)).append(records)
        app = packaged(HERE, Path(folder, "app"))
        command = [sys.executable, "-m", "benchmarks.groups", "--child", what, "--account", azurite.connection_string]
        started = time.time()
        done = subprocess.run(
            [*command, "--access-log", str(azurite.access_log)],
            cwd=app,
            env={**os.environ, "PYTHONPATH": str(app)},
            check=True,
            capture_output=True,
            text=True,
        )
        result: dict[str, float] = json.loads(done.stdout)
        if "first_page_at" in result:
            result["cold_seconds"] = result.pop("first_page_at") - started
        return result


def page(account: str, access_log: Path) -> dict[str, float]:
    with paused_collector():  # as `dedup review` starts
        from dedup_storage.connect import connect  # noqa: PLC0415 - loading it is part of a cold start
        from dedup_web.app import create_app  # noqa: PLC0415

        services = connect(Settings.from_environment({"ImageStorage": account}))
        app = create_app(services, who="ann")
    counts: list[int] = []

    def asked(cursor: str | None) -> tuple[float, dict[str, object]]:
        before, start = lines(access_log), time.perf_counter()
        body = asyncio.run(answer(app, "/api/groups", {"state": "all", **({"cursor": cursor} if cursor else {})}))
        seconds = time.perf_counter() - start
        counts.append(lines(access_log) - before)
        return seconds, json.loads(body)

    _, first = asked(None)
    at, groups = time.time(), int(str(first["matching"]))
    cold_operations = counts[0]
    left, right = image(0, 0), image(10**6, 0)
    services.verdict_log.append([left, right, Link(*sorted((left.image_id, right.image_id)), VerdictKind.DUPLICATE, 1, 1, NOON * 2)])  # type: ignore[misc]  # fmt: skip  # noqa: E501
    counts.clear()
    warm, shown = asked(None)
    nexts, cursor = [], shown["next_cursor"]
    for _ in range(PAGES):
        seconds, shown = asked(str(cursor))
        nexts.append(seconds)
        cursor = shown["next_cursor"]
    return {
        "groups": groups,
        "first_page_at": at,
        "cold_operations": cold_operations,
        "warm_seconds": warm,
        "slowest_next_seconds": max(nexts),
        "usual_next_seconds": sorted(nexts)[PAGES // 2],
        "most_operations_a_page": max(counts),
    }


async def answer(app: "ASGIApp", path: str, query: Mapping[str, str]) -> bytes:
    """The body of the answer to a GET, which has to be a good one, without the time of any client's own."""
    told: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": urlencode(query).encode(),
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, send)
    assert told[0]["status"] == 200, told
    return b"".join(message.get("body", b"") for message in told)


def load(account: str) -> dict[str, float]:
    settings = Settings.from_environment({"ImageStorage": account})
    clients = open_clients(settings.require_image_storage(), largest_read=READ_BYTES)
    segments = AzureSegments(clients.blobs, settings.index_container, PREFIX)
    start, size = time.perf_counter(), 0
    while chunk := segments.read(1, size, READ_BYTES).data:  # what the bare read takes, in the same run
        size += len(chunk)
    bare = time.perf_counter() - start
    del chunk
    before = peak_megabytes()
    start = time.perf_counter()
    book = GroupBook(VerdictLog(segments), KeeperPolicy(), lambda _first: False)
    groups = len(book.groups(frozenset(Family)))
    seconds = time.perf_counter() - start
    return {
        "groups": groups,
        "log_megabytes": size / 1e6,
        "bare_read_seconds": bare,
        "seconds": seconds,
        "megabytes": peak_megabytes() - before,
        "process_megabytes": peak_megabytes(),
    }


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def lines(access_log: Path) -> int:
    return access_log.read_bytes().count(b"\n")


if __name__ == "__main__":
    sys.exit(main())
