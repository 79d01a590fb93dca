"""How far the colors of two pictures are apart block by block, and the block that is off by most."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dedup_core.arrays import Float32s
from dedup_core.comparison.detail.specks import specks_among, worst_of
from dedup_core.comparison.structure.sharpness import block_sums

type Blocks = NDArray[np.bool_]
type Values = Float32s | NDArray[np.float64]
type Differing = Callable[[Values, Values, Values, Float32s], Float32s]
CELL: Final = 4  # pixels at the size that is compared; a block is two cells wide and high, and begins at every cell
_AREA: Final = np.float32((2 * CELL) ** 2)  # points of a block
_NOISE: Final = 25.0  # variance: five levels of color are what compression adds to a block
_OF_NEARBY: Final = 0.1  # of the variance at strong edges nearby that both have: compression adds more there
_SHIFT: Final = 1  # pixels that an alignment may be off
_LEAST: Final = 0.14  # difference of a block; docs/thresholds.md#marks-of-a-color
_OF_USUAL: Final = 2.3  # times what nearly all blocks stay below
_NEARLY_ALL: Final = 0.9  # a ring in either picture may fill a twentieth


@dataclass(frozen=True, slots=True)
class Outlier:
    """The largest difference but for specks, by what nearly all stay below, and the blocks that exceed that `limit`."""

    times: float
    limit: float
    places: Blocks


@dataclass(frozen=True, slots=True)
class ColorBlocks:
    """The colors of two pictures as they lie, (2, h, w) each, and the statistics of their blocks."""

    ours: Float32s
    theirs: Float32s
    ours_variance: Float32s
    theirs_variance: Float32s
    covariance: Float32s
    noise: Float32s

    @classmethod
    def of(cls, ours: Float32s, theirs: Float32s) -> Self:
        """Of blue and red less luma, or the like."""
        our_means, their_means = _block_means(ours), _block_means(theirs)
        ours_variance = _covariance(ours, ours, our_means, our_means)
        theirs_variance = _covariance(theirs, theirs, their_means, their_means)
        covariance = _covariance(ours, theirs, our_means, their_means)
        nearby = np.minimum(_largest_nearby(ours_variance), _largest_nearby(theirs_variance))
        noise = np.float32(_NOISE) + np.float32(_OF_NEARBY) * np.maximum(nearby, 0)
        return cls(ours, theirs, ours_variance, theirs_variance, covariance, noise)

    def outlier(self, counted: Blocks | None = None, *, stronger: bool = False) -> Outlier:
        """That of the `counted` blocks alone, where not all count; `stronger`: a stronger color is another one."""
        difference = _difference_in_strength if stronger else _difference
        differences = difference(self.covariance, self.ours_variance, self.theirs_variance, self.noise)
        counted = np.ones(differences.shape, np.bool_) if counted is None else counted
        differences[~counted] = 0
        limit = _LEAST + _OF_USUAL * float(np.quantile(differences[counted], _NEARLY_ALL))
        doubtful = np.argwhere(differences > limit)
        if len(doubtful) > specks_among(differences.size):
            rows, columns = doubtful.T
            shifted = _shifted(self.ours, self.theirs, rows, columns, self.noise[rows, columns], difference)
            differences[rows, columns] = np.minimum(differences[rows, columns], shifted)
        return Outlier(worst_of(differences[counted]) / limit, limit, differences > limit)


def outlier_of(ours: Float32s, theirs: Float32s, counted: Blocks | None = None) -> Outlier:
    """That of two pictures' colors, (2, h, w) each."""
    return ColorBlocks.of(ours, theirs).outlier(counted)


def _block_means(planes: Float32s) -> Float32s:
    """The means of the blocks of each plane, (2, rows, columns)."""
    return np.stack([block_sums(plane, CELL) for plane in planes]) / _AREA


def _covariance(ours: Float32s, theirs: Float32s, our_means: Float32s, their_means: Float32s) -> Float32s:
    """That of each block, summed over both planes, (rows, columns)."""
    return np.asarray(block_sums(dot(ours, theirs), CELL) / _AREA - dot(our_means, their_means))


def dot(ours: Float32s, theirs: Float32s) -> Float32s:
    """The products of two stacks of planes, summed over the planes."""
    return np.asarray(np.einsum("chw,chw->hw", ours, theirs))


def _largest_nearby(blocks: Float32s) -> Float32s:
    """The largest of each block and the eight that overlap with it."""
    padded = np.pad(blocks, 1, mode="edge")
    down = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return np.asarray(np.maximum(np.maximum(down[:, :-2], down[:, 1:-1]), down[:, 2:]))


def _difference(covariance: Values, ours: Values, theirs: Values, noise: Float32s) -> Float32s:
    """1 - correlation, of what is above the noise."""
    scale = np.sqrt((np.maximum(ours, 0) + noise) * (np.maximum(theirs, 0) + noise))
    return np.asarray(1 - (covariance + noise) / scale, dtype=np.float32)


def _difference_in_strength(covariance: Values, ours: Values, theirs: Values, noise: Float32s) -> Float32s:
    """The same by the mean of both variances, so that one that is many times the other differs as well."""
    scale = (np.maximum(ours, 0) + np.maximum(theirs, 0)) / 2 + noise
    return np.asarray(1 - (covariance + noise) / scale, dtype=np.float32)


def _shifted(
    ours: Float32s,
    theirs: Float32s,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    noise: Float32s,
    difference: Differing,
) -> Float32s:
    """The least difference of each of these blocks with theirs moved by up to `_SHIFT` pixels; its noise is (n,)."""
    side, reach = 2 * CELL, 2 * CELL + 2 * _SHIFT
    blocks = sliding_window_view(ours, (side, side), axis=(1, 2))[:, rows * CELL, columns * CELL]  # (2, n, 8, 8)
    padded = np.pad(theirs, ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT)), mode="edge")
    around = sliding_window_view(padded, (reach, reach), axis=(1, 2))[:, rows * CELL, columns * CELL]
    blocks = blocks - blocks.mean(axis=(2, 3), keepdims=True)
    variance = (blocks * blocks).sum(axis=(0, 2, 3)) / side**2
    best = np.full(len(rows), 2.0, dtype=np.float32)
    for down in range(2 * _SHIFT + 1):
        for across in range(2 * _SHIFT + 1):
            other = around[:, :, down : down + side, across : across + side]
            other = other - other.mean(axis=(2, 3), keepdims=True)
            covariance = (blocks * other).sum(axis=(0, 2, 3)) / side**2
            other_variance = (other * other).sum(axis=(0, 2, 3)) / side**2
            best = np.minimum(best, difference(covariance, variance, other_variance, noise))
    return best


def surely_within(squares: Float32s) -> bool:
    """Whether no block exceeds the least limit in colors that are so far apart, squared.

    With D the variance of what they are apart in a block and N the noise, 1 - correlation is at most D / 2N, because
    the geometric mean of the two variances is at most their arithmetic mean.
    """
    return bool(block_sums(squares, CELL).max() <= 2 * _NOISE * _LEAST * _AREA)
