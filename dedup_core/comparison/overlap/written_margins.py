"""Whether something is written in a margin: a caption above a picture, a banner below it, an app around it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s

# docs/thresholds.md#written-margins
_LEAST_LINES: Final = 4  # of 192: nothing that can be read is lower
_ONE_GRAY: Final = 8.0  # levels of 255 either way of what most of a margin has
_GROUND: Final = 0.5  # of a margin
_INK: Final = 64.0  # levels of 255 off the ground
_LEAST_INK: Final = 0.003  # of the whole picture: less is a clock in the corner of a screen
_APART: Final = 3  # lines between the picture and what is written: the nearest may be a mixture of both
_REACHING: Final = 0.02  # of the clearest of those lines: what reaches them goes on, as a scene does that was cropped
_SAME_PAPER: Final = 0.5  # of the lines inside: then the edge is a line ruled on it


def is_written(margin: Float32s, inside: Float32s, whole: int) -> bool:
    """Whether a margin has ink on a ground that is clear next to the picture, and is not the picture's own.

    `margin` and `inside` are the lines (h, w) on either side of the edge, those nearest to it last, of a picture of so
    many points. A scene of which one picture shows more goes on to that edge, and has no ground; a page has the same.
    """
    nearest, farther = margin[-_APART:], margin[:-_APART]
    if len(farther) < _LEAST_LINES:
        return False
    ground = float(np.bincount(farther.astype(np.uint8).ravel(), minlength=256).argmax())
    if _share(np.abs(farther - ground) <= _ONE_GRAY) < _GROUND:
        return False
    if _share(np.abs(inside[:-_APART] - ground) <= _ONE_GRAY) >= _SAME_PAPER:
        return False
    is_clear = any(_share(np.abs(line - ground) > _INK) <= _REACHING for line in nearest)
    # A line of one gray from end to end is a frame around the margin, and nothing that is written in it.
    lines = [line for line in farther if _share(np.abs(line - np.median(line)) > _ONE_GRAY) > _REACHING]
    return is_clear and sum(int((np.abs(line - ground) > _INK).sum()) for line in lines) >= _LEAST_INK * whole


def _share(places: NDArray[np.bool_]) -> float:
    return float(places.mean()) if places.size else 0.0
