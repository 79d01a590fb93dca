"""The queue between finding a blob and running its function: `azure-webjobs-blobtrigger-<host id>`."""

import base64
import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobProperties, BlobType
from azure.storage.queue import QueueClient, QueueMessage

from local_host.blobs.receipts import quoted
from local_host.queues.listener import PoisonQueue, Result
from local_host.queues.trigger import decode_base64
from local_host.runtime.bindings import BlobTrigger, Function
from local_host.runtime.protos import ModelBindingData, TypedData
from local_host.runtime.worker import Invoker
from local_host.storage.answers import sane_answers
from local_host.storage.connections import Connections

POISON_QUEUE = "webjobs-blobtrigger-poison"
LEASE_STATES = ("available", "leased", "expired", "breaking", "broken")

logger = logging.getLogger("local_host.blobs")


@dataclass(frozen=True)
class BlobMessage:
    """One blob, in one version, for one function."""

    function_id: str
    container: str
    blob: str
    etag: str

    def to_text(self) -> str:
        content = {
            "Type": "BlobTrigger",
            "FunctionId": self.function_id,
            "BlobType": "BlockBlob",
            "ContainerName": self.container,
            "BlobName": self.blob,
            "ETag": quoted(self.etag),
        }
        return base64.b64encode(json.dumps(content).encode()).decode()

    @classmethod
    def from_text(cls, text: str) -> "BlobMessage":
        """Parse a message; raises ValueError for anything else."""
        content = json.loads(decode_base64(text))
        if not isinstance(content, dict) or content.get("Type") != "BlobTrigger":
            raise ValueError("no blob trigger message")
        try:
            return cls(content["FunctionId"], content["ContainerName"], content["BlobName"], content["ETag"])
        except KeyError as error:
            raise ValueError(f"{error} is missing") from error


class BlobQueue:
    """Puts blobs into the queue and wakes the listener up."""

    def __init__(self, client: QueueClient) -> None:
        self.client = client
        self._listeners: list[Callable[[], None]] = []

    def on_added(self, notify: Callable[[], None]) -> None:
        self._listeners.append(notify)

    def create(self) -> None:
        with contextlib.suppress(ResourceExistsError):
            self.client.create_queue()

    def add(self, message: BlobMessage) -> None:
        self.client.send_message(message.to_text())
        for notify in self._listeners:
            notify()


class BlobPoisonQueue:
    """Where blobs go that failed too often: a queue beside the blobs, in whichever account those are."""

    name = POISON_QUEUE

    def __init__(self, functions: Mapping[str, Function], connections: Connections) -> None:
        self._queues = {
            key: PoisonQueue(connections.queues(function.trigger.connection).get_queue_client(POISON_QUEUE))
            for key, function in functions.items()
            if isinstance(function.trigger, BlobTrigger)
        }

    def add(self, text: str) -> None:
        queue = self._queues.get(BlobMessage.from_text(text).function_id)
        if queue is not None:
            queue.add(text)


class _Found(NamedTuple):
    """A blob as it is now, ready for its function."""

    etag: str
    data: TypedData
    metadata: dict[str, TypedData]


class BlobInvoker:
    """The handler of the queue's messages: reads the blob if the function wants it, and runs the function."""

    def __init__(
        self,
        worker: Invoker,
        functions: Mapping[str, Function],
        connections: Connections,
        announce_again: Callable[[BlobMessage], None],
    ) -> None:
        self._worker = worker
        self._functions = functions
        self._connections = connections
        self._announce_again = announce_again

    def __call__(self, message: QueueMessage) -> Result:
        try:
            blob = BlobMessage.from_text(message.content)
        except ValueError as error:
            logger.warning("Invalid message %s in the blob trigger's queue discarded: %s", message.id, error)
            return Result.DONE
        function = self._functions.get(blob.function_id)
        if function is None or not isinstance(function.trigger, BlobTrigger):
            logger.warning("Blob %s/%s waited for %s, which is gone", blob.container, blob.blob, blob.function_id)
            return Result.DONE
        try:
            with sane_answers():
                found = self._find(function.trigger, blob)
        except ResourceNotFoundError:
            return Result.DONE  # deleted meanwhile: nothing to do any more
        except AzureError as error:
            logger.warning("Blob %s/%s could not be asked for: %s", blob.container, blob.blob, error)
            return Result.FAILED
        if not function.trigger.event_grid and quoted(found.etag) != quoted(blob.etag):
            self._announce_again(blob)  # a newer version is there; a scan announces that one
            return Result.DONE
        reason = f"New blob {blob.container}/{blob.blob}, try {message.dequeue_count}"
        outcome = self._worker.invoke(function, found.data, found.metadata, reason)
        return Result.DONE if outcome.succeeded else Result.FAILED

    def call(self, function: Function, path: str) -> None:
        """Run a function by hand for the blob `container/name`; raises ValueError when that is no path."""
        container, slash, name = path.partition("/")
        if not slash or not isinstance(function.trigger, BlobTrigger):
            raise ValueError(f"{path!r} names no blob: write container/name")
        try:
            with sane_answers():
                found = self._find(function.trigger, BlobMessage(function.full_id, container, name, ""))
        except AzureError as error:
            raise ValueError(f"{path!r} cannot be read: {error}") from error
        self._worker.invoke(function, found.data, found.metadata, "This function was called by hand")

    def _find(self, trigger: BlobTrigger, message: BlobMessage) -> _Found:
        service = self._connections.blobs(trigger.connection)
        client = service.get_blob_client(message.container, message.blob)
        properties = client.get_blob_properties()
        data = _deferred(trigger, message) if trigger.deferred else _content(client)
        return _Found(properties.etag, data, blob_metadata(trigger, message, client.url, properties))


def blob_metadata(
    trigger: BlobTrigger, message: BlobMessage, url: str, properties: BlobProperties
) -> dict[str, TypedData]:
    """Return the trigger metadata of a blob: its name, address, properties and the path's parameters."""
    parameters = trigger.path.match(message.blob) or {}
    return {
        "BlobTrigger": TypedData(string=f"{message.container}/{message.blob}"),
        "Uri": TypedData(json=json.dumps(url)),
        "Properties": TypedData(json=json.dumps(_properties(properties))),
        "Metadata": TypedData(json=json.dumps(properties.metadata or {})),
    } | {name: TypedData(string=value) for name, value in parameters.items()}


def _properties(blob: BlobProperties) -> dict[str, Any]:
    """Return what the host sends of `BlobProperties`: the names of the .NET SDK, enumerations as their numbers."""
    content = blob.content_settings
    return {
        "LastModified": blob.last_modified.isoformat(),
        "CreatedOn": blob.creation_time.isoformat() if blob.creation_time else None,
        "Metadata": blob.metadata or {},
        "BlobType": list(BlobType).index(BlobType(blob.blob_type)),
        "LeaseState": LEASE_STATES.index(blob.lease.state) if blob.lease.state in LEASE_STATES else 0,
        "LeaseStatus": 0 if blob.lease.status == "locked" else 1,
        "ContentLength": blob.size,
        "ContentType": content.content_type,
        "ETag": {},  # a struct without public properties
        "ContentHash": base64.b64encode(content.content_md5).decode() if content.content_md5 else None,
        "ContentEncoding": content.content_encoding,
        "ContentDisposition": content.content_disposition,
        "ContentLanguage": content.content_language,
        "CacheControl": content.cache_control,
        "IsServerEncrypted": bool(blob.server_encrypted),
        "AccessTier": blob.blob_tier,
        "AccessTierInferred": bool(blob.blob_tier_inferred),
    }


def _deferred(trigger: BlobTrigger, message: BlobMessage) -> TypedData:
    content = {
        "Connection": trigger.connection,
        "ContainerName": message.container,
        "BlobName": message.blob,
    }
    data = ModelBindingData("1.0", "AzureStorageBlobs", "application/json", json.dumps(content))
    return TypedData(model_binding_data=data)


def _content(client: BlobClient) -> TypedData:
    content: Any = client.download_blob().readall()
    return TypedData(bytes=content)
