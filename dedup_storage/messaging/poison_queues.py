"""The poison queues of the host: messages that failed on every try, to be looked at, tried again or thrown away."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceNotFoundError

from dedup_app.ports.queues import PoisonMessage
from dedup_storage.account.azure_errors import our_errors
from dedup_storage.messaging.queues import AT_ONCE, POISON_SUFFIX, QueueService, length_of

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage

HIDDEN_SECONDS = 120  # longer than it takes to send on what a run of the timer receives (32 messages)


class AzurePoisonQueues:
    """The `PoisonQueues` port."""

    def __init__(self, service: QueueService) -> None:
        self._service = service

    def peek(self, queue: str, limit: int = AT_ONCE) -> Sequence[PoisonMessage]:
        poison = self._service.get_queue_client(queue + POISON_SUFFIX)
        with our_errors(f"look into {poison.queue_name}"):
            try:
                return [_message(queue, it) for it in poison.peek_messages(max_messages=min(limit, AT_ONCE))]
            except ResourceNotFoundError:
                return []

    def take(self, queue: str, limit: int, handle: Callable[[PoisonMessage], bool]) -> int:
        poison = self._service.get_queue_client(queue + POISON_SUFFIX)
        taken = 0
        for message in self._received(queue, limit):
            if not handle(_message(queue, message)):
                continue  # hidden for two minutes, then there as before
            with our_errors(f"take a message out of {poison.queue_name}"), suppress(ResourceNotFoundError):
                poison.delete_message(message)
            taken += 1
        return taken

    def count(self, queue: str) -> int:
        return length_of(self._service, queue + POISON_SUFFIX)

    def clear(self, queue: str) -> None:
        poison = self._service.get_queue_client(queue + POISON_SUFFIX)
        with our_errors(f"clear {poison.queue_name}"), suppress(ResourceNotFoundError):
            poison.clear_messages()

    def _received(self, queue: str, limit: int) -> "Iterator[QueueMessage]":
        poison = self._service.get_queue_client(queue + POISON_SUFFIX)
        with our_errors(f"receive from {poison.queue_name}"):
            try:
                pages = poison.receive_messages(
                    messages_per_page=min(limit, AT_ONCE), visibility_timeout=HIDDEN_SECONDS, max_messages=limit
                )
                messages = list(pages)
            except ResourceNotFoundError:
                return
        yield from messages


def _message(queue: str, message: "QueueMessage") -> PoisonMessage:
    since = message.inserted_on or datetime.now(UTC)
    return PoisonMessage(queue, str(message.id), str(message.content), since)
