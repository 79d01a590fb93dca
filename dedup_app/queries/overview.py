"""Overview: what the app has done, what waits, and what went wrong, read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dedup_app.ports.features import FeaturesTable
from dedup_app.ports.findings import Ledger
from dedup_app.ports.image_status import ImageStatus
from dedup_app.ports.queues import QueueLengths, Queues
from dedup_app.ports.reports import DecodersReport, RejectedMessage, ReportsTable, StatsReport
from dedup_app.progress import Progress, no_progress

MESSAGES = 20  # the newest of each kind: more than a screen holds helps nobody


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that a person looks at first; `report` is None before the timer has run once, `decoders` before
    the first picture. `counted_all`: whether `images` are all of them, or those that were looked at.
    """

    images: Mapping[ImageStatus, int]
    queues: Mapping[str, QueueLengths]
    poison_messages: Sequence[RejectedMessage]
    rejected_messages: Sequence[RejectedMessage]
    report: StatsReport | None
    decoders: DecodersReport | None = None
    counted_all: bool = True
    ledger: Ledger = field(default_factory=Ledger)
    images_by_day: Mapping[str, int] = field(default_factory=dict)

    @property
    def images_known(self) -> int:
        """How many images there are by now, or at least; the ledger may have looked at fewer of them."""
        there = sum(count for status, count in self.images.items() if not status.is_gone)
        return max(there, self.ledger.images)

    def images_of(self, day: str) -> int:
        """How many images have come on a UTC day; estimated from those that were counted, if these are not all."""
        counted = sum(self.images.values())
        share = counted / max(counted, self.ledger.images) if counted and not self.counted_all else 1.0
        return round(self.images_by_day.get(day, 0) / share)


class OverviewService:
    """Reads tables and queues; changes nothing."""

    def __init__(self, *, features: FeaturesTable, reports: ReportsTable, queues: Queues) -> None:
        self._features = features
        self._reports = reports
        self._queues = queues

    def read(self, most_images: int | None = None, progress: Progress = no_progress) -> Overview:
        """All of it; with `most_images` no more rows than these are counted. `progress` hears how many were so far."""
        tally = self._features.tally(most_images, progress)
        return Overview(
            images=tally.statuses,
            images_by_day=tally.days,
            counted_all=most_images is None or sum(tally.statuses.values()) < most_images,
            queues=self._queues.lengths(),
            poison_messages=self._queues.poison(MESSAGES),
            rejected_messages=self._reports.rejected_messages(MESSAGES),
            report=self._reports.latest_stats_report(),
            decoders=self._reports.latest_decoders_report(),
            ledger=Ledger.sum(self._reports.ledger()),
        )
