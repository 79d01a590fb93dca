"""Small marks that color alone tells from their ground: a thin red ring on navy blue is as dark as what is below."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s, Pixels
from dedup_core.comparison.detail.specks import specks_among, worst_of
from dedup_core.comparison.measurement import STANDS_OUT
from dedup_core.comparison.structure.clusters import PixelBox, boxes_of
from dedup_core.comparison.structure.sharpness import block_sums
from dedup_core.comparison.tones.evened_tones import EXPLAINED, in_one_tone
from dedup_core.luma import LUMA

type Blocks = NDArray[np.bool_]
type Box = tuple[float, float, float, float]
type Values = Float32s | NDArray[np.float64]
type Differing = Callable[[Values, Values, Values, Float32s], Float32s]
CELL: Final = 4  # pixels at the size that is compared; a block is two cells wide and high, and begins at every cell
_FINE_CELL: Final = 2  # pixels: what is fine is small here
_AREA: Final = np.float32((2 * CELL) ** 2)  # points of a block
_LEAST_SIDE: Final = 24  # pixels: five blocks in a row
_SUBSAMPLED: Final = 2  # JPEG keeps half of the pixels of color either way
_CHROMA: Final = np.array([[-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], dtype=np.float32)  # ITU-R BT.601
_RIM: Final = 2  # pixels of what is smoothed: how far its neighbors reach
_NOISE: Final = 25.0  # variance: five levels of color are what compression adds to a block
_OF_NEARBY: Final = 0.1  # of the variance at strong edges nearby that both have: compression adds more there
_SHIFT: Final = 1  # pixels that an alignment may be off
_CLIPPED: Final = 250  # of 255: JPEG leaves a channel that was clipped somewhat below white
_BLACK: Final = 3  # of 255: where a gamma is steepest, JPEG has rounded what it then spreads
_FEW_CLEAR: Final = 100  # blocks: what fewer stay below says nothing about the others
_LEAST: Final = 0.14  # difference of a block; docs/thresholds.md#marks-of-a-color
_OF_USUAL: Final = 2.3  # times what nearly all blocks stay below
_NEARLY_ALL: Final = 0.9  # a ring in either picture may fill a twentieth
_ROUNDS: Final = 2  # of the fit: in the second one what is far off the first one weighs little
_USUAL_ERROR: Final = 6.0  # levels
_PRIOR: Final = 4.0  # squared levels: pictures next to gray tell no other saturation
_DARK: Final = 4.0  # levels: of what is nearly black, light says nothing
_MOST_LIGHT: Final = 3.0  # times
_TINT: Final = 32.0  # levels: a tint is a number of so large steps


class ColorOutlier(NamedTuple):
    """How many times what copying leaves the largest difference in color alone is, and boxes around what exceeds that.

    `color_off`: how far the usual color is off, in levels of 255. `in_tones`: as `times`, or less where a curve for
    each channel gives one picture the tones of the other; 0 where none does. `clear`: the lesser of both in
    blocks without a clipped channel; 0 where those are few. `stronger`: as `times`, where a stronger color is another.
    `apart`: mean square of what the colors of the most different block of 4 x 4 pixels are off; infinite in too narrow
    pictures. Boxes are left, top, right and bottom in pixels of the pictures.
    """

    times: float = 0.0
    color_off: float = 0.0
    in_tones: float = 0.0
    clear: float = 0.0
    stronger: float = 0.0
    apart: float = 0.0
    boxes: tuple[Box, ...] = ()


NO_OUTLIER: Final = ColorOutlier(apart=inf)


def color_outlier(left: Pixels, right: Pixels, finest: float) -> ColorOutlier:
    """That of two aligned pictures, (h, w, 3) each, at half of the `finest` pixels of the longer side that both have.

    A saturation, a tint and a white balance for the whole are no difference, nor is a shift by a pixel. All is 0 where
    what is left of the one color once the other is taken from it is so little that no block can differ.
    """
    height, width = left.shape[:2]
    scale = min(1.0, finest / _SUBSAMPLED / max(height, width))
    size = round(width * scale), round(height * scale)
    if min(size) < _LEAST_SIDE + 2 * _RIM:
        return NO_OUTLIER
    if scale < 1.0:
        left, right = (np.asarray(Image.fromarray(it).resize(size, Image.Resampling.HAMMING)) for it in (left, right))
    apart = _chroma(left.astype(np.int16) - right)
    smooth_apart = _smooth(apart)
    squares = _dot(smooth_apart, smooth_apart)
    most_apart = float(block_sums(squares, _FINE_CELL).max()) / (2 * _FINE_CELL) ** 2
    if _surely_within(squares):
        return ColorOutlier(apart=most_apart)
    ours = _chroma(left)
    smooth = _smooth(ours)
    second = smooth - smooth_apart
    found = _outlier(smooth, second)
    stronger = _outlier(smooth, second, stronger=True)
    in_tones = clear = found.times
    if found.times > STANDS_OUT:
        saturated = _smooth(_toned(ours, ours - apart, left))
        found = _lesser(found, _outlier(saturated, second))
        found = found if found.times <= STANDS_OUT else _lesser(found, _in_one_light(left, right, smooth, second))
        in_tones = clear = found.times
    if found.times > STANDS_OUT:
        curved, error = _in_tones(left, right)
        in_tones = min(found.times, _outlier(*curved).times) if error <= EXPLAINED else 0.0
        clear = _clear_of_clipping(left, right, ((saturated, second), curved))
    marked = next((it.places for it in (found, stronger) if it.times > STANDS_OUT), None)
    boxes = () if marked is None else boxes_of(marked, CELL)
    color_off = float(np.median(np.abs(smooth_apart)))
    in_pictures = tuple(_in_pictures(box, scale) for box in boxes)
    return ColorOutlier(found.times, color_off, in_tones, clear, stronger.times, most_apart, in_pictures)


def _lesser(found: "_Outlier", other: "_Outlier") -> "_Outlier":
    return other if other.times < found.times else found


def _in_one_light(left: Pixels, right: Pixels, ours: Float32s, theirs: Float32s) -> "_Outlier":
    """That once one of the two has the luma of the other at each point, whichever leaves nearly all blocks nearest.

    Local contrast changes luma alone, and clips colors where those are strong.
    """
    forth = [_outlier(_smooth(_chroma(lit)), theirs) for lit in _in_light_of(left, right)]
    back = [_outlier(ours, _smooth(_chroma(lit))) for lit in _in_light_of(right, left)]
    return min(*forth, *back, key=lambda it: it.limit)


def _in_tones(left: Pixels, right: Pixels) -> tuple[tuple[Float32s, Float32s], float]:
    """The colors of both, once a curve for each channel was allowed for, and the mean error that those leave."""
    (ours, theirs), error = in_one_tone(Image.fromarray(left), Image.fromarray(right))
    return (_smooth(_chroma(np.asarray(ours))), _smooth(_chroma(np.asarray(theirs)))), error


def _clear_of_clipping(left: Pixels, right: Pixels, pairs: Sequence[tuple[Float32s, Float32s]]) -> float:
    """The largest difference where no channel of either picture is clipped, of the pair of planes that has less of it.

    There a tone that is cut off makes no other color, nor a gamma one of what is next to black.
    """
    clipped = (np.maximum(left, right).max(axis=2) >= _CLIPPED) | (np.minimum(left, right).min(axis=2) < _BLACK)
    clear: Blocks = block_sums(clipped[_RIM:-_RIM, _RIM:-_RIM].astype(np.float32), CELL) == 0
    return 0.0 if clear.sum() < _FEW_CLEAR else min(_outlier(ours, theirs, clear).times for ours, theirs in pairs)


def _in_pictures(box: PixelBox, scale: float) -> Box:
    left, top, right, bottom = ((_RIM + end) / scale for end in box)
    return left, top, right, bottom


def _chroma(pixels: Pixels | NDArray[np.int16]) -> Float32s:
    """Blue and red less luma, (2, h, w); of the difference of two pictures that of theirs."""
    planes = _CHROMA @ np.ascontiguousarray(pixels.reshape(-1, 3).T).astype(np.float32)
    return np.asarray(planes.reshape(2, *pixels.shape[:2]))


def _smooth(planes: Float32s) -> Float32s:
    """The means of 3 x 3 points, taken twice, (2, h, w), without the rim of points that lack neighbors for it."""
    for _ in range(_RIM):
        planes = planes[:, :-2] + planes[:, 1:-1] + planes[:, 2:]
    for _ in range(_RIM):
        planes = planes[:, :, :-2] + planes[:, :, 1:-1] + planes[:, :, 2:]
    return planes * np.float32(1 / 9**_RIM)


def _surely_within(squares: Float32s) -> bool:
    """Whether no block exceeds the least limit in colors that are so far apart, squared.

    With D the variance of what they are apart in a block and N the noise, 1 - correlation is at most D / 2N, because
    the geometric mean of the two variances is at most their arithmetic mean.
    """
    return bool(block_sums(squares, CELL).max() <= 2 * _NOISE * _LEAST * _AREA)


def _in_light_of(source: Pixels, target: Pixels) -> tuple[Pixels, Pixels]:
    """Source with the luma that target has at each point: added to all channels, and by multiplying them; clipped."""
    ours, theirs = (it.astype(np.float32) @ LUMA.astype(np.float32) for it in (source, target))
    added = source + (theirs - ours)[..., None]
    times = ((theirs + _DARK) / (ours + _DARK)).clip(1 / _MOST_LIGHT, _MOST_LIGHT)
    multiplied = source * times[..., None]
    return _codes(added), _codes(multiplied)


def _codes(values: Float32s) -> Pixels:
    return (values + np.float32(0.5)).clip(0, 255).astype(np.uint8)


def _toned(ours: Float32s, theirs: Float32s, left: Pixels) -> Float32s:
    """Our colors as a saturation, a turn of all hues, a tint and a share of luma make them most like theirs."""
    luma = left.reshape(-1, 3).astype(np.float32) @ LUMA.astype(np.float32)
    terms = np.stack([*ours.reshape(2, -1), luma - 128, np.full_like(luma, _TINT)])  # (4, n)
    planes = []
    for channel, wanted in enumerate(theirs.reshape(2, -1)):
        prior = np.eye(4)[channel]
        weight, fitted = np.ones_like(luma), np.zeros_like(luma)
        for _ in range(_ROUNDS):
            normal = (terms * weight) @ terms.T + _PRIOR * luma.size * np.eye(4)
            found = np.linalg.solve(normal, (terms * weight) @ wanted + _PRIOR * luma.size * prior)
            fitted = found.astype(np.float32) @ terms
            weight = 1 / (1 + ((fitted - wanted) / _USUAL_ERROR) ** 2)
        planes.append(fitted)
    return np.stack(planes).reshape(ours.shape)


@dataclass(frozen=True, slots=True)
class _Outlier:
    """The largest difference but for specks, by what nearly all stay below, and the blocks that exceed that `limit`."""

    times: float
    limit: float
    places: Blocks


def _outlier(ours: Float32s, theirs: Float32s, counted: Blocks | None = None, *, stronger: bool = False) -> _Outlier:
    """That of two pictures' colors as they lie; of the `counted` blocks alone, where not all count."""
    difference = _difference_in_strength if stronger else _difference
    our_means, their_means = _block_means(ours), _block_means(theirs)
    ours_variance = _covariance(ours, ours, our_means, our_means)
    theirs_variance = _covariance(theirs, theirs, their_means, their_means)
    covariance = _covariance(ours, theirs, our_means, their_means)
    nearby = np.minimum(_largest_nearby(ours_variance), _largest_nearby(theirs_variance))
    noise = np.float32(_NOISE) + np.float32(_OF_NEARBY) * np.maximum(nearby, 0)
    differences = difference(covariance, ours_variance, theirs_variance, noise)
    counted = np.ones(differences.shape, np.bool_) if counted is None else counted
    differences[~counted] = 0
    limit = _LEAST + _OF_USUAL * float(np.quantile(differences[counted], _NEARLY_ALL))
    doubtful = np.argwhere(differences > limit)
    if len(doubtful) > specks_among(differences.size):
        rows, columns = doubtful.T
        shifted = _shifted(ours, theirs, rows, columns, noise[rows, columns], difference)
        differences[rows, columns] = np.minimum(differences[rows, columns], shifted)
    return _Outlier(worst_of(differences[counted]) / limit, limit, differences > limit)


def _block_means(planes: Float32s) -> Float32s:
    """The means of the blocks of each plane, (2, rows, columns)."""
    return np.stack([block_sums(plane, CELL) for plane in planes]) / _AREA


def _covariance(ours: Float32s, theirs: Float32s, our_means: Float32s, their_means: Float32s) -> Float32s:
    """That of each block, summed over both planes, (rows, columns)."""
    return np.asarray(block_sums(_dot(ours, theirs), CELL) / _AREA - _dot(our_means, their_means))


def _dot(ours: Float32s, theirs: Float32s) -> Float32s:
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
