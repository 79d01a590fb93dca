"""Whether a mark that color alone tells is what a copy in gray has lost, and no other print."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from dedup_core.arrays import Float64s, Pixels
from dedup_core.comparison.detail.color_marks import Box, ColorOutlier
from dedup_core.comparison.tones.curves import in_contrast_of
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
    boxes = (*found.boxes, *found.stronger_boxes)
    if not boxes or not _is_gray_copy(left, right, boxes, reach):
        return found
    return ColorOutlier(apart=found.apart, lost=max(found.times, found.stronger))


def _is_gray_copy(left: Pixels, right: Pixels, boxes: Iterable[Box], reach: float) -> bool:
    gray, colored = sorted((left, right), key=_most_color)
    if _most_color(gray) > _GRAY:
        return False
    places = [(slice(round(y), round(v)), slice(round(x), round(u))) for x, y, u, v in boxes]
    wanted = _in_gray(gray, LUMA)
    return any(
        all(_is_as_light(luma, wanted, places, times * reach, most) for times, most in _SAME_LUMA)
        for luma in (_in_gray(colored, weights) for weights in _GRAYS)
    )


def _is_as_light(
    luma: Image.Image, wanted: Image.Image, places: list[tuple[slice, slice]], reach: float, most: float
) -> bool:
    ours, theirs = (np.asarray(it.filter(ImageFilter.BoxBlur(reach)), dtype=np.float32) for it in (luma, wanted))
    fitted = in_contrast_of(ours.ravel(), theirs.ravel(), 255.0, _LEAST_SPREAD * ours.size).reshape(ours.shape)
    off = np.abs(fitted - theirs)
    return all(off[place].max(initial=0.0) <= most for place in places)


def _most_color(picture: Pixels) -> int:
    """The most that channels are apart anywhere."""
    return int(np.ptp(picture, axis=2).max())


def _in_gray(picture: Pixels, weights: Float64s) -> Image.Image:
    red, green, blue = weights.tolist()
    return Image.fromarray(picture).convert("L", (red, green, blue, 0.0))
