"""Storage clients of the test's own account, and a stand-in for the worker that notes what it is told to run."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, QueueServiceClient

from local_host.runtime.bindings import Function
from local_host.runtime.protos import RetryContext, TypedData
from local_host.runtime.worker import Outcome
from tests.azurite import Account

WAIT_SECONDS = 60.0  # only what fails takes so long


@dataclass(frozen=True)
class Call:
    function: Function
    data: TypedData
    metadata: Mapping[str, TypedData]
    reason: str
    retry: RetryContext | None
    at: float


@dataclass
class FakeInvoker:
    """Runs no function; answers what `answer` says, in the caller's thread."""

    answer: Callable[[Call], Outcome] = lambda _call: Outcome(succeeded=True)
    calls: list[Call] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def invoke(
        self,
        function: Function,
        data: TypedData,
        metadata: Mapping[str, TypedData],
        reason: str,
        retry: RetryContext | None = None,
    ) -> Outcome:
        call = Call(function, data, metadata, reason, retry, time.monotonic())
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()
        return self.answer(call)

    def wait_for_calls(self, count: int) -> list[Call]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.calls) >= count, WAIT_SECONDS), f"{len(self.calls)} calls"
            return list(self.calls)


@pytest.fixture
def invoker() -> FakeInvoker:
    return FakeInvoker()


@pytest.fixture
def blobs(account: Account) -> BlobServiceClient:
    return BlobServiceClient.from_connection_string(account.connection_string)


@pytest.fixture
def queues(account: Account) -> QueueServiceClient:
    return QueueServiceClient.from_connection_string(account.connection_string)


@pytest.fixture
def queue(queues: QueueServiceClient) -> QueueClient:
    return queues.create_queue("work")


@pytest.fixture
def stopped_at_end() -> Iterator[list["Stoppable"]]:
    """What a test puts into this list is stopped when it ends."""
    started: list[Stoppable] = []
    yield started
    for each in started:
        each.stop()
    for each in started:
        each.join()


class Stoppable:
    def stop(self) -> None: ...

    def join(self) -> None: ...


def wait_until(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def texts(client: QueueClient) -> list[str]:
    """The messages that are visible in a queue."""
    return [message.content for message in client.peek_messages(max_messages=32)]
