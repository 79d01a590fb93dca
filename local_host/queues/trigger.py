"""Runs a function for each message of its queue: decoding, trigger metadata, outcome."""

import base64
import binascii
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from azure.storage.queue import QueueMessage

from local_host.queues.listener import Result
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
        metadata = queue_metadata(message, text) | system_metadata(self._function)
        reason = f"New queue message {message.id}, try {message.dequeue_count}"
        outcome = self._worker.invoke(self._function, TypedData(string=text), metadata, reason)
        return Result.DONE if outcome.succeeded else Result.FAILED


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
    spelling = {key.lower(): key for key in metadata}
    for key, value in _top_level(text).items():
        metadata[spelling.get(key.lower(), key)] = value
    return metadata


def system_metadata(function: Function) -> dict[str, TypedData]:
    """Return the entry `sys` that the host adds to every trigger's metadata."""
    values = {
        "MethodName": function.name,
        "UtcNow": datetime.now(UTC).isoformat(),
        "RandGuid": str(uuid.uuid4()),
    }
    return {"sys": TypedData(json=json.dumps(values))}


def _top_level(text: str) -> dict[str, TypedData]:
    """Return the values that the host takes from a JSON body: no arrays, no nulls, scalars as text."""
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(body, dict):
        return {}
    return {key: _typed(value) for key, value in body.items() if value is not None and not isinstance(value, list)}


def _typed(value: Any) -> TypedData:
    if isinstance(value, dict):
        return TypedData(json=json.dumps(value))
    return TypedData(string=str(value))


def _time(moment: datetime) -> TypedData:
    return TypedData(json=json.dumps(moment.astimezone(UTC).isoformat()))
