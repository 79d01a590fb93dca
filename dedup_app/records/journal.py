"""The journal: what is stored of pairs, and of images that may be in pairs, is told to the verdict log, too.

The tables are written first. Whoever dies before the log is written comes again, and a record that comes twice
changes nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import batched, islice
from typing import TYPE_CHECKING, Protocol

from dedup_app.ports.features import FeaturesRow, FeaturesTable, ImageSummary, Tally
from dedup_app.ports.image_status import ABSENT, INDEXED, REMOVING
from dedup_app.ports.pairs import PAIRS_AT_ONCE, PairRow, PairsTable, image_ids
from dedup_app.progress import Progress, no_progress
from dedup_app.records.group_records import Record, facts_of, moment, records_of
from dedup_app.records.notices import Notices
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.columns import Records
from dedup_core.groups.facts import FAMILIES, Rebuild

if TYPE_CHECKING:
    from dedup_app.records.image_tags import ImageTags

# A verdict that a pair is not alike may stand in the place of one that it was; one that it cannot be compared does not.
TOLD = frozenset({*FAMILIES, VerdictKind.DISTINCT})
LOOKED_AT = 1000  # pairs, a page of the table: a million may wait for their verdicts


class LogReplaced(Exception):
    """The log is no longer the one of which the beginning was read: it was lost, and perhaps made anew."""


class VerdictReader(Protocol):
    """A place in the verdict log."""

    def new_records(self) -> Iterator[Records]:
        """What was appended since the last call, to the end of the log, as it is read. Raises `LogReplaced`."""
        ...


class VerdictLog(Protocol):
    """Everything that groups follow from, in append-only segments."""

    def append(self, records: Iterable[Record]) -> None:
        """Append the records in their order, many in one block."""
        ...

    def reader(self) -> VerdictReader:
        """A reader of its own, at the beginning of the log."""
        ...


class VerdictJournal:
    """Tells the log what was stored of pairs, with what is known of their images, and then whoever wants to know.

    With `tags`, the images are tagged as well.
    """

    def __init__(
        self, features: FeaturesTable, log: VerdictLog, notices: Notices, tags: "ImageTags | None" = None
    ) -> None:
        self._features = features
        self._log = log
        self._notices = notices
        self._tags = tags

    def tell(self, pairs: Sequence[PairRow], rows: Mapping[str, ImageSummary]) -> None:
        """Append the verdicts and decisions in one block; `rows` saves looks at the table, by image id."""
        told = [pair for pair in pairs if _is_told(pair)]
        if told:
            self._tell(told, rows)
        if self._tags is not None:
            self._tags.refresh((path for pair in pairs for path in pair.paths), rows)

    def _tell(self, told: Sequence[PairRow], rows: Mapping[str, ImageSummary]) -> None:
        alike = [pair for pair in told if pair.decided or (pair.verdict and pair.verdict.kind in FAMILIES)]
        ids = image_ids(alike)
        missing = ids - rows.keys()
        known = {**rows, **(self._features.summaries(missing) if missing else {})}
        images = (facts_of(known[image_id]) for image_id in sorted(ids) if image_id in known)
        self._log.append([*images, *(record for pair in told for record in records_of(pair))])
        self._notices.pairs(told)


class JournaledFeatures:
    """The features table; an image that was there before and has another content now goes to the log as well.

    With `tags`, it is tagged anew, since an upload takes tags away, and so are those that it has pairs with.
    """

    def __init__(self, features: FeaturesTable, log: VerdictLog, tags: "ImageTags | None" = None) -> None:
        self._features = features
        self._log = log
        self._tags = tags

    def get(self, image_id: str) -> FeaturesRow | None:
        return self._features.get(image_id)

    def delete(self, row: FeaturesRow) -> None:
        self._features.delete(row)

    def deleted_before(self, prefix: str, moment: datetime, most: int) -> Sequence[FeaturesRow]:
        return self._features.deleted_before(prefix, moment, most)

    def all(self) -> Iterator[FeaturesRow]:
        return self._features.all()

    def with_prefix(self, prefix: str) -> Iterator[FeaturesRow]:
        return self._features.with_prefix(prefix)

    def summaries(self, image_ids: Collection[str]) -> dict[str, ImageSummary]:
        return self._features.summaries(image_ids)

    def all_summaries(self) -> Iterator[ImageSummary]:
        return self._features.all_summaries()

    def rejected(self, after: str = "", before: str = "", reason: str = "") -> Iterator[FeaturesRow]:
        return self._features.rejected(after, before, reason)

    def tally(self, most: int | None = None, progress: Progress = no_progress) -> Tally:
        return self._features.tally(most, progress)

    def put_first(self, row: FeaturesRow) -> FeaturesRow:
        return self._features.put_first(row)

    def put(self, row: FeaturesRow) -> FeaturesRow:
        if row.tag and row.status == INDEXED and self._tags is not None:
            self._tags.refresh([row.path])  # before: once this is stored, nobody would come back to the same bytes
        stored = self._features.put(row)
        if row.tag and row.status != INDEXED:  # uploaded anew with the same bytes: nothing changed
            self._tell(stored)
        return stored

    def resume(self, row: FeaturesRow) -> FeaturesRow:
        self._tell(row)
        return self._features.resume(row)

    def set_status(self, row: FeaturesRow) -> FeaturesRow:
        if row.status == ABSENT:  # neither pairs nor groups have heard of it
            return self._features.set_status(row)
        if not row.summary.is_alive and row.status != REMOVING:
            # Before, as above: it is stored already that the image goes, and nobody comes back to one that is gone.
            if self._tags is not None:
                self._tags.refresh_around(row.path)
            self._log.append([facts_of(row.summary)])
            return self._features.set_status(row)
        stored = self._features.set_status(row)
        if row.status == REMOVING:
            self._log.append([facts_of(stored.summary)])
        return stored

    def _tell(self, row: FeaturesRow) -> None:
        self._log.append([facts_of(row.summary)])
        if row.summary.is_alive and self._tags is not None:
            self._tags.refresh_around(row.path)


def has_told(pairs: PairsTable, before: datetime, first_moment: int | None = None) -> bool:
    """Whether there is a verdict or decision that the log was told of before this moment, among the first pairs.

    These stand for all, as they are in the order of hashes. A log that begins with its `first_moment` was told of none
    before that, unless what it said of it is lost; of pairs that tell no moment nobody knows.
    """
    told = map(_told_at, filter(_is_told, islice(pairs.all(), LOOKED_AT)))
    if first_moment is None:
        return any(at < before for at in told)
    return any(moment(0) < at < min(before, moment(first_moment)) for at in told)


def _is_told(pair: PairRow) -> bool:
    return pair.decided is not None or (pair.verdict is not None and pair.verdict.kind in TOLD)


def _told_at(pair: PairRow) -> datetime:
    return pair.verified_at or moment(pair.decided.at if pair.decided else 0)


def rebuild(
    log: VerdictLog, features: FeaturesTable, pairs: Iterable[PairRow], tags: "ImageTags | None" = None
) -> None:
    """Append all that the tables know, and nothing is lost by what was known before.

    Who reads it meanwhile, or after this has died, can tell that it is not all of it.
    """
    log.append([Rebuild.BEGUN])
    told: set[str] = set()
    for group in batched((pair for pair in pairs if pair.verdict or pair.decided), PAIRS_AT_ONCE, strict=False):
        rows = features.summaries(image_ids(group) - told)
        told |= rows.keys()
        log.append([*map(facts_of, rows.values()), *(record for pair in group for record in records_of(pair))])
        if tags is not None:
            tags.refresh((row.path for row in rows.values()), rows)
    log.append([Rebuild.ENDED])
