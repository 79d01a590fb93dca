"""Tells the app that blobs have landed, as Event Grid does: by a call of the host, or by messages on a queue."""

import contextlib
import json
import urllib.request
from collections.abc import Iterable
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueServiceClient

from local_host.azurite import ACCOUNT, Azurite
from local_host.process import HostProcess

CONTAINER = "images"
EVENTS_QUEUE = "blob-events"


def put_on_queue(azurite: Azurite, names: Iterable[str]) -> None:
    """As Event Grid does: a message for each event."""
    with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        queue = service.get_queue_client(EVENTS_QUEUE)
        with contextlib.suppress(ResourceExistsError):
            queue.create_queue()
        for name in names:
            queue.send_message(json.dumps(event_of(azurite, name)))


def event_of(azurite: Azurite, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "eventType": "Microsoft.Storage.BlobCreated",
        "topic": f"/subscriptions/0/storageAccounts/{ACCOUNT}",
        "subject": f"/blobServices/default/containers/{CONTAINER}/blobs/{name}",
        "eventTime": "2026-01-01T00:00:00Z",
        "data": {"blobType": "BlockBlob", "eTag": "0x8D", "url": f"{azurite.blob_url}/{CONTAINER}/{name}"},
        "dataVersion": "",
        "metadataVersion": "1",
    }


def announce(azurite: Azurite, host: HostProcess, names: Iterable[str]) -> None:
    """Tell a host, as Event Grid would, that blobs have landed."""
    events = [event_of(azurite, name) for name in names]
    key = host.status.keys["blobs_extension"]
    request = urllib.request.Request(  # noqa: S310 - our own host
        f"{host.url.rstrip('/')}/runtime/webhooks/blobs?functionName=Host.Functions.extract_features&code={key}",
        data=json.dumps(events).encode(),
        headers={"aeg-event-type": "Notification", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        assert response.status == 202, response.read()
