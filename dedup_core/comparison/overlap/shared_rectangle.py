"""The rectangle in which two pictures agree that lie on each other."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.comparison.alignment.placing import Cut, Placed
from dedup_core.comparison.detail.closer_look import Look

_CELLS: Final = 64  # of the longer side: a tile of a quarter is told to a thirtieth of its side
_CHANGED: Final = -3.0  # what a cell that differs takes away: edges of neighbors agree here and there


def shared_rectangle(look: Look, placed: Placed) -> tuple[tuple[int, int, int, int], Cut]:
    """The rectangle in which most is unchanged: top, bottom, first and last column of a cut of few pixels, and that."""
    cut = placed.cut(_CELLS / max(placed.left.shape[:2]), "L")
    unchanged = np.asarray(look.unchanged.resize(cut.left.size)) > 0
    return _largest_sum(np.where(cut.inside, np.where(unchanged, 1.0, _CHANGED), -float(cut.inside.size))), cut


def _largest_sum(cells: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """The rectangle whose cells have the largest sum: top, bottom, first and last column, ends excluded.

    Source: Bentley, "Programming pearls: algorithm design techniques", CACM 27(9), 1984, for each pair of rows.
    """
    rows, columns = cells.shape
    above = np.zeros((rows + 1, columns + 1))
    above[1:, 1:] = cells.cumsum(axis=0).cumsum(axis=1)
    tops, bottoms = np.triu_indices(rows + 1, 1)
    strips = above[bottoms] - above[tops]  # (pairs of rows, columns + 1): sums of all columns before
    least = np.minimum.accumulate(strips, axis=1)
    strip, last = np.unravel_index(int((strips - least).argmax()), strips.shape)
    first = int(strips[strip, : last + 1].argmin())
    return int(tops[strip]), int(bottoms[strip]), first, max(int(last), first + 1)
