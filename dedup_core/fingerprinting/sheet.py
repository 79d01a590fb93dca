"""The corners of a sheet that lies before a plain ground: a print on a desk, a page that a phone took."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s

type Corners = NDArray[np.float64]
"""(4, 2): x and y, clockwise from the top left."""
_RING: Final = 2  # lines at the edges of the picture, which show the ground
_EVEN: Final = 20.0  # steps of luma that ground deviates by; with more it is no ground but a scene
_LEAST_CONTRAST: Final = 16.0  # steps of luma between a sheet and the ground,
_DEVIATIONS: Final = 3.0  # and at least so many deviations of the ground
_RUN: Final = 3  # points of a sheet, one behind the other, where grain and dust have fewer
_LEAST_SEEN: Final = 0.4  # of a side of the picture along which the sheet's edge is seen
_END: Final = 10  # a tenth at either end: corners are there, where other edges are met first
_OFF: Final = 1.5  # points between a straight edge and where the sheet begins, as pixels and blur leave it
_STRAIGHT: Final = 0.8  # of an edge that is no farther off
_STEEPEST: Final = 0.6  # of an edge, as a slope; a sheet turned further shows no edge along a side
_LEAST_SIDE: Final = 0.3  # of the picture's shorter side


class _Line(NamedTuple):
    """An edge of a sheet: `slope * along + start`, in points along and across a side of the picture."""

    slope: float
    start: float


def sheet_of(plane: Float32s) -> Corners | None:
    """The corners of a sheet in a plane of luma (h, w), in its points; None where none is seen.

    From each side of the picture the first points that are not like the ground must lie on one straight line.
    """
    ring = np.concatenate([part.ravel() for lines in (plane, plane.T) for part in (lines[:_RING], lines[-_RING:])])
    ground = np.median(ring)
    deviation = 1.4826 * np.median(np.abs(ring - ground))  # of a normal distribution, by its median
    if deviation > _EVEN:
        return None
    shown = np.abs(plane - ground) > max(_LEAST_CONTRAST, _DEVIATIONS * deviation)
    edges: list[_Line] = []
    for lines in (shown, shown[::-1], shown.T, shown.T[::-1]):
        edge = _first_edge(lines)
        if edge is None:
            return None
        edges.append(edge)
    high, wide = shown.shape
    top, left = edges[0], edges[2]
    bottom, right = (_Line(-edge.slope, size - edge.start) for edge, size in ((edges[1], high), (edges[3], wide)))
    corners = np.array([_crossing(*pair) for pair in ((top, left), (top, right), (bottom, right), (bottom, left))])
    sides = np.hypot(*edges_of(corners).T)
    return corners if sides.min() >= _LEAST_SIDE * min(high, wide) else None


def edges_of(corners: Corners) -> Corners:
    """From each corner to the next one, (4, 2)."""
    return np.roll(corners, -1, axis=0) - corners


def slant_of(corners: Corners) -> float:
    """How much the edge that runs least along a side of the picture falls or leans, by its length along that side."""
    edges = np.abs(edges_of(corners))
    return float((edges.min(axis=1) / edges.max(axis=1)).max())


def _first_edge(shown: NDArray[np.bool_]) -> _Line | None:
    """The straight edge that is met first on the way down each column; None where there is none."""
    runs = np.logical_and.reduce([shown[start : len(shown) - _RUN + 1 + start] for start in range(_RUN)])
    columns = np.flatnonzero(runs.any(axis=0))
    if len(columns) < max(2, _LEAST_SEEN * shown.shape[1]):
        return None
    end = len(columns) // _END
    columns = columns[end : len(columns) - end]
    along, across = columns + 0.5, runs[:, columns].argmax(axis=0).astype(np.float64)
    half = len(along) // 2
    # The median slope between the two halves (Siegel, "Robust regression using repeated medians", 1982, has all pairs),
    # then least squares of what lies on that.
    slope = float(np.median((across[half : 2 * half] - across[:half]) / (along[half : 2 * half] - along[:half])))
    line = _Line(slope, float(np.median(across - slope * along)))
    for _ in range(2):
        on = np.abs(across - line.slope * along - line.start) <= _OFF
        if on.sum() < _STRAIGHT * len(along):
            return None
        mean_along, mean_across = along[on].mean(), across[on].mean()
        spread = along[on] - mean_along
        slope = float(spread @ (across[on] - mean_across) / (spread @ spread))
        line = _Line(slope, float(mean_across - slope * mean_along))
    return line if abs(line.slope) <= _STEEPEST else None


def _crossing(across: _Line, down: _Line) -> tuple[float, float]:
    """Where an edge along the top or bottom, of y by x, meets one along a side, of x by y."""
    y = (across.slope * down.start + across.start) / (1 - across.slope * down.slope)
    return down.slope * y + down.start, y
