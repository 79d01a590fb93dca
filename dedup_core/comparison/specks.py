"""How far the worst of many places is off, but for a few that may be anything."""

from typing import Final

import numpy as np

from dedup_core.arrays import Float32s

SPECKS: Final = 2  # places: dust, a dead pixel, the corner of a border
_PLACES_A_SPECK: Final = 100  # of fewer a place is a tenth of a side, and no speck


def worst_of(values: Float32s, more: float = 0.0) -> float:
    """The largest but for so many as may be specks, and but for that share `more` if there are many; 0 for too few."""
    left_out = max(min(SPECKS, len(values) // _PLACES_A_SPECK), int(more * len(values)))
    return float(np.partition(values, -left_out - 1)[-left_out - 1]) if len(values) > left_out else 0.0
