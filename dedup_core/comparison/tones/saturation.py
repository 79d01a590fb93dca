"""One saturation for all colors: what it makes of every pixel, those of which a channel is clipped, too."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from dedup_core.arrays import Float32s
from dedup_core.color.lab import block_means, lab_of
from dedup_core.comparison.tones.exposure import BLOCK, COUNTED, Blocks, blurred_lengths, mean_of
from dedup_core.luma import LUMA

type Gray = Callable[[Float32s], Float32s]

# What editors move channels away from, or towards: luma, the lightness of HSL and the value of HSV.
_GRAYS: Final[tuple[Gray, ...]] = (
    lambda values: np.asarray(values @ LUMA, dtype=np.float32),
    lambda values: np.asarray((values.max(axis=-1) + values.min(axis=-1)) / 2, dtype=np.float32),
    lambda values: np.asarray(values.max(axis=-1), dtype=np.float32),
)
_TIMES: Final = (0.45, 2.2)  # a filter that takes or adds more changes the colors
_CLIPPED: Final = 0.02  # of white: what is as near to black, or to white
_LEAST_TOLD: Final = 60  # blocks: fewer say nothing
_LEAST_COLOR: Final = 1e-6  # so that blocks without any color can be divided by it
_SPECKS: Final = 8  # blocks that may have any color: what compression does at small colored edges
_MOST_IN_PLACES: Final = 7.0  # CIELAB units; docs/thresholds.md#more-or-less-saturated


@dataclass(frozen=True, slots=True)
class _Saturation:
    """Colors `times` as far from `gray` as they were, and the mean error of a block that this leaves, 0..1."""

    error: float
    times: float
    gray: Gray

    def applied(self, values: Float32s) -> Float32s:
        """Values (..., 3) of 0..1 so, in which clipped ones are at their limit."""
        gray = self.gray(values)[..., None]
        return (gray + np.float32(self.times) * (values - gray)).clip(0.0, 1.0)


def off_saturation(blocks: Blocks) -> float | None:
    """The mean CIELAB distance, smoothed as `color_residual` is, that more or less saturation leaves of two pictures.

    Of one of them as it makes it most like the other. None where too little has any color, where that takes more than
    a filter does, or where more than a few specks have another color then.
    """
    found: list[tuple[_Saturation, int]] = []
    sides = blocks.left, blocks.right
    for number, source in enumerate(sides):
        target = sides[1 - number]
        told = (blocks.weight > COUNTED) & (np.minimum(target, 1 - target).min(axis=-1) > _CLIPPED)
        if np.count_nonzero(told) >= _LEAST_TOLD:
            found += [(_fitted(source[told], target[told], gray), number) for gray in _GRAYS]
    best, number = min(found, key=lambda it: it[0].error, default=(None, 0))
    if best is None or not _TIMES[0] < best.times < _TIMES[1]:
        return None
    saturated = block_means(best.applied(blocks.pixels[number].astype(np.float32) / np.float32(255)), BLOCK)
    off = blurred_lengths(lab_of(saturated) - lab_of(sides[1 - number]), blocks.weight)
    counted = np.sort(off[blocks.weight > COUNTED])
    if len(counted) > _SPECKS and counted[-_SPECKS - 1] > _MOST_IN_PLACES:
        return None
    return mean_of(off, blocks.weight)


def _fitted(source: Float32s, target: Float32s, gray: Gray) -> _Saturation:
    """By least squares of the colors less gray; source and target are (n, 3)."""
    color, wanted = (it - gray(it)[:, None] for it in (source, target))
    times = float((color * wanted).sum() / ((color * color).sum() + _LEAST_COLOR))
    error = np.abs(gray(source)[:, None] + np.float32(times) * color - target).mean()
    return _Saturation(float(error), times, gray)
