"""Whether what is known of an image still tells what its bytes would give."""

from dedup_app.pipeline.pairing import is_same_file
from dedup_app.ports.features import FeaturesRow, ImageSummary
from dedup_app.ports.image_status import INDEXED
from dedup_core.decoding.libraries import still_decides
from dedup_core.fingerprinting.record import SCHEME

# Rejections that are not about the bytes alone: a limit can be raised, a blob brought back from the archive tier.
PASSING_REASONS = frozenset({"too-many-bytes", "too-many-pixels", "too-much-memory", "format-off", "store-refused"})


def is_final(row: ImageSummary, *, again: bool = False) -> bool:
    """Whether the same bytes would give the same row again: limits can be raised, schemes and decoders get newer.

    `again`: not if they were refused.
    """
    if row.status == INDEXED:
        return row.scheme == SCHEME
    if again or not row.status.is_rejected or row.status.reason in PASSING_REASONS:
        return False
    return still_decides(row.decoder)


def final_etag(row: FeaturesRow | None, *, again: bool = False) -> str | None:
    """The etag of bytes that need not be read again."""
    return row.etag or None if row is not None and is_final(row.summary, again=again) else None


def has_content(known: FeaturesRow, row: FeaturesRow) -> bool:
    """Whether the known row is about the very bytes of the other one, and means to have them in the index."""
    if not known.summary.is_alive:
        return False
    # Pairs of earlier apps, which have no versions, go by the etag alone.
    return known.etag == row.etag or (known.version > 0 and is_same_file(known, row))
