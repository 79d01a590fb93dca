"""All use cases over one set of ports: on Azure or in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dedup_app.activity import ActivityService
from dedup_app.backlog import BacklogService
from dedup_app.blob_events import BlobEventService
from dedup_app.check import CheckService
from dedup_app.decision_transfer import DecisionTransfer
from dedup_app.decisions import DecisionService
from dedup_app.group_book import GroupBook
from dedup_app.ingest import IngestService
from dedup_app.journal import JournaledFeatures, VerdictJournal, VerdictLog
from dedup_app.ledger.audit import Audit
from dedup_app.ledger.reconcile import ReconcileService
from dedup_app.loader_totals import LoaderTotals
from dedup_app.notices import EventSender, Notices
from dedup_app.overview import OverviewService
from dedup_app.ownership import OwnershipService
from dedup_app.pair_list import PairListService
from dedup_app.pairing import Pairing
from dedup_app.poison import PoisonService
from dedup_app.ports.decoders import Decoders
from dedup_app.ports.features import FeaturesTable
from dedup_app.ports.images import Images, OriginalLinks
from dedup_app.ports.index import CandidateIndex
from dedup_app.ports.pairs import PairsTable
from dedup_app.ports.queues import IngestQueue, PoisonQueues, Queues, VerifyQueue
from dedup_app.ports.reports import Meter, ReportsTable, StatsTable
from dedup_app.reindex import ReindexService
from dedup_app.rejected import RejectedService
from dedup_app.rejection import Rejections
from dedup_app.rejudge import RejudgeService
from dedup_app.reporting import ReportingService
from dedup_app.retention import RetentionService
from dedup_app.review import ReviewService
from dedup_app.settings import Settings
from dedup_app.verify import VerifyService
from dedup_core.loading.budget import LoadBudgets
from dedup_core.loading.loader import MemoryEfficientImageLoader
from dedup_core.loading.source import SourceImage
from dedup_core.paths import ImagePath

if TYPE_CHECKING:
    from dedup_app.cleanup.apply import ApplyService
    from dedup_app.cleanup.ports import MovableBlobs
    from dedup_app.cleanup.purge import PurgeService
    from dedup_app.cleanup.undo import UndoService
    from dedup_app.keep_plan import KeepPlanService
    from dedup_app.measure.service import MeasureService
    from dedup_app.measure.workshop import Workshop
    from dedup_app.tune.service import TuneService


MEASURING_BYTES = 96 * 1024 * 1024  # for pictures that are being decoded: `dedup measure` shares a machine


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True, eq=False)
class Services:
    """The ports, and the use cases built on them. One for each process: `instance` names its row of statistics."""

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
    index: CandidateIndex
    verdict_log: VerdictLog
    instance: str
    event_senders: Sequence[EventSender] = ()
    now: Callable[[], datetime] = utc_now
    meter: Meter | None = None
    original_links: OriginalLinks | None = None  # else originals go through this process
    movable_blobs: "MovableBlobs | None" = None  # only where a person clears up
    loader: MemoryEfficientImageLoader = field(init=False)
    ingest: IngestService = field(init=False)
    verify: VerifyService = field(init=False)
    blob_events: BlobEventService = field(init=False)
    reporting: ReportingService = field(init=False)
    pair_list: PairListService = field(init=False)
    groups: GroupBook = field(init=False)
    decisions: DecisionService = field(init=False)
    review: ReviewService = field(init=False)
    check: CheckService = field(init=False)
    rejudge: RejudgeService = field(init=False)
    rejected: RejectedService = field(init=False)
    overview: OverviewService = field(init=False)
    activity: ActivityService = field(init=False)
    reconcile: ReconcileService = field(init=False)
    poison: PoisonService = field(init=False)
    ownership: OwnershipService = field(init=False)
    retention: RetentionService = field(init=False)
    decision_transfer: DecisionTransfer = field(init=False)

    def __post_init__(self) -> None:
        self.features = JournaledFeatures(self.features, self.verdict_log)
        settings = self.settings
        self.ownership = OwnershipService(record=self.reports, settings=settings, now=self.now)
        notices = Notices(self.event_senders, settings.account, settings.image_container)
        journal = VerdictJournal(self.features, self.verdict_log, notices)
        rejections = Rejections(self.reports, self.now)
        budgets = LoadBudgets(
            settings.limits,
            settings.download_budget_bytes,
            settings.decode_budget_bytes,
            copies=0 if self.decoders.isolation == "off" else 1,
        )
        self.loader = MemoryEfficientImageLoader(self._read, settings.limits, budgets, self.decoders.decode)
        totals = LoaderTotals(self.loader, self.stats, self.instance, self.now, self.meter)
        pairing = Pairing(
            images=self.images,
            features=self.features,
            pairs=self.pairs,
            journal=journal,
            verify_queue=self.verify_queue,
            totals=totals,
            settings=settings,
            now=self.now,
        )
        audit = Audit(images=self.images, features=self.features, pairs=self.pairs, index=self.index, pairing=pairing)
        self.reconcile = ReconcileService(
            audit=audit,
            images=self.images,
            index=self.index,
            pairing=pairing,
            queues=self.queues,
            ingest_queue=self.ingest_queue,
            verify_queue=self.verify_queue,
            reports=self.reports,
            settings=settings,
            now=self.now,
        )
        self.poison = PoisonService(
            poison=self.poison_queues,
            pairs=self.pairs,
            reports=self.reports,
            ingest_queue=self.ingest_queue,
            verify_queue=self.verify_queue,
            settings=settings,
            now=self.now,
        )
        self.ingest = IngestService(
            images=self.images,
            decoders=self.decoders,
            features=self.features,
            index=self.index,
            pairing=pairing,
            ingest_queue=self.ingest_queue,
            rejections=rejections,
            notices=notices,
            budgets=budgets,
            settings=settings,
            now=self.now,
        )
        self.verify = VerifyService(
            loader=self.loader,
            features=self.features,
            pairs=self.pairs,
            journal=journal,
            totals=totals,
            rejections=rejections,
            settings=settings,
            now=self.now,
        )
        self.retention = RetentionService(
            features=self.features,
            pairs=self.pairs,
            stats=self.stats,
            reports=self.reports,
            settings=settings,
            now=self.now,
        )
        self.blob_events = BlobEventService(ingest=self.ingest, rejections=rejections, settings=settings)
        self.reporting = ReportingService(stats=self.stats, reports=self.reports, now=self.now, meter=self.meter)
        self.pair_list = PairListService(features=self.features, pairs=self.pairs)
        self.groups = GroupBook(self.verdict_log, settings.keeper_policy)
        self.review = ReviewService(book=self.groups, pairs=self.pairs)
        self.rejected = RejectedService(self.features)
        self.rejudge = RejudgeService(
            pairs=self.pairs,
            journal=journal,
            verify_queue=self.verify_queue,
            book=self.groups,
            policy=settings.policy,
            now=self.now,
        )
        self.check = CheckService(
            images=self.images,
            features=self.features,
            index=self.index,
            decoders=self.decoders,
            loader=self.loader,
            budgets=budgets,
            policy=settings.policy,
        )
        self.decisions = DecisionService(
            features=self.features,
            pairs=self.pairs,
            journal=journal,
            book=self.groups,
            policy=settings.keeper_policy,
            now=self.now,
        )
        self.decision_transfer = DecisionTransfer(
            features=self.features, pairs=self.pairs, journal=journal, container=settings.image_container
        )
        self.activity = ActivityService(stats=self.stats, book=self.groups, now=self.now)
        self.overview = OverviewService(features=self.features, reports=self.reports, queues=self.queues)

    @property
    def backlog(self) -> BacklogService:
        return BacklogService(
            images=self.images, features=self.features, ingest_queue=self.ingest_queue, settings=self.settings
        )

    @property
    def reindex(self) -> ReindexService:
        return ReindexService(
            features=self.features,
            pairs=self.pairs,
            index=self.index,
            verdict_log=self.verdict_log,
            ingest_queue=self.ingest_queue,
        )

    @property
    def keep_plan(self) -> "KeepPlanService":
        from dedup_app.keep_plan import KeepPlanService  # noqa: PLC0415 - only the command plans: no trigger waits for it

        return KeepPlanService(book=self.groups, features=self.features, account=self.settings.account, now=self.now)

    def measure(self, workshop: "Workshop", decoders: Decoders, threads: int) -> "MeasureService":
        """Of the command alone. The decoders are its own, because those of an app store a report of themselves."""
        from dedup_app.measure.service import MeasureService  # noqa: PLC0415 - as above

        limits = self.settings.limits
        return MeasureService(
            images=self.images,
            features=self.features,
            index=self.index,
            book=self.groups,
            decoders=decoders,
            workshop=workshop,
            budgets=LoadBudgets(limits, limits.max_bytes, MEASURING_BYTES, copies=1),
            max_candidates=self.settings.max_candidates,
            threads=threads,
        )

    @property
    def tune(self) -> "TuneService":
        from dedup_app.tune.service import TuneService  # noqa: PLC0415 - as above

        return TuneService(pairs=self.pairs, features=self.features, policy=self.settings.policy)

    @property
    def apply(self) -> "ApplyService":
        from dedup_app.cleanup.apply import ApplyService  # noqa: PLC0415 - as above

        return ApplyService(
            blobs=self._movable_blobs,
            book=self.groups,
            ingest_queue=self.ingest_queue,
            settings=self.settings,
            now=self.now,
        )

    @property
    def undo(self) -> "UndoService":
        from dedup_app.cleanup.undo import UndoService  # noqa: PLC0415 - as above

        return UndoService(
            blobs=self._movable_blobs, ingest_queue=self.ingest_queue, account=self.settings.account, now=self.now
        )

    @property
    def purge(self) -> "PurgeService":
        from dedup_app.cleanup.purge import PurgeService  # noqa: PLC0415 - as above

        return PurgeService(blobs=self._movable_blobs, account=self.settings.account, now=self.now)

    @property
    def _movable_blobs(self) -> "MovableBlobs":
        if self.movable_blobs is None:
            raise TypeError("Nobody said that this process may move blobs")
        return self.movable_blobs

    def _read(self, path: ImagePath) -> SourceImage:
        self.decoders.prepare()
        source = self.images.read(path)
        if source is None:
            raise TypeError(f"Nothing was said about an etag, yet {path} was not read: the Images port is broken")
        return source
