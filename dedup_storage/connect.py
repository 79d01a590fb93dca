"""Settings -> Services: every port on the storage account that `ImageStorage` names. Nothing else connects."""

import os
import re
import secrets
import socket
from typing import TYPE_CHECKING

from dedup_app.configuration.settings import Settings
from dedup_app.ports.index import CandidateIndex
from dedup_app.ports.queues import queue_names
from dedup_app.ports.reports import Meter
from dedup_app.service_ports import utc_now
from dedup_app.services import Services
from dedup_decoders.allocator import keep_arenas, return_large_buffers_at_once
from dedup_storage.account.clients import StorageClients, load_queues, open_clients
from dedup_storage.app_decoders import open_app_decoders
from dedup_storage.decoders_reporting import DecodersReporting
from dedup_storage.images.blob_tags import AzureBlobTags
from dedup_storage.images.blobs import AzureImages
from dedup_storage.images.original_links import DelegatedLinks
from dedup_storage.logs.reading import READ_BYTES
from dedup_storage.logs.segments import AzureSegments
from dedup_storage.logs.verdict_log import PREFIX as VERDICTS
from dedup_storage.logs.verdict_log import VerdictLog
from dedup_storage.messaging.event_senders import event_senders
from dedup_storage.messaging.poison_queues import AzurePoisonQueues
from dedup_storage.messaging.queues import AzureIngestQueue, AzureQueues, AzureVerifyQueue, LateQueueService
from dedup_storage.tables.entity_table import EntityTable
from dedup_storage.tables.features import AzureFeaturesTable
from dedup_storage.tables.pairs import AzurePairsTable
from dedup_storage.tables.reports import AzureReportsTable
from dedup_storage.tables.stats import AzureStatsTable

if TYPE_CHECKING:
    from dedup_decoders.in_process import InProcessDecoders
    from dedup_decoders.pool import DecoderPool

__all__ = ["Services", "connect"]


def connect(settings: Settings, decoders: "DecoderPool | InProcessDecoders | None" = None) -> Services:
    """The services of one process; no call is made before the first use. Raises `InvalidSetting`.

    Call it once a process and keep the result: it holds the connections and the fingerprints of all images. `decoders`
    are those of `open_app_decoders`, where they were opened before.
    """
    return_large_buffers_at_once()
    keep_arenas(os.process_cpu_count() or 1)  # no more threads than that compute at once
    meter = _meter() if settings.telemetry else None  # before the clients, so that they are not traced
    storage = settings.require_image_storage()
    largest_read = max(settings.max_image_bytes, READ_BYTES)
    clients = open_clients(storage, largest_read=largest_read)
    queues = LateQueueService(clients)
    reports = AzureReportsTable(EntityTable(clients.tables, settings.table("reports")))
    instance = instance_name()
    decoders = decoders or open_app_decoders(settings)
    decoders.report_to(DecodersReporting(reports, instance, settings.decoder_isolation))
    decoders.do_meanwhile(load_queues)
    return Services(
        settings=settings,
        images=AzureImages(clients.blobs, max_bytes=settings.max_image_bytes),
        decoders=decoders,
        features=AzureFeaturesTable(EntityTable(clients.tables, settings.table("features"))),
        pairs=AzurePairsTable(EntityTable(clients.tables, settings.table("pairs"))),
        stats=AzureStatsTable(EntityTable(clients.tables, settings.table("loaderstats"))),
        reports=reports,
        verify_queue=AzureVerifyQueue(queues, settings.verify_queue),
        ingest_queue=AzureIngestQueue(queues, settings.ingest_queue),
        poison_queues=AzurePoisonQueues(queues),
        queues=AzureQueues(queues, queue_names(settings), settings.uploads_queue),
        open_index=lambda: _index(settings, clients),
        verdict_log=VerdictLog(AzureSegments(clients.blobs, settings.index_container, VERDICTS)),
        event_senders=event_senders(settings, queues),
        blob_tags=AzureBlobTags(clients.blobs) if settings.tag_images else None,
        original_links=(
            DelegatedLinks(clients.blobs, utc_now) if settings.original_links and storage.uses_identity else None
        ),
        instance=instance,
        meter=meter,
    )


def _index(settings: Settings, clients: StorageClients) -> CandidateIndex:
    from dedup_storage.index_engine import open_index  # noqa: PLC0415 - loads the search, which few use cases need

    return open_index(settings, clients)


def _meter() -> Meter:
    from dedup_storage.telemetry import OpenTelemetryMeter, record_no_storage_calls  # noqa: PLC0415 - only where wanted

    record_no_storage_calls()
    return OpenTelemetryMeter()


def instance_name() -> str:
    """A name that no other process has, past or present: the row of this process in the `loaderstats` table."""
    host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())
    return f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
