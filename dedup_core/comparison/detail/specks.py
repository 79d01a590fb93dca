"""How far the worst of many places is off, but for a few that may be anything."""

from typing import Final

from dedup_core.arrays import Float32s, largest_but

_SPECKS: Final = 2  # places: dust, a dead pixel, the corner of a border
_PLACES_A_SPECK: Final = 100  # of fewer, a block is a fifth of a side, and no speck


def specks_among(places: int) -> int:
    """How many of so many places may be specks."""
    return min(_SPECKS, places // _PLACES_A_SPECK)


def worst_of(values: Float32s, more: float = 0.0) -> float:
    """The largest but for specks, and but for that share `more` if there are many; 0 for too few."""
    left_out = max(specks_among(len(values)), int(more * len(values)))
    return largest_but(values, left_out)
