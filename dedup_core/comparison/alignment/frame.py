"""Parts of a whole picture: in shares of it, in pixels, and how points of one lie in the other."""

from typing import Final

import numpy as np

from dedup_core.arrays import Pixels
from dedup_core.comparison.alignment.warp import Homography
from dedup_core.comparison.regions import Corners
from dedup_core.comparison.structure.clusters import PixelBox
from dedup_core.views import View, opposite, turned_back

type Frame = tuple[float, float, float, float]
"""Left, top, width and height of a part of a picture, in shares of the whole."""
type Contents = tuple[tuple[slice, slice], tuple[slice, slice]]
"""Rows and columns of each picture inside its plain borders."""
WHOLE: Final[Frame] = (0.0, 0.0, 1.0, 1.0)


def frame_of(pixels: Pixels, box: tuple[slice, slice]) -> Frame:
    """Rows and columns of a picture, in shares of it."""
    height, width = pixels.shape[:2]
    rows, columns = (part.indices(side) for part, side in zip(box, (height, width), strict=True))
    return (
        columns[0] / width,
        rows[0] / height,
        (columns[1] - columns[0]) / width,
        (rows[1] - rows[0]) / height,
    )


def frame_between(corners: Corners) -> Frame:
    left, top, right, bottom = corners
    return left, top, right - left, bottom - top


def upright_corners(frame: Frame, view: View) -> Corners:
    """The corners of a frame, in shares of the whole picture once that is turned."""
    x, y, across, down = frame
    ends = [turned_back(u, v, opposite(view)) for u, v in ((x, y), (x + across, y + down))]
    (left, right), (top, bottom) = (sorted(values) for values in zip(*ends, strict=True))
    return left, top, right, bottom


def in_whole(point: tuple[float, float], frame: Frame) -> tuple[float, float]:
    """A point of what is in a frame, in shares of the whole picture."""
    return frame[0] + point[0] * frame[2], frame[1] + point[1] * frame[3]


def box_of(corners: Corners, picture: Pixels) -> PixelBox:
    height, width = picture.shape[:2]
    left, top, right, bottom = corners
    return round(left * width), round(top * height), round(right * width), round(bottom * height)


def into(box: PixelBox, whole: Pixels) -> Homography:
    """Points of a whole picture as points of what is in a box of it, both in units of the longer side."""
    left, top, right, bottom = box
    longer = max(right - left, bottom - top)
    times = max(whole.shape[:2]) / longer
    return np.array([[times, 0.0, -left / longer], [0.0, times, -top / longer], [0.0, 0.0, 1.0]])


def cut_out(whole: Pixels, box: PixelBox) -> Pixels:
    left, top, right, bottom = box
    return whole[top:bottom, left:right]
