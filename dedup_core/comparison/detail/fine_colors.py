"""Two pages that lie on each other, looked at again for color at the working size: a chart's red line, red print."""

from typing import Final

import numpy as np
from PIL import Image

from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.detail.color_marks import NO_OUTLIER, ColorOutlier, color_outlier
from dedup_core.comparison.regions import Region, RegionKind
from dedup_core.comparison.structure.clusters import common_rectangle

_MOST_GAIN: Final = (
    2.0  # times the working size: JPEG keeps half of the pixels in color, which are all that are compared
)


def look_at_fine_colors(placed: Placed, gains: tuple[float, float]) -> tuple[ColorOutlier, tuple[Region, ...]]:
    """The mark that stands out most among what both show, and where such are.

    `gains`: how many times as large as its working image each whole picture is, left first.
    """
    cut = placed.cut(1.0, "RGB", Image.Resampling.BICUBIC)
    rows, columns = common_rectangle(cut.inside)
    if not cut.inside[rows, columns].any():
        return NO_OUTLIER, ()
    left, right = (np.asarray(image)[rows, columns] for image in (cut.left, cut.right))
    gain = min(_MOST_GAIN, gains[0], gains[1] * placed.zoom)
    outlier = color_outlier(left, right, gain * max(left.shape[:2]))
    height, width = cut.inside.shape
    boxes = (
        ((columns.start + x) / width, (rows.start + y) / height, (columns.start + u) / width, (rows.start + v) / height)
        for x, y, u, v in outlier.boxes
    )
    return outlier, tuple(placed.region(RegionKind.CHANGED, *box) for box in boxes)
