"""The queues that messages wait in, as plain text, and what became of those that failed for good."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from itertools import batched
from typing import TYPE_CHECKING, Protocol

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from dedup_app.ports.queues import BLOB_TRIGGER_QUEUE, QueueLengths
from dedup_app.ports.reports import RejectedMessage
from dedup_app.threads import Threads
from dedup_core.errors import StoreBusy
from dedup_core.messages import IngestMessage, VerifyMessage
from dedup_storage.account.azure_errors import our_errors
from dedup_storage.account.clients import StorageClients

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient, QueueMessage

POISON_SUFFIX = "-poison"
# The host's own queue of blob events has a name that only the host knows; those that it gave up on are here.
GAVE_UP = "gave up after the last try"
EXCERPT_LENGTH = 500  # enough to tell the image of a message; a body has up to 64 KiB
AT_ONCE = 32  # messages that the service gives in one answer
SENDS_AT_ONCE = 16  # half of the kept connections (`POOL_SIZE`)
# The service drops messages after seven days unless told otherwise. An app that was stopped for longer would lose work
# that nobody asks for again: the image is there already, no event comes a second time.
NEVER_EXPIRES = -1


class QueueService(Protocol):
    """What is used here of the SDK's `QueueServiceClient`."""

    def get_queue_client(self, queue: str) -> "QueueClient": ...


class LateQueueService:
    """The queue service of these clients, which opens it for the first queue."""

    def __init__(self, clients: StorageClients) -> None:
        self._clients = clients

    def get_queue_client(self, queue: str) -> "QueueClient":
        return self._clients.queues.get_queue_client(queue)


class NamedQueue:
    """One queue, whose client is made for the first message."""

    def __init__(self, service: QueueService, name: str) -> None:
        self._service = service
        self._name = name

    @cached_property
    def _queue(self) -> "QueueClient":
        return self._service.get_queue_client(self._name)


class AzureVerifyQueue(NamedQueue):
    """The `VerifyQueue` port."""

    def send(self, message: VerifyMessage) -> None:
        send_text(self._queue, message.to_json())


class AzureIngestQueue(NamedQueue):
    """The `IngestQueue` port."""

    def send(self, message: IngestMessage) -> None:
        send_text(self._queue, message.to_json())

    def send_all(self, messages: Iterable[IngestMessage]) -> int:
        total = 0
        with Threads(SENDS_AT_ONCE) as threads:
            for group in batched(messages, 16 * SENDS_AT_ONCE, strict=False):
                total += sum(1 for _ in threads.map(self.send, group))  # waits, and raises what a send raised
        return total


class AzureQueues:
    """The `Queues` port: each queue by its name, and its poison queue, which the host fills.

    The host's own queue of uploads is counted where its name is known.
    """

    def __init__(self, service: QueueService, names: Sequence[str], uploads_queue: str = "") -> None:
        self._service = service
        self._names = tuple(names)
        self._uploads_queue = uploads_queue

    def lengths(self) -> dict[str, QueueLengths]:
        return {name: self._lengths(name) for name in self._names}

    def _lengths(self, name: str) -> QueueLengths:
        return QueueLengths(self._waiting(name), length_of(self._service, name + POISON_SUFFIX))

    def _waiting(self, name: str) -> int:
        # Where there is none of that name, Azure tells an identity without rights on it 403, and not 404.
        queue = self._uploads_queue if name == BLOB_TRIGGER_QUEUE else name
        return length_of(self._service, queue) if queue else 0

    def waiting(self) -> int:
        return sum(map(self._waiting, self._names))

    def poison(self, limit: int = 20) -> Sequence[RejectedMessage]:
        """Messages that the host gave up on, up to 32 a queue, which stay where they are."""
        found = [message for name in self._names for message in self._peek(name, min(limit, AT_ONCE))]
        return sorted(found, key=lambda message: message.rejected_at, reverse=True)[:limit]

    def _peek(self, name: str, limit: int) -> list[RejectedMessage]:
        return [
            RejectedMessage(
                queue=name,
                message_id=str(message.id),
                excerpt=str(message.content)[:EXCERPT_LENGTH],
                reason=GAVE_UP,
                rejected_at=message.inserted_on or datetime.now(UTC),
            )
            for message in peek(self._service, name + POISON_SUFFIX, limit)
        ]


def send_text(queue: "QueueClient", text: str, *, kept_seconds: int = NEVER_EXPIRES) -> None:
    """Put one message, as it is, into the queue, which appears with the first one."""
    with our_errors(f"send a message to {queue.queue_name}"):
        try:
            queue.send_message(text, time_to_live=kept_seconds)
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):
                queue.create_queue()
            queue.send_message(text, time_to_live=kept_seconds)


def peek(service: QueueService, name: str, most: int = AT_ONCE) -> "list[QueueMessage]":
    """The oldest messages of a queue, left where they are; none if there is no such queue."""
    with our_errors(f"look into {name}"):
        try:
            return list(service.get_queue_client(name).peek_messages(max_messages=most))
        except ResourceNotFoundError:
            return []


def length_of(service: QueueService, name: str) -> int:
    """About how many messages are on a queue of this name, none if there is no such queue."""
    with our_errors(f"count the messages in {name}"):
        try:
            count = service.get_queue_client(name).get_queue_properties().approximate_message_count
        except ResourceNotFoundError:
            return 0
    if count is None:
        raise StoreBusy(f"Storage gave an answer without the number of messages in {name}")
    return count
