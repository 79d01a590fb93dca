"""Rows of the tables -> the records that groups follow from."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from dedup_app.ports.features import ImageSummary
from dedup_app.ports.pairs import PairRow
from dedup_core.comparison.verdict import Verdict, VerdictKind
from dedup_core.groups.facts import CONTENT_BYTES, Decided, Decision, ImageFacts, Link, Rebuild
from dedup_core.paths import ImagePath

type Record = ImageFacts | Link | Decided | Rebuild

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MICROSECONDS = 86_400_000_000


def records_of(pair: PairRow) -> Iterator[Link | Decided]:
    """What grouping takes of a pair: its verdict, on the versions that were compared, and what a person decided."""
    if pair.verdict is not None:
        yield link_of(pair, pair.verdict)
    if pair.decided is not None:
        yield pair.decided


def link_of(pair: PairRow, verdict: Verdict) -> Link:
    """The verdict on two versions of two images."""
    left = ImageFacts(id_of(pair.left), str(pair.left), pair.left_version)
    right = ImageFacts(id_of(pair.right), str(pair.right), pair.right_version)
    return Link.of(left, right, verdict.kind, microseconds(pair.verified_at), verdict.view, verdict.sides)


def facts_of(row: ImageSummary) -> ImageFacts:
    """The image as its features row knows it."""
    of = row.provenance
    return ImageFacts(
        image_id=id_of(row.path),
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
        is_gray=of.is_gray,
        added_at=microseconds(row.added_at),
        is_alive=row.is_alive,
    )


def id_of(path: ImagePath) -> bytes:
    return bytes.fromhex(path.image_id)


def microseconds(moment: datetime | None) -> int:
    """Since 1970, which is how records hold a moment; 0 where there is none."""
    return 0 if moment is None else (moment - EPOCH) // timedelta(microseconds=1)


def moment(microseconds_since_1970: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds_since_1970)


def parse_decision(text: str) -> Decision | None:
    """What was decided; `distinct` is how it was written by hand before there was a page."""
    if text == VerdictKind.DISTINCT:
        return Decision.NOT_DUPLICATE
    return Decision(text) if text in list(Decision) else None
