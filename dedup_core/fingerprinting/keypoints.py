"""Keypoints: the strongest blobs of a picture, each described by a short binary word, that survive cropping."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.luma import Plane

type Floats = NDArray[np.float64]
MAX_KEYPOINTS: Final = 24
PLANE_SIDE: Final = 128  # keypoints are looked for with the longer side of the framed picture at this size
BUCKET_BITS: Final = 20
WORD_BITS: Final = 28
WEAK_BITS: Final = 5
KEYPOINT_BYTES: Final = 10
SCALE_STEPS: Final = 32  # of a stored scale, an octave
# Coefficients (row, column) of a keypoint's patch whose signs make up its word, the lowest bit first. A transposed
# picture swaps neighbors in the list of pairs. The low 20 bits are those that agree best between copies.
_BUCKET_PAIRS: Final = ((0, 1), (1, 2), (0, 3), (1, 3), (2, 3), (1, 4), (0, 5), (1, 5), (0, 2))
_BUCKET_DIAGONAL: Final = ((1, 1), (3, 3))
_REST_PAIRS: Final = ((0, 4), (2, 4), (2, 5))
_REST_DIAGONAL: Final = ((2, 2), (4, 4))


def _both(pairs: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    return [cell for row, column in pairs for cell in ((row, column), (column, row))]


WORD_CELLS: Final = (*_both(_BUCKET_PAIRS), *_BUCKET_DIAGONAL, *_both(_REST_PAIRS), *_REST_DIAGONAL)
_LEVELS: Final = 9
_FIRST_SIGMA: Final = 2.0
_LEVELS_PER_OCTAVE: Final = 3
_LEAST_RESPONSE: Final = 1.0  # in steps of luma: weaker blobs are noise
_PATCH_RADIUS: Final = 4.5  # half side of a patch, in sigmas
_INSIDE: Final = 0.7  # share of that radius that must lie inside the picture
_PATCH_SIDE: Final = 16
_PATCH_FREQUENCIES: Final = 6
_DECIMALS: Final = 6  # kept of what matrix products give: the rest differs between processors, and must not break ties


@dataclass(frozen=True, slots=True, eq=False)
class Keypoints:
    """Up to 24 keypoints, the strongest first.

    `words` (k,) uint32 of 28 bits; `weak` (k,) uint32 marks the 5 of the low 20 bits that are the least sure;
    `places` (k, 3) uint8: x and y in 255ths of the longer side of the framed picture, scale in 32nds of an octave.
    """

    words: NDArray[np.uint32]
    weak: NDArray[np.uint32]
    places: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def none(cls) -> Self:
        return cls(np.zeros(0, np.uint32), np.zeros(0, np.uint32), np.zeros((0, 3), np.uint8))

    def to_bytes(self) -> bytes:
        """Always 240 bytes; a scale of zero marks a place that is not taken."""
        packed = np.zeros((MAX_KEYPOINTS, KEYPOINT_BYTES), np.uint8)
        count = len(self)
        packed[:count, :4] = self.words.astype("<u4")[:, None].view(np.uint8)
        packed[:count, 4:7] = self.weak.astype("<u4")[:, None].view(np.uint8)[:, :3]
        packed[:count, 7:] = self.places
        return packed.tobytes()

    @classmethod
    def from_packed(cls, packed: NDArray[np.uint8]) -> Self:
        """The keypoints that `to_bytes` wrote, of one or more images: (n, 10) bytes."""
        taken = packed[packed[:, 9] > 0]
        words = np.ascontiguousarray(taken[:, :4]).view("<u4")[:, 0]
        weak = np.ascontiguousarray(np.pad(taken[:, 4:7], ((0, 0), (0, 1)))).view("<u4")[:, 0]
        return cls(words.astype(np.uint32), weak.astype(np.uint32), taken[:, 7:].copy())


def keypoints_of(plane: Plane) -> Keypoints:
    """The keypoints of a luma plane whose longer side is `PLANE_SIDE`."""
    x, y, sigma = _blobs(plane)
    if len(x) == 0:
        return Keypoints.none()
    values = np.round(_patch_coefficients(plane, x, y, sigma), _DECIMALS)  # (k, 28)
    words = (values > 0) @ (1 << np.arange(WORD_BITS, dtype=np.uint32))
    octaves = np.log2(sigma / _FIRST_SIGMA)
    places = np.stack([x * 255 / PLANE_SIDE, y * 255 / PLANE_SIDE, 1 + octaves * SCALE_STEPS], axis=1)
    return Keypoints(words.astype(np.uint32), _weak_bits(values), np.rint(places).clip(0, 255).astype(np.uint8))


def _weak_bits(values: Floats) -> NDArray[np.uint32]:
    """For each keypoint the bits of the bucket whose coefficients are the smallest, measured by what is usual there."""
    usual = np.array([1.0 / (row + column) ** 2 for row, column in WORD_CELLS[:BUCKET_BITS]]) ** 0.5
    order = np.argsort(np.abs(values[:, :BUCKET_BITS]) / usual, axis=1, kind="stable")[:, :WEAK_BITS]
    marks: NDArray[np.uint32] = (np.uint32(1) << order.astype(np.uint32)).sum(axis=1, dtype=np.uint32)
    return marks


def _blobs(plane: Plane) -> tuple[Floats, Floats, Floats]:
    """Centers and scales (sigma, in lines) of the strongest extrema of the scale-normalized Laplacian."""
    strength = _laplacians(plane)  # (levels, h, w), in units of the last decimal kept
    np.abs(strength, out=strength)
    strength *= 10.0**_DECIMALS
    np.rint(strength, out=strength)
    level, row, column = _peaks(strength, _LEAST_RESPONSE * 10.0**_DECIMALS)
    order = np.argsort(-strength[level, row, column], kind="stable")
    level, row, column = level[order], row[order], column[order]
    x = column + 0.5 + _offset(strength, (level, row, column), 2)
    y = row + 0.5 + _offset(strength, (level, row, column), 1)
    sigma = _FIRST_SIGMA * 2 ** ((level + _offset(strength, (level, row, column), 0)) / _LEVELS_PER_OCTAVE)
    reach = _INSIDE * _PATCH_RADIUS * sigma
    height, width = plane.shape
    inside = (x >= reach) & (x <= width - reach) & (y >= reach) & (y <= height - reach)
    kept = np.flatnonzero(inside)[:MAX_KEYPOINTS]
    return x[kept], y[kept], sigma[kept]


def _laplacians(plane: Plane) -> Floats:
    """Scale-normalized Laplacian of Gaussian at each level, computed in the DCT domain: (levels, h, w)."""
    height, width = plane.shape
    rows, columns = _dct_basis(height, height), _dct_basis(width, width)
    spectrum = rows @ plane @ columns.T  # (h, w)
    levels = np.empty((_LEVELS, height, width))
    for level, response in enumerate(_responses(height, width)):
        high, wide = response.shape
        part = spectrum[:high, :wide] * response
        np.matmul(rows[:high].T, part @ columns[:wide], out=levels[level])
    return levels


@lru_cache(maxsize=64)
def _responses(height: int, width: int) -> tuple[Floats, ...]:
    """By level, what the Laplacian leaves of each frequency, as far as anything is left."""
    down, across = (np.pi * np.arange(height) / height) ** 2, (np.pi * np.arange(width) / width) ** 2
    responses = []
    for level in range(_LEVELS):
        sigma = _FIRST_SIGMA * 2 ** (level / _LEVELS_PER_OCTAVE)
        # Past four standard deviations of the Gaussian in the frequency domain nothing is left.
        high, wide = (min(size, int(4 / sigma * size / np.pi) + 1) for size in (height, width))
        square = sigma**2 * (down[:high, None] + across[None, :wide])
        responses.append(square * np.exp(-square / 2))
    return tuple(responses)


def _peaks(strength: Floats, least: float) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Level, row and column of each value above `least` that none of its 26 neighbors exceeds, in that order."""
    inner = strength[1:-1, 1:-1, 1:-1]
    # Few are left after the neighbors in the own row and column; only those are compared with all.
    candidates = inner > least
    for before in (strength[1:-1, 1:-1, :-2], strength[1:-1, :-2, 1:-1]):
        candidates &= inner >= before
    for after in (strength[1:-1, 1:-1, 2:], strength[1:-1, 2:, 1:-1]):
        candidates &= inner >= after
    level, row, column = (index + 1 for index in np.nonzero(candidates))
    value = strength[level, row, column]
    highest = np.full(len(value), -np.inf)
    for up, down, across in np.ndindex(3, 3, 3):
        np.maximum(highest, strength[level + up - 1, row + down - 1, column + across - 1], out=highest)
    kept = value == highest
    return level[kept], row[kept], column[kept]


def _offset(strength: Floats, at: tuple[NDArray[np.intp], ...], axis: int) -> Floats:
    """Where between -0.5 and 0.5 the parabola through a peak and its two neighbors along an axis has its top."""
    before, after = list(at), list(at)
    before[axis], after[axis] = at[axis] - 1, at[axis] + 1
    low, peak, high = strength[tuple(before)], strength[at], strength[tuple(after)]
    bend = low - 2 * peak + high
    offset: Floats = np.clip((low - high) / 2 / np.where(bend < 0, bend, -np.inf), -0.5, 0.5)
    return offset


def _patch_coefficients(plane: Plane, x: Floats, y: Floats, sigma: Floats) -> Floats:
    """DCT coefficients of the square patch around each keypoint, those of `WORD_CELLS`: (k, 28)."""
    height, width = plane.shape
    sums = np.zeros((height + 1, width + 1))
    sums[1:, 1:] = plane.cumsum(axis=0).cumsum(axis=1)
    edges = np.linspace(-_PATCH_RADIUS, _PATCH_RADIUS, _PATCH_SIDE + 1)
    columns = np.clip(x[:, None] + edges * sigma[:, None], 0, width - 1e-6)  # (k, 17)
    rows = np.clip(y[:, None] + edges * sigma[:, None], 0, height - 1e-6)
    at = _between(sums, rows, columns)  # (k, 17, 17)
    totals = np.diff(np.diff(at, axis=1), axis=2)
    areas = np.diff(rows, axis=1)[:, :, None] * np.diff(columns, axis=1)[:, None, :]
    patches = totals / np.maximum(areas, 1e-9)  # (k, 16, 16) means of luma; nothing outside the picture
    basis = _dct_basis(_PATCH_SIDE, _PATCH_FREQUENCIES)
    coefficients = basis @ patches @ basis.T  # (k, 6, 6)
    row, column = np.array(WORD_CELLS).T
    return coefficients[:, row, column]


def _between(sums: Floats, rows: Floats, columns: Floats) -> Floats:
    """An integral image read at fractional lines: (k, n) rows and (k, n) columns -> (k, n, n)."""
    row, column = rows.astype(np.intp), columns.astype(np.intp)
    down, across = (rows - row)[:, :, None], (columns - column)[:, None, :]
    row, column = row[:, :, None], column[:, None, :]
    upper = sums[row, column] * (1 - across) + sums[row, column + 1] * across
    lower = sums[row + 1, column] * (1 - across) + sums[row + 1, column + 1] * across
    between: Floats = upper * (1 - down) + lower * down
    return between


@lru_cache(maxsize=256)
def _dct_basis(samples: int, frequencies: int) -> Floats:
    """The first rows of the orthonormal DCT-II: (frequencies, samples)."""
    frequency, sample = np.arange(frequencies)[:, None], np.arange(samples)[None, :]
    basis = np.cos(np.pi * frequency * (2 * sample + 1) / (2 * samples)) * np.sqrt(2 / samples)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, np.float64)
