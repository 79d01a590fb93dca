"""The use cases that triggers start, and what these share with those of `services.py`: on Azure or in memory.

Each use case is made, and its module loaded, when it is first asked for: an instance that starts for one message waits
for nothing that this message does not need.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from dedup_app.service_ports import ServicePorts

if TYPE_CHECKING:
    from dedup_app.feedback.precision import PrecisionService
    from dedup_app.ledger.reconcile import ReconcileService
    from dedup_app.operations.poison import PoisonService
    from dedup_app.operations.reporting import ReportingService
    from dedup_app.operations.retention import RetentionService
    from dedup_app.pipeline.blob_events import BlobEventService
    from dedup_app.pipeline.ingest import IngestService
    from dedup_app.pipeline.pairing import Pairing
    from dedup_app.pipeline.verify import VerifyService
    from dedup_app.ports.index import CandidateIndex
    from dedup_app.records.group_book import GroupBook

TOLD_WITHIN = timedelta(minutes=10)  # of a verdict the log is told in the call that has written it, which ends by then


@dataclass(kw_only=True, eq=False)
class TriggeredServices(ServicePorts):
    """What blob events, messages and the timer start. What all use cases share stands last."""

    _groups: "GroupBook | None" = field(default=None, init=False)
    _index: "CandidateIndex | None" = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    @cached_property
    def ingest(self) -> "IngestService":
        from dedup_app.pipeline.blob_reader import BlobReader
        from dedup_app.pipeline.ingest import IngestService

        return IngestService(
            reader=BlobReader(images=self.images, decoders=self.decoders, budgets=self.budgets),
            features=self.features,
            index=self.index,
            pairing=self._pairing,
            ingest_queue=self.ingest_queue,
            ownership=self.ownership,
            totals=self._totals,
            rejections=self._rejections,
            notices=self._notices,
            settings=self.settings,
            now=self.now,
        )

    @cached_property
    def verify(self) -> "VerifyService":
        from dedup_app.pipeline.verify import VerifyService

        return VerifyService(
            loader=self.loader,
            features=self.features,
            pairs=self.pairs,
            journal=self._journal,
            totals=self._totals,
            rejections=self._rejections,
            settings=self.settings,
            now=self.now,
        )

    @cached_property
    def blob_events(self) -> "BlobEventService":
        from dedup_app.pipeline.blob_events import BlobEventService

        return BlobEventService(
            ingest=self.ingest, totals=self._totals, rejections=self._rejections, settings=self.settings
        )

    @cached_property
    def reporting(self) -> "ReportingService":
        from dedup_app.operations.reporting import ReportingService

        return ReportingService(
            stats=self.stats, reports=self.reports, settings=self.settings, now=self.now, meter=self.meter
        )

    @cached_property
    def poison(self) -> "PoisonService":
        from dedup_app.operations.poison import PoisonService

        return PoisonService(
            poison=self.poison_queues,
            pairs=self.pairs,
            reports=self.reports,
            ingest_queue=self.ingest_queue,
            verify_queue=self.verify_queue,
            settings=self.settings,
            now=self.now,
        )

    @cached_property
    def reconcile(self) -> "ReconcileService":
        from dedup_app.ledger.audit import Audit
        from dedup_app.ledger.reconcile import ReconcileService
        from dedup_app.records.decision_steps import DecisionSteps

        return ReconcileService(
            audit=Audit(
                images=self.images,
                features=self.features,
                pairs=self.pairs,
                index=self.index,
                pairing=self._pairing,
                container=self.settings.image_container,
            ),
            images=self.images,
            index=self.index,
            pairing=self._pairing,
            decision_steps=DecisionSteps(self.pairs, self._journal),
            queues=self.queues,
            ingest_queue=self.ingest_queue,
            verify_queue=self.verify_queue,
            reports=self.reports,
            settings=self.settings,
            now=self.now,
        )

    @cached_property
    def retention(self) -> "RetentionService":
        from dedup_app.operations.retention import RetentionService

        return RetentionService(
            features=self.features,
            pairs=self.pairs,
            stats=self.stats,
            reports=self.reports,
            settings=self.settings,
            now=self.now,
        )

    @cached_property
    def precision(self) -> "PrecisionService":
        from dedup_app.feedback.precision import PrecisionService

        return PrecisionService(self.groups, self.reports, self.settings.alert_precision_percent / 100, self.now)

    @property
    def groups(self) -> "GroupBook":
        """One for all threads."""
        from dedup_app.records.group_book import GroupBook
        from dedup_app.records.journal import has_told

        with self._lock:
            if self._groups is None:
                self._groups = GroupBook(
                    self.verdict_log,
                    self.settings.keeper_policy,
                    lambda first_moment: has_told(self.pairs, self.now() - TOLD_WITHIN, first_moment),
                )
            return self._groups

    @property
    def index(self) -> "CandidateIndex":
        """One for all threads."""
        with self._lock:
            if self._index is None:
                self._index = self.open_index()
            return self._index

    @cached_property
    def _pairing(self) -> "Pairing":
        from dedup_app.pipeline.pairing import Pairing

        return Pairing(
            images=self.images,
            features=self.features,
            pairs=self.pairs,
            journal=self._journal,
            verify=self.verify,
            verify_queue=self.verify_queue,
            totals=self._totals,
            settings=self.settings,
            now=self.now,
        )
