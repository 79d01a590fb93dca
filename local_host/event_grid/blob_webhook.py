"""The webhook for blob triggers by Event Grid: `/runtime/webhooks/blobs?functionName=Host.Functions.<name>`."""

import ipaddress
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from local_host.blobs.queue import BlobMessage, BlobQueue
from local_host.event_grid.delivery import Delivery, Reply, answer
from local_host.runtime.bindings import Function

WEBHOOK_PATH = "runtime/webhooks/blobs"
BLOB_TYPES = frozenset({"BlockBlob", "PageBlob", "AppendBlob"})
# At these ports the SDK takes the first part of a path for the account, as at an address that is no name.
PATH_STYLE_PORTS = frozenset(
    base + offset for base in (10000, 10100, 11000, 11100) for offset in range(5)
)  # Azure.Storage.Common, Constants.Sas.PathStylePorts

logger = logging.getLogger("local_host.events")


class BlobWebhook:
    """Puts one message into the queue for each event, of whatever kind it is: no receipts, so twice is twice.

    CloudEvents are accepted and vanish, as the host was seen to do.
    """

    def __init__(self, functions: Mapping[str, Function], queue: BlobQueue) -> None:
        self._functions = functions
        self._queue = queue

    def handle(self, delivery: Delivery) -> Reply:
        """Answer one request; 202 even for a function that does not exist, whose events vanish."""
        return answer(delivery, lambda events: self._take(delivery.function, events))

    def _take(self, function_id: str, events: list[dict[str, Any]]) -> Reply:
        if function_id not in self._functions:
            logger.warning("%d events came for %s, which has no blob trigger: they are lost", len(events), function_id)
            return Reply(HTTPStatus.ACCEPTED)
        known = [event for event in events if "specversion" not in event]
        if len(known) < len(events):
            lost = len(events) - len(known)
            logger.warning(
                "%d CloudEvents came for %s: this webhook knows Event Grid's own schema only", lost, function_id
            )
        for event in known:
            self._queue.add(_message(function_id, event["data"]))
        return Reply(HTTPStatus.ACCEPTED)


def _message(function_id: str, data: Mapping[str, Any]) -> BlobMessage:
    if data["blobType"] not in BLOB_TYPES:
        raise ValueError(f"{data['blobType']!r} is no type of a blob")
    url = urlsplit(data["url"])
    path = url.path.removeprefix("/")
    if _begins_with_the_account(url):
        path = path.partition("/")[2]
    container, _, blob = path.partition("/")
    return BlobMessage(function_id, unquote(container), unquote(blob), str(data.get("eTag", "")))


def _begins_with_the_account(url: SplitResult) -> bool:
    try:
        ipaddress.ip_address(url.hostname or "")
    except ValueError:
        return url.port in PATH_STYLE_PORTS
    return True
