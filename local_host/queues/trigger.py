"""Runs a function for each message of its queue: decoding, trigger metadata, outcome."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any

from azure.storage.queue import QueueMessage

from local_host.queues.listener import Result
from local_host.runtime import newtonsoft
from local_host.runtime.bindings import Function
from local_host.runtime.protos import TypedData
from local_host.runtime.worker import Invoker


class QueueInvoker:
    """The handler that a QueueListener calls for the messages of one function."""

    def __init__(self, worker: Invoker, function: Function, *, base64: bool) -> None:
        self._worker = worker
        self._function = function
        self._base64 = base64

    def __call__(self, message: QueueMessage) -> Result:
        try:
            text = decode_base64(message.content) if self._base64 else str(message.content)
        except ValueError:
            return Result.POISON
        reason = f"New queue message {message.id}, try {message.dequeue_count}"
        outcome = self._worker.invoke(self._function, TypedData(string=text), queue_metadata(message, text), reason)
        return Result.DONE if outcome.succeeded else Result.FAILED

    def call(self, text: str) -> None:
        """Run the function by hand, without a queue."""
        metadata = _merged({"QueueTrigger": TypedData(string=text)}, text)
        self._worker.invoke(self._function, TypedData(string=text), metadata, "This function was called by hand")


def decode_base64(content: str) -> str:
    """Decode strictly, as the host does; raises ValueError for anything that is no base64."""
    try:
        return base64.b64decode("".join(content.split()), validate=True).decode("utf-8", errors="replace")
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}") from error


def queue_metadata(message: QueueMessage, text: str) -> dict[str, TypedData]:
    """Return the trigger metadata: the message's own, overwritten by the keys of a body that is a JSON object."""
    metadata = {
        "QueueTrigger": TypedData(string=text),
        "Id": TypedData(string=str(message.id)),
        "PopReceipt": TypedData(string=str(message.pop_receipt)),
        "DequeueCount": TypedData(json=json.dumps(message.dequeue_count)),
    }
    times = {
        "InsertionTime": message.inserted_on,
        "ExpirationTime": message.expires_on,
        "NextVisibleTime": message.next_visible_on,
    }
    metadata |= {key: _time(moment) for key, moment in times.items() if moment is not None}
    return _merged(metadata, text)


def _merged(metadata: dict[str, TypedData], text: str) -> dict[str, TypedData]:
    """Add the keys of a JSON body without arrays and nulls; those that differ in case only are one."""
    try:
        body = newtonsoft.parse_object(text)
    except ValueError:
        return metadata
    spelling = {key.lower(): key for key in metadata}
    for key, value in body.items():
        if value is not None and not isinstance(value, list):
            metadata[spelling.setdefault(key.lower(), key)] = _typed(value)
    return metadata


def _typed(value: Any) -> TypedData:
    if isinstance(value, dict):
        return TypedData(json=newtonsoft.compact(value))
    return TypedData(string=newtonsoft.as_text(value))


def _time(moment: datetime) -> TypedData:
    return TypedData(json=json.dumps(moment.astimezone(UTC).isoformat()))
