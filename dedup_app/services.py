"""All use cases over one set of ports: to those that triggers start come those that people ask for."""

from functools import cached_property
from typing import TYPE_CHECKING

from dedup_app.triggered_services import TriggeredServices
from dedup_core.loading.budget import LoadBudgets

if TYPE_CHECKING:
    from dedup_app.cleanup.apply import ApplyService
    from dedup_app.cleanup.keep_plan import KeepPlanService
    from dedup_app.cleanup.ports import MovableBlobs
    from dedup_app.cleanup.purge import PurgeService
    from dedup_app.cleanup.undo import UndoService
    from dedup_app.feedback.decision_transfer import DecisionTransfer
    from dedup_app.feedback.decisions import DecisionService
    from dedup_app.feedback.informative_pairs import InformativePairService
    from dedup_app.measure.copies import CopyMaker
    from dedup_app.measure.service import MeasureService
    from dedup_app.operations.backlog import BacklogService
    from dedup_app.operations.reindex import ReindexService
    from dedup_app.operations.rejudge import RejudgeService
    from dedup_app.pipeline.check import CheckService
    from dedup_app.ports.decoders import Decoders
    from dedup_app.queries.activity import ActivityService
    from dedup_app.queries.overview import OverviewService
    from dedup_app.queries.pair_list import PairListService
    from dedup_app.queries.rejected import RejectedService
    from dedup_app.queries.review import ReviewService
    from dedup_app.tune.service import TuneService


MEASURING_BYTES = 96 * 1024 * 1024  # for pictures that are being decoded: `dedup measure` shares a machine


class Services(TriggeredServices):
    """The use cases of one process. All but groups and index hold nothing that counts: each thread may make its own.

    In this order: what is listed and counted; groups and decisions; clearing up; what goes over all images or pairs
    once more.
    """

    @cached_property
    def pair_list(self) -> "PairListService":
        from dedup_app.queries.pair_list import PairListService

        return PairListService(features=self.features, pairs=self.pairs)

    @cached_property
    def overview(self) -> "OverviewService":
        from dedup_app.queries.overview import OverviewService

        return OverviewService(features=self.features, reports=self.reports, queues=self.queues)

    @cached_property
    def activity(self) -> "ActivityService":
        from dedup_app.queries.activity import ActivityService

        return ActivityService(stats=self.stats, book=self.groups, now=self.now)

    @cached_property
    def rejected(self) -> "RejectedService":
        from dedup_app.queries.rejected import RejectedService

        return RejectedService(self.features)

    @cached_property
    def review(self) -> "ReviewService":
        from dedup_app.queries.review import ReviewService

        return ReviewService(book=self.groups, pairs=self.pairs, features=self.features)

    @cached_property
    def informative_pairs(self) -> "InformativePairService":
        from dedup_app.feedback.informative_pairs import InformativePairService

        return InformativePairService(
            pairs=self.pairs, features=self.features, book=self.groups, policy=self.settings.policy
        )

    @cached_property
    def decisions(self) -> "DecisionService":
        from dedup_app.feedback.decisions import DecisionService

        return DecisionService(
            features=self.features,
            pairs=self.pairs,
            journal=self._journal,
            book=self.groups,
            policy=self.settings.keeper_policy,
            now=self.now,
        )

    @cached_property
    def decision_transfer(self) -> "DecisionTransfer":
        from dedup_app.feedback.decision_transfer import DecisionTransfer

        return DecisionTransfer(
            features=self.features, pairs=self.pairs, journal=self._journal, container=self.settings.image_container
        )

    @cached_property
    def keep_plan(self) -> "KeepPlanService":
        from dedup_app.cleanup.keep_plan import KeepPlanService

        return KeepPlanService(book=self.groups, features=self.features, settings=self.settings, now=self.now)

    @cached_property
    def apply(self) -> "ApplyService":
        from dedup_app.cleanup.apply import ApplyService

        return ApplyService(
            blobs=self._movable_blobs,
            book=self.groups,
            ingest_queue=self.ingest_queue,
            settings=self.settings,
            now=self.now,
        )

    @cached_property
    def undo(self) -> "UndoService":
        from dedup_app.cleanup.undo import UndoService

        return UndoService(
            blobs=self._movable_blobs, ingest_queue=self.ingest_queue, settings=self.settings, now=self.now
        )

    @cached_property
    def purge(self) -> "PurgeService":
        from dedup_app.cleanup.purge import PurgeService

        return PurgeService(blobs=self._movable_blobs, book=self.groups, settings=self.settings, now=self.now)

    @cached_property
    def backlog(self) -> "BacklogService":
        from dedup_app.operations.backlog import BacklogService

        return BacklogService(
            images=self.images, features=self.features, ingest_queue=self.ingest_queue, settings=self.settings
        )

    @cached_property
    def reindex(self) -> "ReindexService":
        from dedup_app.operations.reindex import ReindexService

        return ReindexService(
            features=self.features,
            pairs=self.pairs,
            index=self.index,
            verdict_log=self.verdict_log,
            ingest_queue=self.ingest_queue,
            tags=self._tags,
        )

    @cached_property
    def rejudge(self) -> "RejudgeService":
        from dedup_app.operations.rejudge import RejudgeService

        return RejudgeService(
            pairs=self.pairs,
            journal=self._journal,
            verify_queue=self.verify_queue,
            book=self.groups,
            policy=self.settings.policy,
            containers=self.settings.containers,
            now=self.now,
        )

    @cached_property
    def check(self) -> "CheckService":
        from dedup_app.pipeline.check import CheckService

        return CheckService(
            read=self._read,
            features=self.features,
            index=self.index,
            decoders=self.decoders,
            loader=self.loader,
            budgets=self.budgets,
            policy=self.settings.policy,
            containers=self.settings.containers,
        )

    def measure(self, copy_maker: "CopyMaker", decoders: "Decoders", threads: int) -> "MeasureService":
        """Of the command alone. The decoders are its own, because those of an app store a report of themselves."""
        from dedup_app.measure.service import MeasureService

        limits = self.settings.limits
        return MeasureService(
            images=self.images,
            features=self.features,
            index=self.index,
            book=self.groups,
            decoders=decoders,
            copy_maker=copy_maker,
            budgets=LoadBudgets(limits, limits.max_bytes, MEASURING_BYTES, copies=1),
            max_candidates=self.settings.max_candidates,
            threads=threads,
        )

    @cached_property
    def tune(self) -> "TuneService":
        from dedup_app.tune.service import TuneService

        return TuneService(pairs=self.pairs, features=self.features, policy=self.settings.policy)

    @property
    def _movable_blobs(self) -> "MovableBlobs":
        if self.movable_blobs is None:
            raise TypeError("Nobody said that this process may move blobs")
        return self.movable_blobs
