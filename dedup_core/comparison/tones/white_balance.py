"""Another white balance of a page: what one contrast, a gain for each channel and clipping make of every pixel."""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from dedup_core.arrays import Float32s, Float64s, Pixels, largest_but
from dedup_core.color.lab import CODES, block_means, lab_of
from dedup_core.comparison.tones.exposure import BLOCK, Blocks, blurred_lengths, variances
from dedup_core.luma import LUMA

_ROUNDS: Final = 6  # of contrast and gains: in later ones what is far off, as a part that was painted, weighs little
_USUAL_ERROR: Final = 0.02  # of white
_UNEVEN: Final = 16.0  # levels, of a standard deviation in a block: clipping makes another mean of mixed ones
_DARK: Final = 0.1  # of white: of less, ratios tell little
_CLIPPED: Final = 0.02  # of white: what is as near to black, or to white
_CONTRASTS: Final = (0.6, 1.6)  # times
_GAINS: Final = (0.5, 2.0)  # times: a light has less, beside green
_LEAST_TOLD: Final = 5.0  # blocks: fewer have no contrast
_LEAST_SPREAD: Final = 1e-4  # so that a picture of one level has a contrast: its own
_WARMER: Final = 1.2  # times, of red or blue beside green: some 1,500 K
_AS_MUCH: Final = 0.03  # of a logarithm: what clipping and compression leave of a gain that is none
_PAPER: Final = 0.9  # of white, in each channel
_PLAIN: Final = 0.012  # of white, of each channel: cloth and plaster are less even
_LEAST_PAPER: Final = 0.1  # of all blocks
_ON_PAPER: Final = 0.85  # of white: what is darker tells how strong the light is
_SPECKS: Final = 8  # blocks that may have any color: what compression does at small colored edges
_MOST_IN_PLACES: Final = 7.0  # CIELAB units; docs/thresholds.md#another-white-balance


def off_balance(blocks: Blocks) -> float | None:
    """The mean CIELAB distance, smoothed as `color_residual` is, that another light leaves of two pages.

    A light is warmer or colder: red and blue have gains on either side of green's, up to 1.2 times. None where it is
    not, where neither picture is plain white paper with something on it, or where more than a few specks have another
    color then.
    """
    if not any(map(_is_page, (blocks.left, blocks.right))):
        return None
    sides = blocks.left, blocks.right
    uneven = np.maximum(*map(variances, sides, blocks.pixels)).mean(axis=-1)
    even = np.asarray(1 / (1 + uneven / _UNEVEN**2), dtype=np.float32)
    left_over: list[float] = []
    for number, (source, target) in enumerate((sides, sides[::-1])):
        light = _Light.between(source, target, even)
        if not light.is_daylight:
            continue
        off = blurred_lengths(lab_of(light.applied(blocks.pixels[number])) - lab_of(target), np.ones_like(even))
        if largest_but(off.ravel(), _SPECKS) <= _MOST_IN_PLACES:
            left_over.append(float(off.mean()))
    return min(left_over, default=None)


@dataclass(frozen=True, slots=True)
class _Light:
    """Levels of 0..1 are `contrast` times what they were, and `offset` more; then come the `gains` of the channels."""

    contrast: float
    offset: float
    gains: Float64s

    @classmethod
    def between(cls, source: Float32s, target: Float32s, even: Float32s) -> Self:
        """The light in which nearly all blocks of source (h, w, 3) are those of target; `even` (h, w) weighs them."""
        values, wanted = (it.reshape(-1, 3).astype(np.float64) for it in (source, target))
        weight = usual = even.ravel().astype(np.float64)
        light = cls(1.0, 0.0, np.ones(3))
        for _ in range(_ROUNDS):
            toned = light.toned(values)
            told = (toned > _DARK) & ((wanted < 1 - _CLIPPED) | (toned * light.gains < wanted))
            ratios = wanted / np.maximum(toned, _DARK)
            gains = np.array([_median(ratios[told[:, it], it], weight[told[:, it]]) for it in range(3)])
            light = replace(light, gains=np.clip(gains, *_GAINS)).with_contrast(values, wanted, weight)
            error = np.abs(light.of(values) - wanted).max(axis=1)
            weight = usual / (1 + (error / _USUAL_ERROR) ** 2)
        return light

    def toned(self, values: Float64s) -> Float64s:
        """Values (n, 3) in its contrast, without the gains."""
        return np.clip(self.contrast * values + self.offset, 0.0, 1.0)

    def applied(self, pixels: Pixels) -> Float32s:
        """Means of blocks (h, w, 3) of 0..1 of pixels in this light."""
        curves = self.of(np.tile(CODES.astype(np.float64)[:, None], 3)).astype(np.float32)
        return block_means(np.stack([curves[:, it].take(pixels[..., it]) for it in range(3)], axis=-1), BLOCK)

    @property
    def is_daylight(self) -> bool:
        """Whether it is warmer or colder, and no more so than light of the day."""
        red, blue = np.log(self.gains[::2] / self.gains[1])
        less, more = sorted((abs(red), abs(blue)))
        return bool(more <= np.log(_WARMER) and (less <= _AS_MUCH or red * blue < 0))

    def of(self, values: Float64s) -> Float64s:
        """Values (n, 3) of 0..1 in this light."""
        return np.minimum(self.toned(values) * self.gains, 1.0)

    def with_contrast(self, values: Float64s, wanted: Float64s, weight: Float64s) -> Self:
        """By least squares of what is not clipped, given the gains."""
        level = self.contrast * values + self.offset
        is_told = (np.abs(level - 0.5) < 0.5 - _CLIPPED) & (np.abs(wanted - 0.5) < 0.5 - _CLIPPED)
        shares = is_told * weight[:, None]
        total = shares.sum()
        if total < _LEAST_TOLD:
            return self
        aims = wanted / self.gains
        middle, aim = (shares * values).sum() / total, (shares * aims).sum() / total
        spread = (shares * (values - middle) ** 2).sum() / total + _LEAST_SPREAD
        slope = ((shares * (values - middle) * (aims - aim)).sum() / total + _LEAST_SPREAD) / spread
        contrast = float(np.clip(slope, *_CONTRASTS))
        return replace(self, contrast=contrast, offset=float(aim - contrast * middle))


def _is_page(values: Float32s) -> bool:
    """Whether blocks (h, w, 3) show plain white with something on it."""
    white = values[values.min(axis=-1) >= _PAPER]
    if len(white) < _LEAST_PAPER * values[..., 0].size:
        return False
    plain = (np.abs(white - np.median(white, axis=0)) <= _PLAIN).all(axis=-1)
    is_paper = np.count_nonzero(plain) >= _LEAST_PAPER * values[..., 0].size
    return bool(is_paper and np.count_nonzero(values @ LUMA <= _ON_PAPER) > _SPECKS)


def _median(values: Float64s, weight: Float64s) -> float:
    """Of values that weigh so much; 1 where there are none."""
    if not len(values):
        return 1.0
    order = np.argsort(values)
    sums = np.cumsum(weight[order])
    return float(values[order[np.searchsorted(sums, sums[-1] / 2)]])
