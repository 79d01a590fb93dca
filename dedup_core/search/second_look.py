"""Hits, looked at again with both fingerprints at hand and before any image is read: weak ones, and crowds."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.hash_views import view_hashes
from dedup_core.fingerprinting.keypoints import BUCKET_BITS, Keypoints
from dedup_core.fingerprinting.record import HASH_BITS, Fingerprints
from dedup_core.search.hit import MAX_DISTANCE_BITS, Hit
from dedup_core.search.keypoint_query import probes_of
from dedup_core.search.keypoint_votes import agree
from dedup_core.views import MIRRORED_TURNS, View

# All of these: docs/fingerprints.md#thinning
SURE_DISTANCE_BITS: Final = 54
SURE_KEYPOINTS: Final = 4
LEAST_ALIKE: Final = 17  # bits that agreeing keypoints have in common beyond what any two that resemble each other do
MOST_UNLIKE: Final = 97  # bits of the hash, with those of the fine one and of the keypoints at what they are worth
_A_DETAIL_BIT: Final = 1 / 3  # of a bit of the hash
_A_KEYPOINT_BIT: Final = 2  # bits of the hash
_FEW_KEYPOINTS: Final = 12  # of either picture, half of what is kept: too few to speak against what the hash says
CROWD: Final = 16  # docs/fingerprints.md#crowds
CROWD_MARGIN_BITS: Final = 24  # docs/fingerprints.md#crowds
BITS_A_KEYPOINT: Final = 6  # docs/fingerprints.md#crowds
_WORD_TOLERANCE: Final = 7  # bits of 28: the index looks for nearly equal words, here any resemblance counts


def is_sure(hit: Hit) -> bool:
    """Whether a hit needs no second look.

    Others may also come and go with the bits that are taken for doubtful: a picture that is taken in knows those of
    its keypoints, what is stored does not.
    """
    return hit.distance_bits <= SURE_DISTANCE_BITS or hit.shared_keypoints >= SURE_KEYPOINTS


def is_plausible(query: Fingerprints, found: Fingerprints, hit: Hit) -> bool:
    """Whether a hit is sure by itself, or else what is stored of both pictures bears it out."""
    if is_sure(hit):
        return True
    asked = query.keypoints if query.asked is None else query.asked
    if hit.distance_bits > MAX_DISTANCE_BITS:
        return bits_in_common(asked, found.keypoints, hit.view) >= LEAST_ALIKE
    if min(len(asked), len(found.keypoints)) < _FEW_KEYPOINTS:
        return True
    unlike = hit.distance_bits + _A_DETAIL_BIT * detail_bits(query, hit, found)
    return unlike - _A_KEYPOINT_BIT * bits_in_common(asked, found.keypoints, hit.view) <= MOST_UNLIKE


def likeliest_of_crowd(query: Fingerprints, found: Sequence[tuple[Hit, Fingerprints]]) -> list[int]:
    """Which of these hits to verify, by their place in the list; all, and as they come, unless they are a crowd.

    Of a crowd that shares a template the bits of the coarse and of the fine hash and the keypoints tell most together:
    the likeliest `CROWD` are left, and whatever is nearly as like as the first of them, or as near by its bits as a
    copy that was only scaled or saved again. Hits that keypoints brought up all stay.
    """
    by_hash = [place for place, (hit, _) in enumerate(found) if hit.distance_bits <= MAX_DISTANCE_BITS]
    if len(by_hash) <= CROWD:
        return list(range(len(found)))
    bits = {place: found[place][0].distance_bits + detail_bits(query, *found[place]) for place in by_hash}
    unlike = {place: bits[place] - BITS_A_KEYPOINT * _agreeing(query, *found[place]) for place in by_hash}
    order = sorted(by_hash, key=lambda place: (unlike[place], place))
    limit = max(unlike[order[CROWD - 1]], unlike[order[0]] + CROWD_MARGIN_BITS)
    others = [place for place in range(len(found)) if place not in bits]
    return [place for place in order if unlike[place] <= limit or bits[place] <= CROWD_MARGIN_BITS] + others


def _agreeing(query: Fingerprints, hit: Hit, found: Fingerprints) -> int:
    return loosely_agreeing(query.keypoints, found.keypoints, hit.view)


def detail_bits(query: Fingerprints, hit: Hit, found: Fingerprints) -> int:
    """Bits between the fine hashes in the view of the hit, or of the inverted picture; 0 where one is not known."""
    if not query.detail.any() or not found.detail.any():
        return 0
    differing = int(np.bitwise_count(view_hashes(query.detail, hit.view) ^ found.detail).sum())
    return min(differing, HASH_BITS - differing)


def loosely_agreeing(query: Keypoints, found: Keypoints, view: View) -> int:
    """The most keypoints of the query that, mirrored if `view` is, resemble keypoints found in the same arrangement."""
    alike = _Resemblances.of(query, found, view)
    return int(_most_of_each(alike.asked, alike.agreeing).sum(axis=1).max(initial=0))


def bits_in_common(query: Keypoints, found: Keypoints, view: View) -> int:
    """How like the keypoints are that lie in the same arrangement: 8 for the same word, 1 for one that resembles it.

    Each counts once, in the query as well as in what was found, with the one that is most like it; one alone is none.
    """
    alike = _Resemblances.of(query, found, view)
    worth = alike.bits * (alike.agreeing & (alike.agreeing.sum(axis=1, keepdims=True) > 1))
    sums = [_most_of_each(side, worth).sum(axis=1) for side in (alike.asked, alike.held)]
    return int(np.minimum(*sums).max(initial=0))


class _Resemblances(NamedTuple):
    """Pairs of a keypoint of the query and one found, by their numbers, whose words differ in few bits: (n,) each.

    `bits` (n,) are those that they have in common beyond the least; `agreeing` (n, n) tells which of the pairs lie in
    the same arrangement.
    """

    asked: NDArray[np.intp]
    held: NDArray[np.intp]
    bits: NDArray[np.int32]
    agreeing: NDArray[np.bool_]

    @classmethod
    def of(cls, query: Keypoints, found: Keypoints, view: View) -> Self:
        probes = probes_of(query)
        this_way = probes.mirrored == int(view in MIRRORED_TURNS)
        words = probes.buckets[this_way, 0] | probes.rests[this_way] << np.uint32(BUCKET_BITS)
        differing = np.bitwise_count(words[:, None] ^ found.words[None, :])
        asked, held = np.nonzero(differing <= _WORD_TOLERANCE)
        places, other = probes.places[this_way][asked], found.places[held].astype(np.int32)
        first, second = (side.ravel() for side in np.indices((len(asked), len(asked))))
        agreeing = agree(places[first], other[first], places[second], other[second]).reshape(len(asked), len(asked))
        np.fill_diagonal(agreeing, val=True)
        return cls(asked, held, _WORD_TOLERANCE + 1 - differing[asked, held].astype(np.int32), agreeing)


def _most_of_each[T: np.generic](numbers: NDArray[np.intp], worth: NDArray[T]) -> NDArray[T]:
    """Of columns (n, columns) that belong to keypoints of these numbers, the most that each keypoint has of a row."""
    if len(numbers) == 0:
        return worth
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    most: NDArray[T] = np.maximum.reduceat(worth[:, order], starts, axis=1)
    return most
