"""The eight ways to turn a picture."""

from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray


class View(StrEnum):
    """How the left image is turned to match the right one; names and directions (counterclockwise) as in Pillow."""

    UPRIGHT = "upright"
    MIRRORED = "mirrored"
    FLIPPED = "flipped"
    TURNED_180 = "turned_180"
    TRANSPOSED = "transposed"
    TURNED_270 = "turned_270"
    TURNED_90 = "turned_90"
    TRANSVERSED = "transversed"


TURNS: Final = (View.UPRIGHT, View.TURNED_270, View.TURNED_180, View.TURNED_90)
"""A picture turned clockwise by no, one, two and three quarters."""
MIRRORED_TURNS: Final = (View.FLIPPED, View.TRANSPOSED, View.MIRRORED, View.TRANSVERSED)
"""The same after it was turned upside down as in a mirror."""
VIEWS = tuple(View)
"""Every view, the four that keep rows as rows first, then the four that begin with a transposition."""

SWAPPING: Final = frozenset({View.TURNED_90, View.TURNED_270, View.TRANSPOSED, View.TRANSVERSED})
"""Views that exchange width and height."""
_STEPS: Final = {  # a view is a step along rows and one along columns, after a transposition for `SWAPPING`
    View.UPRIGHT: (1, 1),
    View.MIRRORED: (1, -1),
    View.FLIPPED: (-1, 1),
    View.TURNED_180: (-1, -1),
    View.TRANSPOSED: (1, 1),
    View.TURNED_90: (-1, 1),
    View.TURNED_270: (1, -1),
    View.TRANSVERSED: (-1, -1),
}
OPPOSITES: Final[dict[str, View]] = {View.TURNED_90: View.TURNED_270, View.TURNED_270: View.TURNED_90}
"""What undoes a view; those that are missing undo themselves."""


def turned[Value: np.generic](plane: NDArray[Value], view: View) -> NDArray[Value]:
    """The picture as `view` shows it; names and directions as in Pillow's `Transpose`."""
    down, across = _STEPS[view]
    straight = plane.swapaxes(0, 1) if view in SWAPPING else plane
    return straight[::down, ::across]


def turned_back(across: float, down: float, view: View) -> tuple[float, float]:
    """Where a point of a picture seen in `view` lies in the picture itself, both in shares of its sides."""
    step_down, step_across = _STEPS[view]
    x, y = across if step_across == 1 else 1.0 - across, down if step_down == 1 else 1.0 - down
    return (y, x) if view in SWAPPING else (x, y)


def opposite(view: View) -> View:
    """The view that undoes `view`."""
    return OPPOSITES.get(view, view)
