"""Activity: what was done on each of the last days, by all instances and by people."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dedup_app.pipeline.loader_totals import utc_day
from dedup_app.ports.reports import StatsTable
from dedup_app.records.group_book import GroupBook
from dedup_app.records.group_records import DAY_MICROSECONDS, microseconds
from dedup_app.threads import Threads
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.loading.stats import LoaderStats

DAYS = 30  # what the page draws
READS_AT_ONCE = 8  # requests to storage, mostly waiting; after the first look only the open days are read
OPEN_DAYS = 2  # today and yesterday may still be written; the rows of days before add up to the same for ever


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day: pairs by the verdict that they got then, pairs decided then, and what loaders counted."""

    day: str
    verdicts: Mapping[VerdictKind, int]
    decisions: int
    totals: LoaderStats


class ActivityService:
    """Reads statistics and the group book; a closed day is read once a process."""

    def __init__(self, *, stats: StatsTable, book: GroupBook, now: Callable[[], datetime]) -> None:
        self._stats = stats
        self._book = book
        self._now = now
        self._closed: dict[str, LoaderStats] = {}

    def days(self) -> list[Day]:
        """The last `DAYS` days, today last."""
        now = self._now()
        names = [utc_day(now - timedelta(days=back)) for back in reversed(range(DAYS))]
        totals = self._totals(names)
        # By the number of the day since 1970: there may be half a million links.
        today = microseconds(now) // DAY_MICROSECONDS
        first = (today - DAYS + 1) * DAY_MICROSECONDS
        with self._book.current() as projection:
            links = Counter((at // DAY_MICROSECONDS, kind) for at, kind in projection.verdicts_since(first))
            decisions = Counter(it.at // DAY_MICROSECONDS for it in projection.decisions_since(first))
        days = []
        for number, name in enumerate(names, today - DAYS + 1):
            verdicts = {kind: links[number, kind] for kind in VerdictKind if links[number, kind]}
            days.append(Day(name, verdicts, decisions[number], totals[name]))
        return days

    def _totals(self, days: Sequence[str]) -> dict[str, LoaderStats]:
        asked = [day for day in days if day not in self._closed]
        with Threads(READS_AT_ONCE) as threads:
            found = dict(zip(asked, threads.map(self._sum, asked), strict=True))
        closed = set(days[:-OPEN_DAYS])
        self._closed = {day: it for day, it in (self._closed | found).items() if day in closed}
        return self._closed | found

    def _sum(self, day: str) -> LoaderStats:
        return LoaderStats.sum(self._stats.of_day(day).values())
