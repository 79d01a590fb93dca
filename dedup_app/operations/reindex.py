"""Reindex: rebuild both logs from the tables; images of an older scheme are taken in anew."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from dedup_app.ports.features import FeaturesRow, FeaturesTable
from dedup_app.ports.index import CandidateIndex
from dedup_app.ports.pairs import PairsTable
from dedup_app.ports.queues import IngestQueue
from dedup_app.progress import Parts, no_progress_of_parts, with_progress
from dedup_app.records.journal import VerdictLog, rebuild
from dedup_core.fingerprinting.record import SCHEME, Fingerprints
from dedup_core.messages import IngestMessage

if TYPE_CHECKING:
    from dedup_app.records.image_tags import ImageTags


@dataclass(frozen=True, slots=True)
class ReindexReport:
    """How many images went into the log, how many onto the ingest queue, and how many the log holds now."""

    indexed: int
    queued: int
    held: int


class ReindexService:
    """Safe while the app runs: what it appends has the version of the row it was read from, and the highest counts."""

    def __init__(
        self,
        *,
        features: FeaturesTable,
        pairs: PairsTable,
        index: CandidateIndex,
        verdict_log: VerdictLog,
        ingest_queue: IngestQueue,
        tags: "ImageTags | None" = None,
    ) -> None:
        self._tags = tags
        self._pairs = pairs
        self._verdict_log = verdict_log
        self._features = features
        self._index = index
        self._ingest_queue = ingest_queue

    def reindex(self, parts: Parts = no_progress_of_parts) -> ReindexReport:
        """Put all rows into the log; `parts` hear how many were seen so far."""
        rows = with_progress(self._features.all_summaries(), parts("rows"))
        older = (row for row in rows if row.is_alive and row.scheme != SCHEME)
        queued = self._ingest_queue.send_all(IngestMessage(row.path) for row in older)
        self._index.catch_up()
        gone: list[tuple[str, int]] = []
        indexed = self._index.add_all(_fingerprints(with_progress(self._features.all(), parts("images")), gone))
        self._index.remove_all(self._held(gone))
        self._index.declare_whole()
        rebuild(self._verdict_log, self._features, with_progress(self._pairs.all(), parts("pairs")), self._tags)
        return ReindexReport(indexed, queued, self._index.refresh())

    def _held(self, gone: list[tuple[str, int]]) -> Iterator[tuple[str, int]]:
        """Those that the log holds although they are gone: their removal was lost."""
        for prefix, images in groupby(sorted(gone), key=lambda image: image[0][:2]):
            held = self._index.held(prefix)
            yield from ((name, version) for name, version in images if name in held)


def _fingerprints(rows: Iterable[FeaturesRow], gone: list[tuple[str, int]]) -> Iterator[tuple[str, int, Fingerprints]]:
    """What belongs in the log; ids and versions of what does not are noted in `gone`."""
    for row in rows:
        if row.features is not None and row.summary.is_alive:
            yield row.path.image_id, row.version, row.features.fingerprints
        elif not row.summary.is_alive:
            gone.append((row.path.image_id, row.version))
