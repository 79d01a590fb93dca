"""Which pairs are about the images as they are now: a verdict on an earlier content of either side is none any more."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import batched

from dedup_app.ports.features import FeaturesTable, ImageSummary
from dedup_app.ports.pairs import PairRow
from dedup_core.paths import ImagePath

PAIRS_AT_ONCE = 500


def is_current(pair: PairRow, rows: Mapping[str, ImageSummary]) -> bool:
    """Whether both versions are those of the features rows, given by image id. A generated image never changes."""
    return _is_about(pair.left, pair.left_version, pair.left_etag, rows) and _is_about(
        pair.right, pair.right_version, pair.right_etag, rows
    )


def current_pairs(pairs: Iterable[PairRow], features: FeaturesTable) -> Iterator[PairRow]:
    """Those of the pairs that are about the images as they are now, in the same order; each row is looked up once."""
    rows: dict[str, ImageSummary] = {}
    for group in batched(pairs, PAIRS_AT_ONCE, strict=False):
        sides = {path.image_id for pair in group for path in (pair.left, pair.right) if not path.is_generated}
        rows |= features.summaries(sides - rows.keys())
        yield from (pair for pair in group if is_current(pair, rows))


def _is_about(path: ImagePath, version: int, etag: str, rows: Mapping[str, ImageSummary]) -> bool:
    if path.is_generated:
        return True
    row = rows.get(path.image_id)
    if row is None or row.version != version:
        return False
    return version > 0 or row.etag == etag  # rows of earlier apps have no version: there the bytes decide
