"""Whether two aligned pictures differ in color or only in tone: in hue and saturation, or in light and shade."""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s, Float64s, Pixels, largest_but, squares_off_means
from dedup_core.color.lab import CODES, block_means, lab_of
from dedup_core.comparison.measurement import DUOTONE, MONOCHROME, MOST_KEPT, SAME_COLOR, Tones
from dedup_core.comparison.tones.curves import DAMPING, basis, in_contrast_of, on_curves, rising_curve
from dedup_core.comparison.tones.exposure import BLOCK, COUNTED, Blocks, blurred, cast_between, variances
from dedup_core.comparison.tones.grayed import FEW, grayed
from dedup_core.comparison.tones.ground import Ground
from dedup_core.comparison.tones.leveled import may_be_leveled
from dedup_core.luma import LUMA

# The more knots the more a curve explains: many for channels that were equalized, few for colors, lest every color
# pass for that of its lightness.
_LIGHT_KNOTS: Final = np.linspace(0.0, 100.0, 9)
_CHANNEL_KNOTS: Final = np.linspace(0.0, 100.0, 17)
_COLOR_KNOTS: Final = np.linspace(0.0, 100.0, 5)
_FIELD: Final = 3  # a field of light: its strength at 3 x 3 places
_LOCAL_FIELD: Final = 5  # at 5 x 5 places, as local contrast sets another one in each
_WITH_LIGHT: Final = (-0.25, 1.0)  # of a change of light that colors share: all where channels are multiplied
_MOST_LIGHT: Final = 2.0  # times; more makes another color of one
_DARK: Final = 0.02  # of white: as good as black
_MOST_TINT: Final = 0.03  # of white that a tone curve may add to colors of one luma, about 5 CIELAB units
_UNEVEN: Final = 16.0  # levels, of a standard deviation in a block
_SATURATIONS: Final = (0.45, 2.2)  # a filter that takes or adds more changes the colors
_BOUNDS: Final = tuple(zip(_SATURATIONS, _WITH_LIGHT, (-_MOST_TINT, _MOST_TINT), strict=True))  # low, high
_COLOR_DAMPING: Final = 4e-6  # as `DAMPING`, for squares of colors, which are shares of white
_SURE_SPOT: Final = 6.0  # within the limits of every preset
_SHADE: Final = 12.0  # CIELAB units: what is taken for one color
_SHADE_CODES: Final = np.array([1.0, 64.0, 64.0 * 64.0])
_FEW_COLORS: Final = 4
_COARSE_LEVELS: Final = 8  # of a channel
_NEARLY_ALL: Final = 0.93  # of the blocks: edges are mixtures
_IN_COLOR: Final = 6 / 255  # of a channel less luma; what is gray has a third of it at most
_LEAST_SPREAD: Final = 1e-6  # so that lumas that are all one have no slope
_SPECKS: Final = 8  # blocks of 4 x 4 that may have any color: what compression does at small colored edges


@dataclass(frozen=True, slots=True)
class _Coded:
    """Blocks of sRGB as it is coded, 0..1: luma (n,), red and blue less luma (2, n), and their CIELAB (3, n)."""

    luma: Float64s
    color: Float64s
    lab: Float32s

    @classmethod
    def of(cls, values: Float64s) -> Self:
        luma = LUMA @ values
        return cls(luma, values[::2] - luma, _lab(values))


def tones_between(
    blocks: Blocks,
    labs: tuple[Float32s, Float32s],
    *,
    ground: Ground | None = None,
    only_colors: bool = False,
    before_plain: bool = False,
) -> tuple[Tones, NDArray[np.bool_]]:
    """Compare two aligned pictures by their blocks; `labs` are their pixels in CIELAB, (h, w, 3).

    `only_colors` leaves hue, light and channels at 0 for pairs whose colors match anyhow, if they do in every place.
    `before_plain`: a thing before a plain background is not to be taken for light in its place. `ground`: such a
    background that both have.
    Returned besides: which blocks of `BLOCK` pixels have so much another color that a preset may ask where.
    """
    weight = blocks.weight
    shape, flat = weight.shape, weight.ravel().astype(np.float64)
    ours, theirs = (_smoothed(block_means(lab, BLOCK), weight) for lab in labs)
    counted = flat > COUNTED
    apart = ours - theirs  # (3, n)
    tones = _own_colors(blocks, ours, theirs, flat)
    if ground is not None:
        tones = replace(tones, ground=ground.apart, shade=ground.shade, kept_before=ground.kept)
    nowhere = np.zeros(shape, dtype=np.bool_)
    if only_colors and (spot := largest_but(_lengths(apart[1:])[counted], _SPECKS)) <= _SURE_SPOT:
        return replace(tones, spot=spot), nowhere
    levels = blocks.left, blocks.right
    first, second = (_Coded.of(_smoothed(it, weight)) for it in levels)
    hues = list[Float64s]()
    for source, target in ((first, second), (second, first)):
        hues.append(_hue_errors(source, target, flat, relit=tones.kept <= MOST_KEPT))
        if only_colors and (spot := largest_but(hues[-1][counted], _SPECKS)) <= _SURE_SPOT:
            return replace(tones, spot=spot), nowhere
    # Some curve for each channel makes a few colors of any few others, and another color of the one that was painted.
    if tones.kept > MOST_KEPT or all(map(_has_few_colors, levels, (weight, weight))):
        channels = of_tone = hues
    else:
        channels = [_channel_errors(levels[i], levels[1 - i], blocks.pixels[i], flat) for i in (0, 1)]
        of_tone = channels if may_be_leveled(levels, (ours, theirs), flat) else hues
    places = _FIELD if before_plain else _LOCAL_FIELD
    errors_of = min((*hues, *channels), key=lambda errors: largest_but(errors[counted], _SPECKS))
    found = replace(
        tones,
        hue=min(_mean(errors, flat) for errors in hues),
        light=min(_light(ours, theirs, flat, shape, places), _light(theirs, ours, flat, shape, places)),
        channels=min(_mean(errors, flat) for errors in of_tone),
        spot=largest_but(errors_of[counted], _SPECKS),
        spread=min(_spread(ours, theirs, flat, counted), _spread(theirs, ours, flat, counted)),
    )
    return found, (counted & (errors_of > _SURE_SPOT)).reshape(shape)


def _own_colors(blocks: Blocks, ours: Float64s, theirs: Float64s, weight: Float64s) -> Tones:
    """What the CIELAB colors of both (3, n) tell before any change of tone is fitted to them."""
    curves = [_color_curve(lab, weight) for lab in (ours, theirs)]
    colors = sorted(_mean_length(lab[1:] - curve, weight) for lab, curve in zip((ours, theirs), curves, strict=True))
    tint = _mean_length(curves[0] - curves[1], weight)
    counted = weight > COUNTED
    raw = _lengths((ours - theirs)[:, counted])
    kept = float((raw < SAME_COLOR).mean()) if len(raw) else 0.0
    tones = Tones(0.0, 0.0, 0.0, colors[1], colors[0], tint, kept=kept, grayed=grayed(ours, theirs, counted))
    if colors[0] < DUOTONE and kept > MOST_KEPT:
        tones = replace(tones, gray_off=_gray_off(blocks))
    if colors[0] < DUOTONE and max(colors[1], tint) > MONOCHROME:
        cast = cast_between(blocks)
        tones = replace(tones, cast=cast.gains, off_cast=cast.off, saturation=cast.saturation)
    return tones


def _gray_off(blocks: Blocks) -> float | None:
    """How far a gray picture's lumas are off those of the other one's colors, once contrast and light were allowed for.

    A copy in gray keeps the lumas; what has another color in itself, as a lamp that is lit, has another one.
    """
    counted = blocks.weight > COUNTED
    gray, colored = sorted((blocks.left[counted], blocks.right[counted]), key=lambda it: _chroma(it).max(initial=0.0))
    in_color = _chroma(colored) > _IN_COLOR
    if not in_color.any() or _chroma(gray).max() > _IN_COLOR / 3:
        return None
    wanted = gray @ LUMA
    off = np.abs(in_contrast_of(colored @ LUMA, wanted, 1.0, _LEAST_SPREAD) - wanted)
    return float(np.quantile(off[in_color], _NEARLY_ALL)) * 255


def _chroma(values: Float32s) -> Float64s:
    """The most that a channel of sRGB (n, 3) is off luma, (n,)."""
    return np.asarray(np.abs(values - (values @ LUMA)[:, None]).max(axis=1), dtype=np.float64)


def _has_few_colors(values: Float32s, weight: Float32s) -> bool:
    """Whether nearly all blocks (h, w, 3) have one of a few colors, as those of a flag."""
    codes = (values * (_COARSE_LEVELS - 1)).round().astype(np.intp) @ _COARSE_LEVELS ** np.arange(3)
    amounts = np.bincount(codes.ravel(), weight.ravel())
    return bool(np.sort(amounts)[-_FEW_COLORS:].sum() >= _NEARLY_ALL * amounts.sum())


def _mean_length(vectors: Float64s, weight: Float64s) -> float:
    return _mean(_lengths(vectors), weight)


def _lengths(vectors: Float64s) -> Float64s:
    """Of (2 or 3, n)."""
    return np.sqrt((vectors * vectors).sum(axis=0))


def _mean(errors: Float64s, weight: Float64s) -> float:
    return float((errors * weight).sum() / weight.sum())


def _spread(source: Float64s, target: Float64s, weight: Float64s, counted: NDArray[np.bool_]) -> float:
    """How far target is from its mean over all blocks that have one color in source."""
    if not counted.any():
        return 0.0
    source, target, weight = source[:, counted], target[:, counted], weight[counted]
    shades = np.floor((source + np.array([[0.0], [128.0], [128.0]])) / _SHADE)
    squares, told = squares_off_means(target, (_SHADE_CODES @ shades).astype(np.intp), weight, FEW)
    return float(np.sqrt(_mean(squares * told, weight)))


def _smoothed(planes: Float32s, weight: Float32s) -> Float64s:
    """Means of a few blocks, so that compression noise cancels: (h, w, 3) -> (3, n)."""
    return blurred(planes, weight).reshape(3, -1).astype(np.float64)


def _color_curve(lab: Float64s, weight: Float64s) -> Float64s:
    """The mean color of each lightness, at every block, (2, n)."""
    return on_curves(lab[0], lab[1:], weight, _COLOR_KNOTS)


def _hue_errors(source: _Coded, target: _Coded, weight: Float64s, *, relit: bool) -> Float64s:
    """What is left in a and b after source's color, more or less of it at each luma and with more light, and a tint.

    Fitted to sRGB as it is coded, where editors work: there a saturation, and light that channels are multiplied by,
    change red and blue less luma by a factor, and local contrast leaves them; what is clipped, is clipped here too.
    Unless they are `relit`, light changes no color: it would be fitted to the one part that was painted.
    """
    color, wanted, count = source.color, target.color, len(_COLOR_KNOTS) + 1
    factors, tints = np.empty((count, len(weight))), np.empty((2, len(weight)))
    factors[:-1] = basis(source.luma * 100, _COLOR_KNOTS).T
    factors[-1] = np.clip((target.luma + _DARK) / (source.luma + _DARK), 1 / _MOST_LIGHT, _MOST_LIGHT) - 1
    tints[0], tints[1] = 1.0, source.luma * 2 - 1
    normal, right_side = np.zeros((count + 4, count + 4)), np.empty(count + 4)
    normal[:count, :count] = factors * (weight * (color[0] * color[0] + color[1] * color[1])) @ factors.T
    right_side[:count] = factors @ (weight * (color[0] * wanted[0] + color[1] * wanted[1]))
    weighted = tints * weight
    for channel in range(2):
        at = slice(count + 2 * channel, count + 2 * channel + 2)
        normal[:count, at] = factors @ (weighted * color[channel]).T
        normal[at, :count] = normal[:count, at].T
        normal[at, at] = weighted @ tints.T
        right_side[at] = weighted @ wanted[channel]
    damping = _COLOR_DAMPING * weight.sum()
    low, high = (np.repeat(it, (count - 1, 1, 4)) for it in _BOUNDS)
    if not relit:
        low[count - 1] = high[count - 1] = 0.0
    prior = np.repeat((1.0, 0.0), (count - 1, 5))
    found = _bounded(normal + damping * np.eye(count + 4), right_side + damping * prior, low, high)
    predicted = color * np.clip(found[:count] @ factors, *_SATURATIONS) + found[count:].reshape(2, 2) @ tints
    green = -(LUMA[::2] @ predicted) / LUMA[1]
    error = _lab(target.luma + np.stack([predicted[0], green, predicted[1]])) - target.lab
    return np.asarray(np.hypot(error[1], error[2]), dtype=np.float64)


def _bounded(normal: Float64s, right_side: Float64s, low: Float64s, high: Float64s) -> Float64s:
    """The solution, and the best one with what is out of its bounds at them."""
    free = np.linalg.solve(normal, right_side)
    found = np.clip(free, low, high)
    held = found != free
    if held.any():
        rest = np.ix_(~held, ~held)
        others = right_side[~held] - normal[np.ix_(~held, held)] @ found[held]
        found[~held] = np.linalg.solve(normal[rest], others)
    return np.clip(found, low, high)


def _channel_errors(source: Float32s, target: Float32s, pixels: Pixels, weight: Float64s) -> Float64s:
    """What is left in CIELAB after a monotone curve for each channel of sRGB, (h, w, 3) of values 0..1.

    A curve bends the `pixels` of source and not their means: it is fitted to even blocks most, and asked of each pixel.
    """
    mapped, knots = np.empty(pixels.shape, np.float32), _CHANNEL_KNOTS / 100
    uneven = variances(source, pixels)
    for channel in range(3):
        values, wanted, variance = (it[..., channel].ravel().astype(np.float64) for it in (source, target, uneven))
        heights = rising_curve(values, wanted, weight / (1 + variance / _UNEVEN**2), knots)
        mapped[..., channel] = np.interp(CODES, knots, heights).astype(np.float32).take(pixels[..., channel])
    error = _lab(block_means(mapped, BLOCK).reshape(-1, 3).T) - _lab(target.reshape(-1, 3).T)
    shape = source.shape[:2]
    return _lengths(_smoothed(error.T.reshape(*shape, 3), weight.reshape(shape).astype(np.float32)))


def _lab(values: Float64s | Float32s) -> Float32s:
    """Of values (3, n) in 0..1, rounded to 8 bits, (3, n)."""
    return lab_of(values.T).T


def _light(source: Float64s, target: Float64s, weight: Float64s, shape: tuple[int, ...], side: int) -> float:
    """What is left of target's L after a monotone curve of source's and a smooth field of light of side x side places.

    Least squares by their normal equations: the field is a product of what lies across and what lies down.
    """
    strength, wanted, weights = (it.reshape(shape) for it in (source[0] / 50, target[0], weight))
    curve = np.ascontiguousarray(basis(source[0], _LIGHT_KNOTS).T)  # (knots, n)
    across, down = (basis(np.linspace(0, 100, length), np.linspace(0, 100, side)) for length in (shape[1], shape[0]))
    pairs_across, pairs_down = ((it[:, :, None] * it[:, None, :]).reshape(len(it), -1) for it in (across, down))
    count, places = len(_LIGHT_KNOTS), side * side
    normal, right_side = np.zeros((count + places, count + places)), np.empty(count + places)
    normal[:count, :count] = curve * weight @ curve.T
    both = down.T @ (curve * (weight * source[0] / 50)).reshape(-1, *shape) @ across
    normal[:count, count:] = both.reshape(count, places)
    normal[count:, :count] = normal[:count, count:].T
    squares = (pairs_down.T @ (weights * strength * strength) @ pairs_across).reshape([side] * 4)
    normal[count:, count:] = squares.transpose(0, 2, 1, 3).reshape(places, places)
    right_side[:count] = curve @ (weight * target[0])
    right_side[count:] = (down.T @ (weights * strength * wanted) @ across).ravel()
    damping = DAMPING * weight.sum()
    normal += damping * np.eye(count + places)
    right_side[:count] += damping * _LIGHT_KNOTS
    heights = np.maximum.accumulate(np.linalg.solve(normal, right_side)[:count])
    places_of_light = np.linalg.solve(normal[count:, count:], right_side[count:] - normal[count:, :count] @ heights)
    field = down @ places_of_light.reshape(side, side) @ across.T
    rest = wanted - (heights @ curve).reshape(shape) - strength * field
    return float((np.abs(rest) * weights).sum() / weights.sum())
