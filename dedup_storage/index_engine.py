"""The engine of the candidate index that the settings ask for. Another one is one more case here."""

from dedup_app.configuration.extras import from_extra
from dedup_app.configuration.index_address import INDEX_URL, IndexAddress
from dedup_app.configuration.settings import Settings
from dedup_app.ports.index import CandidateIndex
from dedup_storage.account.clients import StorageClients
from dedup_storage.logs.fingerprint_log import FingerprintLog
from dedup_storage.logs.segments import OLDER_FINGERPRINTS, AzureSegments
from dedup_storage.logs.snapshot_blobs import AzureSnapshots

DRIVERS = ("psycopg", "psycopg_pool")


def open_index(settings: Settings, clients: StorageClients) -> CandidateIndex:
    """The index of all images; nothing is read before its first use."""
    if settings.index_address is not None:
        return _in_postgres(settings.index_address, settings)
    return FingerprintLog(
        AzureSegments(clients.blobs, settings.index_container),
        AzureSegments(clients.blobs, settings.index_container, OLDER_FINGERPRINTS),
        AzureSnapshots(clients.blobs, settings.index_container),
    )


def _in_postgres(address: IndexAddress, settings: Settings) -> CandidateIndex:
    with from_extra(INDEX_URL, DRIVERS, "cli,azure,postgres"):
        from dedup_storage.postgres.postgres_index import PostgresIndex  # noqa: PLC0415 - its driver, only where wanted
        from dedup_storage.postgres.sign_in import tokens  # noqa: PLC0415

    client_id = settings.image_storage.client_id if settings.image_storage else ""
    return PostgresIndex(address, settings.namespace, tokens(client_id))
