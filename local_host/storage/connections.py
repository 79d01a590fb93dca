"""Storage clients for the connections that bindings name: connection strings or identity settings."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient
from azure.storage.blob import ExponentialRetry as BlobRetry
from azure.storage.queue import ExponentialRetry as QueueRetry
from azure.storage.queue import QueueServiceClient
from requests.adapters import HTTPAdapter

from local_host.settings import SettingsError

# Every message in flight may talk to the storage at the same time, from a thread of its own.
MAX_CONNECTIONS = 64
# Pauses of about 1, 3 and 5 s, not the SDK's 15, 18 and 24 s: the listeners ask again anyway.
RETRY: dict[str, Any] = {"initial_backoff": 1, "increment_base": 2, "random_jitter_range": 1, "retry_total": 3}


def is_emulator(url: str) -> bool:
    """Say whether an address is that of a storage emulator: an IP address or a port of its own instead of a name."""
    address = urlsplit(url)
    return address.port is not None or (address.hostname or "") == "localhost"


class Connections:
    """Long-lived clients, one for each connection and service."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.outages = 0  # how often a request has got no answer, those included that were sent again with success
        self._environ = environ
        self._blobs: dict[str, BlobServiceClient] = {}
        self._queues: dict[str, QueueServiceClient] = {}
        self._credential: Any = None

    def blobs(self, connection: str) -> BlobServiceClient:
        """Return the blob service behind a connection; raises SettingsError when no setting defines it."""
        if connection not in self._blobs:
            name, text, url, credential = self._find(connection, "blob")
            options: dict[str, Any] = {"transport": self._transport(), "retry_policy": BlobRetry(**RETRY)}
            with _naming(name, url, "blob"):
                self._blobs[connection] = (
                    BlobServiceClient.from_connection_string(text, **options)
                    if text
                    else BlobServiceClient(url, credential=credential, **options)
                )
        return self._blobs[connection]

    def queues(self, connection: str) -> QueueServiceClient:
        """Return the queue service behind a connection; raises SettingsError when no setting defines it."""
        if connection not in self._queues:
            name, text, url, credential = self._find(connection, "queue")
            options: dict[str, Any] = {"transport": self._transport(), "retry_policy": QueueRetry(**RETRY)}
            with _naming(name, url, "queue"):
                self._queues[connection] = (
                    QueueServiceClient.from_connection_string(text, **options)
                    if text
                    else QueueServiceClient(url, credential=credential, **options)
                )
        return self._queues[connection]

    def _transport(self) -> RequestsTransport:
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_connections=MAX_CONNECTIONS, pool_maxsize=MAX_CONNECTIONS))
        return _Transport(session, self._count_outage)

    def _count_outage(self) -> None:
        self.outages += 1

    def _find(self, connection: str, service: str) -> tuple[str, str, str, Any]:
        """Return the name of the setting, and a connection string or an address with a credential."""
        for name in (f"AzureWebJobs{connection}", connection):
            if self._environ.get(name):
                return name, self._environ[name], "", None
            url = self._environ.get(f"{name}__{service}ServiceUri")
            if not url and service == "blob":
                url = self._environ.get(f"{name}__serviceUri")
            if not url and self._environ.get(f"{name}__accountName"):
                url = f"https://{self._environ[f'{name}__accountName']}.{service}.core.windows.net"
            if url:
                return name, "", url, self._identity(name)
        raise SettingsError(
            f"a binding uses the connection {connection}, but neither {connection} nor "
            f"{connection}__{service}ServiceUri is set"
        )

    def _identity(self, name: str) -> Any:
        from azure.identity import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415, slow and rare

        if self._environ.get(f"{name}__credential", "").lower() == "managedidentity":
            return ManagedIdentityCredential(client_id=self._environ.get(f"{name}__clientId"))
        if self._credential is None:
            self._credential = DefaultAzureCredential()
        return self._credential


@contextmanager
def _naming(setting: str, url: str, service: str) -> Iterator[None]:
    """Name the setting whose value the SDK cannot use. The value is not shown: it may hold the account's key."""
    try:
        yield
    except ValueError:
        if url:
            told = (
                f"gives no address: set {setting}__{service}ServiceUri to https://<account>.{service}.core.windows.net"
            )
        else:
            told = (
                "is no whole connection string: copy one from the account's access keys, or write "
                "UseDevelopmentStorage=true for Azurite"
            )
        raise SettingsError(f"{setting} {told}") from None


class _Transport(RequestsTransport):  # type: ignore[misc]
    """Tells of each request that got no answer."""

    def __init__(self, session: requests.Session, on_outage: Callable[[], None]) -> None:
        super().__init__(session=session, session_owner=False)
        self._on_outage = on_outage

    def send(self, request: Any, **options: Any) -> Any:
        try:
            return super().send(request, **options)
        except (ServiceRequestError, ServiceResponseError):
            self._on_outage()
            raise
