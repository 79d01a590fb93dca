"""A sheet that a phone took on a desk, laid by its corners: of a short letter the text alone does not tell where."""

from collections.abc import Iterable, Iterator

import numpy as np

from dedup_core.arrays import Pixels
from dedup_core.comparison.alignment.frame import WHOLE
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.alignment.warp import LEAST_LEAN
from dedup_core.comparison.structure.local_contrast import extent_of, luma_plane
from dedup_core.fingerprinting.perspective import perspective
from dedup_core.fingerprinting.sheet import Corners, sheet_of, slant_of
from dedup_core.fingerprinting.straighten import POINTS, smoothed
from dedup_core.views import View, turned


def laid_by_sheets(left: Pixels, right: Pixels, views: Iterable[View]) -> Iterator[Placed]:
    """In each view the sheet of one picture on that of the other, or on the whole of it; none if neither shows one."""
    theirs = _sheet(right)
    if theirs is None and _sheet(left) is None:
        return
    for view in views:
        upright = turned(left, view)
        sheets = (upright, _sheet(upright)), (right, theirs)
        corners = (_whole(it) if sheet is None else sheet for it, sheet in sheets)
        homography = np.append(perspective(*corners), 1.0).reshape(3, 3)
        yield Placed(upright, right, view, homography, (WHOLE, WHOLE)).refined(rough=True)


def _sheet(picture: Pixels) -> Corners | None:
    """The corners of the sheet that it shows at an angle, in units of the longer side.

    What lies straight in its ground is freed from it as from a border, and may be no sheet: a picture in a frame.
    """
    plane = luma_plane(picture, POINTS)
    corners = sheet_of(smoothed(plane))
    return None if corners is None or slant_of(corners) < LEAST_LEAN else corners / max(plane.shape)


def _whole(picture: Pixels) -> Corners:
    width, height = extent_of(picture)
    return np.array([(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)])
