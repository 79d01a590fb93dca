"""How Event Grid delivers to a webhook: handshakes, notifications, and what the host's extensions answer to each."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from local_host.runtime import newtonsoft

PUBLIC_CLOUD = "eventgrid.azure.net"
ORIGINS = frozenset(
    {
        PUBLIC_CLOUD,
        "eventgrid.azure.us",
        "eventgrid.azure.eaglex.ic.gov",
        "eventgrid.azure.microsoft.scloud",
        "eventgrid.azure.cn",
    }
)

logger = logging.getLogger("local_host.events")


@dataclass(frozen=True)
class Delivery:
    """One request; `event_type` is its header aeg-event-type, `origin` its header WebHook-Request-Origin."""

    function: str
    event_type: str = ""
    body: bytes = b""
    method: str = "POST"
    origin: str = ""


@dataclass(frozen=True)
class Reply:
    status: HTTPStatus
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(delivery: Delivery, take: Callable[[list[dict[str, Any]]], Reply]) -> Reply:
    """Answer the handshakes of both schemas; give the events of a notification to `take`. Malformed ones are a 500."""
    if delivery.method == "OPTIONS":
        origin = delivery.origin if delivery.origin in ORIGINS else PUBLIC_CLOUD
        return Reply(HTTPStatus.OK, headers={"Webhook-Allowed-Origin": origin})
    try:
        match delivery.event_type.lower():
            case "subscriptionvalidation":
                return Reply(HTTPStatus.OK, json.dumps({"validationResponse": _validation_code(delivery.body)}))
            case "notification":
                return take(_events(delivery.body))
            case "unsubscribe":
                return Reply(HTTPStatus.ACCEPTED)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        logger.warning("A request for %s holds no events of Event Grid: %r", delivery.function, error)
        return Reply(HTTPStatus.INTERNAL_SERVER_ERROR)
    return Reply(HTTPStatus.BAD_REQUEST)


def _events(body: bytes) -> list[dict[str, Any]]:
    """Return the events of a request, which may hold a single one; raises ValueError or TypeError for anything else."""
    content = newtonsoft.parse(body.decode())
    events = content if isinstance(content, list) else [content]
    if not all(isinstance(event, dict) for event in events):
        raise TypeError("an event is a JSON object")
    return events


def _validation_code(body: bytes) -> str:
    data = _events(body)[0]["data"]
    # As a CloudEvent the data is JSON in a text.
    return str((newtonsoft.parse(data) if isinstance(data, str) else data)["validationCode"])
