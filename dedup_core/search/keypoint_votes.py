"""Matched keypoints -> images in which several lie as they do in the query, but for one turn, zoom and shift."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.keypoints import ANGLE_STEPS, MAX_KEYPOINTS, SCALE_STEPS, SIGMAS
from dedup_core.search.keypoint_lists import ANGLE_SHIFT, SLOT_SHIFT, Entries, entry_places
from dedup_core.search.keypoint_query import Probes
from dedup_core.views import MIRRORED_TURNS, TURNS, VIEWS

_SCALE_TOLERANCE: Final = 0.3 * SCALE_STEPS  # between the zooms that two keypoints of one picture tell
_LARGEST_ZOOM: Final = 2.1 * SCALE_STEPS  # a part of a sixth of the frame, and a quarter of the sides at most
_ANGLE_TOLERANCE: Final = 4.5  # steps, some 25 degrees: between the turns that two keypoints tell
_PLACE_TOLERANCE: Final = 0.4  # of the larger sigma
_TURN_TOLERANCE: Final = 0.12  # of the distance between two keypoints: their angles are known within some 5 degrees
_TWO_ALONE: Final = 0.5  # of the tolerances of place and turn: docs/fingerprints.md#keypoints
_LEAST_DISTANCE: Final = 1.0  # sigmas: nearer keypoints are one blob seen twice
_NUMBER_BITS: Final = np.uint64(32)
_NUMBER_MASK: Final = np.uint64((1 << 32) - 1)
_MATCHES: Final = (2 * MAX_KEYPOINTS, MAX_KEYPOINTS, MAX_KEYPOINTS // 2)  # compared of an image one way round
_PAIRS: Final = 1 << 20  # of matches; where there are more, fewer matches of each image are compared
_PORTION: Final = 1 << 13  # pairs looked at at a time: what is made of them stays in the L2 cache
_TURN_MASK: Final = np.uint32(ANGLE_STEPS - 1)
_NEAR_TURNS: Final = np.uint32(_ANGLE_TOLERANCE)
_MANY: Final = 12  # matches, which hardly any slot has by chance
_MARKS: Final = 1 << 20  # a table of 1 MiB, in which a search of a million photos marks 2 %
_MARK_MASK: Final = np.uint32(_MARKS - 1)
# Tables, as all that keypoints tell are whole numbers: of a zoom taken twice, of half steps of a turn, of a scale.
_MOST_TWICE: Final = int(2 * _LARGEST_ZOOM)
_FACTORS: Final = 2 ** (np.arange(-_MOST_TWICE, _MOST_TWICE + 1) / (2 * SCALE_STEPS))
_MOST_HALVES: Final = 2 * ANGLE_STEPS + int(_ANGLE_TOLERANCE)
_ANGLES: Final = np.arange(-_MOST_HALVES, _MOST_HALVES + 1) / 2 * (2 * np.pi / ANGLE_STEPS)
_COSINES, _SINES = np.cos(_ANGLES), np.sin(_ANGLES)
_QUARTER: Final = ANGLE_STEPS // 4


class Votes(NamedTuple):
    """Slot, number of the view and number of agreeing keypoints, (n,) each."""

    slots: NDArray[np.int64]
    views: NDArray[np.int64]
    counts: NDArray[np.int64]


def agreeing_keypoints(probes: Probes, probed: NDArray[np.int64], entries: Entries) -> Votes:
    """All images with at least two agreeing keypoints one way round, of what `KeypointLists.find` gave.

    Two alone count where they agree closely: nearly all images that have just two have them by chance.
    """
    near = _of_near_turns(probes, probed, entries)
    if near is not None:
        probed, entries = probed[near], entries[near]
    # Slot, way round and number in one word: NumPy sorts those faster than it finds the order of anything else.
    keys = entries >> SLOT_SHIFT << np.uint64(1) | probes.mirrored[probed].astype(np.uint64)
    keys = np.sort(keys << _NUMBER_BITS | np.arange(len(keys), dtype=np.uint64))
    keys = keys[_has_neighbor(keys >> _NUMBER_BITS)]
    if len(keys) == 0:
        return Votes(*np.zeros((3, 0), np.int64))
    groups: NDArray[np.int64] = (keys >> _NUMBER_BITS).astype(np.int64)
    order: NDArray[np.int64] = (keys & _NUMBER_MASK).astype(np.int64)
    if near is None:
        kept = _bounded(groups)
        groups, order = groups[kept], order[kept]
    asked, held = probes.places[probed[order]], entry_places(entries[order])
    votes, is_close = np.ones(len(groups), np.int64), np.zeros(len(groups), np.bool_)
    for first, second in _pairs(groups):
        misfits = misfits_of(*(side.take(of, axis=0) for of in (first, second) for side in (asked, held)))
        fits, close = misfits <= 1, misfits <= _TWO_ALONE
        votes += np.bincount(np.concatenate([first[fits], second[fits]]), minlength=len(votes))
        is_close[first[close]] = is_close[second[close]] = True
    votes[(votes == 2) & ~is_close] = 1  # noqa: PLR2004 - this match and one other
    best = _best_of_each(groups, votes)
    views = views_of(groups[best] % 2, held[best, 3] - asked[best, 3])
    return Votes(groups[best] // 2, views, np.minimum(votes[best], MAX_KEYPOINTS))


def _of_near_turns(probes: Probes, probed: NDArray[np.int64], entries: Entries) -> NDArray[np.intp] | None:
    """The matches that may agree with another one of their slot, as both tell about the same turn: few of strangers.

    None where `_bounded` might take some out of a crowd, for which it counts all.
    """
    told = (entries >> ANGLE_SHIFT).astype(np.uint32)  # slot and angle
    turns = told - probes.places[:, 3].astype(np.uint32).take(probed) & _TURN_MASK
    told &= ~_TURN_MASK
    told |= turns
    ordered = np.sort(told)
    of_three, of_many = _same_slot(ordered, 2), _same_slot(ordered, _MANY)
    # At most so many pairs: of one slot are no more of those that stand further apart than of those that stand nearer.
    far, farther = np.count_nonzero(of_three) * (_MANY - 2), np.count_nonzero(of_many) * (_MATCHES[0] - _MANY)
    if 2 * len(ordered) + far + farther > _PAIRS or _same_slot(ordered, _MATCHES[0]).any():
        return None
    apart = ordered[1:] - ordered[:-1]
    is_near = apart <= _NEAR_TURNS  # to the next one, or all but a whole turn
    is_near |= apart - (_TURN_MASK - _NEAR_TURNS + 1) < _NEAR_TURNS
    is_near[1:] |= of_three  # of which the first and the last may be nearly a whole turn apart
    is_near[:-1] |= of_three
    near = np.flatnonzero(is_near)
    is_marked = np.zeros(_MARKS, np.bool_)
    for marked in (near, near + 1):
        is_marked[ordered.take(marked) & _MARK_MASK] = True
    return np.flatnonzero(is_marked.take(told & _MARK_MASK))


def _same_slot(ordered: NDArray[np.uint32], lag: int) -> NDArray[np.bool_]:
    """Of every place and the one so many places further: whether both are of one slot."""
    same: NDArray[np.bool_] = (ordered[lag:] ^ ordered[:-lag]) <= _TURN_MASK
    return same


def _pairs(groups: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Every two matches of one group, of ordered groups; in few portions, because whatever is done for each costs."""
    portion: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    size = 0
    for lag in range(1, _MATCHES[0]):
        first = np.flatnonzero(groups[:-lag] == groups[lag:])
        if len(first) == 0:
            break
        portion.append((first, first + lag))
        size += len(first)
        if size >= _PORTION:
            yield _joined(portion)
            portion, size = [], 0
    if portion:
        yield _joined(portion)


def _joined(pairs: list[tuple[NDArray[np.intp], NDArray[np.intp]]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.concatenate([first for first, _ in pairs]), np.concatenate([second for _, second in pairs])


def views_of(mirrored: NDArray[np.int64], turns: NDArray[np.int32]) -> NDArray[np.int64]:
    """The numbers of the views nearest to turns, in steps clockwise, of the picture or of its mirror image."""
    quarters = (turns + _QUARTER // 2) // _QUARTER % 4
    return _VIEW_NUMBERS[mirrored, quarters]


_VIEW_NUMBERS: Final = np.array([[VIEWS.index(view) for view in turns] for turns in (TURNS, MIRRORED_TURNS)])


def agree(
    asked: NDArray[np.int32], held: NDArray[np.int32], other_asked: NDArray[np.int32], other_held: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Whether two matches tell the same zoom and turn, and the vector between them is the same but for those."""
    return misfits_of(asked, held, other_asked, other_held) <= 1


def misfits_of(
    asked: NDArray[np.int32], held: NDArray[np.int32], other_asked: NDArray[np.int32], other_held: NDArray[np.int32]
) -> NDArray[np.float64]:
    """How far the vector between two matches is off, in tolerances; infinite where they tell another zoom or turn."""
    zoom, other_zoom = held[:, 2] - asked[:, 2], other_held[:, 2] - other_asked[:, 2]
    turn, twice = held[:, 3] - asked[:, 3], zoom + other_zoom
    apart = (other_held[:, 3] - other_asked[:, 3] - turn + ANGLE_STEPS // 2 & ANGLE_STEPS - 1) - ANGLE_STEPS // 2
    fits = (np.abs(zoom - other_zoom) <= _SCALE_TOLERANCE) & (np.abs(twice) <= 2 * _LARGEST_ZOOM)
    fits &= np.abs(apart) <= _ANGLE_TOLERANCE
    left = np.flatnonzero(fits)
    asked, held, other_asked, other_held = (it.take(left, axis=0) for it in (asked, held, other_asked, other_held))
    factor = _FACTORS[twice[left] + _MOST_TWICE]
    angle = 2 * turn[left] + apart[left] + _MOST_HALVES
    cosine, sine = _COSINES[angle] * factor, _SINES[angle] * factor
    across, down = (other_asked - asked).T[:2].astype(np.float64, order="C")
    held_across, held_down = (other_held - held).T[:2].astype(np.float64, order="C")
    distance = np.hypot(held_across, held_down)
    sigma = SIGMAS[np.maximum(held[:, 2], other_held[:, 2])]
    error = np.hypot(across * cosine - down * sine - held_across, across * sine + down * cosine - held_down)
    misfits = np.full(len(fits), np.inf)
    is_apart = np.minimum(distance, np.hypot(across, down) * factor) >= _LEAST_DISTANCE * sigma
    misfits[left] = np.where(is_apart, error / (_PLACE_TOLERANCE * sigma + _TURN_TOLERANCE * distance), np.inf)
    return misfits


def _best_of_each(groups: NDArray[np.int64], votes: NDArray[np.int64]) -> NDArray[np.intp]:
    """Of each group of matches of which any agree, the first of those with the most votes."""
    agreeing = np.flatnonzero(votes > 1)
    if len(agreeing) == 0:
        return agreeing
    votes = votes[agreeing]
    starts = _starts(groups[agreeing])
    sizes = np.diff(starts, append=len(votes))
    most = np.repeat(np.maximum.reduceat(votes, starts), sizes)
    ranks = np.where(votes == most, np.arange(len(votes)), len(votes))
    best: NDArray[np.intp] = np.minimum.reduceat(ranks, starts)
    return agreeing[best]


def _bounded(groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the matches in ordered groups to compare: of large groups some, evenly spread.

    Pictures that repeat themselves have hundreds of matches with each of their copies; a tenth of them tells as much.
    """
    starts = _starts(groups)
    sizes = np.diff(starts, append=len(groups))
    if sizes.max() <= _MATCHES[0] and len(groups) * _MATCHES[0] <= _PAIRS:
        return np.ones(len(groups), np.bool_)
    pairs = {most: int((np.minimum(sizes, most) ** 2).sum()) // 2 for most in _MATCHES}
    most = next((most for most in _MATCHES if pairs[most] <= _PAIRS), _MATCHES[-1])
    size = np.repeat(sizes, sizes)
    rank = np.arange(len(groups)) - np.repeat(starts, sizes)
    kept: NDArray[np.bool_] = (size <= most) | (rank * most // size != (rank - 1) * most // size)
    return kept


def _starts(ordered: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where each group begins, of ordered groups that are not none."""
    return np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))


def _has_neighbor(ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    same = ordered[1:] == ordered[:-1]
    either: NDArray[np.bool_] = np.concatenate([[False], same])[: len(ordered)]
    either |= np.concatenate([same, [False]])[: len(ordered)]
    return either
