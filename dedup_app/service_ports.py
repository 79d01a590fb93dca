"""What all use cases of a process stand on: its ports, and what they have in common."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dedup_app.configuration.ownership import OwnershipService
from dedup_app.configuration.settings import Settings
from dedup_app.pipeline.loader_totals import LoaderTotals
from dedup_app.pipeline.rejection import Rejections
from dedup_app.ports.decoders import Decoders
from dedup_app.ports.features import FeaturesTable
from dedup_app.ports.images import Images, OriginalLinks
from dedup_app.ports.index import CandidateIndex
from dedup_app.ports.pairs import PairsTable
from dedup_app.ports.queues import IngestQueue, PoisonQueues, Queues, VerifyQueue
from dedup_app.ports.reports import Meter, ReportsTable, StatsTable
from dedup_app.records.journal import JournaledFeatures, VerdictJournal, VerdictLog
from dedup_app.records.notices import EventSender, Notices
from dedup_core.loading.budget import LoadBudgets
from dedup_core.loading.loader import MemoryEfficientImageLoader
from dedup_core.loading.source import SourceImage
from dedup_core.paths import ImagePath

if TYPE_CHECKING:
    from dedup_app.cleanup.ports import MovableBlobs
    from dedup_app.records.image_tags import BlobTags, ImageTags


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True, eq=False)
class ServicePorts:
    """The ports of one process, and what its use cases share. `instance` names its row of statistics."""

    settings: Settings
    images: Images
    decoders: Decoders
    features: FeaturesTable
    pairs: PairsTable
    stats: StatsTable
    reports: ReportsTable
    verify_queue: VerifyQueue
    ingest_queue: IngestQueue
    queues: Queues
    poison_queues: PoisonQueues
    open_index: Callable[[], CandidateIndex]
    verdict_log: VerdictLog
    instance: str
    event_senders: Sequence[EventSender] = ()
    now: Callable[[], datetime] = utc_now
    meter: Meter | None = None
    blob_tags: "BlobTags | None" = None  # where images are tagged
    original_links: OriginalLinks | None = None  # else originals go through this process
    movable_blobs: "MovableBlobs | None" = None  # only where a person clears up
    budgets: LoadBudgets = field(init=False)
    loader: MemoryEfficientImageLoader = field(init=False)
    ownership: OwnershipService = field(init=False)

    def __post_init__(self) -> None:
        self._tags = self._image_tags()
        self.features = JournaledFeatures(self.features, self.verdict_log, self._tags)
        settings = self.settings
        self.ownership = OwnershipService(record=self.reports, settings=settings, now=self.now)
        self._notices = Notices(self.event_senders, settings.account, settings.image_container)
        self._journal = VerdictJournal(self.features, self.verdict_log, self._notices, self._tags)
        self._rejections = Rejections(self.reports, self.now)
        self.budgets = LoadBudgets(
            settings.limits,
            settings.download_budget_bytes,
            settings.decode_budget_bytes,
            copies=0 if self.decoders.isolation == "off" else 1,
        )
        self.loader = MemoryEfficientImageLoader(
            self._read,
            settings.limits,
            self.budgets,
            self.decoders.decode,
            at_once=os.process_cpu_count(),  # more would only wait for each other, and hold their planes
        )
        self._totals = LoaderTotals(self.loader, self.stats, self.instance, self.now, self.meter)

    def _image_tags(self) -> "ImageTags | None":
        if self.blob_tags is None:
            return None
        from dedup_app.records.image_tags import ImageTags  # noqa: PLC0415 - needs numpy, and few have it on

        return ImageTags(self.blob_tags, self.pairs, self.features)

    def _read(self, path: ImagePath) -> SourceImage:
        self.decoders.prepare()
        source = self.images.read(path)
        if source is None:
            raise TypeError(f"Nothing was said about an etag, yet {path} was not read: the Images port is broken")
        return source
