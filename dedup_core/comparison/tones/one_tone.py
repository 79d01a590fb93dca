"""One curve for all channels: what brightness, contrast and gamma make of even places, those that are clipped, too."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s, Float64s, Pixels, largest_but
from dedup_core.color.lab import CODES, block_means, lab_of
from dedup_core.comparison.tones.exposure import BLOCK, COUNTED, Blocks, mean_length

_LEVELS: Final = 64  # of the curve: fewer have no corner where clipping begins
_ROUNDS: Final = 3  # of the fit: in later ones what is far off, as a part that was painted, weighs little
_USUAL_ERROR: Final = 0.02  # of white
_STRETCH: Final = 1 / 16  # of white: of the curve, along which it has to rise
_STEEPEST: Final = 4.0  # times: gamma and contrast of editors are less
_DARK: Final = 0.1  # of white: of less, ratios tell little
_BLACK: Final = 0.02  # of white: what is clipped is as near to black, or to white
_LEAST_EVEN: Final = 60  # blocks: fewer say nothing about the tone
_SAME: Final = 3.0  # CIELAB units: what compression and scaling do to a color
_SPECKS: Final = 8  # blocks that may have any color: what compression does at small colored edges
_OFF_SPECKS: Final = 4  # the same of even blocks, at no edge

type Curve = Callable[[Float64s], Float64s]


@dataclass(frozen=True, slots=True)
class OneTone:
    """Even blocks of two pictures in CIELAB, (n, 3) each, one of the two in the tone of the other.

    `left_over`: the mean CIELAB distance of all blocks, smoothed as `color_residual` is, with every pixel of one
    brighter, and clipped; None where that leaves more of even places than a few specks.
    """

    ours: Float32s
    theirs: Float32s
    left_over: float | None = None

    @classmethod
    def of(cls, blocks: Blocks, even: NDArray[np.bool_]) -> Self | None:
        """By the curve that most of the `even` blocks (h, w) lie on, either way; None where there are too few."""
        told = even & (blocks.weight > COUNTED)
        if np.count_nonzero(told) < _LEAST_EVEN:
            return None
        weight, found = blocks.weight[told].astype(np.float64), None
        left_over: list[float] = []
        for number, (source, target) in enumerate(((blocks.left, blocks.right), (blocks.right, blocks.left))):
            values, wanted = source[told].astype(np.float64), target[told].astype(np.float64)
            curve, brighter = _curve(values, wanted, weight), _brighter(values, wanted)
            tone = None if curve is None else cls(lab_of(curve(values)), lab_of(wanted))
            found = tone if found is None or (tone is not None and tone.kept > found.kept) else found
            if np.count_nonzero(cls(lab_of(brighter(values)), lab_of(wanted)).apart > _SAME) <= _SPECKS:
                left_over.append(_left_over(brighter, blocks.pixels[number], target, blocks.weight))
        return found and replace(found, left_over=min(left_over, default=None))

    @property
    def apart(self) -> Float32s:
        """How far the two colors of each place are apart, (n,)."""
        off = self.ours - self.theirs
        return np.asarray(np.sqrt((off * off).sum(axis=1)), dtype=np.float32)

    @property
    def off(self) -> float:
        """How far they are apart in the places that differ most, but for a few specks; 0 for too few."""
        return largest_but(self.apart, _OFF_SPECKS)

    @property
    def kept(self) -> float:
        """The share of the places that have the same color in both, 0..1."""
        return float((self.apart < _SAME).mean())


def _curve(source: Float64s, target: Float64s, weight: Float64s) -> Curve | None:
    """The rising curve, the same for all channels, on which most of the colors (n, 3) of 0..1 lie.

    None where it makes one level of several that are neither black nor white, or the reverse: that is another color.
    """
    levels = np.minimum((source * _LEVELS).astype(np.intp), _LEVELS - 1).ravel()
    counted = weight
    for _ in range(_ROUNDS):
        each = np.repeat(counted, 3)
        amounts = np.bincount(levels, each, _LEVELS)
        known = amounts > 0
        places, heights = (
            np.bincount(levels, each * it.ravel(), _LEVELS)[known] / amounts[known] for it in (source, target)
        )
        heights = _rising(heights, amounts[known])
        error = np.abs(np.interp(source, places, heights) - target).max(axis=1)
        counted = weight / (1 + (error / _USUAL_ERROR) ** 2)
    return (lambda values: np.interp(values, places, heights)) if _is_tone(places, heights) else None


def _is_tone(places: Float64s, heights: Float64s) -> bool:
    """Whether a curve is nowhere next to level or upright between black and white."""
    ends = np.searchsorted(places, places + _STRETCH)
    starts = np.flatnonzero(ends < len(places))
    rises, lengths = (it[ends[starts]] - it[starts] for it in (heights, places))
    between = (heights[starts] > _BLACK) & (heights[ends[starts]] < 1 - _BLACK)
    steps, gaps = np.diff(heights), np.maximum(np.diff(places), _STRETCH)
    is_level = (between & (rises * _STEEPEST < lengths)).any()
    return not is_level and not ((heights[:-1] > _BLACK) & (steps > gaps * _STEEPEST)).any()


def _brighter(source: Float64s, target: Float64s) -> Curve:
    """All channels as many times as bright as most of target's are, and white beyond."""
    told = (source > _DARK) & (target < 1 - _BLACK)
    times = float(np.median(target[told] / source[told])) if told.any() else 1.0
    return lambda values: np.minimum(values * times, 1.0)


def _rising(heights: Float64s, weights: Float64s) -> Float64s:
    """The nearest heights that never fall, by pooling neighbors that do (Ayer and others, 1955)."""
    pools: list[tuple[float, float, int]] = []  # height, weight and how many of the heights
    for pool in zip(heights.tolist(), weights.tolist(), [1] * len(heights), strict=True):
        pools.append(pool)
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (low, light, few), (high, heavy, many) = pools.pop(), pools.pop()
            pools.append(((low * light + high * heavy) / (light + heavy), light + heavy, few + many))
    return np.repeat([it[0] for it in pools], [it[2] for it in pools])


def _left_over(curve: Curve, source: Pixels, target: Float32s, weight: Float32s) -> float:
    toned = curve(CODES.astype(np.float64)).astype(np.float32).take(source)
    return mean_length(lab_of(block_means(toned, BLOCK)) - lab_of(target), weight)
