"""Where a picture was turned by some degrees and what that left empty was filled with one color."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Pixels

_LIKE: Final = (6, 24)  # of 255 in each channel: what dark scenes are not, and what saving leaves of one color
_LEAST_TURN, _MOST_TURN = 0.7, 45.0  # degrees: of less the wedges are too thin, of more a side is that of another view
_OFF: Final = 1.5  # pixels by which a line may be off
_THIN: Final = 2.0  # pixels; thinner wedges have no shape
_LEAST_LINES: Final = 8
_STRAIGHT: Final = 0.8  # of the lines of a wedge must end on its line
_NARROWS: Final = 3.0  # pixels at least by which a wedge gets thinner: of less it is not known which way
_CLEAR_SIDES: Final = 2  # with a wedge: along the others it may be too thin, or of the color of the scene
_MIXED: Final = 3.0  # pixels along its edge, in which filling and picture are mixed
_SAME: Final = 2.0  # pixels by which half a side may be off

type Edges = NDArray[np.float64]
"""(n, 3): a x + b y + c is at least 0 on the near side of each, for points in units of the longer side."""
NO_EDGES: Final[Edges] = np.empty((0, 3))


def has_filled_corners(picture: Pixels, turn: float) -> bool:
    """Whether wedges of one color lie at the corners of a picture (h, w, 3), as a turn by `turn` degrees leaves."""
    return len(filled_edges(picture, turn)) > 0


def filled_edges(picture: Pixels, turn: float) -> Edges:
    """Where the filling ends that a turn by `turn` degrees has left at the corners of a picture (h, w, 3).

    All four corners have that color, and along two sides the wedge gets thinner by the tangent of the turn with each
    line. What a scene or a packshot has around it ends along no such lines.
    """
    height, width = picture.shape[:2]
    if not _LEAST_TURN <= turn <= _MOST_TURN or min(height, width) < 2 * _LEAST_LINES:
        return NO_EDGES
    corners = picture[[0, 0, -1, -1], [0, -1, 0, -1]].astype(np.int16)  # (4, 3)
    color = np.median(corners, axis=0)
    if np.abs(corners - color).max() > max(_LIKE):
        return NO_EDGES
    off = np.abs(picture - color).max(axis=2)  # (h, w)
    for way in (np.radians(turn), -np.radians(turn)):
        starts = [_start_of_clearest(np.rot90(off, quarter), np.tan(way)) for quarter in range(4)]
        if sum(start is not None for start in starts) >= _CLEAR_SIDES:
            edges: Edges = _edges(width, height, starts, way) * [*[max(height, width)] * 2, 1.0]
            return edges
    return NO_EDGES


def _edges(width: int, height: int, starts: Sequence[float | None], turn: float) -> Edges:
    """In pixels, of all four sides: a turn about the middle leaves wedges that are alike across from each other.

    Where both are too thin, the picture either keeps its frame or has the one that just holds it.
    """
    slope = np.tan(turn)
    # How wide a wedge is in its first line, and how far from the middle the picture ends, follow from each other.
    middles = (width - slope * height) / 2, (height - slope * width) / 2
    reaches = [_reach(starts[axis::2], middles[axis], turn) for axis in (0, 1)]
    for axis, side, other in ((0, width, height), (1, height, width)):
        known = reaches[1 - axis]
        if reaches[axis] is None and known is not None:
            keeps_frame = abs(known - other / 2) <= _SAME
            reaches[axis] = side / 2 if keeps_frame else (side / 2 - known * np.sin(abs(turn))) / np.cos(turn)
    edges, quarter = [], np.eye(3)
    for number, across in enumerate((width, height, width, height)):
        reach = reaches[number % 2] or 0.0
        start = middles[number % 2] - reach / np.cos(turn)
        edges.append(np.array([1.0, -slope, slope / 2 - start - _MIXED]) @ quarter)
        # Points of the picture as those of what `rot90` makes of it, in which the next wedge is at the left side.
        quarter = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, across], [0.0, 0.0, 1.0]]) @ quarter
    return np.array(edges)


def _reach(starts: Sequence[float | None], middle: float, turn: float) -> float | None:
    """How far from the middle a picture ends at sides whose wedges are that wide in their first lines."""
    known = [start for start in starts if start is not None]
    return float((middle - np.mean(known)) * np.cos(turn)) if known else None


def _start_of_clearest(off: NDArray[np.int16], slope: float) -> float | None:
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
    x, y = (np.arange(size[0]) + 0.5) / scales[0], (np.arange(size[1])[:, None] + 0.5) / scales[1]
    near = np.ones((size[1], size[0]), np.bool_)
    for across, down, offset in edges:
        near &= across * x + (down * y + offset) >= 0.0
    return near
