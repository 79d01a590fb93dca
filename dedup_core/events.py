"""Events that tell of a blob, in Event Grid's own schema or as CloudEvents, as text or base64."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from dedup_core.errors import InvalidMessage
from dedup_core.messages import json_kind, parse_json

BLOB_CREATED = "Microsoft.Storage.BlobCreated"
BLOB_DELETED = "Microsoft.Storage.BlobDeleted"
MOST_EVENTS = 100  # that a message by hand may hold: each may be an image to read. Event Grid puts one into each
# Where each schema has the type of an event: `eventType` is Event Grid's, `type` that of CloudEvents.
_TYPE_KEYS = ("eventType", "type")


@dataclass(frozen=True, slots=True)
class BlobEvent:
    """What is taken from an event: its type, the address of the blob and its subject, empty where it has none.

    The etag, size and time that it tells too are not used: an event may be late, only the blob says what is there.
    """

    type: str
    url: str = ""
    subject: str = ""

    @classmethod
    def of(cls, event_type: str | None, data: object, subject: object = "") -> Self:
        """An event by its type and its data, which CloudEvents may carry as JSON in a text."""
        if isinstance(data, str | bytes):
            try:
                data = json.loads(data)
            except (ValueError, RecursionError):
                data = None
        url = data.get("url") if isinstance(data, Mapping) else None
        return cls(event_type or "", *(it if isinstance(it, str) else "" for it in (url, subject)))

    @classmethod
    def read(cls, event: object) -> Self:
        """One event of a delivery in either schema. Raises `InvalidMessage`."""
        if not isinstance(event, Mapping):
            raise InvalidMessage(f"An event is a JSON object, not {json_kind(event)}")
        types = [event[key] for key in _TYPE_KEYS if isinstance(event.get(key), str)]
        if not types:
            raise InvalidMessage("An event has a text under 'eventType' (Event Grid) or 'type' (CloudEvents)")
        return cls.of(types[0], event.get("data"), event.get("subject"))


def parse_events(body: str | bytes) -> list[object]:
    """What a message holds, one event or an array of them, as plain text or base64; each is for `BlobEvent.read`.

    Raises `InvalidMessage`.
    """
    content = parse_json(body)
    events = content if isinstance(content, list) else [content]
    if len(events) > MOST_EVENTS:
        raise InvalidMessage(f"The message holds {len(events):,} events: it may hold up to {MOST_EVENTS}")
    return events
