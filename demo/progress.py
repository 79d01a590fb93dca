"""How far the app is with the pictures of the demo, read from the tables and queues that it keeps."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import PROCESSING
from dedup_app.ports.pairs import PairRow
from dedup_app.services import Services
from dedup_core.loading.stats import LoaderStats
from dedup_core.paths import ImagePath


@dataclass(frozen=True, slots=True)
class Progress:
    """What is stored by now: rows by picture path, pairs, messages that wait or failed, and the loaders' totals."""

    rows: dict[ImagePath, FeaturesRow]
    pairs: list[PairRow]
    waiting: int
    poisoned: int
    loaders: LoaderStats

    @property
    def finished(self) -> int:
        """Pictures with a final status."""
        return sum(row.status != PROCESSING for row in self.rows.values())

    @property
    def verified(self) -> int:
        return sum(pair.verdict is not None for pair in self.pairs)

    def is_done(self, pictures: int) -> bool:
        """Whether nothing more will come.

        Pairs are opened before their image gets its final status, so none can appear once all images have it. A
        message leaves its queue after its verdicts and the loader's totals are stored.
        """
        return self.finished == pictures and self.verified == len(self.pairs) and self.waiting == 0

    def told(self, pictures: int) -> str:
        """What is missing, in a sentence."""
        return (
            f"{self.finished} of {pictures} images are finished, {self.verified} of {len(self.pairs)} pairs are "
            f"verified, {self.waiting} messages wait and {self.poisoned} failed for good"
        )


def read_progress(services: Services, started: datetime) -> Progress:
    """Everything as of now; the queues are read first, so that what left them is in the rows."""
    lengths = services.queues.lengths().values()
    return Progress(
        rows={row.path: row for row in services.features.all()},
        pairs=list(services.pairs.all()),
        waiting=sum(length.waiting for length in lengths),
        poisoned=sum(length.poison for length in lengths),
        loaders=LoaderStats.sum(_totals(services, {started.date(), datetime.now(UTC).date()})),
    )


def _totals(services: Services, days: set[date]) -> list[LoaderStats]:
    return [totals for day in sorted(days) for totals in services.stats.of_day(day.isoformat()).values()]
