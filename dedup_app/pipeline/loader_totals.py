"""The running totals of this process's loader for the UTC day, kept in storage where every instance can be summed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock

from dedup_app.event_log import EventLog
from dedup_app.ports.reports import Meter, StatsTable
from dedup_core.errors import TemporaryError
from dedup_core.loading.loader import MemoryEfficientImageLoader
from dedup_core.loading.stats import LoaderStats

log = EventLog(__name__)

LATEST = timedelta(seconds=2)  # a message that ends so long after the last write leaves nothing to others


class LoaderTotals:
    """Moves what the loader counted into the row of this process and day.

    The row is written whole each time, so that a lost or repeated write counts nothing twice. What was counted since
    the last flush belongs to the day of the next one. Rows of days before yesterday are left alone, because they may
    have been folded together: what never got into one is counted today.
    """

    def __init__(
        self,
        loader: MemoryEfficientImageLoader,
        stats: StatsTable,
        instance: str,
        now: Callable[[], datetime],
        meter: Meter | None = None,
    ) -> None:
        self._loader = loader
        self._stats = stats
        self._instance = instance
        self._now = now
        self._meter = meter
        self._day = ""
        self._totals = LoaderStats()
        self._is_written = True
        self._stored = LoaderStats()  # of the totals, what surely is in the row
        self._written_at: datetime | None = None  # when a write ended last, well or not
        self._writes = 0  # that have begun
        self._lock = Lock()  # from taking the totals to their row, so that no older ones land after newer ones
        self._messages = 0  # that are being handled side by side
        self._messages_lock = Lock()

    @contextmanager
    def message(self) -> Iterator[None]:
        """Write the totals once a message is handled, or leave that to one that is still being handled beside it.

        The last of them writes, so that a process at rest has told of everything. Nothing is where nothing was counted.
        """
        with self._messages_lock:
            self._messages += 1
        try:
            yield
        finally:
            with self._messages_lock:
                self._messages -= 1
                is_last = self._messages == 0
            writes = self._writes
            # Where one is being written, a message that others outlast would only stand in line for storage.
            if is_last or (self._is_due() and not self._lock.locked()):
                with self._lock:
                    # One that began since then has told of this message, too, if it was written.
                    is_untold = self._writes == writes and self._loader.stats != LoaderStats()
                    if is_untold or not self._is_written:
                        self._flush()

    def count_without_reads(self, comparisons: int) -> None:
        """Count comparisons that stored features decided; the end of the message writes them."""
        self._loader.count_comparisons_without_reads(comparisons)

    def _flush(self) -> None:
        """Write the totals. When storage is busy they stay here and go with the next flush."""
        self._writes += 1
        day = utc_day(self._now())
        if day != self._day:
            self._begin(day)
        new, before = self._loader.reset_stats(), self._totals
        self._totals = before.merge(new)
        if self._meter is not None:
            self._meter.count(new, self._totals.reads_saved - before.reads_saved)
        self._is_written = self._write()
        self._written_at = self._now()

    def _is_due(self) -> bool:
        # A clock that was set back must not put it off.
        return self._written_at is None or abs(self._now() - self._written_at) >= LATEST

    def _begin(self, day: str) -> None:
        """A new day, unless the day before waits to be written."""
        left = LoaderStats()
        if not self._is_written:
            if self._day < utc_day(self._now() - timedelta(days=1)):
                left = self._totals.since(self._stored)
            elif not self._write():
                return
        self._day, self._totals, self._stored = day, left, LoaderStats()

    def _write(self) -> bool:
        """Whether the row of the day is written; if not, it waits for the next message, and the new day with it."""
        try:
            self._stats.put(self._day, self._instance, self._totals)
        except TemporaryError as error:
            log.warning("statistics_deferred", reason=error.reason, error=str(error))
            return False
        self._stored = self._totals
        return True


def utc_day(moment: datetime) -> str:
    """The partition of the statistics: `2026-05-31`."""
    return moment.astimezone(UTC).date().isoformat()
