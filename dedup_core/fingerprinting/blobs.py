"""Blobs of a picture: the extrema of the scale-normalized Laplacian, found in the DCT domain."""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float64s

FIRST_SIGMA: Final = 1.5 * 2 ** (1 / 3)  # 1.9 lines
_LEVELS: Final = 11  # the outermost are only neighbors of others: blobs have 2.4 to 15 lines, and what lies between
_KEPT: Final = 6 * _LEVELS  # of the sizes met last, up to 200 KB each: a collection of crops has hundreds of sizes
_LEVELS_PER_OCTAVE: Final = 3
_LEAST_RESPONSE: Final = 1.0  # in steps of luma: weaker blobs are noise
_DECIMALS: Final = 6  # kept of what matrix products give: the rest differs between processors, and must not break ties


type Strengths = NDArray[np.int32]
"""In millionths of a step of luma."""


class Blobs(NamedTuple):
    """Centers and scales (sigma) in lines, the strongest first: (n,) each."""

    x: Float64s
    y: Float64s
    sigma: Float64s


class Spectrum:
    """A plane (h, w) as its DCT, from which it is smoothed or filtered at any scale.

    The waves of even frequencies are symmetric and those of odd ones antisymmetric: half of each is enough, for half
    of the products.
    """

    def __init__(self, plane: Float64s) -> None:
        self.shape = height, width = plane.shape
        self._down, self._across = _half_waves(height), _half_waves(width)
        lines = np.empty_like(plane)
        for parity, half in enumerate(_folded(plane)):
            np.matmul(self._down[parity], half, out=lines[parity::2])
        # The coefficients of the even and those of the odd frequencies across: (h, about w / 2) each.
        self._parts = [half.T @ waves.T for half, waves in zip(_folded(lines.T), self._across, strict=True)]

    def filtered(self, response: Float64s) -> Float64s:
        """The plane with each of its lowest frequencies (high, wide) multiplied: (h, w)."""
        high, wide = response.shape
        height, width = self.shape
        lines, plane = np.empty((high, width)), np.empty((height, width))
        counts = (wide + 1) // 2, wide // 2
        parts = [self._parts[it][:high, : counts[it]] * response[:, it::2] for it in (0, 1)]
        even, odd = (parts[it] @ self._across[it][: counts[it]] for it in (0, 1))
        _unfold(even.T, odd.T, lines.T)
        even, odd = (self._down[it][: (high + 1 - it) // 2].T @ lines[it::2] for it in (0, 1))
        _unfold(even, odd, plane)
        return plane

    def smoothed(self, sigma: float) -> Float64s:
        """The plane after a Gaussian: (h, w)."""
        return self.filtered(_gaussian(*self.shape, sigma))


def blobs_of(spectrum: Spectrum, reach: float, first_sigma: float = FIRST_SIGMA) -> Blobs:
    """All blobs of which the surroundings of `reach` sigmas lie inside the plane, from `first_sigma` lines on."""
    height, width = spectrum.shape
    strength = _laplacians(spectrum, first_sigma)  # (levels, h, w)
    level, row, column = _peaks(strength, _LEAST_RESPONSE * 10.0**_DECIMALS)
    order = np.argsort(-strength[level, row, column], kind="stable")
    at = level[order], row[order], column[order]
    x = at[2] + 0.5 + _offset(strength, at, 2)
    y = at[1] + 0.5 + _offset(strength, at, 1)
    sigma = first_sigma * 2 ** ((at[0] + _offset(strength, at, 0)) / _LEVELS_PER_OCTAVE)
    near = reach * sigma
    inside = (x >= near) & (x <= width - near) & (y >= near) & (y <= height - near)
    return Blobs(x[inside], y[inside], sigma[inside])


@lru_cache(maxsize=16)  # sides of planes; at most 300 KB each
def dct_basis(samples: int, frequencies: int) -> Float64s:
    """The first rows of the orthonormal DCT-II: (frequencies, samples)."""
    frequency, sample = np.arange(frequencies)[:, None], np.arange(samples)[None, :]
    basis = np.cos(np.pi * frequency * (2 * sample + 1) / (2 * samples)) * np.sqrt(2 / samples)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, np.float64)


@lru_cache(maxsize=16)  # as whole ones
def _half_waves(samples: int) -> tuple[Float64s, Float64s]:
    """The first half of each line of a whole basis, even frequencies and odd ones: (about samples / 2, the same)."""
    halves = dct_basis(samples, samples)[:, : (samples + 1) // 2]
    return np.ascontiguousarray(halves[0::2]), np.ascontiguousarray(halves[1::2])


def _folded(plane: Float64s) -> tuple[Float64s, Float64s]:
    """The sum and the difference of the first rows and the last ones from the end, (about h / 2, w) each.

    A row in the middle is its own sum, and no wave of an odd frequency reaches it.
    """
    half = len(plane) // 2
    first, last = plane[: len(plane) - half], plane[::-1][:half]
    even, odd = first.copy(), first.copy()
    even[:half] += last
    odd[:half] -= last
    return even, odd


def _unfold(even: Float64s, odd: Float64s, plane: Float64s) -> None:
    """Writes the rows of which the sums and differences of both halves are given."""
    half = len(plane) // 2
    np.add(even, odd, out=plane[: len(plane) - half])
    np.subtract(even[:half], odd[:half], out=plane[::-1][:half])


def _laplacians(spectrum: Spectrum, first_sigma: float) -> Strengths:
    """The strength of the Laplacian of Gaussian at each level, in units of the last decimal kept: (levels, h, w)."""
    levels = np.empty((_LEVELS, *spectrum.shape), np.int32)
    for level, strength in enumerate(levels):  # one by one, as long as it is in the processor's cache
        filtered = spectrum.filtered(_response(*spectrum.shape, first_sigma * 2 ** (level / _LEVELS_PER_OCTAVE)))
        strength[:] = np.rint(filtered, out=filtered)
        np.abs(strength, out=strength)
    return levels


@lru_cache(maxsize=_KEPT)
def _response(height: int, width: int, sigma: float) -> Float64s:
    """What the Laplacian leaves of each frequency, as far as anything is left, in units of the last decimal kept."""
    square = _squares(height, width, sigma)
    response: Float64s = square * np.exp(-square / 2) * 10.0**_DECIMALS
    return response


@lru_cache(maxsize=_KEPT)
def _gaussian(height: int, width: int, sigma: float) -> Float64s:
    """What a Gaussian leaves of each frequency, as far as anything is left."""
    return np.asarray(np.exp(-_squares(height, width, sigma) / 2))


def _squares(height: int, width: int, sigma: float) -> Float64s:
    """(sigma times the frequency)^2, up to four standard deviations of the Gaussian, past which nothing is left."""
    down, across = (np.pi * np.arange(height) / height) ** 2, (np.pi * np.arange(width) / width) ** 2
    high, wide = (min(size, int(4 / sigma * size / np.pi) + 1) for size in (height, width))
    squares: Float64s = sigma**2 * (down[:high, None] + across[None, :wide])
    return squares


def _peaks(strength: Strengths, least: float) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Level, row and column of each value above `least` that none of its 26 neighbors exceeds, in that order."""
    # Few are left after the six nearest neighbors; only those are compared with all. In one row of numbers a neighbor
    # is a fixed number of places away; what lies at a border is compared in vain, and left out.
    _, height, width = strength.shape
    flat = strength.ravel()
    candidates = flat > least
    for step in (1, width, height * width):
        candidates[:-step] &= flat[:-step] >= flat[step:]
        candidates[step:] &= flat[step:] >= flat[:-step]
    inside = np.zeros(strength.shape, np.bool_)
    inside[1:-1, 1:-1, 1:-1] = candidates.reshape(strength.shape)[1:-1, 1:-1, 1:-1]
    places = np.flatnonzero(inside)
    up, down, across = np.indices((3, 3, 3)).reshape(3, -1, 1) - 1
    largest = flat[places + ((up * height + down) * width + across)].max(axis=0)  # of (27, places)
    level, row, column = np.unravel_index(places[flat[places] >= largest], strength.shape)
    return level, row, column


def _offset(strength: Strengths, at: tuple[NDArray[np.intp], ...], axis: int) -> Float64s:
    """Where between -0.5 and 0.5 the parabola through a peak and its two neighbors along an axis has its top."""
    before, after = list(at), list(at)
    before[axis], after[axis] = at[axis] - 1, at[axis] + 1
    low, peak, high = strength[tuple(before)], strength[at], strength[tuple(after)]
    bend = low - 2 * peak + high
    offset: Float64s = np.clip((low - high) / 2 / np.where(bend < 0, bend, -np.inf), -0.5, 0.5)
    return offset
