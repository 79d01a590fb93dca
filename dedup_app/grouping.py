"""Grouping: which images are the same picture, and which copy of each is the best."""

from collections.abc import Sequence
from dataclasses import dataclass

from dedup_app.ports import FeaturesTable, ImageSummary, PairRow, PairsTable
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups import SAME_PICTURE, ImageCopy, best_copy, group_pairs
from dedup_core.paths import ImagePath


@dataclass(frozen=True, slots=True)
class PictureGroup:
    """Images that are the same picture, `best` among them."""

    best: ImageCopy
    copies: Sequence[ImageCopy]


class GroupingService:
    """Reads verified pairs; what a person decided about a pair counts more than its verdict."""

    def __init__(self, *, features: FeaturesTable, pairs: PairsTable) -> None:
        self._features = features
        self._pairs = pairs

    def groups(self, linking: frozenset[VerdictKind] = SAME_PICTURE) -> list[PictureGroup]:
        """Groups of images that are there, held together by pairs of the `linking` kinds."""
        links = [(pair.left, pair.right, kind) for pair in self._pairs.all() if (kind := _kind(pair)) in linking]
        rows = self._features.summaries({path.image_id for left, right, _ in links for path in (left, right)})

        def is_there(path: ImagePath) -> bool:
            return path.image_id not in rows or rows[path.image_id].is_alive

        present = [(left, right, kind) for left, right, kind in links if kind and is_there(left) and is_there(right)]
        groups = [
            [_copy(path, rows.get(path.image_id)) for path in paths] for paths in group_pairs(present, linking=linking)
        ]
        return [PictureGroup(best_copy(copies), copies) for copies in groups]


def _kind(pair: PairRow) -> VerdictKind | None:
    if pair.decision in list(VerdictKind):
        return VerdictKind(pair.decision)
    return pair.verdict.kind if pair.verdict else None


def _copy(path: ImagePath, row: ImageSummary | None) -> ImageCopy:
    return ImageCopy(path, row.width, row.height, row.byte_size) if row else ImageCopy(path)
