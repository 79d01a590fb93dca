"""Runs a function by its schedule, and at once where a run was missed."""

import itertools
import json
import logging
import random
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobClient, ContainerClient

from local_host.runtime.bindings import Function, TimerTrigger
from local_host.runtime.protos import RetryContext, RpcException, RpcRetryOptions, TypedData
from local_host.runtime.worker import Invoker, Outcome
from local_host.storage.answers import sane_answers
from local_host.storage.state import RETRY_LOCK_SECONDS, Singleton, read_json, write_json
from local_host.threads import essential_thread
from local_host.timers.clock import Clock
from local_host.timers.schedule import Schedule, is_shorter_than_a_minute

MAX_WAIT_SECONDS = 5.0  # waits in pieces, so that a clock that was set or a laptop that slept is noticed
NEVER = "0001-01-01T00:00:00+00:00"

logger = logging.getLogger("local_host.timers")


@dataclass(frozen=True)
class TimerStatus:
    """What the host remembers of a timer, as it stands in `timers/<host id>/<function>/status`."""

    last: datetime | None
    next: datetime
    last_updated: datetime | None

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "TimerStatus":
        return cls(_moment(content["Last"]), datetime.fromisoformat(content["Next"]), _moment(content["LastUpdated"]))

    def to_json(self) -> dict[str, Any]:
        return {
            "Last": self.last.isoformat() if self.last else NEVER,
            "Next": self.next.isoformat(),
            "LastUpdated": self.last_updated.isoformat() if self.last_updated else NEVER,
        }


def check_past_due(stored: TimerStatus | None, schedule: Schedule, now: datetime) -> tuple[TimerStatus, bool]:
    """Return the status to begin with and whether a run was missed. A changed schedule begins anew."""
    fresh = TimerStatus(None, schedule.next_after(now), None)
    if stored is None:
        return TimerStatus(None, fresh.next, now), False
    since = stored.last_updated or stored.last or now
    if abs((schedule.next_after(since) - stored.next).total_seconds()) >= 1:
        return fresh, False
    return stored, now > stored.next


class TimerListener:
    """One thread for one timer function, so that it never overlaps itself; a lock keeps other hosts from it."""

    def __init__(
        self,
        worker: Invoker,
        function: Function,
        schedule: Schedule,
        container: ContainerClient,
        host_id: str,
        clock: Clock | None = None,
    ) -> None:
        trigger = function.trigger
        if not isinstance(trigger, TimerTrigger):
            raise TypeError(f"{function.name} has no timer trigger")
        self._worker = worker
        self._function = function
        self._trigger = trigger
        self._schedule = schedule
        self._clock = clock or Clock()
        self._status_blob: BlobClient | None = None
        if trigger.use_monitor and not is_shorter_than_a_minute(schedule, self._clock.now()):
            self._status_blob = container.get_blob_client(f"timers/{host_id}/{function.full_id}/status")
        self._singleton = Singleton(container, host_id, f"{function.full_id}.Listener")
        self._stop = threading.Event()
        self._thread = essential_thread(f"timer {function.name}", self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        run_on_startup = self._trigger.run_on_startup
        while self._singleton.acquire(self._stop):
            try:
                with sane_answers():
                    status, past_due = self._begin()
            except AzureError as error:
                logger.warning("The status of timer %s cannot be read: %s", self._function.name, error)
                self._stop.wait(RETRY_LOCK_SECONDS)
                continue
            if past_due or run_on_startup:
                status = self._invoke(status, past_due=past_due)
            run_on_startup = False
            while self._wait_until(status.next):
                status = self._invoke(status, past_due=False)
        self._singleton.release()

    def _begin(self) -> tuple[TimerStatus, bool]:
        now = self._clock.now()
        if self._status_blob is None:
            return check_past_due(None, self._schedule, now)
        content = read_json(self._status_blob)
        try:
            stored = None if content is None else TimerStatus.from_json(content)
        except (KeyError, ValueError) as error:
            logger.warning("The status of timer %s makes no sense (%r), beginning anew", self._function.name, error)
            stored = None
        status, past_due = check_past_due(stored, self._schedule, now)
        self._store(status)
        return status, past_due

    def call(self) -> None:
        """Run the function by hand, beside its schedule."""
        self._attempt(self._info(None, past_due=False), None, "This function was called by hand")

    def _invoke(self, status: TimerStatus, *, past_due: bool) -> TimerStatus:
        """Run once and return the status after it. The next run counts from this one's start: a tick overrun is due."""
        started = self._clock.now()
        self._invoke_with_retries(self._info(status, past_due=past_due), past_due=past_due)
        status = TimerStatus(started, self._schedule.next_after(started), started)
        self._store(status)
        return status

    def _info(self, status: TimerStatus | None, *, past_due: bool) -> TypedData:
        known = None if status is None or self._status_blob is None else status.to_json()
        info = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": known, "IsPastDue": past_due}
        return TypedData(json=json.dumps(info))

    def _invoke_with_retries(self, data: TypedData, *, past_due: bool) -> None:
        reason = "Timer past due" if past_due else "Timer fired"
        retry = self._function.retry
        if retry is None:
            self._attempt(data, None, reason)
            return
        outcome = Outcome(succeeded=False)
        for count in itertools.count():
            context = RetryContext(count, retry.max_retry_count, RpcException(outcome.error))
            outcome = self._attempt(data, context, reason)
            if outcome.succeeded or 0 <= retry.max_retry_count <= count:
                return
            if self._clock.wait(self._stop, retry_delay_seconds(retry, count)):
                return

    def _attempt(self, data: TypedData, retry: RetryContext | None, reason: str) -> Outcome:
        metadata = {"TimerTrigger": TypedData(string=f"{self._clock.now():%m/%d/%Y %H:%M:%S}")}
        return self._worker.invoke(self._function, data, metadata, reason, retry)

    def _wait_until(self, moment: datetime) -> bool:
        """Wait for the next run; False when it is time to stop or another host has taken over."""
        while self._singleton.held:
            seconds = (moment - self._clock.now()).total_seconds()
            if seconds <= 0:
                return not self._stop.is_set()
            if self._clock.wait(self._stop, min(seconds, MAX_WAIT_SECONDS)):
                return False
        return False

    def _store(self, status: TimerStatus) -> None:
        if self._status_blob is None:
            return
        try:
            with sane_answers():
                write_json(self._status_blob, status.to_json())
        except AzureError as error:
            logger.warning("The status of timer %s could not be stored: %s", self._function.name, error)


def retry_delay_seconds(retry: RpcRetryOptions, count: int) -> float:
    """Return the pause before a retry: fixed, or doubling between two limits with jitter."""
    if retry.delay_interval is not None:
        return retry.delay_interval.total_seconds()
    low = retry.minimum_interval.total_seconds() if retry.minimum_interval else 0.0
    high = retry.maximum_interval.total_seconds() if retry.maximum_interval else low
    return min(high, low * 2.0**count * random.uniform(0.8, 1.2))  # noqa: S311


def _moment(text: str) -> datetime | None:
    return None if text.startswith("0001-") else datetime.fromisoformat(text)
