"""Even areas that have another color each, between lines that are the same: bricks of another wall, another map."""

from typing import Final

import numpy as np

from dedup_core.arrays import Float32s
from dedup_core.color.lab import block_means
from dedup_core.comparison.exposure import BLOCK, COUNTED

_EVEN: Final = 20.0  # variance in CIELAB units: more in a block is an edge, or a texture
_OTHER: Final = 12.0  # CIELAB units between two colors; docs/thresholds.md#exchanged-colors
_SAME: Final = 3.0  # the same within one: no curve is so steep that it makes other colors of it
_FEW: Final = 60  # pairs of places, of which a few say nothing
_APART: Final = (
    *((0, 2), (0, 4), (0, 5), (0, 7), (2, 0), (4, 0), (5, 0), (7, 0)),
    *((3, 3), (3, -3), (5, 5), (5, -5)),
)
"""How many blocks down and across two places lie apart: near enough for the light on both to be the same."""


def exchanged_colors(labs: tuple[Float32s, Float32s], counted: Float32s) -> float:
    """Of two places nearby that one picture shows in two colors, how often the other shows them in one, 0..1.

    Of two aligned pictures in CIELAB, (h, w, 3) each; `counted` (h, w) is 1 where they show the same shapes. A change
    of light, tone or color keeps what had one color in one color, but for what it clips or makes gray; from one picture
    to the other or back again. So the direction in which it happens less often counts.
    """
    means = [block_means(lab, BLOCK) for lab in labs]
    even = block_means(counted[..., None].astype(np.float32), BLOCK)[..., 0] > COUNTED
    for lab, mean in zip(labs, means, strict=True):
        even &= (block_means(lab * lab, BLOCK) - mean * mean).sum(axis=2) < _EVEN
    rows, columns = even.shape
    others, same = np.zeros(2), np.zeros(2)
    for down, across in _APART:
        if down >= rows or abs(across) >= columns:
            continue
        here = slice(0, rows - down), slice(max(0, -across), columns - max(0, across))
        there = slice(down, rows), slice(max(0, across), columns + min(0, across))
        both = even[here] & even[there]
        apart = np.stack([np.linalg.norm(mean[here][both] - mean[there][both], axis=1) for mean in means])  # (2, n)
        are_two = apart > _OTHER
        others += are_two.sum(axis=1)
        same += (are_two & (apart[::-1] < _SAME)).sum(axis=1)
    return float((same / (others + _FEW)).min())
