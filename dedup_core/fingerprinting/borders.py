"""Where the content of a picture is: inside its plain borders, and the blocks of it on a plain ground."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

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
_MOST_BLOCKS: Final = 4  # a collage of two by two
_ROUNDS: Final = 3  # of a frame in a frame: each cut may show another border, or other blocks
_BAR: Final = 0.1  # of the rest, at most: a line beside a page, as its number or a status bar
_APART: Final = 1.2  # times the largest gap in the rest, and more, lies such a line apart
_LEAST_APART: Final = 0.02  # of the rest
_MIXED: Final = 2  # pixels: the outermost lines of what a border is around are a mixture of both
_LEAST_INSIDE: Final = 32  # pixels
_PARTS: Final = 8  # of the lines of most pictures the first part tells that enough of them show something


@dataclass(frozen=True, slots=True)
class Content:
    """`frame` is what is left inside plain borders, `blocks` the large pieces in it that plain lines set apart.

    The largest block comes first; there are one to four. Where no piece is large, as in a page of text, it is the frame
    without small lines at its ends that lie apart. All are the whole picture where there is nothing to cut off.
    `ground` is the luma of the plain lines around it, None where no outermost line is plain.
    """

    frame: Box
    blocks: tuple[Box, ...]
    ground: int | None


def content_of(luma: Image.Image) -> Content:
    """Look for plain borders in a picture of mode L.

    A border is of one color, at both of two opposite sides if at each. Pictures that are nothing but stripes, and those
    of which too little would be left, have none.
    """
    whole = (0, 0, luma.width, luma.height)
    ground = _ground(luma)
    if ground is None:
        return Content(whole, (whole,), ground)
    scan = _Scan(luma, ground)
    frame = _trimmed(scan, whole)
    blocks = _pieces(scan, frame, _ROUNDS)
    largest = max(map(_area, blocks), default=0)
    blocks = [box for box in blocks if _area(box) >= _SIMILAR * largest]
    blocks.sort(key=lambda box: _area(box) < _EQUAL * largest)  # of equal ones the first in the picture stays first
    return Content(frame, tuple(blocks[:_MOST_BLOCKS]) or (_without_bars(scan, frame),), ground)


def halves_of(box: Box) -> tuple[Box, Box]:
    """Those along the longer side; where it is odd, both have the line in the middle."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    if width >= height:
        half = (width + 1) // 2
        return (left, top, left + half, bottom), (right - half, top, right, bottom)
    half = (height + 1) // 2
    return (left, top, right, top + half), (left, bottom - half, right, bottom)


def inner_frame(luma: Image.Image, frame: Box) -> Box:
    """What is left of a frame (that of `content_of`) once it is freed from plain borders of other colors inside it."""
    for _ in range(_ROUNDS if frame != (0, 0, *luma.size) else 0):
        # Without a border there is none inside of it.
        cut = [_MIXED if edge not in (0, *luma.size) else 0 for edge in frame]
        inside = frame[0] + cut[0], frame[1] + cut[1], frame[2] - cut[2], frame[3] - cut[3]
        width, height = inside[2] - inside[0], inside[3] - inside[1]
        if min(width, height) < _LEAST_INSIDE:
            break
        left, top, right, bottom = content_of(luma.crop(inside)).frame
        if (left, top, right, bottom) == (0, 0, width, height):
            break
        frame = inside[0] + left, inside[1] + top, inside[0] + right, inside[1] + bottom
    return frame


def _ground(luma: Image.Image) -> int | None:
    """The color of the outermost lines that are plain; None where none is, as in most photographs."""
    for lines in _outermost(luma):
        for line, doubled in zip(lines, _doubled_medians(lines), strict=True):
            color = int(doubled) // 2
            if _strays(line[None], color)[0] <= _SPECKS:
                return color
    return None


def _outermost(luma: Image.Image) -> list[Plane]:
    """The first and last rows, and the first and last columns, as lines of at most `SCAN` points, (2, n) each."""
    width, height = luma.size
    across, down = min(width, SCAN), min(height, SCAN)
    thick_x, thick_y = -(-width // SCAN), -(-height // SCAN)
    rows = [(0, 0, width, thick_y), (0, height - thick_y, width, height)]
    columns = [(0, 0, thick_x, height), (width - thick_x, 0, width, height)]
    return [
        np.stack([np.asarray(luma.resize(size, Image.Resampling.BOX, box=box)).ravel() for box in boxes])
        for size, boxes in (((across, 1), rows), ((1, down), columns))
    ]


class _Scan:
    """The lines of boxes of a picture, and which of them show anything on the ground; each made once."""

    def __init__(self, luma: Image.Image, ground: int) -> None:
        self.size = luma.height, luma.width
        self._luma = luma
        self._ground = ground
        self._made: dict[tuple[Box, int], tuple[Plane, NDArray[np.bool_]]] = {}

    def lines(self, box: Box, axis: int) -> tuple[Plane, NDArray[np.bool_]]:
        """As `_lines`, (lines, points), and which are busy, (lines,)."""
        if (box, axis) not in self._made:
            lines = _lines(self._luma, box, axis)
            self._made[box, axis] = lines, _strays(lines, self._ground) > _SPECKS
        return self._made[box, axis]


def _trimmed(scan: _Scan, box: Box) -> Box:
    """The box without the plain lines of that color at its sides."""
    for _ in range(_ROUNDS):
        before = box
        for axis in (0, 1):
            lines, busy = scan.lines(box, axis)
            if not busy.any():
                return box
            first, end = int(busy.argmax()), len(busy) - int(busy[::-1].argmax())
            if _is_picture(lines[first:end], len(lines)):
                box = _cut(box, axis, first, end)
        if box == before:
            break
    return box


def _pieces(scan: _Scan, box: Box, rounds: int) -> list[Box]:
    """The pieces of a box between lines of the ground, rows and columns in turn, that are large and show something."""
    for axis in (0, 1):
        lines, busy = scan.lines(box, axis)
        least = _LEAST_SHARE * scan.size[axis]
        parts = [
            (first, end)
            for first, end in _runs(busy)
            if end - first >= least and _is_picture(lines[first:end], len(lines))
        ]
        pieces = [_cut(box, axis, first, end) for first, end in parts]
        if pieces != [box]:
            return [it for piece in pieces for it in _pieces(scan, piece, rounds - 1)] if rounds else pieces
    return [box]


def _without_bars(scan: _Scan, box: Box) -> Box:
    """A box without large pieces, as a page of text, less what lies farther from the rest than that is apart."""
    for axis in (0, 1):
        lines, busy = scan.lines(box, axis)
        runs = _runs(busy)
        left = list(runs)
        while (end := next((end for end in (0, -1) if _is_bar(left, end)), None)) is not None:
            del left[end]
        if len(left) < len(runs) and _is_picture(lines[left[0][0] : left[-1][1]], len(lines)):
            box = _trimmed(scan, _cut(box, axis, left[0][0], left[-1][1]))
    return box


def _is_bar(runs: list[tuple[int, int]], end: Literal[0, -1]) -> bool:
    """Whether the first or the last of some runs of lines is small, and farther from the others than they are apart."""
    others = runs[1:] if end == 0 else runs[:-1]
    if not others:
        return False
    first, last = runs[end]
    length = others[-1][1] - others[0][0]
    least = max(_LEAST_APART * length, _APART * max(_gaps(others), default=0))
    return last - first <= _BAR * length and _gaps(runs)[end] >= least


def _gaps(runs: list[tuple[int, int]]) -> list[int]:
    return [after[0] - before[1] for before, after in pairwise(runs)]


def _runs(busy: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The first and the end of each row of lines that are busy."""
    edges = np.flatnonzero(np.diff(busy, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _is_picture(lines: Plane, of: int) -> bool:
    """Whether enough lines are left, and enough of them show something by themselves."""
    if len(lines) < max(1, _LEAST_SHARE * of):
        return False
    showing = 0
    for start in range(_PARTS):
        part = lines[start::_PARTS]
        apart = 2 * part.astype(np.int16) - _doubled_medians(part)[:, None]
        showing += int((_shares(np.abs(apart) > 2 * TOLERANCE) > _SPECKS).sum())
        if showing / len(lines) > _STRIPES:
            return True
    return False


def _strays(lines: Plane, ground: int) -> NDArray[np.float64]:
    """The share of each line that is not of the ground's color: (n,)."""
    darkest, lightest = max(0, ground - TOLERANCE), min(255, ground + TOLERANCE)
    return _shares(lines - np.uint8(darkest) > np.uint8(lightest - darkest))  # what is darker wraps around


def _shares(marked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The share of each line that is marked, (n,); lines have at most `SCAN` points, so that a byte counts them."""
    counts = marked.view(np.uint8).sum(axis=1, dtype=np.uint8)
    return np.asarray(counts / marked.shape[1], dtype=np.float64)


def _doubled_medians(lines: Plane) -> NDArray[np.int16]:
    """Twice the median of each line, which is a whole number: (n,)."""
    points = lines.shape[1]
    middle = [(points - 1) // 2, points // 2]
    ordered = np.partition(lines, middle, axis=1)[:, middle]
    return ordered.sum(axis=1, dtype=np.int16)


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
