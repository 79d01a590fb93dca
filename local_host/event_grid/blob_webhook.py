"""The webhook for blob triggers by Event Grid: `/runtime/webhooks/blobs?functionName=Host.Functions.<name>`."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from local_host.blobs.queue import BlobMessage, BlobQueue
from local_host.runtime.bindings import BlobTrigger, Function

WEBHOOK_PATH = "runtime/webhooks/blobs"
BLOB_CREATED = "Microsoft.Storage.BlobCreated"

logger = logging.getLogger("local_host.events")


@dataclass(frozen=True)
class Reply:
    status: HTTPStatus
    body: dict[str, Any] | None = None


class EventGridWebhook:
    """Answers the handshake and puts one message into the queue for each event: no receipts, so twice is twice."""

    def __init__(self, functions: Mapping[str, Function], queue: BlobQueue) -> None:
        self._functions = functions
        self._queue = queue

    def handle(self, function_id: str, event_type: str, body: bytes) -> Reply:
        """Answer one request; `event_type` is its header aeg-event-type."""
        function = self._functions.get(function_id)
        if function is None or not isinstance(function.trigger, BlobTrigger) or not function.trigger.event_grid:
            logger.warning("An event came for %s, which has no Event Grid blob trigger", function_id)
            return Reply(HTTPStatus.NOT_FOUND)
        if event_type == "Unsubscribe":
            return Reply(HTTPStatus.ACCEPTED)
        if event_type not in {"SubscriptionValidation", "Notification"}:
            return Reply(HTTPStatus.BAD_REQUEST)
        try:
            events = events_of(body)
            if event_type == "SubscriptionValidation":
                return Reply(HTTPStatus.OK, {"validationResponse": events[0]["data"]["validationCode"]})
            messages = [_message(function.full_id, event) for event in events if event["eventType"] == BLOB_CREATED]
        except (ValueError, KeyError, TypeError, IndexError) as error:
            logger.warning("A request for %s holds no Event Grid events: %r", function_id, error)
            return Reply(HTTPStatus.BAD_REQUEST)
        for message in messages:
            if message.container == function.trigger.path.container and function.trigger.path.match(message.blob):
                self._queue.add(message)
        return Reply(HTTPStatus.ACCEPTED)


def events_of(body: bytes) -> list[dict[str, Any]]:
    """The events of a request, which may hold a single one; raises ValueError or TypeError when these are no events."""
    content = json.loads(body)
    events = content if isinstance(content, list) else [content]
    if not all(isinstance(event, dict) for event in events):
        raise TypeError("an event is a JSON object")
    return events


def _message(function_id: str, event: Mapping[str, Any]) -> BlobMessage:
    path = urlsplit(event["data"]["url"]).path.lstrip("/")
    # The subject names container and blob whatever the address looks like (the emulator's begins with the account).
    subject = str(event.get("subject", ""))
    _, found, rest = subject.partition("/containers/")
    container, separator, blob = rest.partition("/blobs/")
    if not (found and separator):
        container, _, blob = unquote(path).partition("/")
    return BlobMessage(function_id, container, blob, str(event["data"].get("eTag", "")))
