"""Where to start an alignment: the whole of one picture on the whole of the other."""

from typing import Final

import numpy as np

from dedup_core.arrays import Float64s
from dedup_core.comparison.structure.local_contrast import Extent, StructurePyramid
from dedup_core.views import MIRRORED_TURNS, SWAPPING, TURNS, View, turned

type Pyramids = tuple[StructurePyramid, StructurePyramid]
type Start = tuple[View, Float64s]
"""A view of the left picture, and the (2, 3) matrix from its points to points of the right one (see `Alignment`)."""
_SIZE: Final = 32  # pixels a side: enough to tell a view
_SYMMETRIC: Final = 0.97  # of the best view's score: of a symmetric picture as good, and no other view is told
_VIEWS: Final = tuple(View)


def stretch_starts(pyramids: Pyramids, hint: View | None) -> list[Start]:
    """The whole of one picture on the whole of the other: the best view, and the hinted one."""
    left, right = pyramids
    ours, theirs = left.stretched(_SIZE, _SIZE), right.stretched(_SIZE, _SIZE)
    scores = {view: float((turned(ours, view) * theirs).sum()) for view in _VIEWS}
    best = max(scores, key=lambda view: scores[view])
    if scores[View.UPRIGHT] >= _SYMMETRIC * scores[best]:
        best = View.UPRIGHT
    views = [best] if hint is None or hint is best else [best, hint]
    return [(view, whole_on_whole(left, right, view)) for view in views]


def whole_on_whole(left: StructurePyramid, right: StructurePyramid, view: View) -> Float64s:
    """The matrix that stretches one picture onto the other, in the units of `Alignment`."""
    width, height = left.extent[::-1] if view in SWAPPING else left.extent
    return np.array([[right.extent[0] / width, 0.0, 0.0], [0.0, right.extent[1] / height, 0.0]])


def in_nearest_view(matrix: Float64s, extent: Extent, *, mirrored: bool) -> Start:
    """The start in the view that leaves the least turn to be done by the matrix.

    `matrix` maps points of the left picture (`mirrored`: upside down), whose `extent` is given, to points of the right.
    """
    angle = np.arctan2(matrix[1, 0] - matrix[0, 1], matrix[0, 0] + matrix[1, 1])
    quarters = round(float(angle) / (np.pi / 2)) % 4
    view = (MIRRORED_TURNS if mirrored else TURNS)[quarters]
    # From points of the picture in that view to points of the picture (or its mirror image) before it was turned.
    width, height = extent[::-1] if view in SWAPPING else extent
    cosine, sine = (1, 0, -1, 0)[quarters], (0, 1, 0, -1)[quarters]
    back = np.array([[cosine, sine], [-sine, cosine]], np.float64)
    shift = np.array(extent) / 2 - back @ np.array([width, height]) / 2
    return view, np.column_stack([matrix[:, :2] @ back, matrix[:, :2] @ shift + matrix[:, 2]])


def zoom_of(matrix: Float64s) -> float:
    """How many times as long a line becomes, on average of all directions, by the affine part of a map of points."""
    return float(abs(np.linalg.det(matrix[:2, :2])) ** 0.5)
