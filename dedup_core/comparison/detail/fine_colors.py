"""Two pictures that lie on each other, looked at again for color at the working size: a chart's red line, red print."""

from typing import Final

import numpy as np
from PIL import Image

from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.detail.color_marks import NO_OUTLIER, ColorOutlier, color_outlier
from dedup_core.comparison.detail.gray_copy import in_gray
from dedup_core.comparison.regions import Region, RegionKind
from dedup_core.comparison.structure.clusters import common_rectangle

_MOST_GAIN: Final = 2.0  # times the working size: JPEG keeps half of the pixels in color, and only those are compared
# Mean square in levels, of 4 x 4 pixels at the size at which pairs are compared. Saving and scaling mostly leave less,
# and a number in red, one line of a chart or a thin ring that is told at the working size leaves twenty times as much.
_SOME_COLOR: Final = 3.0
_MUCH_COLOR: Final = (
    30.0  # as `_SOME_COLOR`, of photographs: one JPEG in ten of quality 50 leaves 8 of small strong colors
)


def may_differ_in_color(apart: float, *, is_page: bool, retoned: bool) -> bool:
    """Whether the closer look is worth its time, where the most different block of 4 x 4 pixels is so far apart."""
    return apart > _SOME_COLOR if is_page else apart > _MUCH_COLOR and not retoned


def look_at_fine_colors(placed: Placed, gains: tuple[float, float]) -> tuple[ColorOutlier, tuple[Region, ...]]:
    """The mark that stands out most among what both show, and where such are.

    `gains`: how many times as large as its working image each whole picture is, left first.
    """
    gain = min(_MOST_GAIN, gains[0], gains[1] * placed.zoom)
    cut = placed.cut(gain / _MOST_GAIN, "RGB", Image.Resampling.BICUBIC)  # no finer than colors are in a JPEG
    rows, columns = common_rectangle(cut.inside)
    if not cut.inside[rows, columns].any():
        return NO_OUTLIER, ()
    left, right = (np.asarray(image)[rows, columns] for image in (cut.left, cut.right))
    outlier = in_gray(color_outlier(left, right, _MOST_GAIN * max(left.shape[:2])), left, right, gain)
    height, width = cut.inside.shape
    boxes = (
        ((columns.start + x) / width, (rows.start + y) / height, (columns.start + u) / width, (rows.start + v) / height)
        for x, y, u, v in outlier.boxes
    )
    return outlier, tuple(placed.region(RegionKind.CHANGED, *box) for box in boxes)
