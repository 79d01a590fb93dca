"""Small marks that color alone tells from their ground: a thin red ring on navy blue is as dark as what is below."""

from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s, Pixels
from dedup_core.comparison.detail.color_blocks import CELL, ColorBlocks, Outlier, dot, outlier_of, surely_within
from dedup_core.comparison.measurement import STANDS_OUT
from dedup_core.comparison.structure.clusters import PixelBox, boxes_of
from dedup_core.comparison.structure.sharpness import block_sums
from dedup_core.comparison.tones.evened_tones import EXPLAINED, in_one_tone
from dedup_core.luma import LUMA

type Blocks = NDArray[np.bool_]
type Box = tuple[float, float, float, float]
_FINE_CELL: Final = 2  # pixels: what is fine is small here
_LEAST_SIDE: Final = 24  # pixels: five blocks in a row
_SUBSAMPLED: Final = 2  # JPEG keeps half of the pixels of color either way
_CHROMA: Final = np.array([[-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], dtype=np.float32)  # ITU-R BT.601
_RIM: Final = 2  # pixels of what is smoothed: how far its neighbors reach
_CLIPPED: Final = 250  # of 255: JPEG leaves a channel that was clipped somewhat below white
_BLACK: Final = 3  # of 255: where a gamma is steepest, JPEG has rounded what it then spreads
_FEW_CLEAR: Final = 100  # blocks: what fewer stay below says nothing about the others
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
    pictures. `lost`: as `times`, of colors that a copy in gray has lost. Boxes are left, top, right and bottom in
    pixels of the pictures, `stronger_boxes` around stronger colors.
    """

    times: float = 0.0
    color_off: float = 0.0
    in_tones: float = 0.0
    clear: float = 0.0
    stronger: float = 0.0
    apart: float = 0.0
    boxes: tuple[Box, ...] = ()
    stronger_boxes: tuple[Box, ...] = ()
    lost: float = 0.0


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
    squares = dot(smooth_apart, smooth_apart)
    most_apart = float(block_sums(squares, _FINE_CELL).max()) / (2 * _FINE_CELL) ** 2
    if surely_within(squares):
        return ColorOutlier(apart=most_apart)
    ours = _chroma(left)
    smooth = _smooth(ours)
    second = smooth - smooth_apart
    colors = ColorBlocks.of(smooth, second)
    found, stronger = colors.outlier(), colors.outlier(stronger=True)
    in_tones = clear = found.times
    if found.times > STANDS_OUT:
        saturated = _smooth(_toned(ours, ours - apart, left))
        found = _lesser(found, outlier_of(saturated, second))
        found = found if found.times <= STANDS_OUT else _lesser(found, _in_one_light(left, right, smooth, second))
        in_tones = clear = found.times
    if found.times > STANDS_OUT:
        curved, error = _in_tones(left, right)
        in_tones = min(found.times, outlier_of(*curved).times) if error <= EXPLAINED else 0.0
        clear = _clear_of_clipping(left, right, ((saturated, second), curved))
    color_off = float(np.median(np.abs(smooth_apart)))
    boxes, stronger_boxes = (_boxes_around(it, scale) for it in (found, stronger))
    return ColorOutlier(found.times, color_off, in_tones, clear, stronger.times, most_apart, boxes, stronger_boxes)


def _lesser(found: Outlier, other: Outlier) -> Outlier:
    return other if other.times < found.times else found


def _in_one_light(left: Pixels, right: Pixels, ours: Float32s, theirs: Float32s) -> Outlier:
    """That once one of the two has the luma of the other at each point, whichever leaves nearly all blocks nearest.

    Local contrast changes luma alone, and clips colors where those are strong.
    """
    forth = [outlier_of(_smooth(_chroma(lit)), theirs) for lit in _in_light_of(left, right)]
    back = [outlier_of(ours, _smooth(_chroma(lit))) for lit in _in_light_of(right, left)]
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
    return 0.0 if clear.sum() < _FEW_CLEAR else min(outlier_of(ours, theirs, clear).times for ours, theirs in pairs)


def _boxes_around(found: Outlier, scale: float) -> tuple[Box, ...]:
    boxes = boxes_of(found.places, CELL) if found.times > STANDS_OUT else ()
    return tuple(_in_pictures(box, scale) for box in boxes)


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
