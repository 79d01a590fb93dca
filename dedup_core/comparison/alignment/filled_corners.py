"""Corners that were filled with one color: of a picture that was turned by some degrees, or whose corners are round."""

from collections.abc import Sequence
from functools import lru_cache, reduce
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Pixels
from dedup_core.comparison.alignment.gauss_newton import pixels_a_unit
from dedup_core.comparison.alignment.warp import scaled_size
from dedup_core.comparison.structure.local_contrast import extent_of

_LIKE: Final = (6, 24)  # of 255 in each channel: what dark scenes are not, and what saving leaves of one color
_LEAST_TURN: Final = 0.7  # degrees: of less the wedges are too thin
_MOST_TURN: Final = 45.0  # degrees: of more a side is that of another view
_OFF: Final = 1.5  # pixels by which a line may be off
_THIN: Final = 2.0  # pixels; thinner wedges have no shape
_LEAST_LINES: Final = 8
_STRAIGHT: Final = 0.8  # of the lines of a wedge must end on its line
_NARROWS: Final = 3.0  # pixels at least by which a wedge gets thinner: of less it is not known which way
_CLEAR_SIDES: Final = 2  # or corners: at others a wedge may be too thin, or the scene have the color of the filling
_MIXED: Final = 3.0  # pixels along its edge, in which filling and picture are mixed
_LEAST_FILLED: Final = 64  # pixels, so that no few of them tell
_FILLED: Final = 0.95  # of what lies beyond an edge has the color
_GOING_ON: Final = 0.5  # and at most so much of what lies next to it within
_FILLED_BEYOND_ARC: Final = 0.98  # the same of an arc, which a square in the corner is to be told from
_GOING_ON_WITHIN_ARC: Final = 0.25
_LEAST_RADIUS: Final = 8  # pixels: smaller corners are no larger than what compression does
_MOST_ROUND: Final = 0.2  # of the shorter side: a disc on a plain ground is a thing, and no picture
_ONE_COLOR: Final = 0.5  # of a picture
_STEP_OF_TABLE: Final = 64  # pixels: of pictures of nearly one size one table of radii will do
_TANGENTS: Final = 7  # of each arc: between them the polygon is off by half of a hundredth of the radius
_MAP_SIZE: Final = 128  # points of the longer side, by which a share is told to a hundredth
_SAME: Final = 2.0  # pixels by which half a side may be off

type Places = NDArray[np.intp]
type Edges = NDArray[np.float64]
"""(n, 3): a x + b y + c is at least 0 on the near side of each, for points in units of the longer side."""
NO_EDGES: Final[Edges] = np.empty((0, 3))


def filled_edges(picture: Pixels, turn: float) -> Edges:
    """Where the filling ends that a turn by `turn` degrees has left at the corners of a picture (h, w, 3).

    All four corners have that color, and along two sides the wedge gets thinner by the tangent of the turn with each
    line, or it lies where a picture that keeps its frame has it. What a scene or a packshot has around it ends along no
    such lines.
    """
    height, width = picture.shape[:2]
    if not _LEAST_TURN <= turn <= _MOST_TURN or min(height, width) < 2 * _LEAST_LINES:
        return NO_EDGES
    color = color_of_corners(picture)
    if color is None:
        return NO_EDGES
    # No wedge is wider; with a ground of that color around a thing, which goes on beyond all of them, nothing is to do.
    depth = ceil(np.tan(np.radians(turn)) * max(height, width) + _THIN + _MIXED)
    if all(off_color(np.rot90(picture, quarter)[:, :depth], color).max() <= min(_LIKE) for quarter in range(4)):
        return NO_EDGES
    off = off_color(picture, color)
    sides = [np.ascontiguousarray(np.rot90(off, quarter)[:, :depth]) for quarter in range(4)]
    for way in (np.radians(turn), -np.radians(turn)):
        reaches = _reaches(sides, (width, height), way)
        in_frame = width / 2, height / 2
        if reaches is None and _is_filled_beyond(_edges(width, height, in_frame, way), off):
            reaches = in_frame
        if reaches is not None:
            return in_units(_edges(width, height, reaches, way) - [0.0, 0.0, _MIXED], width, height)
    return NO_EDGES


def off_color(picture: Pixels, color: NDArray[np.number]) -> Pixels:
    """How far each point (…, 3) is from the color, in the channel in which it is farthest."""
    level = color.round().astype(np.uint8)
    # Channel by channel: the largest of three values that lie side by side takes NumPy several times as long.
    channels = (picture[..., number] for number in range(3))
    return reduce(np.maximum, (np.maximum(it, of) - np.minimum(it, of) for it, of in zip(channels, level, strict=True)))


def _reaches(sides: Sequence[NDArray[np.uint8]], size: tuple[int, int], turn: float) -> tuple[float, float] | None:
    """How far from its middle the picture ends across and down, in pixels; None where wedges are too thin to tell.

    `sides` is what lies near each of its sides, turned so that this is the left one: how far it is from the filling. A
    turn about the middle leaves wedges that are alike across from each other. Where both are too thin, the picture
    either keeps its frame or has the one that just holds it.
    """
    width, height = size
    starts = [_start_of_clearest(side, np.tan(turn)) for side in sides]
    if sum(start is not None for start in starts) < _CLEAR_SIDES:
        return None
    # How wide a wedge is in its first line, and how far from the middle it ends, follow from each other.
    across = _reach(starts[::2], (width - np.tan(turn) * height) / 2, turn)
    down = _reach(starts[1::2], (height - np.tan(turn) * width) / 2, turn)
    if across is None and down is not None:
        across = _other_reach(down, height / 2, width / 2, turn)
    if down is None and across is not None:
        down = _other_reach(across, width / 2, height / 2, turn)
    return None if across is None or down is None else (across, down)


def _reach(starts: Sequence[float | None], middle: float, turn: float) -> float | None:
    known = [start for start in starts if start is not None]
    return float((middle - np.mean(known)) * np.cos(turn)) if known else None


def _other_reach(known: float, its_side: float, side: float, turn: float) -> float:
    """How far it reaches the other way, from half of both sides."""
    return side if abs(known - its_side) <= _SAME else float((side - known * np.sin(abs(turn))) / np.cos(turn))


def round_corners_of_one(left: Pixels, right: Pixels) -> tuple[Edges, Edges]:
    """Where the filling begins around the round corners that just one of two pictures (h, w, 3) has.

    None where the other has that color at its corners, or is mostly the one that it has there: the two may be a round
    and a square thing, or the same round one.
    """
    colors = color_of_corners(left), color_of_corners(right)
    if colors[0] is not None and colors[1] is not None and np.abs(colors[0] - colors[1]).max() <= max(_LIKE):
        return NO_EDGES, NO_EDGES
    edges = rounded_edges(left), rounded_edges(right)
    if bool(len(edges[0])) == bool(len(edges[1])) or _is_drawn_on(right if len(edges[0]) else left):
        return NO_EDGES, NO_EDGES
    return edges


def _is_drawn_on(picture: Pixels) -> bool:
    """Whether half of a picture has the one color of its corners, as a square button has, and hardly a scene."""
    color = color_of_corners(picture)
    return color is not None and bool((off_color(picture, color) <= min(_LIKE)).mean() >= _ONE_COLOR)


def rounded_edges(picture: Pixels) -> Edges:
    """Where the filling around the round corners of a picture (h, w, 3) begins, if it has such; tangents of the arcs.

    All four corners have one color, as far as arcs of one radius, and most of what lies within two of these has not.
    """
    height, width = picture.shape[:2]
    color = color_of_corners(picture)
    if color is None:
        return NO_EDGES
    most = round(_MOST_ROUND * min(height, width))
    corners = [picture[:most, :most], picture[:most, ::-1][:, :most]]
    corners += [picture[::-1][:most, :most], picture[::-1, ::-1][:most, :most]]
    is_like = np.stack([off_color(it, color) <= max(_LIKE) for it in corners])
    if is_like.all(axis=(1, 2)).sum() > len(corners) - _CLEAR_SIDES:
        return NO_EDGES
    counted = np.concatenate([is_like, np.ones_like(is_like[:1])])  # of each corner those alike, and all
    table = _first_radii(-(-most // _STEP_OF_TABLE) * _STEP_OF_TABLE)
    beyond, within, no_more = (first[:most, :most] for first in table)
    filled = _counts(counted, beyond)
    is_filled = (filled[:-1] / filled[-1]).min(axis=0) >= _FILLED_BEYOND_ARC
    if not is_filled.any():
        return NO_EDGES
    ring = _counts(counted, within) - _counts(counted, no_more)
    is_clear = ring[:-1] / ring[-1] <= _GOING_ON_WITHIN_ARC  # elsewhere the scene has that color, too
    radii = np.flatnonzero(is_filled & (is_clear.sum(axis=0) >= _CLEAR_SIDES)) + _LEAST_RADIUS
    return _tangents(width, height, int(radii[-1])) if len(radii) else NO_EDGES


def _counts(counted: NDArray[np.bool_], first: Places) -> NDArray[np.intp]:
    """How many of these points (n, side, side) count at each radius, of which each does from its `first` one on."""
    most = len(first)
    each = [np.bincount(first[it], minlength=most + 1)[: most + 1] for it in counted]
    return np.cumsum(each, axis=1)[:, _LEAST_RADIUS:]


@lru_cache(maxsize=4)
def _first_radii(side: int) -> tuple[Places, Places, Places]:
    """From which radius on a point of a left upper corner, so many pixels wide and high, lies beyond the arc.

    Also from which on it lies just within, and from which on no more. A point (x, y) is r - hypot(r - x, r - y) within
    an arc of radius r, which falls as r grows, and is -t where (x + t) + (y + t) - t + sqrt(2 (x + t) (y + t)) = r.
    """
    index = np.arange(side)
    in_square = np.maximum(index[:, None], index) + 1  # what lies beyond it is no part of the corner

    def last_at(off: float) -> NDArray[np.float64]:
        down, across = index[:, None] + 0.5 + off, index + 0.5 + off
        is_crossed = (down > 0) & (across > 0)  # others are so near a side that they are never further within
        return np.where(is_crossed, down + across - off + np.sqrt(np.maximum(2 * down * across, 0)), 0.0)

    beyond, within = np.floor(last_at(_OFF)) + 1, np.floor(last_at(-_MIXED - _OFF)) + 1
    no_more = np.ceil(last_at(-_OFF))
    first, second, third = (np.maximum(it, in_square).astype(np.intp) for it in (beyond, within, no_more))
    return first, second, third


def _tangents(width: int, height: int, radius: int) -> Edges:
    edges = []
    for right, lower in ((0, 0), (1, 0), (0, 1), (1, 1)):
        middle = np.array([width - radius if right else radius, height - radius if lower else radius])
        for angle in np.linspace(0.0, np.pi / 2, _TANGENTS):
            inward = np.array([-np.cos(angle) if right else np.cos(angle), -np.sin(angle) if lower else np.sin(angle)])
            edges.append([*inward, radius - _MIXED - inward @ middle])
    return in_units(np.array(edges), width, height)


def in_units(edges: Edges, width: int, height: int) -> Edges:
    """Edges between points in pixels as those between points in units of the longer side."""
    longer = max(width, height)
    scaled: Edges = edges * [longer, longer, 1.0]
    return scaled


def sides_within(width: int, height: int, inset: float) -> Edges:
    """The left, upper, right and lower side of a picture, so many pixels further in."""
    return np.array([(1.0, 0.0, -inset), (0.0, 1.0, -inset), (-1.0, 0.0, width - inset), (0.0, -1.0, height - inset)])


def color_of_corners(picture: Pixels) -> NDArray[np.float64] | None:
    """The color that all four corners have; None where they have several."""
    corners = picture[[0, 0, -1, -1], [0, -1, 0, -1]].astype(np.int16)  # (4, 3)
    color = np.sort(corners, axis=0)[1:3].mean(axis=0)  # the median, which NumPy takes its time for
    return None if np.abs(corners - color).max() > max(_LIKE) else color


def _edges(width: int, height: int, reaches: tuple[float, float], turn: float) -> Edges:
    """In pixels: a x + b y + c is how far a point lies within each."""
    middle = np.array([width / 2, height / 2])
    ways = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    inward = np.concatenate([ways, -ways])  # from the left, the upper, the right and the lower edge
    return np.column_stack([inward, np.tile(reaches, 2) - inward @ middle])


def _is_filled_beyond(edges: Edges, off: NDArray[np.uint8]) -> bool:
    """Whether the color of the corners ends there."""
    within = _within(edges, off.shape[::-1], (1.0, 1.0))
    beyond, near = off[within < -_OFF], off[(within > _OFF) & (within < _MIXED + _OFF)]
    if len(beyond) < _LEAST_FILLED or len(near) == 0:
        return False
    filled, going_on = (float(np.mean(it <= max(_LIKE))) for it in (beyond, near))
    return filled >= _FILLED and going_on <= _GOING_ON


def _start_of_clearest(off: NDArray[np.uint8], slope: float) -> float | None:
    """As `_start_of_wedge`, where the filling is told the clearer the less it may be off."""
    starts = (_start_of_wedge(off <= like, slope) for like in _LIKE)
    return next((start for start in starts if start is not None), None)


def _start_of_wedge(is_filling: NDArray[np.bool_], slope: float) -> float | None:
    """How wide the filling at the left side is in the first line, if it gets wider with each line by `slope`."""
    height, width = is_filling.shape
    runs = np.where(is_filling.all(axis=1), width, np.argmin(is_filling, axis=1))
    # The wedge at the end of the side belongs to the next side, and gets wider much faster.
    lines = np.flatnonzero((runs > _THIN) & (runs <= abs(slope) * height + _THIN))
    if len(lines) < max(_LEAST_LINES, _NARROWS / abs(slope)):
        return None
    start = float(np.median(runs[lines] - slope * lines))
    ends = start + slope * np.arange(height)
    is_wedge = (ends > _THIN) & (ends <= abs(slope) * height + _THIN)
    return start if np.mean(np.abs(runs - ends)[is_wedge] <= _OFF) >= _STRAIGHT else None


def on_near_side(edges: Edges, size: tuple[int, int], scales: tuple[float, float]) -> NDArray[np.bool_]:
    """Which pixels (h, w) of a picture of `size`, so many a unit across and down, lie within the edges."""
    return _within(edges, size, scales) >= 0.0


def filled_places(edges: Edges, picture: Pixels) -> NDArray[np.bool_]:
    """Which pixels (h, w) of a picture lie in the filling beyond its edges, clear of what is mixed with the picture."""
    height, width = picture.shape[:2]
    return _within(edges, (width, height), (max(height, width),) * 2) < -2 * _MIXED


def share_on_near_side(edges: Edges, picture: Pixels) -> float:
    """Which share (0..1) of a picture (h, w, 3) lies within its edges."""
    if len(edges) == 0:
        return 1.0
    size = scaled_size(picture, _MAP_SIZE / max(picture.shape[:2]))
    return float(on_near_side(edges, size, pixels_a_unit(size[::-1], extent_of(picture))).mean())


def _within(edges: Edges, size: tuple[int, int], scales: tuple[float, float]) -> NDArray[np.float64]:
    """How far each pixel lies within the nearest edge, (h, w)."""
    x, y = (np.arange(size[0]) + 0.5) / scales[0], (np.arange(size[1])[:, None] + 0.5) / scales[1]
    nearest = np.full((size[1], size[0]), np.inf)
    for across, down, offset in edges:
        np.minimum(nearest, across * x + (down * y + offset), out=nearest)
    return nearest
