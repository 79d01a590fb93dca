"""Whether a picture was turned by some degrees and what that left empty was filled with one color."""

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


def has_filled_corners(picture: Pixels, turn: float) -> bool:
    """Whether wedges of one color lie at the corners of a picture (h, w, 3), as a turn by `turn` degrees leaves them.

    All four corners have that color, and along two sides across from each other the wedge gets thinner by the tangent
    of the turn with each line. What a scene or a packshot has around it ends along no such lines.
    """
    if not _LEAST_TURN <= turn <= _MOST_TURN or min(picture.shape[:2]) < 2 * _LEAST_LINES:
        return False
    corners = picture[[0, 0, -1, -1], [0, -1, 0, -1]].astype(np.int16)  # (4, 3)
    color = np.median(corners, axis=0)
    if np.abs(corners - color).max() > max(_LIKE):
        return False
    off = np.abs(picture - color).max(axis=2)  # (h, w)
    slope = float(np.tan(np.radians(turn)))
    return any(_has_wedges(off <= like, way * slope) for like in _LIKE for way in (1, -1))


def _has_wedges(is_filling: NDArray[np.bool_], slope: float) -> bool:
    """Whether wedges lie at two sides across from each other: those at the others may be too thin to be seen."""
    sides = [_is_wedge(np.rot90(is_filling, quarter), slope) for quarter in range(4)]
    return (sides[0] and sides[2]) or (sides[1] and sides[3])


def _is_wedge(is_filling: NDArray[np.bool_], slope: float) -> bool:
    """Whether the filling at the left side gets wider with each line by `slope`."""
    height, width = is_filling.shape
    runs = np.where(is_filling.all(axis=1), width, np.argmin(is_filling, axis=1))
    # The wedge at the end of the side belongs to the next side, and gets wider much faster.
    lines = np.flatnonzero((runs > _THIN) & (runs <= abs(slope) * height + _THIN))
    if len(lines) < max(_LEAST_LINES, _NARROWS / abs(slope)):
        return False
    starts = runs[lines] - slope * lines
    return bool(np.mean(np.abs(starts - np.median(starts)) <= _OFF) >= _STRAIGHT)
