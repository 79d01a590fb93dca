"""The queues, for those who send and for those who look after them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dedup_app.configuration.settings import Settings
from dedup_app.ports.reports import RejectedMessage
from dedup_core.messages import IngestMessage, VerifyMessage

BLOB_TRIGGER_QUEUE = "webjobs-blobtrigger"  # the host's own queue of uploads


def queue_names(settings: Settings) -> tuple[str, ...]:
    """All queues whose messages become work of the app, the host's own last."""
    return settings.verify_queue, settings.ingest_queue, settings.events_queue, BLOB_TRIGGER_QUEUE


class VerifyQueue(Protocol):
    def send(self, message: VerifyMessage) -> None: ...


class IngestQueue(Protocol):
    def send(self, message: IngestMessage) -> None: ...

    def send_all(self, messages: Iterable[IngestMessage]) -> int:
        """Send many, side by side and in any order; how many there were."""
        ...


@dataclass(frozen=True, slots=True)
class QueueLengths:
    """Approximate number of waiting messages, and of those that failed for good."""

    waiting: int
    poison: int


@dataclass(frozen=True, slots=True)
class PoisonMessage:
    """A message that failed on every try, as it waits in the poison queue of `queue`."""

    queue: str
    message_id: str
    body: str
    since: datetime


class Queues(Protocol):
    """What a person asks of the queues: how long they are."""

    def lengths(self) -> dict[str, QueueLengths]:
        """By queue name; a queue that does not exist yet has length 0."""
        ...

    def waiting(self) -> int:
        """Messages on the queues of this app, those that are being handled included."""
        ...

    def poison(self, limit: int = 20) -> Sequence[RejectedMessage]:
        """The messages that failed for good, without taking them away."""
        ...


class PoisonQueues(Protocol):
    """The messages that the host gave up on, with hands on them."""

    def peek(self, queue: str) -> Sequence[PoisonMessage]:
        """The oldest of them, up to 32, left where they are."""
        ...

    def take(
        self, queue: str, limit: int, handle: Callable[[PoisonMessage], bool], until: datetime | None = None
    ) -> int:
        """Take out up to `limit` messages, the oldest first: those whose handling says so; how many it were.

        What stays keeps nothing behind it waiting. With `until`, the look ends among those that came later.
        """
        ...

    def count(self, queue: str) -> int:
        """About how many there are."""
        ...

    def clear(self, queue: str) -> None:
        """Throw all of them away."""
        ...
