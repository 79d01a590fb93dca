"""For all tests of the storage: clients of an account of their own in Azurite."""

from collections.abc import Iterator

import pytest

from dedup_app.configuration.storage_connection import StorageConnection
from dedup_storage.account.clients import StorageClients, open_clients
from dedup_storage.logs.reading import READ_BYTES
from tests.azurite import Account


@pytest.fixture
def clients(account: Account) -> Iterator[StorageClients]:
    """Clients of a fresh account in Azurite, made as the app makes them."""
    clients = open_clients(StorageConnection(account.connection_string), largest_read=READ_BYTES)
    yield clients
    clients.close()
