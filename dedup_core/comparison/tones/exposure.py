"""What is left of a color difference once exposure, contrast, white balance and vignetting have been allowed for."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from dedup_core.arrays import Float32s, Float64s, Pixels
from dedup_core.color.lab import block_means, lab_of
from dedup_core.comparison.measurement import SURE_RESIDUAL
from dedup_core.comparison.structure.local_contrast import box_blur

BLOCK: Final = 4  # pixels of at most 192: 2,304 blocks, in which compression noise is averaged already
_SAME_LIGHT: Final = SURE_RESIDUAL / 2
_KNOTS: Final = np.array([0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0])
_ROUNDS: Final = 3  # of curve and gains: a white balance leaves up to 1.6 after two, 0.9 after three, 0.8 after five
_STIFFNESS: Final = 0.01  # of the curve against bends that few pixels ask for
_PULL: Final = 1e-4  # towards the identity where there are no pixels at all
_SEGMENTS: Final = len(_KNOTS) - 1  # all but the last one are as long as the first
_BENDS: Final = np.array([[(1.0, -2.0, 1.0, 0.0)[min(3, (at - row) % 16)] for at in range(9)] for row in range(6)])
_PRIOR: Final = _STIFFNESS * (_BENDS.T @ _BENDS) + _PULL * np.eye(9)
_GAINS: Final = (0.75, 1.33)  # a white balance; more is another color
COUNTED: Final = 0.5  # of a block: no plain background, and nothing that changed in shape
_NEARLY_ALL: Final = 0.95  # of the blocks that count
_LEAST_WEIGHT: Final = 1e-3  # so that blocks of which nothing counts can be divided by their weight all the same


@dataclass(frozen=True, slots=True)
class Blocks:
    """Means of `BLOCK` x `BLOCK` pixels of two aligned pictures, (h, w, 3) of 0..1, and how much they count, (h, w).

    `pixels` are those of the two pictures.
    """

    left: Float32s
    right: Float32s
    weight: Float32s
    pixels: tuple[Pixels, Pixels]

    @classmethod
    def of(cls, left: Pixels, right: Pixels, weights: Float32s) -> Self:
        """Of pictures of which `weights` (h, w) says which pixels count."""
        ours, theirs = (block_means(pixels, BLOCK) / np.float32(255) for pixels in (left, right))
        weight = block_means(weights[..., None], BLOCK)[..., 0] + np.float32(_LEAST_WEIGHT)
        return cls(ours, theirs, weight, (left, right))


def color_residual(blocks: Blocks, *, strangers: bool = False) -> float:
    """Mean CIELAB distance, 0..~258, of two aligned pictures after the best exposure from one to the other.

    The exposure is one monotone curve for all three channels, a gain for each and a fall-off towards the corners,
    fitted by weighted least squares on means of 4 x 4 pixels; the residual is smoothed over a few blocks before its
    length is taken, so that compression noise cancels and the color of an area does not. Fitted both ways, the smaller
    one counts (the way that clips highlights cannot be undone), but one way is enough where it leaves less than any
    preset allows, and none is fitted to what hardly differs as it is, or to `strangers`, of whom no verdict asks for it
    more exactly.
    """
    ours, theirs, weight = blocks.left, blocks.right, blocks.weight
    labs = lab_of(ours), lab_of(theirs)
    residual = mean_length(labs[0] - labs[1], weight)
    if residual <= _SAME_LIGHT or strangers:
        return residual
    residual = _residual(ours, theirs, labs[1], weight)
    return residual if residual <= SURE_RESIDUAL else min(residual, _residual(theirs, ours, labs[0], weight))


@dataclass(frozen=True, slots=True)
class Cast:
    """Gains of the channels that one light has beside another, and what of the colors they leave.

    `gains` is the largest by the smallest, from 1 on; `off` how far a and b are off in the places that differ most but
    for one in twenty, in CIELAB units; `saturation` 0..1 how much color the paler picture has beside the other one.
    """

    gains: float
    off: float
    saturation: float


def cast_between(blocks: Blocks) -> Cast:
    """The exposure of `color_residual` that leaves the least of the colors, which are few."""
    ours, theirs, weight = blocks.left, blocks.right, blocks.weight
    labs = lab_of(ours), lab_of(theirs)
    counted = weight > (COUNTED if (weight > COUNTED).any() else 0.0)
    casts: list[tuple[float, float]] = []
    for source, target, lab in ((ours, theirs, labs[1]), (theirs, ours, labs[0])):
        exposure, predicted = _exposed(source, target, weight)
        errors = blurred(lab_of(predicted) - lab, weight)
        length = float(np.quantile(np.hypot(errors[1], errors[2])[counted], _NEARLY_ALL))
        casts.append((length, float(exposure.gains.max() / exposure.gains.min())))
    off, gains = min(casts)
    paler, other = sorted(float((np.hypot(lab[..., 1], lab[..., 2]) * weight).sum()) for lab in labs)
    return Cast(gains, off, paler / max(other, _LEAST_WEIGHT))


@dataclass(frozen=True, slots=True)
class _Exposure:
    """One picture's light as another's: gains (3,), heights of the curve at the knots (8,) and the fall-off."""

    gains: Float64s
    curve: Float64s
    falloff: float

    def applied(self, values: Float64s, radius: Float64s) -> Float64s:
        """(n, 3) values in 0..1 and (n,) squared distances from the center -> (n, 3)."""
        scaled = values * self.gains
        return np.interp(scaled, _KNOTS, self.curve) + self.falloff * radius[:, None] * scaled

    def slopes(self, values: Float64s) -> Float64s:
        """How much each value changes with its channel's gain, (n, 3)."""
        scaled = values * self.gains
        steps = np.diff(self.curve) / np.diff(_KNOTS)
        segment = np.clip(np.searchsorted(_KNOTS, scaled, side="right") - 1, 0, len(steps) - 1)
        return np.where(scaled < 1.0, steps[segment] * values, 0.0)


def _residual(source: Float32s, target: Float32s, target_lab: Float32s, weight: Float32s) -> float:
    _, predicted = _exposed(source, target, weight)
    return mean_length(lab_of(predicted) - target_lab, weight)


def _exposed(source: Float32s, target: Float32s, weight: Float32s) -> tuple[_Exposure, Float64s]:
    """The exposure that makes source most like target, and source in it, (h, w, 3) of 0..1."""
    height, width = weight.shape
    down, across = np.linspace(-1, 1, height), np.linspace(-1, 1, width)
    radius = ((down[:, None] ** 2 + across**2) / 2).ravel()
    values, wanted = source.reshape(-1, 3).astype(np.float64), target.reshape(-1, 3).astype(np.float64)
    exposure = _fitted(values, wanted, weight.ravel().astype(np.float64), radius)
    return exposure, np.clip(exposure.applied(values, radius), 0.0, 1.0).reshape(target.shape)


def blurred(difference: Float32s, weight: Float32s) -> Float32s:
    """CIELAB differences (h, w, 3) smoothed over a few blocks, by how much each counts: (3, h, w)."""
    smooth: Float32s = box_blur(difference.transpose(2, 0, 1) * weight, 1) / box_blur(weight, 1)
    return smooth


def variances(means: Float32s, pixels: Pixels) -> Float32s:
    """Of the levels of each channel in blocks, of which `means` of 0..1 are the means, (h, w, 3)."""
    squares = block_means(np.square(pixels, dtype=np.float32), BLOCK)
    return np.asarray(squares - (means * np.float32(255)) ** 2, dtype=np.float32)


def mean_length(difference: Float32s, weight: Float32s) -> float:
    """That of CIELAB differences (h, w, 3) smoothed over a few blocks, by how much each counts."""
    return mean_of(blurred_lengths(difference, weight), weight)


def blurred_lengths(difference: Float32s, weight: Float32s) -> Float32s:
    """Those of CIELAB differences (h, w, 3) smoothed over a few blocks, (h, w)."""
    smooth = blurred(difference, weight)
    return np.asarray(np.sqrt((smooth * smooth).sum(axis=0)), dtype=np.float32)


def mean_of(values: Float32s, weight: Float32s) -> float:
    """The mean of values (h, w), by how much each counts."""
    return float((values * weight).sum() / weight.sum())


def _fitted(values: Float64s, wanted: Float64s, weight: Float64s, radius: Float64s) -> _Exposure:
    """Curve and fall-off given the gains, then the gains given the curve, a few times over."""
    exposure = _Exposure(np.ones(3), _KNOTS, 0.0)
    for round_number in range(_ROUNDS):
        exposure = _fitted_curve(values, wanted, weight, radius, exposure.gains)
        if round_number < _ROUNDS - 1:
            slopes = exposure.slopes(values) * weight[:, None]
            error = wanted - exposure.applied(values, radius)
            step = (error * slopes).sum(axis=0) / ((slopes * exposure.slopes(values)).sum(axis=0) + 1e-6)
            gains = np.clip(exposure.gains + step, *_GAINS)
            exposure = _Exposure(gains / gains.mean(), exposure.curve, exposure.falloff)
    return exposure


def _fitted_curve(values: Float64s, wanted: Float64s, weight: Float64s, radius: Float64s, gains: Float64s) -> _Exposure:
    """Least squares by their normal equations: a value lies between two knots, so few of the products are not 0."""
    scaled = np.clip(values * gains, 0.0, 1.0)  # (n, 3)
    segment = np.minimum((scaled * (1.0 / _KNOTS[1])).astype(np.intp), _SEGMENTS - 1)
    high = (scaled - _KNOTS[segment]) / np.diff(_KNOTS)[segment]
    low, falloff, weights = 1.0 - high, radius[:, None] * scaled, weight[:, None]
    weighted_low, weighted_high, weighted_falloff = weights * low, weights * high, weights * falloff
    places = segment.ravel()

    def sums(products: Float64s) -> Float64s:
        return np.bincount(places, products.ravel(), _SEGMENTS)

    lower, upper, last = np.arange(_SEGMENTS), np.arange(_SEGMENTS) + 1, _SEGMENTS + 1
    normal, right_side = np.zeros((last + 1, last + 1)), np.zeros(last + 1)
    normal[lower, lower] += sums(weighted_low * low)
    normal[upper, upper] += sums(weighted_high * high)
    normal[lower, upper] = normal[upper, lower] = sums(weighted_low * high)
    normal[lower, last] += sums(weighted_low * falloff)
    normal[upper, last] += sums(weighted_high * falloff)
    normal[last] = normal[:, last]
    normal[last, last] = (weighted_falloff * falloff).sum()
    right_side[lower] += sums(weighted_low * wanted)
    right_side[upper] += sums(weighted_high * wanted)
    right_side[last] = (weighted_falloff * wanted).sum()
    total = weight.sum() * 3
    solution = np.linalg.solve(normal + total * _PRIOR, right_side + _PULL * total * np.append(_KNOTS, 0.0))
    return _Exposure(gains, np.maximum.accumulate(solution[:last]), float(solution[last]))
