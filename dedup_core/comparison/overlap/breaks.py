"""Whether a scene goes on beyond a rectangle in it: around a crop it does, around one of two pictures it breaks off."""

from typing import Final

import numpy as np

from dedup_core.arrays import Pixels
from dedup_core.comparison.structure.clusters import PixelBox

_APART: Final = 3  # lines to either side of an edge: more than an alignment is off
_NOISE: Final = 3.0  # gray levels, which compression leaves between two lines of one color
_BREAK: Final = 1.4  # docs/thresholds.md#written-margins


def breaks_off(whole: Pixels, box: PixelBox) -> bool:
    """Whether lines on both sides of the edges of a box differ more than lines that far apart on one side do.

    Edges that lie near the edge of the whole picture (h, w, 3) are left out; False if all do.
    """
    left, top, right, bottom = box
    height, width = whole.shape[:2]
    columns, rows = whole[top:bottom].swapaxes(0, 1), whole[:, left:right]
    beside = (columns, left), (rows, top), (columns[::-1], width - right), (rows[::-1], height - bottom)
    across = along = 0.0
    for lines, edge in beside:
        if 3 * _APART <= edge < len(lines) - 3 * _APART and lines.shape[1]:
            outer, outside, inside, inner = (lines[edge + _APART * step].astype(np.int16) for step in (-3, -1, 1, 3))
            across += float(np.abs(outside - inside).sum())
            one_side = max(np.abs(outer - outside).sum(), np.abs(inside - inner).sum())
            along += float(one_side + _NOISE * inside.size)
    return across > _BREAK * along
