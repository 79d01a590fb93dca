"""What lies next to an edge: mixed with a plain border that was trimmed, or with the desk below a page."""

from dataclasses import replace
from typing import Final

import numpy as np

from dedup_core.arrays import Pixels
from dedup_core.comparison.alignment.filled_corners import NO_EDGES, Edges, in_units, on_near_side, sides_within
from dedup_core.comparison.alignment.frame import Frame, frame_between, upright_corners
from dedup_core.comparison.alignment.gauss_newton import pixels_a_unit
from dedup_core.comparison.alignment.placing import Cut, Placed
from dedup_core.comparison.alignment.warp import LEAST_LEAN, lean_of
from dedup_core.comparison.structure.local_contrast import extent_of

_MIXED: Final = 2.0  # pixels: the first is almost all border; of the second, in what was made larger, a third is
_PARALLEL: Final = 0.99  # cosine, 8 degrees
_END: Final = 1.0 - 1e-9  # of a side
_RIM: Final = 0.012  # of the longer side: the desk shows there, too, along a page that was turned or photographed on it


def clear_of_borders(cut: Cut, placed: Placed) -> Cut:
    """What is cut out of two pictures, as they are placed, without what is mixed with a trimmed border.

    Where both were trimmed at one place, both are mixed alike, and nothing is left out.
    """
    frames = frame_between(upright_corners(placed.frames[0], placed.view)), placed.frames[1]
    ours, theirs = map(_trimmed_edges, (placed.left, placed.right), frames)
    edges = _without_common(ours, theirs @ placed.homography, 2 * _MIXED / max(placed.left.shape[:2]))
    if len(edges) == 0:
        return cut
    scales = pixels_a_unit(cut.inside.shape, extent_of(placed.left))
    return replace(cut, inside=cut.inside & on_near_side(edges, cut.left.size, scales))


def clear_of_rims(placed: Placed) -> Placed:
    """The same without what lies next to the edges of either picture, where they lie at an angle to each other."""
    if lean_of(placed.homography, placed.left) <= LEAST_LEAN:
        return placed
    ours, theirs = (
        np.concatenate([edges, _within_rim(picture)])
        for edges, picture in zip(placed.edges, (placed.left, placed.right), strict=True)
    )
    return replace(placed, edges=(ours, theirs))


def _within_rim(picture: Pixels) -> Edges:
    height, width = picture.shape[:2]
    return in_units(sides_within(width, height, _RIM * max(height, width)), width, height)


def _trimmed_edges(picture: Pixels, frame: Frame) -> Edges:
    """Where the part of a whole picture that a frame is, (h, w, 3), is no longer mixed with what was trimmed."""
    height, width = picture.shape[:2]
    x, y, across, down = frame
    is_trimmed = np.array([x > 0.0, y > 0.0, x + across < _END, y + down < _END])
    return in_units(sides_within(width, height, _MIXED)[is_trimmed], width, height) if is_trimmed.any() else NO_EDGES


def _without_common(ours: Edges, theirs: Edges, apart: float) -> Edges:
    """All edges but those which both have, at most so far `apart`."""
    theirs = theirs / np.hypot(theirs[:, :1], theirs[:, 1:2])
    is_parallel = ours[:, :2] @ theirs[:, :2].T > _PARALLEL
    is_common = is_parallel & (np.abs(ours[:, 2:] - theirs[:, 2]) <= apart)
    return np.concatenate([ours[~is_common.any(axis=1)], theirs[~is_common.any(axis=0)]])
