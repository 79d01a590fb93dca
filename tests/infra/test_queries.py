"""The queries of alerts and workbook, run by a Kusto engine over the lines that the app really logs."""

import importlib
import json
import logging
import re
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

import pytest

from dedup_app.event_log import invocation
from dedup_app.feedback.decisions import Act
from dedup_app.ports.findings import PREFIXES
from dedup_app.upkeep import do_each
from dedup_core.errors import DedupError, PermanentError, StoreBusy
from dedup_core.events import BLOB_CREATED
from dedup_core.loading.stats import LoaderStats
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath
from dedup_decoders.in_process import extract_features
from tests.app.judged import measured, pair
from tests.app.world import NOON, World, copy_of, photo
from tests.infra.deployments import INFRA, ROOT
from tests.remembered import remember

WORKBOOK = {
    it["name"]: it["content"]["query"]
    for it in json.loads((INFRA / "workbook.json").read_text())["items"]
    if "query" in it["content"]
}
# QueueProcessor.CopyMessageToPoisonQueueAsync of the storage extension, as a warning.
SET_ASIDE = "Message has reached MaxDequeueCount of 10. Moving message to queue 'verify-pairs-poison'."
EXAMPLE = ImagePath("images", "shirts/red.jpg")  # of the page on operation
NOT_IN_THIS_ENGINE = {"reasons"}  # bag_keys(); the parser of the same grammar takes it

type Rows = list[tuple[Any, ...]]


@pytest.fixture(autouse=True)
def _remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    remember(monkeypatch)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> "Log":
    return Log(caplog)


def engine() -> Any:
    """Not loaded by each of the processes that collect tests, of which it takes a third of a second."""
    return importlib.import_module("duckdb_kql")


@cache
def connection() -> Any:
    """One for all tests, each of which makes its tables anew: to connect takes as long as to ask."""
    return engine().connect()


class Log:
    """Application Insights with what an app has logged and how its functions ended."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        self._caplog.set_level(logging.INFO)
        self.extra: list[str] = []
        self.between = timedelta(seconds=1)
        self.requests: list[tuple[datetime, str, float, bool, str]] = []

    def of_ledger(self, world: World) -> str:
        """The line of the ledger once the timer has looked at everything."""
        while world.services.reconcile.run_slices().slices < len(PREFIXES):
            pass
        line = self._caplog.records[-1].getMessage()
        self._caplog.clear()
        return line

    def taken(self) -> list[str]:
        """What was logged so far, which is not there any more then."""
        lines = [it.getMessage() for it in self._caplog.records]
        self._caplog.clear()
        return lines

    def ask(self, query: str) -> Rows:
        lines = [it.getMessage() for it in self._caplog.records] + self.extra
        insights = connection()
        insights.execute("create or replace table traces(timestamp timestamp, message varchar, operation_Id varchar)")
        insights.execute(
            "create or replace table requests"
            "(timestamp timestamp, name varchar, duration double, success boolean, operation_Id varchar)"
        )
        for number, line in enumerate(lines):
            # The host gives a line the operation of its invocation.
            operation = json.loads(line).get("invocation", "") if line.startswith("{") else ""
            moment = NOON + number * self.between
            insights.execute("insert into traces values (?, ?, ?)", (moment, line, operation))
        for request in self.requests:
            insights.execute("insert into requests values (?, ?, ?, ?, ?)", request)
        rows: Rows = engine().kql(insights, query).fetchall()
        return rows

    def alert(self, name: str) -> Rows:
        return self.ask((INFRA / "queries" / f"{name}.kql").read_text())


def report(world: World, *instances: LoaderStats) -> None:
    for number, totals in enumerate(instances):
        world.stats.put("2026-05-31", f"instance-{number}", totals)
    world.services.reporting.report()


def used_app() -> World:
    """Two copies that came in, were compared and summed up, and a file that is no picture."""
    world = World()
    for name, data in (("a.png", photo(1)), ("b.jpg", copy_of(1)), ("letter.jpg", b"Dear Sir or Madam")):
        world.services.ingest.ingest(world.upload(name, data))
    (message,) = world.verify_queue.messages
    world.services.verify.handle_message(message.to_json(), "1")
    world.services.reporting.report()
    return world


def test_an_app_that_does_its_work_raises_no_alert(log: Log):
    used_app()
    log.requests = [(NOON, "verify_pairs", 250.0, True, "1")]
    assert log.alert("poison-messages") == log.alert("failures") == log.alert("coverage") == []
    assert len(log.alert("stalled-statistics")) == 1  # fewer would raise it


def test_no_report_is_found_where_there_was_none(log: Log):
    world = World()
    world.services.ingest.ingest(world.upload("loader_stats.png", photo(1)))
    log.extra = ["loader_stats in a line that is no report", '{"event": "other", "text": "loader_stats"}']
    assert log.alert("stalled-statistics") == []


def test_one_comparison_without_numbers_is_found_until_the_day_is_over(log: Log):
    report(World(), LoaderStats(comparisons_performed=10_000), LoaderStats(comparisons_failed=1))
    assert [row[0] for row in log.alert("coverage")] == ["2026-05-31"]


def test_only_the_latest_report_of_a_day_counts(log: Log):
    world = World()
    report(world, LoaderStats(comparisons_failed=1))
    report(world, LoaderStats(comparisons_performed=1))
    assert log.alert("coverage") == []


@pytest.mark.parametrize(
    ("minutes", "mended", "found"), [(5, False, 1), (5, True, 0), (1, False, 0)], ids=["for an hour", "mended", "short"]
)
def test_images_that_are_not_complete_for_an_hour_are_found(log: Log, minutes: int, mended: bool, found: int):
    log.between = timedelta(minutes=minutes)
    lost, whole = World(), World()
    lost.upload("lost.png", photo(1))
    incomplete, complete = log.of_ledger(lost), log.of_ledger(whole)
    log.extra = [complete if mended and number == 7 else incomplete for number in range(12)]
    assert len(log.alert("incomplete-ledger")) == found


def run_of_the_timer(log: Log, number: int, **parts: Callable[[], object]) -> list[str]:
    """What one run logs, in which all parts but these do as in an app that has nothing to do."""
    services = World().services
    with suppress(DedupError), invocation(f"run-{number}"):
        do_each(**{"report": services.reporting.report, "ledger": services.reconcile.run_slices} | parts)
    return log.taken()


def refused() -> None:
    raise PermanentError("403", reason="store-refused")


@pytest.mark.parametrize(
    ("failing", "runs", "found"),
    [
        ({}, 0, []),
        ({"index": refused}, 2, []),  # storage was busy
        ({"index": refused}, 12, [(12, 12, 0)]),
        ({"index": refused, "poison": refused}, 2, []),
        ({"ledger": refused}, 12, [(0, 12, None)]),
        ({"report": refused}, 12, [(12, 12, 0)]),
    ],
    ids=["all well", "twice", "snapshots", "two parts twice", "ledger", "report"],
)
def test_upkeep_that_fails_for_an_hour_is_found(log: Log, failing: dict, runs: int, found: Rows):
    lines = [run_of_the_timer(log, number, **(failing if number < runs else {})) for number in range(12)]
    log.extra = [line for run in lines for line in run]
    assert log.alert("upkeep") == found


def test_a_timer_whose_worker_dies_in_each_run_is_found_though_it_reports(log: Log):
    log.extra = [line for number in range(12) for line in run_of_the_timer(log, number) if '"ledger"' not in line]
    assert len(log.alert("stalled-statistics")) == 12  # as if all were well
    assert [row[0] for row in log.alert("upkeep")] == [0]


def test_a_damaged_log_is_found_though_every_image_is_complete(log: Log):
    whole = log.of_ledger(World())
    damaged = json.dumps(json.loads(whole) | {"damaged_bytes": 324})
    log.extra = [whole] * 12
    assert log.alert("upkeep") == log.alert("incomplete-ledger") == []
    log.extra = [whole] * 11 + [damaged]
    assert [row[2] for row in log.alert("upkeep")] == [324]
    assert log.alert("incomplete-ledger") == []


def test_alerts_work_with_the_rarest_schedule_that_the_page_names_and_not_beyond(log: Log):
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    (minutes,) = re.findall(r"^\| `STATS_SCHEDULE` .*at the rarest `0 \*/(\d+) \* \* \* \*`", page, re.MULTILINE)
    lost = World()
    lost.upload("lost.png", photo(1))
    line = log.of_ledger(lost)

    def found(every: int) -> list[int]:
        log.between, runs = timedelta(minutes=every), 60 // every
        log.extra = [line] * runs
        incomplete = len(log.alert("incomplete-ledger"))
        log.extra = [it for number in range(runs) for it in run_of_the_timer(log, number, index=refused)]
        return [incomplete, len(log.alert("upkeep"))]

    assert found(int(minutes)) == [1, 1]
    assert found(2 * int(minutes)) == [0, 0]


def test_a_message_that_the_host_set_aside_is_found(log: Log):
    used_app()
    log.extra = [SET_ASIDE, "Executed 'Functions.verify_pairs' (Failed)"]
    assert [row[1] for row in log.alert("poison-messages")] == [SET_ASIDE]


def fail(invocation_id: str, error: Exception) -> None:
    with suppress(type(error)), invocation(invocation_id):
        raise error


def test_a_try_that_failed_is_found_and_one_that_the_host_has_ended_is_kept_apart(log: Log):
    fail("busy", StoreBusy("503"))
    fail("defect", ZeroDivisionError())
    log.requests = [
        (NOON, "verify_pairs", 250.0, True, "fine"),
        (NOON, "verify_pairs", 900.0, False, "busy"),
        (NOON, "verify_pairs", 900.0, False, "defect"),
        (NOON, "ingest_images", 1200.0, False, "at the end of its instance"),
    ]
    assert [json.loads(row[1])["reason"] for row in log.alert("failures")] == ["store-busy", "defect"]
    assert [(row[0], row[1]) for row in log.ask(WORKBOOK["ended"])] == [("ingest_images", 1)]
    assert {(row[0], row[1]) for row in log.ask(WORKBOOK["failures"])} == {("store-busy", 1), ("defect", 1)}


def deny(world: World, count: int, *, of: int) -> None:
    """People look at pairs of copies, and say of so many that they are none."""
    features = extract_features(photo(1))
    for number in range(of):
        left, right = (ImagePath("images", f"{number}-{side}.png") for side in "ab")
        pair(world, features, left, right, measured(0.5))
        world.services.decisions.decide_pair(left, right, Act.NOT_DUPLICATE if number < count else Act.DUPLICATE, "ann")
    world.services.precision.tell()


@pytest.mark.parametrize(("denied", "found"), [(1, []), (9, ["duplicate"])])
def test_verdicts_that_people_deny_too_often_are_found(log: Log, denied: int, found: list[str]):
    deny(World(plain_index=True), denied, of=30)
    assert [row[0] for row in log.alert("low-precision")] == found
    [(verdict, looked_at, no_copies, *_)] = log.ask(WORKBOOK["seen"])
    assert (verdict, looked_at, no_copies) == ("duplicate", 30, denied)


@pytest.mark.parametrize("name", WORKBOOK)
def test_a_query_of_the_workbook_is_one(name: str):
    assert engine().parse(WORKBOOK[name]).ok


@pytest.mark.parametrize("name", sorted(set(WORKBOOK) - NOT_IN_THIS_ENGINE))
def test_a_query_of_the_workbook_shows_something(log: Log, name: str):
    used_app()
    log.extra = [SET_ASIDE]
    fail("busy", StoreBusy("503"))
    deny(World(), 1, of=2)
    log.requests = [(NOON, "verify_pairs", 250.0, True, "1"), (NOON, "verify_pairs", 1.0, False, "aborted")]
    rows = log.ask(WORKBOOK[name])
    assert rows
    assert all(value is not None for row in rows for value in row)


def test_the_workbook_shows_the_sums_of_the_day(log: Log):
    totals = LoaderStats(images_downloaded=7, bytes_downloaded=2_500_000, comparisons_performed=3, comparisons_failed=1)
    report(World(), totals, LoaderStats(comparisons_performed=6, peak_decoded_bytes=4_000_000))
    assert log.ask(WORKBOOK["days"]) == [("2026-05-31", 2, 9, 1, 7, 2.5, 6 * 9 - 7, 0.9, 4.0)]


def documented(language: str) -> str:
    """What the page on operation says to do to learn what happened to one image."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("### What happened to one image")[2]
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[0]


def test_the_id_of_an_image_is_what_the_documented_command_says():
    command = documented("sh").splitlines()[0]
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout.strip()
    assert said == EXAMPLE.image_id
    assert f"--partition-key {said[:2]} --row-key {said}" in documented("sh")


def test_what_happened_to_one_image_is_found_by_the_documented_query_and_nothing_of_others(log: Log):
    world = used_app()
    world.upload(EXAMPLE.name, photo(3))
    world.images.failures[EXAMPLE] = StoreBusy("503")
    event = {"eventType": BLOB_CREATED, "data": {"url": f"https://a.blob.core.windows.net/{EXAMPLE}"}}
    with suppress(StoreBusy), invocation("from the queue of events"):
        world.services.blob_events.handle_message(json.dumps(event), "1")
    with suppress(StoreBusy), invocation("from the queue of images"):
        world.services.ingest.handle_message(IngestMessage(EXAMPLE).to_json(), "2")
    del world.images.failures[EXAMPLE]
    world.services.ingest.handle_message(IngestMessage(EXAMPLE).to_json(), "2")
    rows = log.ask(documented("kusto"))
    assert [row[1:4] for row in rows] == [
        ("image_waits", "", "store-busy"),
        ("image_waits", "", "store-busy"),
        ("image_ingested", "indexed", ""),
    ]
    assert [row[6] for row in log.ask(documented("kusto"))][:2] == [
        "from the queue of events",
        "from the queue of images",
    ]


def test_an_image_and_a_message_of_pairs_write_as_many_lines_as_the_page_on_cost_counts(log: Log):
    page = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8").partition("## Logs")[2]
    (size,) = re.findall(r"the app a line of (\d+) bytes, for each message of pairs the same again", page)
    world = World()
    with invocation(str(uuid4())):
        for name, data in (("a.png", photo(1)), ("b.jpg", copy_of(1))):
            world.upload_and_ingest(name, data)
        world.verify_all()
    lines = log.taken()
    assert [json.loads(line)["event"] for line in lines] == ["image_ingested", "image_ingested", "pairs_verified"]
    assert [len(line) for line in lines] == pytest.approx([int(size)] * 3, rel=0.05)


def test_a_day_without_logs_is_told_by_the_alerts_on_lines_that_are_missing(log: Log):
    assert log.alert("stalled-statistics") == []
    assert len(log.alert("upkeep")) == 1
