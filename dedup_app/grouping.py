"""Grouping: which images are the same picture, and which copy of each is the one to keep."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from dedup_app.ports import FeaturesTable, ImageSummary, PairRow, PairsTable
from dedup_core.comparison.verdict import Verdict, VerdictKind
from dedup_core.groups.facts import FAMILIES, Decided, Decision, Family, ImageFacts, Link
from dedup_core.groups.keeper import KeeperPolicy
from dedup_core.groups.projection import Group, GroupProjection

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CONTENT_BYTES = 16
SAME = frozenset({Family.SAME})
SAME_SHAPE = frozenset({Family.SAME, Family.COLOR})


class GroupingService:
    """Reads pairs, decisions and images; changes nothing."""

    def __init__(
        self, *, features: FeaturesTable, pairs: PairsTable, policy: KeeperPolicy, now: Callable[[], datetime]
    ) -> None:
        self._features = features
        self._pairs = pairs
        self._policy = policy
        self._now = now

    def groups(self, families: frozenset[Family] = SAME) -> list[Group]:
        """Groups of images that are there, the newest first."""
        return [group for group in self.projection().groups() if group.family in families]

    def projection(self) -> GroupProjection:
        projection = GroupProjection(self._policy)
        pairs = [pair for pair in self._pairs.all() if is_of_groups(pair)]
        rows = self._features.summaries({path.image_id for pair in pairs for path in (pair.left, pair.right)})
        for row in rows.values():
            projection.add_image(facts_of(row))
        for pair in pairs:
            left, right = rows.get(pair.left.image_id), rows.get(pair.right.image_id)
            if left is not None and right is not None:
                for record in records_of(pair, facts_of(left), facts_of(right)):
                    if isinstance(record, Link):
                        projection.add_link(record)
                    else:
                        projection.add_decided(record)
        return projection


def is_of_groups(pair: PairRow) -> bool:
    return pair.decision is not None or (pair.verdict is not None and pair.verdict.kind in FAMILIES)


def records_of(pair: PairRow, left: ImageFacts, right: ImageFacts) -> Iterator[Link | Decided]:
    """What grouping takes of a pair: its verdict, on the versions that were compared, and what a person decided."""
    if pair.verdict is not None:
        yield link_of(pair, pair.verdict)
    if pair.decision is not None and (decision := _decision(pair.decision)) is not None:
        yield Decided.of(left, right, decision)


def link_of(pair: PairRow, verdict: Verdict) -> Link:
    left = ImageFacts(bytes.fromhex(pair.left.image_id), str(pair.left), pair.left_version)
    right = ImageFacts(bytes.fromhex(pair.right.image_id), str(pair.right), pair.right_version)
    return Link.of(left, right, verdict.kind, microseconds(pair.verified_at), verdict.view, verdict.sides)


def facts_of(row: ImageSummary) -> ImageFacts:
    of = row.provenance
    return ImageFacts(
        image_id=bytes.fromhex(row.path.image_id),
        path=str(row.path),
        version=row.version,
        content=bytes.fromhex(row.sha256)[:CONTENT_BYTES],
        width=row.width,
        height=row.height,
        byte_size=row.byte_size,
        format=row.format,
        quality=of.quality,
        saved_again=of.saved_again,
        detail_side=of.detail_side,
        has_camera_data=of.has_camera_data,
        added_at=microseconds(row.added_at),
        is_alive=row.is_alive,
    )


def microseconds(moment: datetime | None) -> int:
    """Since 1970, which is how records hold a moment; 0 where there is none."""
    return 0 if moment is None else (moment - EPOCH) // timedelta(microseconds=1)


def _decision(text: str) -> Decision | None:
    """What was decided; `distinct` is how it was written by hand before there was a page."""
    if text == VerdictKind.DISTINCT:
        return Decision.NOT_DUPLICATE
    return Decision(text) if text in list(Decision) else None
