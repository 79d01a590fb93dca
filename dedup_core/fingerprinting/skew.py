"""The skew of a page: how far its lines are from running along its edges."""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s

_STEP: Final = 2.0  # of luma from one line to the next but one: weaker edges are paper and compression
_BINS: Final = 180  # of half a degree, over a quarter turn
_REACH: Final = 6  # bins to each side that a bin is averaged over, by a Gaussian of a degree
_ALIKE: Final = 4.0  # times as much as on the average: docs/fingerprints.md#pages-at-an-angle


def skew_of(plane: Float32s) -> float:
    """Degrees by which a page of luma is turned clockwise, from -45 to 45; 0 where edges run in many directions.

    The peak of the directions of edges, folded to a quarter turn, since what is ruled or written runs along two.
    """
    across = _weighted(plane[:, 2:] - plane[:, :-2])
    down = _weighted((plane[2:] - plane[:-2]).T).T
    squares = across * across + down * down
    strong = np.flatnonzero(squares >= _STEP**2)
    if len(strong) == 0:
        return 0.0
    directions = np.arctan2(down.ravel()[strong], across.ravel()[strong])
    directions *= _BINS / (np.pi / 2)
    bins = np.floor(directions).astype(np.intp) % _BINS
    shares = np.bincount(bins, np.sqrt(squares.ravel()[strong]), _BINS)
    around = np.convolve(np.pad(shares, _REACH, mode="wrap"), _weights(), mode="valid")
    peak = int(around.argmax())
    if around[peak] < _ALIKE * around.mean():
        return 0.0
    before, top, after = around[[peak - 1, peak, (peak + 1) % _BINS]]
    bend = 2 * top - before - after
    offset = (after - before) / 2 / bend if bend > 0 else 0.0  # the top of the parabola through the three
    degrees = (peak + 0.5 + offset) * 90 / _BINS
    return float(degrees - 90 if degrees > 45 else degrees)  # noqa: PLR2004 - half a quarter turn


def _weighted(steps: Float32s) -> Float32s:
    """Each of the lines of steps averaged with its neighbors: (h, w) to (h - 2, w).

    Scharr's filter ("Optimal operators in digital image processing", 2000), whose directions are true at any angle.
    """
    around = steps[:-2] + steps[2:]
    around *= np.float32(3 / 16)
    around += steps[1:-1] * np.float32(10 / 16)
    return around


@cache
def _weights() -> NDArray[np.float64]:
    offsets = np.arange(-_REACH, _REACH + 1) * (90 / _BINS)
    weights = np.exp(-(offsets**2) / 2)
    return np.asarray(weights / weights.sum())
