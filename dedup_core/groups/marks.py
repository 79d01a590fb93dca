"""Marks: of which image of a pair it counts that something lies over or around it."""

from typing import Final

import numpy as np

from dedup_core.arrays import Float64s
from dedup_core.groups.columns import Bools
from dedup_core.groups.parts import Parts, Ties

_MADE_OF: Final = 2.0  # times the true sides: what is so much larger was not made of the other one
_ROUNDING: Final = 1.0  # pixels of a side


def marked_ends(parts: Parts, links: Ties) -> tuple[Bools, Bools]:
    """Of which image of a pair it counts that something lies over or around it.

    Not of one in which the other would be far larger: that is a thumbnail, and not what it was made of.
    """
    true = _true_sizes(parts)
    first, second = true[:, links.first], true[:, links.second]
    return (
        links.first_marked & ~_is_far_larger(first, second, links.upright),
        links.second_marked & ~_is_far_larger(second, first, links.upright),
    )


def _is_far_larger(whole: Float64s, other: Float64s, upright: Bools) -> Bools:
    """Whether the other picture would have to be enlarged that much to fill what it can of the whole one, (2, n) each.

    On a screen a wide photo has no more pixels than the screen is wide, however long that is.
    """
    least = _MADE_OF * (other - _ROUNDING)
    return (whole >= least).all(axis=0) | (~upright & (whole[::-1] >= least).all(axis=0))


def _true_sizes(parts: Parts) -> Float64s:
    """Width and height (2, n) at which an image would show all it has, as far as that is known."""
    sizes = np.stack([parts.images["width"], parts.images["height"]]).astype(np.float64)
    longer = np.maximum(1, sizes.max(axis=0))
    true = parts.images["detail_side"]
    return sizes * np.where(true > 0, true / longer, 1.0)
