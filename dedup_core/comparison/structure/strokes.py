"""How much is written in a picture: a line across writing meets many strokes, one across a sign few."""

from typing import Final

import numpy as np

from dedup_core.arrays import Pixels
from dedup_core.comparison.structure.images import in_mode

_LEVELS: Final = 8  # of luma in one of the shades of which the most frequent one is the ground
_CONTRAST: Final = 32.0  # levels of luma between the ground and a stroke, an eighth of all


def strokes_across(picture: Pixels) -> float:
    """The median number of strokes on a row, or on a column if that is more, of those that meet any; (h, w, 3)."""
    luma = np.asarray(in_mode(picture, "L"))
    ground = _LEVELS * np.bincount((luma // _LEVELS).ravel()).argmax() + _LEVELS / 2
    ink = (np.abs(luma - ground) > _CONTRAST).astype(np.int8)
    numbers = ((np.diff(it, axis=1, prepend=0) > 0).sum(axis=1) for it in (ink, ink.T))
    return max(float(np.median(met[met > 0])) if met.any() else 0.0 for met in numbers)
