"""Working image -> luma planes: what the hashes look at, freed from plain borders."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.decoding.working_image import WorkingImage

type Plane = NDArray[np.float64]
type Box = tuple[float, float, float, float]
_SCAN_SIDE: Final = 128  # borders are looked for at this size, where noise and compression are averaged away
_BORDER_TOLERANCE: Final = 8.0  # how far the lines of a plain border may be from one another, in steps of 255
_STRIP_ROUNDING: Final = 3.0  # a strip averaged by itself may be one step off, and so may the median of its line
_SPECKS: Final = 0.02  # the share of a border line that may be anything: dust, a rounded corner
_LEAST_SHARE: Final = 0.2  # a frame smaller than this share of a side is no frame but a speck on a plain ground


class LumaPicture:
    """The luma of a picture, from which planes of any size are averaged; `frame` is its box inside plain borders."""

    def __init__(self, working: WorkingImage) -> None:
        self._luma = Image.fromarray(working.pixels).convert("L")  # ITU-R 601-2, in whole numbers: the same everywhere
        self.frame = _box_inside_borders(self._luma)
        self._made: dict[tuple[Box, int, int], Plane] = {}  # where there are no borders, both squares are the same

    def square(self, side: int) -> Plane:
        """The whole picture squashed to (side, side)."""
        return self._averaged((0.0, 0.0, float(self._luma.width), float(self._luma.height)), side, side)

    def framed_square(self, side: int) -> Plane:
        """The picture inside its plain borders, squashed to (side, side)."""
        return self._averaged(self.frame, side, side)

    def framed(self, longer_side: int) -> Plane:
        """The picture inside its plain borders, its longer side as given, the shorter one at least an eighth of it."""
        left, top, right, bottom = self.frame
        factor = longer_side / max(right - left, bottom - top)
        least = longer_side // 8
        width, height = max(least, round((right - left) * factor)), max(least, round((bottom - top) * factor))
        return self._averaged(self.frame, width, height)

    def _averaged(self, box: Box, width: int, height: int) -> Plane:
        if (box, width, height) not in self._made:
            plane = self._luma.resize((width, height), Image.Resampling.BOX, box=box)
            self._made[box, width, height] = np.asarray(plane, np.float64)  # (height, width)
        return self._made[box, width, height]


def _box_inside_borders(luma: Image.Image) -> Box:
    """Left, top, right, bottom in pixels of what is left when plain lines are cut off at all four sides."""
    width, height = luma.size
    top, bottom = _inside(luma)
    if bottom - top >= _LEAST_SHARE * height:
        inside = luma if bottom - top == height else luma.crop((0, round(top), width, round(bottom)))
        left, right = _inside_columns(inside)
        if right - left >= _LEAST_SHARE * width:
            return left, top, right, bottom
    return 0.0, 0.0, float(width), float(height)


def _inside(luma: Image.Image) -> tuple[float, float]:
    """First and end of the rows that remain when those that look like the outermost, plain ones are cut off."""
    width, height = luma.size
    rows = min(height, _SCAN_SIDE)
    step = height / rows
    if not (_may_be_plain(luma, 0.0, step) or _may_be_plain(luma, height - step, height)):
        return 0.0, float(height)  # most pictures have no border, and the rest of the lines need not be looked at
    coarse = _scanned(luma, min(width, _SCAN_SIDE), rows)
    first, last = _border(coarse) * step, _border(coarse[::-1]) * step
    if first + last >= height:
        return 0.0, 0.0
    if first or last:
        fine = _scanned(luma, min(width, _SCAN_SIDE), height)
        first, last = _sharpened(first, step, fine), _sharpened(last, step, fine[::-1])
    return first, height - last


def _inside_columns(luma: Image.Image) -> tuple[float, float]:
    """First and end of the columns that remain; the picture is turned only if one of its sides looks plain."""
    width, height = luma.size
    step = width / min(width, _SCAN_SIDE)
    strip = math.ceil(step)
    left = luma.crop((0, 0, strip, height)).transpose(Image.Transpose.TRANSPOSE)
    right = luma.crop((width - strip, 0, width, height)).transpose(Image.Transpose.TRANSPOSE)
    if not (_may_be_plain(left, 0.0, step) or _may_be_plain(right, strip - step, strip)):
        return 0.0, float(width)
    return _inside(luma.transpose(Image.Transpose.TRANSPOSE))


def _may_be_plain(luma: Image.Image, top: float, bottom: float) -> bool:
    """Whether the rows of a strip may be a plain line of the whole scan; surely not, if this says no."""
    size, box = (min(luma.width, _SCAN_SIDE), 1), (0.0, top, float(luma.width), bottom)
    line = np.asarray(luma.resize(size, Image.Resampling.BOX, box=box), np.float64)
    strays = np.abs(line - np.median(line)) > _BORDER_TOLERANCE + _STRIP_ROUNDING
    return bool(np.count_nonzero(strays) <= _SPECKS * line.size)


def _sharpened(coarse: float, step: float, fine: Plane) -> float:
    """The border's end to the row, unless noise hides it there."""
    exact = _border(fine) if coarse else 0
    return float(exact) if abs(exact - coarse) <= step else coarse


def _scanned(luma: Image.Image, width: int, height: int) -> Plane:
    return np.asarray(luma.resize((width, height), Image.Resampling.BOX), np.float64)


def _border(lines: Plane) -> int:
    """How many lines from the first on show nothing but the color of the first."""
    strays = np.abs(lines - np.median(lines[0])) > _BORDER_TOLERANCE
    busy = strays.mean(axis=1) > _SPECKS
    return int(busy.argmax()) if busy.any() else len(lines)
