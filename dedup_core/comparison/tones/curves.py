"""Curves of straight pieces between evenly spaced knots, fitted by weighted least squares."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s, Float64s

DAMPING: Final = 1e-3  # of the weight of all values: pulls to the prior what few of them tell


def basis(values: Float64s, knots: Float64s) -> Float64s:
    """Shares of the two knots around each value, (n, knots)."""
    low, share = _segments(values, knots)
    shares = np.zeros((len(values), len(knots)))
    rows = np.arange(len(values))
    shares[rows, low], shares[rows, low + 1] = 1 - share, share
    return shares


def on_curves(values: Float64s, wanted: Float64s, weight: Float64s, knots: Float64s) -> Float64s:
    """Where the curves from values to each row of wanted (m, n) are at the values, (m, n): near 0 where few tell."""
    low, high = _segments(values, knots)
    heights = _fitted(low, high, wanted, weight, np.zeros(len(knots)))
    return np.asarray(heights[:, low] * (1 - high) + heights[:, low + 1] * high)


def rising_curve(values: Float64s, wanted: Float64s, weight: Float64s, knots: Float64s) -> Float64s:
    """The heights at the knots of one curve from values to wanted (n,), which never falls: the knots where few tell."""
    return np.maximum.accumulate(_fitted(*_segments(values, knots), wanted[None], weight, knots)[0])


def _segments(values: Float64s, knots: Float64s) -> tuple[NDArray[np.intp], Float64s]:
    """The knot below each value, and how far on the way to the next one the value is."""
    position = np.clip(values / (knots[1] - knots[0]), 0, len(knots) - 1 - 1e-9)
    low = position.astype(np.intp)
    return low, position - low


def _fitted(low: NDArray[np.intp], high: Float64s, wanted: Float64s, weight: Float64s, prior: Float64s) -> Float64s:
    """The heights at the knots for each row of wanted, (m, knots), by the segments in which the values lie."""
    count, shares = len(prior), np.stack([1 - high, high])

    def sums(products: Float64s) -> Float64s:
        return np.bincount(low, products, count)

    weighted = shares * weight
    lower, upper = np.arange(count - 1), np.arange(1, count)
    normal = np.diag(sums(weighted[0] * shares[0]) + DAMPING * weight.sum())
    normal[upper, upper] += sums(weighted[1] * shares[1])[:-1]
    normal[lower, upper] = normal[upper, lower] = sums(weighted[0] * high)[:-1]
    right_side = DAMPING * weight.sum() * np.broadcast_to(prior, (len(wanted), count))
    for row, target in enumerate(wanted):
        right_side[row] += sums(weighted[0] * target)
        right_side[row, 1:] += sums(weighted[1] * target)[:-1]
    return np.linalg.solve(normal, right_side.T).T


def in_contrast_of[Values: (Float32s, Float64s)](luma: Values, wanted: Values, most: float, least: float) -> Values:
    """Luma (n,) in the contrast and brightness of another one, by least squares, from 0 to `most`.

    `least` is added to the sum of squares, so that what is one tone all over has no slope.
    """
    from_mean = luma - luma.mean()
    slope = (from_mean @ wanted) / (from_mean @ from_mean + least)
    fitted: Values = (wanted.mean() + slope * from_mean).clip(0, most)
    return fitted
