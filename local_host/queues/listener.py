"""Takes messages from one queue and gives each to a handler, by the rules of the Functions host."""

import contextlib
import enum
import itertools
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from local_host.storage.answers import sane_answers
from local_host.threads import essential_thread

# As the host: how long a message that was received stays hidden, unless renewed, and the first pause of an idle queue.
DEFAULT_LEASE_SECONDS = 600
MIN_POLLING_SECONDS = 0.1
MAX_QUEUE_NAME_LENGTH = 63  # the limit of Queue Storage
POISON_SUFFIX = "-poison"
# What the service answers for a message that is gone or that another host has taken meanwhile.
LOST_MESSAGE_STATUSES = frozenset({400, 404, 409, 412})

logger = logging.getLogger("local_host.queues")


class Result(enum.Enum):
    """What became of a message: finished, to be tried again, or never to be tried again."""

    DONE = enum.auto()
    FAILED = enum.auto()
    POISON = enum.auto()


@dataclass(frozen=True)
class ListenerOptions:
    """At most `batch_size` + `new_batch_threshold` messages are in flight; times are in seconds."""

    batch_size: int
    new_batch_threshold: int
    max_dequeue_count: int
    visibility_timeout_seconds: float = 0.0
    max_polling_seconds: float = 60.0
    lease_seconds: int = DEFAULT_LEASE_SECONDS

    @property
    def max_in_flight(self) -> int:
        return self.batch_size + self.new_batch_threshold


class Poison(Protocol):
    """Takes in messages that failed too often."""

    @property
    def name(self) -> str: ...

    def add(self, text: str) -> None: ...


class PoisonQueue:
    """The queue for messages that failed too often, made when the first one arrives."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client

    @property
    def name(self) -> str:
        return str(self._client.queue_name)

    def add(self, text: str) -> None:
        try:
            self._client.send_message(text)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                self._client.create_queue()
            self._client.send_message(text)


def poison_queue_name(queue: str) -> str | None:
    """Return the name of a queue's poison queue, or None where the host has none either."""
    name = queue + POISON_SUFFIX
    return None if queue.endswith(POISON_SUFFIX) or len(name) > MAX_QUEUE_NAME_LENGTH else name


def polling_delays(max_polling_seconds: float) -> Iterator[float]:
    """Yield how long to wait after each empty answer in a row: at first 0.1 s, then doubling, with jitter."""
    delay = min(MIN_POLLING_SECONDS, max_polling_seconds)
    for doublings in itertools.count():
        yield delay
        if delay < max_polling_seconds:
            increment = MIN_POLLING_SECONDS * 2.0**doublings * random.uniform(0.8, 1.2)  # noqa: S311
            delay = min(MIN_POLLING_SECONDS + increment, max_polling_seconds)


@dataclass
class _Held:
    """A message that is hidden from others; the lock guards its pop receipt against the renewal."""

    message: QueueMessage
    pop_receipt: str
    renew_at: float
    lock: threading.Lock = field(default_factory=threading.Lock)


class QueueListener:
    """Polls a queue in its own thread and handles the messages in others."""

    def __init__(
        self,
        client: QueueClient,
        poison: Poison | None,
        handle: Callable[[QueueMessage], Result],
        options: ListenerOptions,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._poison = poison
        self._handle = handle
        self._options = options
        self._clock = clock
        self._messages: dict[int, _Held] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._polling = True
        self._notified = False
        self._pool = ThreadPoolExecutor(options.max_in_flight, thread_name_prefix=f"{client.queue_name}")
        self._threads = [
            essential_thread(f"poll {client.queue_name}", self._poll),
            essential_thread(f"renew {client.queue_name}", self._renew),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def notify(self) -> None:
        """Look into the queue at once: this host has just put something there."""
        with self._changed:
            self._notified = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Take no more messages; what is in flight goes on."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def join(self) -> None:
        """Wait until everything in flight is finished."""
        for thread in self._threads:
            thread.join()
        self._pool.shutdown(wait=True)

    def _poll(self) -> None:
        delays = polling_delays(self._options.max_polling_seconds)
        while self._wait_for_room():
            messages = self._receive()
            if self._stopping:
                self._hand_back(messages)
                break
            for message in messages:
                self._begin(message)
            if messages:
                delays = polling_delays(self._options.max_polling_seconds)
            else:
                self._wait(next(delays))
        with self._changed:
            self._polling = False
            self._changed.notify_all()

    def _hand_back(self, messages: Sequence[QueueMessage]) -> None:
        """Make visible again what a receive brought that was under way when the stop came."""
        for message in messages:
            try:
                with sane_answers():
                    self._client.update_message(message.id, message.pop_receipt, visibility_timeout=0)
            except AzureError as error:
                logger.warning("Message %s comes back only when its lease ends: %s", message.id, error)

    def _wait_for_room(self) -> bool:
        """Wait until few enough messages are in flight for a new batch; False when it is time to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or len(self._messages) <= self._options.new_batch_threshold)
            return not self._stopping

    def _wait(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._notified, seconds)
            self._notified = False

    def _receive(self) -> list[QueueMessage]:
        size = self._options.batch_size
        try:
            with sane_answers():
                pages = self._client.receive_messages(
                    messages_per_page=size, visibility_timeout=self._options.lease_seconds
                ).by_page()
                return list(next(pages, ()))
        except ResourceNotFoundError:
            return []  # nobody has made the queue yet
        except AzureError as error:
            logger.warning("Queue %s cannot be read: %s", self._client.queue_name, error)
            return []

    def _begin(self, message: QueueMessage) -> None:
        held = _Held(message, str(message.pop_receipt), self._clock() + self._options.lease_seconds / 2)
        with self._changed:
            self._messages[id(held)] = held
        self._pool.submit(self._process, held).add_done_callback(self._report_crash)

    def _process(self, held: _Held) -> None:
        try:
            count = held.message.dequeue_count or 0
            result = Result.POISON if count > self._options.max_dequeue_count else self._handle(held.message)
            if result is Result.FAILED and count >= self._options.max_dequeue_count:
                result = Result.POISON
            self._settle(held, result)
        finally:
            with self._changed:
                del self._messages[id(held)]
                self._changed.notify_all()

    def _settle(self, held: _Held, result: Result) -> None:
        with held.lock:
            held.renew_at = float("inf")
            if result is Result.POISON:
                if self._poison is None:
                    return  # it stays hidden until its lease ends
                self._poison.add(held.message.content)
                logger.warning(
                    "Message %s of queue %s moved to %s, try %s",
                    *(held.message.id, self._client.queue_name, self._poison.name, held.message.dequeue_count),
                )
            try:
                if result is Result.FAILED:
                    self._release(held)
                else:
                    self._client.delete_message(held.message.id, held.pop_receipt)
            except HttpResponseError as error:
                if error.status_code not in LOST_MESSAGE_STATUSES:
                    raise
                logger.info("Message %s is no longer ours: %s", held.message.id, error.reason)

    def _release(self, held: _Held) -> None:
        """Make a failed message visible again, after the pause that host.json asks for."""
        seconds = round(self._options.visibility_timeout_seconds)
        self._client.update_message(held.message.id, held.pop_receipt, visibility_timeout=seconds)
        if seconds == 0:
            self.notify()

    def _renew(self) -> None:
        lease = self._options.lease_seconds
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: not self._polling and not self._messages, min(1.0, lease / 10)):
                    return
                due = [held for held in self._messages.values() if held.renew_at <= self._clock()]
            for held in due:
                self._renew_one(held, lease)

    def _renew_one(self, held: _Held, lease: int) -> None:
        with held.lock:
            if held.renew_at > self._clock():
                return
            try:
                with sane_answers():
                    renewed = self._client.update_message(held.message.id, held.pop_receipt, visibility_timeout=lease)
            except HttpResponseError as error:
                if error.status_code in LOST_MESSAGE_STATUSES:
                    logger.warning("Message %s could not be kept: %s", held.message.id, error.reason)
                    held.renew_at = float("inf")
                    return
                held.renew_at = self._clock() + lease / 10
            except AzureError as error:
                logger.warning("Message %s could not be renewed, trying again: %s", held.message.id, error)
                held.renew_at = self._clock() + lease / 10
            else:
                held.pop_receipt = str(renewed.pop_receipt)
                held.renew_at = self._clock() + lease / 2

    def _report_crash(self, future: Future[None]) -> None:
        error = future.exception()
        if error is not None:
            logger.error("Queue %s: %s; the message comes back when its lease ends", self._client.queue_name, error)
