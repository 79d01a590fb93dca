"""Pair list: the pairs of one image or of all of them, as people ask for them."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import batched

from dedup_app.ports.features import FeaturesRow, FeaturesTable, ImageSummary
from dedup_app.ports.image_status import ABSENT
from dedup_app.ports.pairs import PAIRS_AT_ONCE, PairRow, PairsTable, image_ids
from dedup_app.progress import Progress, no_progress, with_progress
from dedup_app.queries.paging import parse_pair_cursor
from dedup_app.records.current_pairs import is_current
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import PermanentError
from dedup_core.paths import ImagePath


class PairKind(StrEnum):
    """What a pair can be asked for by: its verdict, or that it waits for one, or why none comes; most alike first."""

    IDENTICAL = VerdictKind.IDENTICAL
    DUPLICATE = VerdictKind.DUPLICATE
    ALTERED = VerdictKind.ALTERED
    COLOR_VARIANT = VerdictKind.COLOR_VARIANT
    DISTINCT = VerdictKind.DISTINCT
    UNVERIFIABLE = VerdictKind.UNVERIFIABLE
    PENDING = "pending"
    FAILED = "failed"

    @classmethod
    def of(cls, pair: PairRow) -> "PairKind":
        if pair.verdict is not None:
            return cls(pair.verdict.kind.value)
        return cls.FAILED if pair.failure else cls.PENDING


LIKE_EACH_OTHER = frozenset({PairKind.IDENTICAL, PairKind.DUPLICATE, PairKind.ALTERED, PairKind.COLOR_VARIANT})
WITHOUT_VERDICT = frozenset({PairKind.PENDING, PairKind.FAILED})
_ORDER = {kind: place for place, kind in enumerate(PairKind)}


class UnknownImage(PermanentError):
    """Nothing is known that could be shown of the image; the text says what to do."""

    reason = "unknown-image"


@dataclass(frozen=True, slots=True)
class PairFilter:
    """Which pairs are asked for: by kind; by the beginning of one image's name, without the container; verified since.

    With `of_gone_images`, those of images that were deleted or are no images any more, too.
    """

    kinds: Collection[PairKind] = LIKE_EACH_OTHER
    prefix: str = ""
    since: datetime | None = None
    of_gone_images: bool = False

    def is_in_scope(self, pair: PairRow) -> bool:
        """Whether names and time are as asked for, whatever the kind."""
        if self.since is not None and (pair.verified_at is None or pair.verified_at < self.since):
            return False
        return any(path.begins_with(self.prefix) for path in pair.paths)


@dataclass(frozen=True, slots=True)
class PairList:
    """The pairs that were asked for, and how many were not shown: of other kinds, and of images that are gone.

    `is_too_plain`: the one image that was asked for shows nothing to search by, so only identical files are found.
    """

    pairs: Sequence[PairRow]
    of_other_kinds: Counter[PairKind]
    of_gone_images: int
    is_too_plain: bool


class PairListService:
    """Reads pairs; changes nothing."""

    def __init__(self, *, features: FeaturesTable, pairs: PairsTable) -> None:
        self._features = features
        self._pairs = pairs

    def pairs(
        self, image: ImagePath | None = None, wanted: PairFilter = PairFilter(), progress: Progress = no_progress
    ) -> PairList:
        """The pairs of the image (of all images if None), the most alike first.

        `progress` hears how many pairs were seen so far.

        Raises `UnknownImage` if the app has never seen the image, or has refused it; not where those of gone images are
        wanted, too, and it has some.
        """
        kinds = wanted.kinds
        row = None if image is None else self._features.get(image.image_id)
        found = self._pairs.all() if image is None else self._pairs_of(image, row, wanted)
        known = [pair for pair in with_progress(found, progress) if wanted.is_in_scope(pair)]
        chosen = sorted((pair for pair in known if PairKind.of(pair) in kinds), key=_order)
        others = Counter(kind for pair in known if (kind := PairKind.of(pair)) not in kinds)
        rows = self._features.summaries(image_ids(chosen))
        of_gone, current = list[PairRow](), list[PairRow]()
        for pair in chosen:
            if _is_of_gone_image(pair, rows):
                of_gone.append(pair)
            elif is_current(pair, rows):
                current.append(pair)
        is_too_plain = row is not None and row.features is not None and row.features.fingerprints.is_flat
        if wanted.of_gone_images:
            return PairList(sorted([*current, *of_gone], key=_order), others, 0, is_too_plain)
        return PairList(current, others, len(of_gone), is_too_plain)

    def each(self, wanted: PairFilter, after: str = "", progress: Progress = no_progress) -> Iterator[PairRow]:
        """The pairs that are asked for, in the order of their ids, after the one that the cursor names.

        A few hundred are held at a time, however many there are; `progress` hears how many were seen so far, asked for
        or not. Raises `BadCursor`.
        """
        pairs = with_progress(self._pairs.all(parse_pair_cursor(after) if after else None), progress)
        chosen = (pair for pair in pairs if PairKind.of(pair) in wanted.kinds and wanted.is_in_scope(pair))
        for group in batched(chosen, PAIRS_AT_ONCE, strict=False):
            rows = self._features.summaries(image_ids(group))
            for pair in group:
                is_gone = _is_of_gone_image(pair, rows)
                if wanted.of_gone_images if is_gone else is_current(pair, rows):
                    yield pair

    def _pairs_of(self, image: ImagePath, row: FeaturesRow | None, wanted: PairFilter) -> list[PairRow]:
        # Only verified pairs stand under both images; to find the others takes a look at all.
        pending = not WITHOUT_VERDICT.isdisjoint(wanted.kinds)
        rows = self._pairs.all() if pending else ()
        waiting = [pair for pair in rows if pair.verdict is None and image in pair.paths]
        found = [*self._pairs.of_image(image), *waiting]
        if not (found and wanted.of_gone_images):
            _must_be_known(image, row, has_pairs=bool(found))
        return found


def _must_be_known(image: ImagePath, row: FeaturesRow | None, *, has_pairs: bool) -> None:
    if row is None or row.status == ABSENT:
        hint = f"check the spelling (container/name), or `dedup ingest {image}`"
        raise UnknownImage(f"no image {image} is known: {hint}")
    if row.status.is_rejected:
        so = "it looks like no other (--all shows its pairs)" if has_pairs else "it has no pairs"
        raise UnknownImage(f"{image} was rejected as {row.status.reason}, so {so}: {row.detail}")


def _is_of_gone_image(pair: PairRow, rows: Mapping[str, ImageSummary]) -> bool:
    """Whether its images were compared once, and one is deleted by now or overwritten with what is no image."""
    if pair.verdict is None or pair.verdict.metrics is None:
        return False
    sides = [rows.get(path.image_id) for path in pair.paths]
    return any(row is not None and not row.is_alive for row in sides)


def _order(pair: PairRow) -> tuple[int, ImagePath, ImagePath]:
    return _ORDER[PairKind.of(pair)], pair.left, pair.right
