"""The poison queues of the host: messages that failed on every try, to be looked at, tried again or thrown away."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from dedup_app.ports.queues import PoisonMessage
from dedup_storage.account.azure_errors import code_of, our_errors
from dedup_storage.messaging.queues import AT_ONCE, POISON_SUFFIX, QueueService, length_of, peek

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage

HIDDEN_SECONDS = 120  # longer than it takes to send on what is received at once
RECEIVED_ANEW = "PopReceiptMismatch"


class AzurePoisonQueues:
    """The `PoisonQueues` port."""

    def __init__(self, service: QueueService) -> None:
        self._service = service

    def peek(self, queue: str) -> Sequence[PoisonMessage]:
        return [_message(queue, it) for it in peek(self._service, queue + POISON_SUFFIX)]

    def take(
        self, queue: str, limit: int, handle: Callable[[PoisonMessage], bool], until: datetime | None = None
    ) -> int:
        poison = self._service.get_queue_client(queue + POISON_SUFFIX)
        taken, seen = 0, set[str]()
        left: list[QueueMessage] = []
        while taken < limit:
            page = [(it, _message(queue, it)) for it in self._received(queue, min(limit, AT_ONCE))]
            if seen.issuperset(it.message_id for _, it in page):  # the end, or what stays has come once more
                break
            for received, message in page:
                seen.add(message.message_id)
                if taken == limit or not handle(message):
                    left.append(received)  # hidden until the look ends, so that those behind it come
                    continue
                with our_errors(f"take a message out of {poison.queue_name}"), _unless_it_moved():
                    poison.delete_message(received)
                taken += 1
            if until is not None and all(message.since > until for _, message in page):
                break
        for received in left:  # else whoever looks next, or has them tried again, would not find them
            with our_errors(f"put a message back into {poison.queue_name}"), _unless_it_moved():
                poison.update_message(received, visibility_timeout=0)
        return taken

    def count(self, queue: str) -> int:
        return length_of(self._service, queue + POISON_SUFFIX)

    def clear(self, queue: str) -> None:
        poison = self._service.get_queue_client(queue + POISON_SUFFIX)
        with our_errors(f"clear {poison.queue_name}"), suppress(ResourceNotFoundError):
            poison.clear_messages()

    def _received(self, queue: str, limit: int) -> "list[QueueMessage]":
        poison = self._service.get_queue_client(queue + POISON_SUFFIX)
        with our_errors(f"receive from {poison.queue_name}"):
            try:
                pages = poison.receive_messages(
                    messages_per_page=limit, visibility_timeout=HIDDEN_SECONDS, max_messages=limit
                )
                return list(pages)
            except ResourceNotFoundError:
                return []


@contextmanager
def _unless_it_moved() -> Iterator[None]:
    """Pass over a message that was taken or put back meanwhile, as by a try of ours whose answer was lost."""
    try:
        yield
    except ResourceNotFoundError:
        return
    except HttpResponseError as error:
        if code_of(error) != RECEIVED_ANEW:
            raise


def _message(queue: str, message: "QueueMessage") -> PoisonMessage:
    since = message.inserted_on or datetime.now(UTC)
    return PoisonMessage(queue, str(message.id), str(message.content), since)
