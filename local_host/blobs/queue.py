"""The queue between finding a blob and running its function: `azure-webjobs-blobtrigger-<host id>`."""

import base64
import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobProperties
from azure.storage.queue import QueueClient, QueueMessage

from local_host.blobs.receipts import quoted
from local_host.queues.listener import PoisonQueue, Result
from local_host.queues.trigger import decode_base64, system_metadata
from local_host.runtime.bindings import BlobTrigger, Function
from local_host.runtime.protos import ModelBindingData, TypedData
from local_host.runtime.worker import Invoker
from local_host.storage.connections import Connections

POISON_QUEUE = "webjobs-blobtrigger-poison"

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
            return self._run(function, function.trigger, blob, message.dequeue_count or 0)
        except AzureError as error:
            logger.warning("Blob %s/%s could not be asked for: %s", blob.container, blob.blob, error)
            return Result.FAILED

    def _run(self, function: Function, trigger: BlobTrigger, message: BlobMessage, count: int) -> Result:
        service = self._connections.blobs(trigger.connection)
        client = service.get_blob_client(message.container, message.blob)
        try:
            properties = client.get_blob_properties()
            if not trigger.event_grid and quoted(properties.etag) != quoted(message.etag):
                self._announce_again(message)  # a newer version is there; a scan announces that one
                return Result.DONE
            data = _deferred(trigger, message) if trigger.deferred else _content(client)
        except ResourceNotFoundError:
            return Result.DONE  # deleted meanwhile: nothing to do any more
        metadata = blob_metadata(trigger, message, client.url, properties) | system_metadata(function)
        reason = f"New blob {message.container}/{message.blob}, try {count}"
        outcome = self._worker.invoke(function, data, metadata, reason)
        return Result.DONE if outcome.succeeded else Result.FAILED


def blob_metadata(
    trigger: BlobTrigger, message: BlobMessage, url: str, properties: BlobProperties
) -> dict[str, TypedData]:
    """Return the trigger metadata of a blob: its name, address, properties and the path's parameters."""
    known = {
        "ContentLength": properties.size,
        "Length": properties.size,
        "ETag": quoted(properties.etag),
        "LastModified": properties.last_modified.isoformat(),
        "CreatedOn": properties.creation_time.isoformat() if properties.creation_time else None,
        "ContentType": properties.content_settings.content_type,
        "BlobType": str(properties.blob_type),
    }
    parameters = trigger.path.match(message.blob) or {}
    return {
        "BlobTrigger": TypedData(string=f"{message.container}/{message.blob}"),
        "Uri": TypedData(json=json.dumps(url)),
        "Properties": TypedData(json=json.dumps(known)),
        "Metadata": TypedData(json=json.dumps(properties.metadata or {})),
    } | {name: TypedData(string=value) for name, value in parameters.items()}


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
