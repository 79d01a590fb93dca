"""Which pairs are about the images as they are now: a verdict on an earlier content of either side is none any more."""

from collections.abc import Mapping

from dedup_app.ports.features import ImageSummary
from dedup_app.ports.pairs import PairRow
from dedup_core.paths import ImagePath


def is_current(pair: PairRow, rows: Mapping[str, ImageSummary]) -> bool:
    """Whether both versions are those of the features rows, given by image id. A generated image never changes."""
    return _is_about(pair.left, pair.left_version, pair.left_etag, rows) and _is_about(
        pair.right, pair.right_version, pair.right_etag, rows
    )


def _is_about(path: ImagePath, version: int, etag: str, rows: Mapping[str, ImageSummary]) -> bool:
    if path.is_generated:
        return True
    row = rows.get(path.image_id)
    if row is None or row.version != version:
        return False
    return version > 0 or row.etag == etag  # rows of earlier apps have no version: there the bytes decide
