"""Reindex: rebuild the fingerprint log from the features table; images of an older scheme are taken in anew."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched

from dedup_app.ports import CandidateIndex, FeaturesRow, FeaturesTable, IngestQueue
from dedup_core.fingerprinting.record import SCHEME, Fingerprints
from dedup_core.messages import IngestMessage

GROUP = 500  # rows in memory at a time
CLOCK_SKEW = timedelta(minutes=5)  # between this machine and those that write rows


@dataclass(frozen=True, slots=True)
class ReindexReport:
    """How many images went into the log, how many onto the ingest queue, and how many the log holds now."""

    indexed: int
    queued: int
    held: int


class ReindexService:
    """Safe while the app runs: a row that changes during the run is appended once more."""

    def __init__(
        self,
        *,
        features: FeaturesTable,
        index: CandidateIndex,
        ingest_queue: IngestQueue,
        now: Callable[[], datetime],
    ) -> None:
        self._features = features
        self._index = index
        self._ingest_queue = ingest_queue
        self._now = now

    def reindex(self, progress: Callable[[int], None] = lambda _rows: None) -> ReindexReport:
        """Put all rows into the log; `progress` hears how many were seen so far."""
        started = self._now()
        older = (row for row in self._features.all_summaries() if row.is_alive and row.scheme != SCHEME)
        queued = self._ingest_queue.send_all(IngestMessage(row.path) for row in older)
        indexed = self._index.add_all(_fingerprints(_told(self._features.all(), progress)))
        for rows in batched(self._features.changed_since(started - CLOCK_SKEW), GROUP, strict=False):
            self._append_current(rows)
        return ReindexReport(indexed, queued, self._index.refresh())

    def _append_current(self, rows: Iterable[FeaturesRow]) -> None:
        """Append the fingerprints until their rows stay the same.

        Whoever takes in a newer version writes the row first and appends afterwards, so a row that still is the same
        after our append means that theirs comes later.
        """
        appended = {row.path.image_id: row for row in rows}
        while appended:
            self._index.add_all(_fingerprints(appended.values()))
            current = self._features.summaries(appended)
            changed = [image_id for image_id, row in current.items() if row.etag != appended[image_id].etag]
            appended = {image_id: row for image_id in changed if (row := self._features.get(image_id)) is not None}


def _told(rows: Iterable[FeaturesRow], progress: Callable[[int], None]) -> Iterator[FeaturesRow]:
    for seen, row in enumerate(rows, 1):
        progress(seen)
        yield row


def _fingerprints(rows: Iterable[FeaturesRow]) -> Iterator[tuple[str, Fingerprints]]:
    for row in rows:
        if row.features is not None and row.summary.is_alive:
            yield row.path.image_id, row.features.fingerprints
