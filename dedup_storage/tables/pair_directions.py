"""A pair seen from either side: which side is stored first, and how a row reads from the other one."""

from dataclasses import replace

from dedup_app.ports.pairs import PairRow
from dedup_app.records.verdict_sides import seen_from_right
from dedup_core.paths import ImagePath
from dedup_core.views import OPPOSITES


def in_key_order(left: ImagePath, right: ImagePath) -> bool:
    """Whether `left` comes first: the image with the smaller id, so that both finders of a pair agree on one key."""
    return left.image_id <= right.image_id


def key_order(pair: PairRow) -> PairRow:
    """The same pair as seen from the image whose id is smaller."""
    return pair if in_key_order(pair.left, pair.right) else reversed_pair(pair)


def settled(pair: PairRow) -> PairRow:
    """A verified pair as it is stored: distance and view are those of the verdict."""
    if pair.verdict is None:
        return pair
    return replace(pair, distance_bits=pair.verdict.distance_bits, view=pair.verdict.view)


def reversed_pair(pair: PairRow) -> PairRow:
    """The same pair as seen from `right`: sides and regions change places and the view is inverted."""
    view = OPPOSITES.get(pair.view, pair.view)
    return replace(
        pair,
        left=pair.right,
        right=pair.left,
        left_etag=pair.right_etag,
        right_etag=pair.left_etag,
        left_version=pair.right_version,
        right_version=pair.left_version,
        view=view,
        measurement=None if pair.measurement is None else pair.measurement.seen_from_right(),
        verdict=None if pair.verdict is None else seen_from_right(pair.verdict),
    )
