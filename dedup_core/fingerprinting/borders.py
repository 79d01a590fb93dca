"""Where the content of a picture is: inside its plain borders, and the blocks of it on a plain ground."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

type Plane = NDArray[np.uint8]
type Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels."""
SCAN: Final = 128  # points of a line are averaged to this many, where noise and compression are gone
TOLERANCE: Final = 8  # how far a plain border may be from its color, in steps of 255
_SPECKS: Final = 0.02  # the share of a border line that may be anything: dust, a rounded corner
_LEAST_SHARE: Final = 0.2  # a frame smaller than this share of a side is no frame but a speck on a plain ground
_STRIPES: Final = 0.04  # fewer lines than this share that show anything by themselves: stripes, not a picture
_SIMILAR: Final = 0.4  # of the largest block: large enough to be one too
_EQUAL: Final = 0.9  # of the largest block: as large
_MOST_BLOCKS: Final = 4
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Content:
    """`frame` is what is left inside plain borders, `blocks` the large pieces in it that plain lines set apart.

    The largest block comes first; there are one to four. All are the whole picture where there is nothing to cut off.
    """

    frame: Box
    blocks: tuple[Box, ...]


def content_of(luma: Image.Image) -> Content:
    """Look for plain borders in a picture of mode L.

    A border is of one color, at both of two opposite sides if at each. Pictures that are nothing but stripes, and those
    of which too little would be left, have none.
    """
    whole = (0, 0, luma.width, luma.height)
    ground = _ground(luma)
    if ground is None:
        return Content(whole, (whole,))
    frame = _trimmed(luma, whole, ground)
    blocks = _pieces(luma, frame, ground, _ROUNDS)
    largest = max(map(_area, blocks), default=0)
    blocks = [box for box in blocks if _area(box) >= _SIMILAR * largest]
    blocks.sort(key=lambda box: _area(box) < _EQUAL * largest)  # of equal ones the first in the picture stays first
    return Content(frame, tuple(blocks[:_MOST_BLOCKS]) or (frame,))


def _ground(luma: Image.Image) -> int | None:
    """The color of the outermost lines that are plain; None where none is, as in most photographs."""
    colors = []
    for line in _outermost(luma):
        color = int(np.median(line))
        if _strays(line[None], color)[0] <= _SPECKS:
            colors.append(color)
    return colors[0] if colors else None


def _outermost(luma: Image.Image) -> list[Plane]:
    """The first and last rows, and the first and last columns, as lines of at most `SCAN` points."""
    width, height = luma.size
    across, down = min(width, SCAN), min(height, SCAN)
    thick_x, thick_y = -(-width // SCAN), -(-height // SCAN)
    rows = [(0, 0, width, thick_y), (0, height - thick_y, width, height)]
    columns = [(0, 0, thick_x, height), (width - thick_x, 0, width, height)]
    lines = [luma.resize((across, 1), Image.Resampling.BOX, box=box) for box in rows]
    lines += [luma.resize((1, down), Image.Resampling.BOX, box=box) for box in columns]
    return [np.asarray(line).ravel() for line in lines]


def _trimmed(luma: Image.Image, box: Box, ground: int) -> Box:
    """The box without the plain lines of that color at its sides."""
    for _ in range(_ROUNDS):
        before = box
        for axis in (0, 1):
            lines = _lines(luma, box, axis)
            busy = _strays(lines, ground) > _SPECKS
            if not busy.any():
                return box
            first, end = int(busy.argmax()), len(busy) - int(busy[::-1].argmax())
            if _is_picture(lines[first:end], len(lines)):
                box = _cut(box, axis, first, end)
        if box == before:
            break
    return box


def _pieces(luma: Image.Image, box: Box, ground: int, rounds: int) -> list[Box]:
    """The pieces of a box between lines of the ground, rows and columns in turn, that are large and show something."""
    for axis in (0, 1):
        lines = _lines(luma, box, axis)
        edges = np.flatnonzero(np.diff(_strays(lines, ground) > _SPECKS, prepend=False, append=False))
        least = _LEAST_SHARE * (luma.height, luma.width)[axis]
        parts = [
            (int(first), int(end))
            for first, end in zip(edges[::2], edges[1::2], strict=True)
            if end - first >= least and _is_picture(lines[first:end], len(lines))
        ]
        pieces = [_cut(box, axis, first, end) for first, end in parts]
        if pieces != [box]:
            return [it for piece in pieces for it in _pieces(luma, piece, ground, rounds - 1)] if rounds else pieces
    return [box]


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _is_picture(lines: Plane, of: int) -> bool:
    """Whether enough lines are left, and enough of them show something by themselves."""
    if len(lines) < max(1, _LEAST_SHARE * of):
        return False
    own = np.median(lines, axis=1)
    strays = np.abs(lines.astype(np.int16) - own[:, None]) > TOLERANCE
    return float((strays.mean(axis=1) > _SPECKS).mean()) > _STRIPES


def _strays(lines: Plane, ground: int) -> NDArray[np.float64]:
    """The share of each line that is not of the ground's color: (n,)."""
    strays: NDArray[np.float64] = (np.abs(lines.astype(np.int16) - ground) > TOLERANCE).mean(axis=1)
    return strays


def _lines(luma: Image.Image, box: Box, axis: int) -> Plane:
    """The rows (axis 0) or columns (axis 1) of a box, each averaged to at most `SCAN` points: (lines, points)."""
    width, height = box[2] - box[0], box[3] - box[1]
    if axis == 0:
        size = min(width, SCAN), height
        return np.asarray(luma.resize(size, Image.Resampling.BOX, box=box))
    size = width, min(height, SCAN)
    return np.asarray(luma.resize(size, Image.Resampling.BOX, box=box)).T


def _cut(box: Box, axis: int, first: int, end: int) -> Box:
    left, top, right, bottom = box
    return (left, top + first, right, top + end) if axis == 0 else (left + first, top, left + end, bottom)
