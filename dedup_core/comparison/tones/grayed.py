"""Whether one picture is gray where the other one has several colors of one lightness, and is no gray copy as a whole.

A curve for each channel takes each color to one color: what is the same gray after it had one color before.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float64s, squares_off_means

# docs/thresholds.md#tone-is-not-color
_GRAY: Final = 2.0  # CIELAB units of color that rounding and compression leave of none
_SURELY_GRAY: Final = 1.2
_COLORED: Final = 9.0  # CIELAB units; the coarsest JPEG takes less from a pale color
_LEAST_SHARE: Final = 0.1  # of the picture
_CLIPPED: Final = (8.0, 96.0)  # of L: black and white beyond these have no color
_ONE_LIGHTNESS: Final = 6.0  # of L
FEW: Final = 6  # blocks of one color or lightness that say something about it


def grayed(ours: Float64s, theirs: Float64s, counted: NDArray[np.bool_]) -> float:
    """How far colors of one lightness are from their mean where one of two pictures has none, CIELAB units.

    `ours` and `theirs` (3, n) are blocks in CIELAB, of which those `counted` (n,) count. Root of the mean of squares,
    of the picture for which it is more; 0 where no tenth of it lost a color that could be seen.
    """
    return max(_lost_in(it, other, counted) for it, other in ((ours, theirs), (theirs, ours)))


def _lost_in(gray: Float64s, colored: Float64s, counted: NDArray[np.bool_]) -> float:
    color = np.hypot(gray[1], gray[2])
    place = counted & (color < _GRAY) & (gray[0] > _CLIPPED[0]) & (gray[0] < _CLIPPED[1])
    lost = place & (color < _SURELY_GRAY) & (np.hypot(colored[1], colored[2]) > _COLORED)
    if not lost.any() or lost.sum() < _LEAST_SHARE * counted.sum():
        return 0.0
    lightness = (gray[0, place] / _ONE_LIGHTNESS).astype(np.intp)
    squares, told = squares_off_means(colored[1:, place], lightness, np.ones(len(lightness)), FEW)
    return float(np.sqrt(squares[told].mean())) if told.any() else 0.0
