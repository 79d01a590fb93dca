"""Whether something is written or pasted in the frame of one picture: a caption, a date, a small logo, a thumbnail.

A frame of one color ends where the picture begins, all at once. Between its outer edge and there it has nothing else.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Pixels
from dedup_core.comparison.alignment.filled_corners import Edges, color_of_corners, filled_places, off_color
from dedup_core.comparison.alignment.frame import box_of
from dedup_core.comparison.overlap.breaks import breaks_off
from dedup_core.comparison.regions import Corners
from dedup_core.comparison.structure.clusters import PixelBox

# docs/thresholds.md#written-margins
_LIKE: Final = 16  # levels of 255 in each channel, which saving leaves of one color
INK: Final = 48  # levels of a channel: gray words on black, yellow ones on white
_SHARP: Final = 2  # pixels, within which the edge of a letter lies
_OUTERMOST: Final = 0.9  # of the outermost line
_CLEAR: Final = 0.9  # of one of the lines beside the picture
_BUSY: Final = 0.5  # of a line of the picture has the ground of the frame
_DEEPEST: Final = 0.45  # of a side
_LEAST_STEP: Final = 24  # levels: a sky gets darker by less from line to line
_STEP: Final = 3  # lines in which frame and picture are mixed
_MIXED: Final = 2  # lines within a frame, in which another one may begin
_ALONG: Final = 0.5  # of a line along a side: no word is so full of outlines
_ACROSS: Final = 0.9  # of a line across a margin, which a word may fill
_BESIDE: Final = 6  # lines, of which one is clear
_ROUNDS: Final = 3  # of a frame in a frame
_EVERY: Final = 2  # points: half of a line tells what most of it is
_AT_ONCE: Final = 32  # lines that are looked at before it is asked whether the frame ends in them
_LEAST_LINES: Final = 5  # nothing that can be read is lower
_LEAST_MARGIN: Final = 8  # lines: small letters and something around them
# Of the square of the longer side, of outlines: a few small letters, or a dot of a fiftieth of its length.
_LEAST: Final = 2e-4
LEAST_SCENE: Final = 2e-3  # the same of other pictures; grain of paper has fewer such steps
_SQUARE: Final = 8  # pixels
_VARIED: Final = 10.0  # gray levels; docs/thresholds.md#written-margins
_SAME_COLORS: Final = 0.8  # docs/thresholds.md#written-margins
_ROUGH: Final = 4.0  # gray levels, of second differences: more than saving leaves of a shadow
_SMOOTH: Final = 0.12  # of what lies around is rougher: scenes are in 0.2 and more, a word leaves 0.1
_SAME_PAPER: Final = 0.5  # of what lies within: then the frame is the picture's own paper
_AROUND: Final = 0.01  # of a side, by which an alignment may be off
_TALL: Final = 1.6  # times as high as wide: the screen of a phone
_STATUS_BAR: Final = 0.045  # of its height, where it tells the time

type Mask = NDArray[np.bool_]


def has_ink_in_frame(whole: Pixels, inner: Corners) -> bool:
    """Whether a frame of a whole picture (h, w, 3) holds something, around `inner`, which the other picture shows.

    A margin that reaches into what the other shows is one of both.
    """
    height, width = whole.shape[:2]
    left, top, right, bottom = box_of(inner, whole)
    unshared = left, top, width - right, height - bottom
    if max(unshared) < _LEAST_MARGIN + _STEP:
        return False
    least = _LEAST * max(height, width) ** 2
    box = (0, 0, width, height)
    for _ in range(_ROUNDS):
        inside, ink = _within_frame(whole, box, unshared)
        if inside == box:
            return False
        if ink[_status_bar(whole) :].sum() >= least:
            return True
        mixed = [_MIXED * (new != old) for new, old in zip(inside, box, strict=True)]
        box = inside[0] + mixed[0], inside[1] + mixed[1], inside[2] - mixed[2], inside[3] - mixed[3]
    return False


def has_ink_in_filling(picture: Pixels, edges: Edges) -> bool:
    """Whether a part of the filling beyond these edges has another color: a badge beside what was turned."""
    color = color_of_corners(picture)
    if len(edges) == 0 or color is None:
        return False
    ink = filled_places(edges, picture) & (off_color(picture, color) > INK)
    return bool(ink.sum() >= _LEAST * max(picture.shape) ** 2)


def shows_a_scene(strips: Iterable[NDArray[np.int16]], longer: int) -> bool:
    """Whether what lies at some sides of a picture, outermost lines first, has as many outlines as other pictures have.

    `longer` is the longer side of that picture.
    """
    return sum(int(_outlines(strip).sum()) for strip in strips) >= LEAST_SCENE * longer**2


def _status_bar(whole: Pixels) -> int:
    """How many of the uppermost lines of a picture may tell the time: of one that is as high as a phone's screen is."""
    height, width = whole.shape[:2]
    return round(_STATUS_BAR * height) if height > _TALL * width else 0


class Surroundings:
    """What lies around `inner`, a rectangle within a whole picture (h, w, 3); looked at when something is asked."""

    def __init__(self, whole: Pixels, inner: Corners) -> None:
        self._whole = whole
        self._box = box_of(inner, whole)

    @property
    def has_ink_on_shades(self) -> bool:
        """Whether all is smooth, as shadows, gradients and blurred bars are, but for something written."""
        if self._is_rough:
            return False
        # What goes on from the picture without a gap is more of it.
        ink = sum(int(_beyond_gap(_outlines(strip)).sum()) for strip in self._strips)
        return bool(ink >= _LEAST * max(self._whole.shape) ** 2)

    @cached_property
    def is_other_picture(self) -> bool:
        """Whether, where there is an edge, it is another picture of a collage, or the window of an app.

        The rest of a page or of a chessboard, which may end in a line as well, has the colors of what is inside.
        """
        if not (self._is_rough and self._is_scene):
            return False
        left, top, right, bottom = self._box
        inside = self._whole[top:bottom, left:right]
        return inside.size > 0 and _alike_in_color(self._strips, inside) < _SAME_COLORS

    @property
    def breaks_off(self) -> bool:
        """Whether another picture begins at the edges, with or without a line."""
        return breaks_off(self._whole, self._box) and self.is_other_picture

    @property
    def _is_scene(self) -> bool:
        """Whether it shows more than grain, which leaves no outlines, and on which light changes evenly."""
        if shows_a_scene(self._strips, max(self._whole.shape)):
            return True
        uneven = np.concatenate([_unevenness(strip) for strip in self._strips])
        return bool(uneven.mean() >= _VARIED)

    @cached_property
    def _is_rough(self) -> bool:
        rough = [_roughness(strip.mean(axis=2)) for strip in self._strips]
        return sum(int(it.sum()) for it in rough) > _SMOOTH * sum(it.size for it in rough)

    @cached_property
    def _strips(self) -> list[NDArray[np.int16]]:
        """The upper, lower, left and right side, each with its outermost line first, so that all run along the side."""
        whole, (left, top, right, bottom) = self._whole, self._box
        height, width = whole.shape[:2]
        around = round(_AROUND * max(height, width)) + _STEP
        rows = slice(top, bottom)
        around_it = (
            whole[_status_bar(whole) : max(0, top - around)],
            whole[min(height, bottom + around) :][::-1],
            whole[rows, : max(0, left - around)].swapaxes(0, 1),
            whole[rows, min(width, right + around) :].swapaxes(0, 1)[::-1],
        )
        return [strip.astype(np.int16) for strip in around_it if min(strip.shape[:2]) >= _LEAST_MARGIN]


def _alike_in_color(strips: Sequence[NDArray[np.int16]], inside: Pixels) -> float:
    """The intersection 0..1 of the histograms of what is around and of what is inside: the rest of a page has its own.

    Swain and Ballard, "Color Indexing", IJCV 1991; in cubes of 64 levels.
    """
    around = _color_shares(np.concatenate([strip.reshape(-1, 3) for strip in strips]))
    return float(np.minimum(around, _color_shares(inside.reshape(-1, 3))).sum())


def _color_shares(colors: NDArray[np.integer]) -> NDArray[np.float64]:
    """Of colors (n, 3) the share in each cube: (64,)."""
    cubes = (colors >> 6) @ (16, 4, 1)
    return np.bincount(cubes, minlength=64) / len(colors)


def _roughness(luma: NDArray[np.float64]) -> Mask:
    """Where lightness does more than rise or fall along rows or columns, for all points but the outermost."""
    across, down = (np.abs(np.diff(luma, 2, axis=axis)) > _ROUGH for axis in (1, 0))
    return np.asarray(across[1:-1] | down[:, 1:-1])


def _unevenness(strip: NDArray[np.int16]) -> NDArray[np.float64]:
    """How far the means of squares of it (h, w, 3) are from what an even light leaves of lines along the side, (n,)."""
    rows, columns = (side // _SQUARE for side in strip.shape[:2])
    squares = strip[: rows * _SQUARE, : columns * _SQUARE].reshape(rows, _SQUARE, columns, _SQUARE, 3).mean((1, 3))
    lines = squares.swapaxes(1, 2) - squares.mean(axis=1)[..., None]
    along = np.arange(columns) - (columns - 1) / 2
    slopes = lines @ along / max(1.0, float(along @ along))
    return np.asarray(np.abs(lines - slopes[..., None] * along)).ravel()


def _beyond_gap(ink: Mask) -> Mask:
    """The lines, outermost first, up to the one without ink that is nearest to the picture; none if all have some."""
    clear = np.flatnonzero(~ink.any(axis=1))
    return ink[: clear[-1]] if len(clear) else ink[:0]


def _within_frame(whole: Pixels, box: PixelBox, unshared: PixelBox) -> tuple[PixelBox, Mask]:
    """What a frame surrounds of a box, all of it where there is none, and where the frame has ink, (h, w)."""
    ink = np.zeros(whole.shape[:2], np.bool_)
    left, top, right, bottom = box
    if min(right - left, bottom - top) < 4 * _LEAST_LINES:
        return box, ink
    part = whole[top:bottom, left:right]
    marks = ink[top:bottom, left:right]
    before = left, top, whole.shape[1] - right, whole.shape[0] - bottom
    around = round(_AROUND * max(whole.shape[:2]))
    depths = [0, 0, 0, 0]  # left, upper, right, lower
    sides = [side for side in range(4) if unshared[side] - before[side] >= _LEAST_MARGIN + _STEP]
    # Beside a picture its lines end in the frame; once that is known they are looked at without.
    for _ in range(2 if _has_margin(part, sides) else 0):
        depths = [_depth(np.rot90(part, side - 1), depths[side - 1], depths[(side + 1) % 4]) for side in range(4)]
    if not any(depths):
        return box, ink
    inner = part[depths[1] : len(part) - depths[3], depths[0] : part.shape[1] - depths[2]]
    for side, depth in enumerate(depths):
        if depth == 0:
            continue
        lines = np.rot90(part, side - 1)
        color = _color(lines)
        least_depth = min(depth, unshared[side] - before[side]) - _STEP
        if depth - least_depth > around + _STEP or _share_of(color, inner) >= _SAME_PAPER:
            depths[side] = 0
        elif least_depth >= _LEAST_MARGIN:
            margin = slice(0, least_depth)
            np.rot90(marks, side - 1)[margin] |= _outlines(off_color(lines[margin], color).astype(np.int16))
    return (left + depths[0], top + depths[1], right - depths[2], bottom - depths[3]), ink


def _has_margin(part: Pixels, sides: Sequence[int]) -> bool:
    """Whether any of its outermost lines at these sides may be one of a frame, as those of few scenes may."""
    lines_of = (np.rot90(part, side - 1) for side in sides)
    return any((off_color(lines[0], _color(lines)) <= _LIKE).mean() >= _OUTERMOST for lines in lines_of)


def _outlines(values: NDArray[np.int16]) -> Mask:
    """Where values (n, m) or colors (n, m, 3), outermost lines first, have an edge: words do, blurred things not.

    Lines that run through are those of another frame.
    """
    found = np.zeros(values.shape[:2], np.bool_)
    for axis in (0, 1):
        lines = values.swapaxes(0, axis)
        steps = np.abs(lines[_SHARP:] - lines[:-_SHARP]) > INK
        found.swapaxes(0, axis)[_SHARP:] |= steps if steps.ndim == found.ndim else steps.any(axis=2)
    found &= (found.mean(axis=1, keepdims=True) < _ALONG) & (found.mean(axis=0) < _ACROSS)
    return found


def _depth(lines: Pixels, before: int, after: int) -> int:
    """How many of the first lines (n, m, 3), which begin and end in other margins, are one of one color; 0 for none."""
    color = _color(lines)
    if (off_color(lines[0], color) <= _LIKE).mean() < _OUTERMOST:
        return 0
    lines = lines[: int(_DEEPEST * len(lines)), before : lines.shape[1] - after : _EVERY]
    shares = np.empty(0)
    for start in range(0, len(lines), _AT_ONCE):
        is_ground = off_color(lines[start : start + _AT_ONCE], color) <= _LIKE
        shares = np.concatenate([shares, is_ground.mean(axis=1)])
        if shares.min() < _BUSY:
            break
    busy = np.flatnonzero(shares < _BUSY)
    if not len(busy) or busy[0] < _LEAST_LINES or shares[max(0, busy[0] - _BESIDE) : busy[0]].max() < _CLEAR:
        return 0
    beyond = off_color(lines[busy[0] : busy[0] + _STEP], color)
    return int(busy[0]) if np.median(beyond, axis=1).max() > _LEAST_STEP else 0


def _share_of(color: NDArray[np.int16], part: Pixels) -> float:
    return float((off_color(part[::_EVERY, ::_EVERY], color) <= _LIKE).mean())


def _color(lines: Pixels) -> NDArray[np.int16]:
    """That of most of the outermost line: its median, for which NumPy takes longer than for sorting so few bytes."""
    values = np.sort(lines[0], axis=0).astype(np.int16)
    return np.asarray((values[(len(values) - 1) // 2] + values[len(values) // 2]) // 2)
