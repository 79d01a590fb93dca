"""Whether a mark that color alone tells is what a copy in gray has lost, and no other print."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from dedup_core.arrays import Float32s, Float64s, Pixels
from dedup_core.comparison.detail.color_marks import Box, ColorOutlier
from dedup_core.luma import LUMA

_GRAY: Final = 4  # of 255 between the channels: what compression makes of none
# Levels of 255 that the mean of what lies within so many times the reach may be off: red print in place of black is 10
# and more, a lamp that is lit rarely as light as one that is not. Edges lie up to a pixel off.
_SAME_LUMA: Final = ((1.0, 6.0), (3.0, 3.0))
# How programs weigh red, green and blue: ITU-R BT.601 (Pillow, OpenCV), BT.709 (ImageMagick, browsers), and not at all.
_GRAYS: Final = (LUMA, np.array([0.2126, 0.7152, 0.0722]), np.array([1 / 3, 1 / 3, 1 / 3]))
_LEAST_SPREAD: Final = 1.0  # squared levels: one tone all over tells no contrast


def in_gray(found: ColorOutlier, left: Pixels, right: Pixels, reach: float) -> ColorOutlier:
    """What was found in two aligned pictures, or, if one of them is a copy in gray, as `lost` and nothing else.

    A copy in gray has no color anywhere, and all that is marked the lightness that gray gives it, once one contrast and
    brightness was allowed for. Print in another color has another lightness as well, in the mean of what lies within
    `reach` pixels either way.
    """
    gray, colored = sorted((left, right), key=_most_color)
    boxes = (*found.boxes, *found.stronger_boxes)
    if not boxes or not _is_gray_copy(gray, colored, boxes, reach):
        return found
    return ColorOutlier(apart=found.apart, lost=max(found.times, found.stronger))


def _is_gray_copy(gray: Pixels, colored: Pixels, boxes: Iterable[Box], reach: float) -> bool:
    if _most_color(gray) > _GRAY:
        return False
    places = [(slice(round(y), round(v)), slice(round(x), round(u))) for x, y, u, v in boxes]
    return any(
        all(_is_as_light(gray, colored @ weights, places, times * reach, most) for times, most in _SAME_LUMA)
        for weights in _GRAYS
    )


def _is_as_light(gray: Pixels, luma: Float64s, places: list[tuple[slice, slice]], reach: float, most: float) -> bool:
    wanted = _smooth(gray @ LUMA, reach)
    off = np.abs(_in_contrast_of(_smooth(luma, reach), wanted) - wanted)
    return all(off[place].max(initial=0.0) <= most for place in places)


def _most_color(picture: Pixels) -> int:
    """The most that channels are apart anywhere."""
    return int(np.ptp(picture, axis=2).max())


def _smooth(luma: Float64s, reach: float) -> Float32s:
    blurred = Image.fromarray(luma.round().astype(np.uint8)).filter(ImageFilter.BoxBlur(reach))
    return np.asarray(blurred, dtype=np.float32)


def _in_contrast_of(gray: Float32s, wanted: Float32s) -> Float32s:
    from_mean = gray - gray.mean()
    slope = (from_mean * wanted).mean() / (np.square(from_mean).mean() + _LEAST_SPREAD)
    return (wanted.mean() + slope * from_mean).clip(0, 255)
