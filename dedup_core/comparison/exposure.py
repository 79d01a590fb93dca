"""What is left of a color difference once exposure, contrast, white balance and vignetting have been allowed for."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s, Pixels
from dedup_core.color.lab import block_means, srgb_to_lab
from dedup_core.comparison.local_contrast import box_blur

type Doubles = NDArray[np.float64]
BLOCK: Final = 4
_KNOTS: Final = np.array([0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0])
_ROUNDS: Final = 3
_STIFFNESS: Final = 0.01  # of the curve against bends that few pixels ask for
_PULL: Final = 1e-4  # towards the identity where there are no pixels at all
_GAINS: Final = (0.75, 1.33)  # a white balance; more is another color
_LEAST_WEIGHT: Final = 1e-3


def color_residual(left: Pixels, right: Pixels, weights: Float32s) -> float:
    """Mean CIELAB distance, 0..~258, of two aligned pictures after the best exposure from one to the other.

    The exposure is one monotone curve for all three channels, a gain for each and a fall-off towards the corners,
    fitted by weighted least squares on means of 4 x 4 pixels; the residual is smoothed over a few blocks before its
    length is taken, so that compression noise cancels and the color of an area does not. Fitted both ways, the smaller
    one counts (the way that clips highlights cannot be undone). `weights` (h, w) says which pixels count.
    """
    ours, theirs = (block_means(pixels.astype(np.float32) / np.float32(255), BLOCK) for pixels in (left, right))
    weight = block_means(weights[..., None], BLOCK)[..., 0] + np.float32(_LEAST_WEIGHT)
    return min(_residual(ours, theirs, weight), _residual(theirs, ours, weight))


@dataclass(frozen=True, slots=True)
class _Exposure:
    """One picture's light as another's: gains (3,), heights of the curve at the knots (8,) and the fall-off."""

    gains: Doubles
    curve: Doubles
    falloff: float

    def applied(self, values: Doubles, radius: Doubles) -> Doubles:
        """(n, 3) values in 0..1 and (n,) squared distances from the center -> (n, 3)."""
        scaled = values * self.gains
        return np.interp(scaled, _KNOTS, self.curve) + self.falloff * radius[:, None] * scaled

    def slopes(self, values: Doubles) -> Doubles:
        """How much each value changes with its channel's gain, (n, 3)."""
        scaled = values * self.gains
        steps = np.diff(self.curve) / np.diff(_KNOTS)
        segment = np.clip(np.searchsorted(_KNOTS, scaled, side="right") - 1, 0, len(steps) - 1)
        return np.where(scaled < 1.0, steps[segment] * values, 0.0)


def _residual(source: Float32s, target: Float32s, weight: Float32s) -> float:
    height, width = weight.shape
    down, across = np.linspace(-1, 1, height), np.linspace(-1, 1, width)
    radius = ((down[:, None] ** 2 + across**2) / 2).ravel()
    values, wanted = source.reshape(-1, 3).astype(np.float64), target.reshape(-1, 3).astype(np.float64)
    exposure = _fitted(values, wanted, weight.ravel().astype(np.float64), radius)
    predicted = np.clip(exposure.applied(values, radius), 0.0, 1.0).reshape(target.shape)
    difference = _lab(predicted) - _lab(target)
    blurred_weight = box_blur(weight, 1)
    smooth = [box_blur(difference[..., channel] * weight, 1) / blurred_weight for channel in range(3)]
    length = np.sqrt(sum(plane * plane for plane in smooth))
    return float((length * weight).sum() / weight.sum())


def _fitted(values: Doubles, wanted: Doubles, weight: Doubles, radius: Doubles) -> _Exposure:
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


def _fitted_curve(values: Doubles, wanted: Doubles, weight: Doubles, radius: Doubles, gains: Doubles) -> _Exposure:
    knots = len(_KNOTS)
    scaled = np.clip(values * gains, 0.0, 1.0).ravel()
    segment = np.clip(np.searchsorted(_KNOTS, scaled, side="right") - 1, 0, knots - 2)
    share = (scaled - _KNOTS[segment]) / np.diff(_KNOTS)[segment]
    basis = np.zeros((len(scaled), knots + 1))
    rows = np.arange(len(scaled))
    basis[rows, segment], basis[rows, segment + 1] = 1.0 - share, share
    basis[:, knots] = np.repeat(radius, 3) * scaled
    weighted = basis * np.repeat(weight, 3)[:, None]
    total = weight.sum() * 3
    bends = np.zeros((knots - 2, knots + 1))
    for row in range(knots - 2):
        bends[row, row : row + 3] = 1.0, -2.0, 1.0
    normal = weighted.T @ basis + _STIFFNESS * total * (bends.T @ bends) + _PULL * total * np.eye(knots + 1)
    solution = np.linalg.solve(normal, weighted.T @ wanted.ravel() + _PULL * total * np.append(_KNOTS, 0.0))
    return _Exposure(gains, np.maximum.accumulate(solution[:knots]), float(solution[knots]))


def _lab(values: Doubles | Float32s) -> Float32s:
    return srgb_to_lab((values * 255).round().astype(np.uint8))
