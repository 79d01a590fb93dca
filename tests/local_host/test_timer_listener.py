"""Timers run by their schedule, catch up once, and never overlap themselves."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from local_host.runtime.bindings import Function, TimerTrigger
from local_host.runtime.protos import RpcRetryOptions
from local_host.runtime.worker import Outcome
from local_host.storage.state import HOSTS_CONTAINER, open_container, read_json, write_json
from local_host.timers.clock import Clock
from local_host.timers.listener import MAX_WAIT_SECONDS, TimerListener, TimerStatus, check_past_due, retry_delay_seconds
from local_host.timers.schedule import parse_schedule
from tests.local_host.conftest import Call, FakeInvoker, wait_until

HOURLY = parse_schedule("0 0 * * * *", {"TZ": "UTC"})
EVERY_SECOND = "* * * * * *"
STATUS = "timers/host-1/Host.Functions.f/status"

type Start = Callable[..., TimerListener]


class MovedClock(Clock):
    """Stands still until the test moves it; `advance` lets those go on that have waited until then."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 10, 12, 30, 0, 500_000, UTC)
        self._waiting: list[datetime] = []
        self._changed = threading.Condition()

    def now(self) -> datetime:
        return self._now

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        until = self._now + timedelta(seconds=seconds)
        with self._changed:
            self._waiting.append(until)
            while self._now < until and not stop.is_set():
                self._changed.wait(0.02)
            self._waiting.remove(until)
        return stop.is_set()

    def advance(self, seconds: float) -> None:
        wait_until(lambda: len(self._waiting) > 0)
        self.jump(seconds)
        wait_until(lambda: all(until > self._now for until in list(self._waiting)))

    def jump(self, seconds: float) -> None:
        with self._changed:
            self._now += timedelta(seconds=seconds)
            self._changed.notify_all()


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


def timer_function(
    schedule: str, *, run_on_startup: bool = False, use_monitor: bool = True, retry: RpcRetryOptions | None = None
) -> Function:
    trigger = TimerTrigger("timer", schedule, run_on_startup=run_on_startup, use_monitor=use_monitor)
    return Function("f", "id-1", trigger, retry)


def info(call: Call) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(str(call.data.json))
    return content


@pytest.fixture
def hosts(blobs: BlobServiceClient) -> ContainerClient:
    return open_container(blobs, HOSTS_CONTAINER)


@pytest.fixture
def start(hosts: ContainerClient, clock: MovedClock) -> Iterator[Start]:
    started: list[TimerListener] = []

    def start_one(invoker: FakeInvoker, function: Function) -> TimerListener:
        assert isinstance(function.trigger, TimerTrigger)
        schedule = parse_schedule(function.trigger.schedule, {"TZ": "UTC"})
        listener = TimerListener(invoker, function, schedule, hosts, "host-1", clock)
        started.append(listener)
        listener.start()
        return listener

    yield start_one
    for listener in started:
        listener.stop()
        listener.join()


def store(hosts: ContainerClient, *, next_run: datetime, last_updated: datetime) -> None:
    write_json(hosts.get_blob_client(STATUS), TimerStatus(last_updated, next_run, last_updated).to_json())


def hour(offset: int) -> datetime:
    return datetime(2026, 3, 10, 12, tzinfo=UTC) + timedelta(hours=offset)


def test_a_timer_runs_by_its_schedule(invoker: FakeInvoker, start: Start, clock: MovedClock) -> None:
    start(invoker, timer_function(EVERY_SECOND))
    clock.advance(0.4)
    assert invoker.calls == []
    for count in (1, 2, 3):
        clock.advance(1)
        calls = invoker.wait_for_calls(count)
        assert len(calls) == count
        assert calls[-1].metadata["TimerTrigger"].string == f"03/10/2026 12:30:0{count}"
    assert info(calls[0]) == {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}


def test_a_timer_does_not_run_at_the_start_unless_it_is_told_to(
    invoker: FakeInvoker, start: Start, clock: MovedClock
) -> None:
    start(invoker, timer_function("0 0 0 1 1 *"))
    for _ in range(3):
        clock.advance(MAX_WAIT_SECONDS)
    assert invoker.calls == []


def test_run_on_startup_runs_at_once_and_is_not_past_due(invoker: FakeInvoker, start: Start) -> None:
    start(invoker, timer_function("0 0 0 1 1 *", run_on_startup=True))
    (call,) = invoker.wait_for_calls(1)
    assert info(call)["IsPastDue"] is False


def test_the_status_is_kept_beside_those_of_other_hosts(
    invoker: FakeInvoker, start: Start, hosts: ContainerClient, clock: MovedClock
) -> None:
    start(invoker, timer_function("0 0 * * * *", run_on_startup=True))
    blob = hosts.get_blob_client(STATUS)
    wait_until(lambda: blob.exists() and not (read_json(blob) or {})["Last"].startswith("0001"))
    status = TimerStatus.from_json(read_json(blob) or {})
    assert status.last is not None
    assert status.last == clock.now()
    assert status.next == HOURLY.next_after(status.last)
    assert status.last_updated == status.last  # the start of the run


def test_the_metadata_holds_the_time_and_there_is_no_retry_context_without_a_policy(
    invoker: FakeInvoker, start: Start
) -> None:
    start(invoker, timer_function("0 0 0 1 1 *", run_on_startup=True))
    (call,) = invoker.wait_for_calls(1)
    assert re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", str(call.metadata["TimerTrigger"].string))
    assert set(call.metadata) == {"TimerTrigger"}
    assert call.retry is None


def test_a_tick_that_a_run_has_overrun_runs_at_once(start: Start, clock: MovedClock) -> None:
    def slow(_call: Call) -> Outcome:
        clock.jump(1.2 if len(invoker.calls) == 1 else 0)
        return Outcome(succeeded=True)

    invoker = FakeInvoker(slow)
    start(invoker, timer_function(EVERY_SECOND))
    clock.advance(1)  # and not a second time
    assert len(invoker.wait_for_calls(2)) == 2


def test_a_missed_run_is_made_up_at_the_start_and_marked_past_due(
    invoker: FakeInvoker, start: Start, hosts: ContainerClient
) -> None:
    store(hosts, next_run=hour(-2), last_updated=hour(-3))
    start(invoker, timer_function("0 0 * * * *", run_on_startup=True))
    (call,) = invoker.wait_for_calls(1)  # once, though two hours were missed
    assert info(call)["IsPastDue"] is True
    assert info(call)["ScheduleStatus"]["Next"] == hour(-2).isoformat()
    blob = hosts.get_blob_client(STATUS)
    wait_until(lambda: (read_json(blob) or {})["Next"] == hour(1).isoformat())
    assert len(invoker.calls) == 1


def test_a_changed_schedule_begins_anew_and_is_not_past_due(
    invoker: FakeInvoker, start: Start, hosts: ContainerClient
) -> None:
    odd = hour(-2) + timedelta(minutes=17)  # no time of the hourly schedule
    store(hosts, next_run=odd, last_updated=hour(-3))
    start(invoker, timer_function("0 0 * * * *"))
    blob = hosts.get_blob_client(STATUS)
    wait_until(lambda: (read_json(blob) or {})["Next"] == hour(1).isoformat())
    assert invoker.calls == []


@pytest.mark.parametrize("content", ["no json", '{"Next": 7}', "[]"])
def test_a_status_that_makes_no_sense_begins_anew(
    invoker: FakeInvoker, start: Start, hosts: ContainerClient, content: str
) -> None:
    blob = hosts.get_blob_client(STATUS)
    blob.upload_blob(content)
    start(invoker, timer_function("0 0 * * * *"))
    wait_until(lambda: (read_json(blob) or {}).get("Next") == hour(1).isoformat())


@pytest.mark.parametrize(
    "function",
    [
        timer_function("0 0 * * * *", run_on_startup=True, use_monitor=False),
        timer_function("*/30 * * * * *", run_on_startup=True),
    ],
)
def test_without_monitor_or_below_a_minute_no_status_is_kept(
    invoker: FakeInvoker, start: Start, hosts: ContainerClient, function: Function
) -> None:
    listener = start(invoker, function)
    (call,) = invoker.wait_for_calls(1)
    listener.stop()
    listener.join()
    assert info(call)["ScheduleStatus"] is None
    assert not hosts.get_blob_client(STATUS).exists()


def test_a_slow_timer_never_overlaps_itself(start: Start, clock: MovedClock) -> None:
    running: list[Call] = []
    at_once: list[int] = []

    def slow(call: Call) -> Outcome:
        running.append(call)
        at_once.append(len(running))
        clock.jump(3)
        running.remove(call)
        return Outcome(succeeded=True)

    invoker = FakeInvoker(slow)
    start(invoker, timer_function(EVERY_SECOND))
    clock.advance(1)
    invoker.wait_for_calls(4)
    assert set(at_once) == {1}


def test_a_failing_timer_goes_on_by_its_schedule(start: Start, clock: MovedClock) -> None:
    failing = FakeInvoker(lambda _call: Outcome(succeeded=False, error="boom"))
    start(failing, timer_function(EVERY_SECOND))
    for count in (1, 2):
        clock.advance(1)
        failing.wait_for_calls(count)
    assert [info(call)["IsPastDue"] for call in failing.calls] == [False, False]


def test_of_two_hosts_only_one_runs_the_timer_and_the_other_takes_over(
    invoker: FakeInvoker, start: Start, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_host.storage.state.RETRY_LOCK_SECONDS", 0.1)
    listeners = [start(invoker, timer_function(EVERY_SECOND)) for _ in range(2)]
    for count in (1, 2, 3):
        clock.advance(1)
        assert len(invoker.wait_for_calls(count)) == count
    (active,) = [listener for listener in listeners if listener._singleton.held]
    active.stop()
    active.join()
    clock.advance(1)
    invoker.wait_for_calls(4)


def test_a_retry_policy_tries_a_failed_timer_again(start: Start, clock: MovedClock) -> None:
    failing = FakeInvoker(lambda _call: Outcome(succeeded=False, error="boom"))
    retry = RpcRetryOptions(2, "fixed_delay", delay_interval=timedelta(seconds=3))
    start(failing, timer_function("0 0 0 1 1 *", run_on_startup=True, retry=retry))
    for count in (1, 2):
        failing.wait_for_calls(count)
        clock.advance(3)
    calls = failing.wait_for_calls(3)
    clock.advance(MAX_WAIT_SECONDS)  # it waits for the next year now
    assert len(failing.calls) == 3
    contexts = [call.retry for call in calls if call.retry is not None]
    assert [(context.retry_count, context.max_retry_count) for context in contexts] == [(0, 2), (1, 2), (2, 2)]
    assert contexts[2].exception is not None
    assert contexts[2].exception.message == "boom"


def test_the_pause_between_retries_doubles_between_its_limits() -> None:
    retry = RpcRetryOptions(
        5, "exponential_backoff", minimum_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10)
    )
    assert 0.8 <= retry_delay_seconds(retry, 0) <= 1.2
    assert 3.2 <= retry_delay_seconds(retry, 2) <= 4.8
    assert retry_delay_seconds(retry, 6) == 10


def test_the_first_start_of_a_timer_is_never_past_due() -> None:
    now = datetime.now(UTC)
    assert check_past_due(None, HOURLY, now) == (TimerStatus(None, HOURLY.next_after(now), now), False)
