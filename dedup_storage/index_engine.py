"""The engine of the candidate index that the settings ask for. Another one is one more case here."""

from dedup_app.ports.index import CandidateIndex
from dedup_app.settings import Settings
from dedup_storage.clients import StorageClients
from dedup_storage.fingerprint_log import FingerprintLog
from dedup_storage.log_segments import OLDER_FINGERPRINTS, AzureSegments
from dedup_storage.snapshot_blobs import AzureSnapshots


def open_index(settings: Settings, clients: StorageClients) -> CandidateIndex:
    """The index of all images; nothing is read before its first use."""
    return FingerprintLog(
        AzureSegments(clients.blobs, settings.index_container),
        AzureSegments(clients.blobs, settings.index_container, OLDER_FINGERPRINTS),
        AzureSnapshots(clients.blobs, settings.index_container),
    )
