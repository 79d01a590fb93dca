"""Matched keypoints -> images in which several of them lie as they do in the query."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.keypoints import MAX_KEYPOINTS, PLANE_SIDE, SCALE_STEPS
from dedup_core.search.keypoint_lists import Entries, entry_places, entry_slots, stable_order
from dedup_core.search.keypoint_query import Probes
from dedup_core.views import VIEWS

_SCALE_TOLERANCE: Final = 0.3 * SCALE_STEPS  # between the zooms that two keypoints of one picture tell
_LARGEST_ZOOM: Final = 1.1 * SCALE_STEPS  # a copy that shows half of the sides is zoomed by one octave
_PLACE_TOLERANCE: Final = 0.4  # of the larger sigma
_TURN_TOLERANCE: Final = 0.08  # of the distance between two keypoints: a rotation by 4 degrees moves them by 0.07
_LEAST_DISTANCE: Final = 1.0  # sigmas: nearer keypoints are one blob seen twice
_LOW_BITS: Final = (1 << 19) - 1
_VIEW_SHIFT: Final = 16
_MATCHES: Final = (2 * MAX_KEYPOINTS, MAX_KEYPOINTS, MAX_KEYPOINTS // 2)  # compared of an image in a view
_PAIRS: Final = 1 << 20  # of matches; where there are more, fewer matches of each image are compared
_FIRST_SIGMA: Final = 2.0 * 255 / PLANE_SIDE


def agreeing_keypoints(
    probes: Probes, probed: NDArray[np.int64], entries: Entries
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Slot, view and number of agreeing keypoints wherever there are at least two, of what `Postings.find` gave."""
    slots, views = entry_slots(entries), probes.views[probed]
    # Most groups have a single keypoint, and are gone when those are that share their low bits with no other.
    low = (slots ^ views << _VIEW_SHIFT) & _LOW_BITS
    order = np.flatnonzero(np.bincount(low, minlength=1)[low] > 1)
    groups, probed, entries = slots[order] * len(VIEWS) + views[order], probed[order], entries[order]
    order = stable_order(groups.astype(np.uint32))
    groups = groups[order]
    met = np.flatnonzero(_has_neighbor(groups))
    groups, order = groups[met], order[met]
    kept = _bounded(groups)
    groups, order = groups[kept], order[kept]
    asked, held = probes.places[probed[order]], entry_places(entries[order])
    votes = np.ones(len(groups), np.int64)
    for lag in range(1, _MATCHES[0]):
        first = np.flatnonzero(groups[:-lag] == groups[lag:])
        if len(first) == 0:
            break
        second = first + lag
        fits = agree(asked[first], held[first], asked[second], held[second])
        votes += np.bincount(first[fits], minlength=len(votes)) + np.bincount(second[fits], minlength=len(votes))
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    most = np.minimum(np.maximum.reduceat(votes, starts) if len(starts) else votes, MAX_KEYPOINTS)
    several = most > 1
    group = groups[starts][several]
    return group // len(VIEWS), group % len(VIEWS), most[several]


def agree(
    asked: NDArray[np.int32], held: NDArray[np.int32], other_asked: NDArray[np.int32], other_held: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Whether two matches tell the same zoom, and the vector between them is the same but for that zoom."""
    zoom, other_zoom = held[:, 2] - asked[:, 2], other_held[:, 2] - other_asked[:, 2]
    twice = zoom + other_zoom
    fits = (np.abs(zoom - other_zoom) <= _SCALE_TOLERANCE) & (np.abs(twice) <= 2 * _LARGEST_ZOOM)
    zoomed = np.flatnonzero(fits)
    held, other_held = held[zoomed], other_held[zoomed]
    factor = 2 ** (twice[zoomed] / (2 * SCALE_STEPS))
    asked_vector = (other_asked[zoomed] - asked[zoomed])[:, :2] * factor[:, None]
    held_vector = (other_held - held)[:, :2]
    distance = np.hypot(*held_vector.T)
    sigma = _FIRST_SIGMA * 2 ** (np.maximum(held[:, 2], other_held[:, 2]) / SCALE_STEPS)
    error = np.hypot(*(asked_vector - held_vector).T)
    fits[zoomed] = (np.minimum(distance, np.hypot(*asked_vector.T)) >= _LEAST_DISTANCE * sigma) & (
        error <= _PLACE_TOLERANCE * sigma + _TURN_TOLERANCE * distance
    )
    return fits


def _bounded(groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the matches in ordered groups to compare: of large groups some, evenly spread.

    Pictures that repeat themselves have hundreds of matches with each of their copies; a tenth of them tells as much.
    """
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    sizes = np.diff(starts, append=len(groups))
    pairs = {most: int((np.minimum(sizes, most) ** 2).sum()) // 2 for most in _MATCHES}
    most = next((most for most in _MATCHES if pairs[most] <= _PAIRS), _MATCHES[-1])
    size = np.repeat(sizes, sizes)
    rank = np.arange(len(groups)) - np.repeat(starts, sizes)
    kept: NDArray[np.bool_] = (size <= most) | (rank * most // size != (rank - 1) * most // size)
    return kept


def _has_neighbor(ordered: NDArray[np.int64]) -> NDArray[np.bool_]:
    same = ordered[1:] == ordered[:-1]
    either: NDArray[np.bool_] = np.concatenate([[False], same])[: len(ordered)]
    either |= np.concatenate([same, [False]])[: len(ordered)]
    return either
