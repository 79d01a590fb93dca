"""Clients of one storage account: by connection string or identity, with short retries and time limits."""

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.blob import ExponentialRetry as BlobRetry

from dedup_app.configuration.storage_connection import StorageConnection
from dedup_core.errors import InvalidSetting
from dedup_storage.account.transport import LimitedTransport

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.queue import QueueServiceClient

NO_CONNECTION_STRING = (
    "ImageStorage is no connection string of a storage account: copy it anew from the portal, or write "
    "UseDevelopmentStorage=true for Azurite"
)
NO_QUEUE_ADDRESS = (
    "ImageStorage has a QueueEndpoint that is no address, or a QueueSecondaryEndpoint alone: copy it anew from the "
    "portal, or write QueueEndpoint=https://… with the whole address"
)
# Few, because the host tries the whole message again; the limits of time are in transport.py.
RETRIES = 3
# Up to two seconds before each try: base and jitter of one second, no growth.
BACKOFF: dict[str, Any] = {"initial_backoff": 0, "increment_base": 1, "random_jitter_range": 1, "retry_total": RETRIES}


@dataclass(eq=False)
class StorageClients:
    """One long-lived client for each service; that of queues is made, and its SDK loaded, when it is first asked for.

    Its SDK takes a twentieth of all that is loaded before the first picture, and only messages need it.
    """

    blobs: BlobServiceClient
    tables: TableServiceClient
    open_queues: "Callable[[], QueueServiceClient]"

    @cached_property
    def queues(self) -> "QueueServiceClient":
        return self.open_queues()

    def close(self) -> None:
        self.blobs.close()
        self.tables.close()
        if "queues" in vars(self):
            self.queues.close()


def open_clients(connection: StorageConnection, *, largest_read: int) -> StorageClients:
    """Clients that connect when they are first used; a blob of up to `largest_read` bytes is read in a single GET."""
    _quiet_sdk()
    blob_options: dict[str, Any] = {
        "transport": LimitedTransport(),
        "retry_policy": BlobRetry(**BACKOFF),
        "max_single_get_size": largest_read,
    }
    table_options: dict[str, Any] = {
        "transport": LimitedTransport(),
        "retry_total": RETRIES,
        "retry_backoff_factor": 0.5,
    }
    if connection.uses_identity:
        credential = credential_of(connection.client_id)
        return StorageClients(
            BlobServiceClient(connection.blob_service_uri, credential, **blob_options),
            TableServiceClient(connection.table_service_uri, credential=credential, **table_options),
            lambda: _queues_of_identity(connection.queue_service_uri, credential),
        )
    text = connection.connection_string
    try:
        _check_connection_string(text)
        return StorageClients(
            BlobServiceClient.from_connection_string(text, **blob_options),
            TableServiceClient.from_connection_string(text, **table_options),
            lambda: _queues_of_text(text),
        )
    except (ValueError, KeyError):
        raise InvalidSetting(NO_CONNECTION_STRING) from None  # because the SDK's text may quote it, and with it the key


def _quiet_sdk() -> None:
    """The SDK logs every request with all its headers at INFO, a dozen for each image: silent unless someone asked."""
    logger = logging.getLogger("azure")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)


def load_queues() -> None:
    """Load the SDK of queues, while nothing else is to do: the first message waits for it otherwise."""
    import azure.storage.queue  # noqa: F401, PLC0415 - see `StorageClients`


def _queues_of_identity(address: str, credential: "TokenCredential") -> "QueueServiceClient":
    from azure.storage.queue import QueueServiceClient  # noqa: PLC0415 - see `StorageClients`

    return QueueServiceClient(address, credential, **_queue_options())


def _queues_of_text(connection_string: str) -> "QueueServiceClient":
    from azure.storage.queue import QueueServiceClient  # noqa: PLC0415 - as above

    try:
        return QueueServiceClient.from_connection_string(connection_string, **_queue_options())
    except (ValueError, KeyError):
        raise InvalidSetting(NO_CONNECTION_STRING) from None  # as there


def _queue_options() -> dict[str, Any]:
    from azure.storage.queue import ExponentialRetry  # noqa: PLC0415 - as above

    return {"transport": LimitedTransport(), "retry_policy": ExponentialRetry(**BACKOFF)}


def _check_connection_string(text: str) -> None:
    """What would be noticed late: a mangled key by the first call that is signed, wrong addresses by the first message.

    Raises `ValueError` or `InvalidSetting`.
    """
    parts = {
        name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in text.split(";"))
    }
    base64.b64decode(parts.get("accountkey", ""), validate=True)
    if not parts.keys() & {"queueendpoint", "accountname"} and "usedevelopmentstorage" not in parts:
        raise ValueError("where the queues are is not said")
    endpoint = parts.get("queueendpoint", "")
    address = urlsplit(endpoint if ":" in endpoint else f"https://{endpoint}")  # as the SDK completes it
    has_address = address.scheme in {"http", "https"} and address.hostname is not None
    is_named = endpoint or parts.get("queuesecondaryendpoint") or "accountname" not in parts
    if "usedevelopmentstorage" not in parts and is_named and not has_address:
        raise InvalidSetting(NO_QUEUE_ADDRESS)


def credential_of(client_id: str) -> "TokenCredential":
    """The identity named by `ImageStorage__clientId`, else whatever this machine is signed in with."""
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415 - slow, rarely needed

    if client_id:
        return ManagedIdentityCredential(client_id=client_id, transport=LimitedTransport())
    return DefaultAzureCredential()
