"""Retention: rows that nobody needs any more go after some days, a bounded number at a time, by the timer."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dedup_app.configuration.settings import Settings
from dedup_app.event_log import EventLog
from dedup_app.pipeline.loader_totals import utc_day
from dedup_app.ports.features import FeaturesRow, FeaturesTable
from dedup_app.ports.findings import PREFIXES
from dedup_app.ports.pairs import PairsTable
from dedup_app.ports.reports import ReportsTable, StatsTable
from dedup_app.ports.superseded import Superseded

log = EventLog(__name__)

SLICES_A_RUN = 4  # of the timer, of which a day has 288: all are seen within a day
ROWS_A_RUN = 200  # of each kind: with 288 runs a day more than a day makes
SECONDS_A_RUN = 30  # beside the 60 of the ledger in the same run; the next one goes on where this one ended


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one run took away, and how many rows of statistics it put together."""

    reports: int = 0
    statistics: int = 0
    images: int = 0
    pairs: int = 0


class RetentionService:
    """Takes away what is old. Whoever stops halfway leaves the rest to the next run."""

    def __init__(
        self,
        *,
        features: FeaturesTable,
        pairs: PairsTable,
        stats: StatsTable,
        reports: ReportsTable,
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        self._features = features
        self._pairs = pairs
        self._stats = stats
        self._reports = reports
        self._settings = settings
        self._now = now

    def run(self) -> Forgotten:
        """The timer's part: reports and statistics of all ages, and deleted images in the slices whose turn it is."""
        now, settings = self._now(), self._settings
        reports = self._reports.forget_before(now - timedelta(days=settings.keep_reports_days), ROWS_A_RUN)
        last_day = utc_day(now - timedelta(days=settings.keep_statistics_days))
        statistics = self._stats.fold_before(last_day, ROWS_A_RUN)
        images, pairs = self._forget_deleted(now - timedelta(days=settings.keep_deleted_days))
        forgotten = Forgotten(reports, statistics, images, pairs)
        if forgotten != Forgotten():
            log.info("retention", reports=reports, statistics=statistics, images=images, pairs=pairs)
        return forgotten

    def _forget_deleted(self, moment: datetime) -> tuple[int, int]:
        """Images that are deleted since before the moment, each after its pairs: how many of both."""
        images = pairs = 0
        started = time.monotonic()
        place = self._reports.retention_place()
        first = PREFIXES.index(place) if place in PREFIXES else 0
        for offset in range(SLICES_A_RUN):
            place = PREFIXES[(first + offset) % len(PREFIXES)]
            for row in self._features.deleted_before(place, moment, ROWS_A_RUN):
                room = ROWS_A_RUN - pairs
                taken = self._pairs.forget(row.path, row.version, room)
                pairs += taken
                if taken == room or time.monotonic() - started > SECONDS_A_RUN:
                    self._reports.put_retention_place(place)  # the same slice once more
                    return images, pairs
                if any(pair.decision for pair in self._pairs.of_image(row.path, decided=True)):
                    self._keep(row)
                    continue
                self._features.delete(row)  # unless somebody has written it since: it may have been uploaded again
                images += 1
        self._reports.put_retention_place(PREFIXES[(first + SLICES_A_RUN) % len(PREFIXES)])
        return images, pairs

    def _keep(self, row: FeaturesRow) -> None:
        """For as long again: by its row the verdict log hears of an image that comes back, and the decision holds."""
        with suppress(Superseded):  # it has come back, or is about to
            self._features.set_status(replace(row, updated_at=self._now()))
