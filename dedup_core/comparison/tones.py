"""Whether two aligned pictures differ in color or only in tone: in hue and saturation, or in light and shade."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s, Pixels
from dedup_core.color.lab import block_means, srgb_to_lab
from dedup_core.comparison.local_contrast import box_blur
from dedup_core.comparison.measurement import Tones

type Doubles = NDArray[np.float64]
BLOCK: Final = 4  # as for exposure
# The more knots the more a curve explains: many for channels that were equalized, few for colors, lest every color
# pass for that of its lightness.
_LIGHT_KNOTS: Final = np.linspace(0.0, 100.0, 9)
_CHANNEL_KNOTS: Final = np.linspace(0.0, 100.0, 17)
_COLOR_KNOTS: Final = np.linspace(0.0, 100.0, 5)
_FIELD: Final = 3  # a field of light: its strength at 3 x 3 places
_MOST_TINT: Final = 6.0  # CIELAB units that a tone curve may add to colors of one lightness
_SATURATIONS: Final = (0.45, 2.2)  # a filter that takes or adds more changes the colors
_DAMPING: Final = 1e-3  # of the weight of all blocks: pulls to the prior what few of them tell
_LEAST_WEIGHT: Final = 1e-3  # as for exposure
_COUNTED: Final = 0.5  # of a block: no plain background, and nothing that changed in shape
_SURE_SPOT: Final = 8.0  # within the limits of every preset
_KEPT: Final = 3.0  # CIELAB units: what compression and scaling do to a color
_SHADE: Final = 12.0  # CIELAB units: what is taken for one color
_FEW: Final = 6  # blocks of one color that say something about it
_SPECKS: Final = 8  # blocks of 4 x 4 that may have any color: what compression does at small colored edges


def tones_between(
    left: Pixels, right: Pixels, labs: tuple[Float32s, Float32s], weights: Float32s, *, only_colors: bool = False
) -> tuple[Tones, NDArray[np.bool_]]:
    """Compare two aligned pictures (h, w, 3), whose CIELAB is `labs`; `weights` (h, w) says which pixels count.

    `only_colors` leaves hue, light and channels at 0 for pairs whose colors match anyhow, if they do in every place.
    Returned besides: which blocks of `BLOCK` pixels have so much another color that a preset may ask where.
    """
    weight = block_means(weights[..., None], BLOCK)[..., 0] + np.float32(_LEAST_WEIGHT)
    shape, flat = weight.shape, weight.ravel().astype(np.float64)
    ours, theirs = (_smoothed(block_means(lab, BLOCK), weight).reshape(-1, 3).astype(np.float64) for lab in labs)
    curves = [_color_curve(lab, flat) for lab in (ours, theirs)]
    colors = sorted(_mean_length(lab[:, 1:] - curve, flat) for lab, curve in zip((ours, theirs), curves, strict=True))
    tint = _mean_length(curves[0] - curves[1], flat)
    counted = flat > _COUNTED
    raw = np.sqrt(((ours - theirs) ** 2).sum(axis=1))[counted]
    kept = float((raw < _KEPT).mean()) if len(raw) else 0.0
    hues = [_hue_errors(ours, theirs, flat), _hue_errors(theirs, ours, flat)]
    spot = min(_ninth_largest(errors[counted]) for errors in hues)
    if only_colors and spot <= _SURE_SPOT:
        return Tones(0.0, 0.0, 0.0, colors[1], colors[0], tint, spot, kept=kept), np.zeros(shape, dtype=np.bool_)
    levels = [block_means(it, BLOCK).reshape(-1, 3) / np.float32(255) for it in (left, right)]
    values = levels[0].astype(np.float64), levels[1].astype(np.float64)
    channels = [_channel_errors(*values, flat, shape), _channel_errors(*values[::-1], flat, shape)]
    errors_of = min((*hues, *channels), key=lambda errors: _ninth_largest(errors[counted]))
    tones = Tones(
        hue=min(_mean(errors, flat) for errors in hues),
        light=min(_light(ours, theirs, flat, shape), _light(theirs, ours, flat, shape)),
        channels=min(_mean(errors, flat) for errors in channels),
        most_color=colors[1],
        least_color=colors[0],
        tint=tint,
        spot=_ninth_largest(errors_of[counted]),
        kept=kept,
        spread=min(_spread(ours, theirs, flat, counted), _spread(theirs, ours, flat, counted)),
    )
    return tones, (counted & (errors_of > _SURE_SPOT)).reshape(shape)


def _mean_length(vectors: Doubles, weight: Doubles) -> float:
    return _mean(np.sqrt((vectors * vectors).sum(axis=1)), weight)


def _mean(errors: Doubles, weight: Doubles) -> float:
    return float((errors * weight).sum() / weight.sum())


def _ninth_largest(errors: Doubles) -> float:
    return float(np.partition(errors, -_SPECKS - 1)[-_SPECKS - 1]) if len(errors) > _SPECKS else 0.0


def _spread(source: Doubles, target: Doubles, weight: Doubles, counted: NDArray[np.bool_]) -> float:
    """How far target is from its mean over all blocks that have one color in source."""
    if not counted.any():
        return 0.0
    source, target, weight = source[counted], target[counted], weight[counted]
    shades = np.floor((source + np.array([0.0, 128.0, 128.0])) / _SHADE).astype(np.intp) @ np.array([1, 64, 64 * 64])
    _, places = np.unique(shades, return_inverse=True)
    total = np.bincount(places, weight)
    means = np.stack([np.bincount(places, target[:, channel] * weight) / total for channel in range(3)], axis=1)
    squares = ((target - means[places]) ** 2).sum(axis=1) * (np.bincount(places)[places] >= _FEW)
    return float(np.sqrt(_mean(squares, weight)))


def _smoothed(lab: Float32s, weight: Float32s) -> Float32s:
    """Means of a few blocks, so that compression noise cancels."""
    total = box_blur(weight, 1)
    return np.asarray((box_blur(lab.transpose(2, 0, 1) * weight, 1) / total).transpose(1, 2, 0))


def _basis(values: Doubles, knots: Doubles) -> Doubles:
    """Shares of the two knots around each value, (n, knots)."""
    position = np.clip(values / (knots[1] - knots[0]), 0, len(knots) - 1 - 1e-9)
    low = position.astype(np.intp)
    basis = np.zeros((len(values), len(knots)))
    rows = np.arange(len(values))
    basis[rows, low], basis[rows, low + 1] = 1 - (position - low), position - low
    return basis


def _solved(basis: Doubles, wanted: Doubles, weight: Doubles, prior: Doubles, damping: float) -> Doubles:
    weighted = basis.T * weight
    total = weight.sum()
    normal = weighted @ basis + damping * total * np.eye(basis.shape[1])
    return np.linalg.solve(normal, weighted @ wanted + damping * total * prior)


def _color_curve(lab: Doubles, weight: Doubles) -> Doubles:
    """The mean color of each lightness, at every block, (n, 2)."""
    basis = _basis(lab[:, 0], _COLOR_KNOTS)
    return basis @ _solved(basis, lab[:, 1:], weight, np.zeros((basis.shape[1], 2)), _DAMPING)


def _hue_errors(source: Doubles, target: Doubles, weight: Doubles) -> Doubles:
    """What is left of target's a and b after source's, more or less saturated at each lightness, and a slight tint."""
    shares = _basis(source[:, 0], _COLOR_KNOTS)
    count = shares.shape[1]
    tints = np.stack([np.ones(len(source)), source[:, 0] / 50 - 1], axis=1)
    none = np.zeros_like(tints)
    rows_a = np.hstack([shares * source[:, 1:2], tints, none])
    rows_b = np.hstack([shares * source[:, 2:3], none, tints])
    basis, wanted = np.vstack([rows_a, rows_b]), np.concatenate([target[:, 1], target[:, 2]])
    prior = np.concatenate([np.ones(count), np.zeros(4)])
    found = _solved(basis, wanted, np.tile(weight, 2), prior, _DAMPING * 10)
    found[:count] = np.clip(found[:count], *_SATURATIONS)
    found[count:] = np.clip(found[count:], -_MOST_TINT, _MOST_TINT)
    error = (wanted - basis @ found).reshape(2, -1)
    return np.asarray(np.hypot(error[0], error[1]), dtype=np.float64)


def _channel_errors(source: Doubles, target: Doubles, weight: Doubles, shape: tuple[int, ...]) -> Doubles:
    """What is left in CIELAB after a monotone curve for each channel of sRGB (values 0..1)."""
    predicted = np.empty_like(source)
    for channel in range(3):
        basis = _basis(source[:, channel] * 100, _CHANNEL_KNOTS)
        found = _solved(basis, target[:, channel], weight, _CHANNEL_KNOTS / 100, _DAMPING)
        predicted[:, channel] = basis @ np.maximum.accumulate(found)
    difference = (_lab(predicted) - _lab(target)).reshape(*shape, 3)
    flat = weight.reshape(shape).astype(np.float32)
    rest = _smoothed(difference, flat)
    return np.sqrt((rest * rest).sum(axis=2)).ravel().astype(np.float64)


def _lab(values: Doubles) -> Float32s:
    return srgb_to_lab((values.clip(0.0, 1.0) * 255).round().astype(np.uint8))


def _light(source: Doubles, target: Doubles, weight: Doubles, shape: tuple[int, ...]) -> float:
    """What is left of target's L after a monotone curve of source's and a smooth field of light."""
    curve = _basis(source[:, 0], _LIGHT_KNOTS)
    across, down = (_basis(np.linspace(0, 100, side), np.linspace(0, 100, _FIELD)) for side in (shape[1], shape[0]))
    field = (down[:, None, :, None] * across[None, :, None, :]).reshape(-1, _FIELD * _FIELD)
    basis = np.hstack([curve, field * (source[:, :1] / 50)])
    prior = np.concatenate([_LIGHT_KNOTS, np.zeros(_FIELD * _FIELD)])
    found = _solved(basis, target[:, 0], weight, prior, _DAMPING)
    found[: len(_LIGHT_KNOTS)] = np.maximum.accumulate(found[: len(_LIGHT_KNOTS)])
    return float((np.abs(target[:, 0] - basis @ found) * weight).sum() / weight.sum())
