"""Pairs of sampled images that are no copies by all that is known: how many there are, and the nearest of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dedup_app.pipeline.candidates import is_borne_out
from dedup_app.ports.features import FeaturesRow
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.search.hit import MAX_DISTANCE_BITS, MIN_SHARED_KEYPOINTS, Hit
from dedup_core.views import View

ANY_DISTANCE_BITS = 256  # of 256: every image that is held
_KEYPOINT_BITS = 8  # what a shared keypoint is worth, as in the order of hits

type AreCopies = Callable[[FeaturesRow, FeaturesRow], bool]


class NearPair(NamedTuple):
    """Two images by their place in the sample, how near they are, and in which view the left one."""

    left: int
    right: int
    distance_bits: int
    view: View
    candidate: bool
    nearness: int


@dataclass(frozen=True, slots=True)
class Strangers:
    """All pairs of the sample that are no copies, by their number; the candidates and the nearest of them by name."""

    pairs: int
    known_copies: int
    near: tuple[NearPair, ...]


def strangers_among(rows: Sequence[FeaturesRow], are_copies: AreCopies, most: int) -> Strangers:
    """The pairs of these images; `near` has all that the app would compare and, besides, up to `most` in all."""
    index: FingerprintIndex[int] = FingerprintIndex()
    known = [(place, row, row.features.fingerprints) for place, row in enumerate(rows) if row.features]
    for place, _, fingerprints in known:
        index.add(place, fingerprints)
    found: dict[tuple[int, int], NearPair] = {}
    for place, row, fingerprints in known:
        for hit in index.search(fingerprints, ANY_DISTANCE_BITS):
            pair = _near(place, hit, fingerprints, rows)
            key = (min(place, hit.image_id), max(place, hit.image_id))
            if hit.image_id == place or are_copies(row, rows[hit.image_id]):
                continue
            if key not in found or _order(pair) < _order(found[key]):
                found[key] = pair
    copies = sum(are_copies(rows[a], rows[b]) for a in range(len(rows)) for b in range(a + 1, len(rows)))
    nearest = sorted(found.values(), key=_order)
    candidates = sum(pair.candidate for pair in nearest)
    return Strangers(len(rows) * (len(rows) - 1) // 2 - copies, copies, tuple(nearest[: max(most, candidates)]))


def _near(place: int, hit: Hit[int], asked: Fingerprints, rows: Sequence[FeaturesRow]) -> NearPair:
    is_hit = hit.distance_bits <= MAX_DISTANCE_BITS or hit.shared_keypoints >= MIN_SHARED_KEYPOINTS
    plain = Hit(str(hit.image_id), hit.distance_bits, hit.view, hit.shared_keypoints)
    candidate = is_hit and is_borne_out(asked, rows[hit.image_id], plain)
    nearness = hit.distance_bits - _KEYPOINT_BITS * hit.shared_keypoints
    return NearPair(place, hit.image_id, hit.distance_bits, hit.view, candidate, nearness)


def _order(pair: NearPair) -> tuple[bool, int, int, int]:
    return not pair.candidate, pair.nearness, pair.left, pair.right
