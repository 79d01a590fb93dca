"""Clients of one storage account: by connection string or identity, with short retries and time limits."""

import base64
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.blob import ExponentialRetry as BlobRetry
from azure.storage.queue import ExponentialRetry as QueueRetry
from azure.storage.queue import QueueServiceClient

from dedup_app.storage_connection import StorageConnection
from dedup_core.errors import InvalidSetting
from dedup_storage.transport import LimitedTransport

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

# Few, because the host tries the whole message again; the limits of time are in transport.py.
RETRIES = 3
# Up to two seconds before each try: base and jitter of one second, no growth.
BACKOFF: dict[str, Any] = {"initial_backoff": 0, "increment_base": 1, "random_jitter_range": 1, "retry_total": RETRIES}


@dataclass(frozen=True, slots=True)
class StorageClients:
    """One long-lived client for each service."""

    blobs: BlobServiceClient
    queues: QueueServiceClient
    tables: TableServiceClient

    def close(self) -> None:
        self.blobs.close()
        self.queues.close()
        self.tables.close()


def open_clients(connection: StorageConnection, *, largest_read: int) -> StorageClients:
    """Clients that connect when they are first used; a blob of up to `largest_read` bytes is read in a single GET."""
    _quiet_sdk()
    blob_options: dict[str, Any] = {
        "transport": LimitedTransport(),
        "retry_policy": BlobRetry(**BACKOFF),
        "max_single_get_size": largest_read,
    }
    queue_options: dict[str, Any] = {"transport": LimitedTransport(), "retry_policy": QueueRetry(**BACKOFF)}
    table_options: dict[str, Any] = {
        "transport": LimitedTransport(),
        "retry_total": RETRIES,
        "retry_backoff_factor": 0.5,
    }
    if connection.uses_identity:
        credential = credential_of(connection.client_id)
        return StorageClients(
            BlobServiceClient(connection.blob_service_uri, credential, **blob_options),
            QueueServiceClient(connection.queue_service_uri, credential, **queue_options),
            TableServiceClient(connection.table_service_uri, credential=credential, **table_options),
        )
    text = connection.connection_string
    try:
        _check_account_key(text)
        return StorageClients(
            BlobServiceClient.from_connection_string(text, **blob_options),
            QueueServiceClient.from_connection_string(text, **queue_options),
            TableServiceClient.from_connection_string(text, **table_options),
        )
    except (ValueError, KeyError):
        # The chain is cut because the SDK's text may quote the connection string, and with it the key.
        raise InvalidSetting(
            "ImageStorage is no connection string of a storage account: copy it anew from the portal, or write "
            "UseDevelopmentStorage=true for Azurite"
        ) from None


def _quiet_sdk() -> None:
    """The SDK logs every request with all its headers at INFO, a dozen for each image: silent unless someone asked."""
    logger = logging.getLogger("azure")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)


def _check_account_key(connection_string: str) -> None:
    """The SDK would notice a mangled key only when it signs the first call. Raises `ValueError`."""
    for part in connection_string.split(";"):
        name, _, value = part.partition("=")
        if name.strip().lower() == "accountkey":
            base64.b64decode(value.strip(), validate=True)


def credential_of(client_id: str) -> "TokenCredential":
    """The identity named by `ImageStorage__clientId`, else whatever this machine is signed in with."""
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415 - slow, rarely needed

    if client_id:
        return ManagedIdentityCredential(client_id=client_id, transport=LimitedTransport())
    return DefaultAzureCredential()
