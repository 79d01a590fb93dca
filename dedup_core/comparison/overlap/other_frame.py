"""What of one picture lies in the frame of the other: margins that both have are no frame of one."""

from typing import Final

import numpy as np
from PIL import Image

from dedup_core.arrays import Pixels
from dedup_core.comparison.overlap.margins import show_the_same
from dedup_core.comparison.regions import Corners
from dedup_core.comparison.structure.images import in_mode

LEAST_MARGIN: Final = 0.02  # of a side; less is the uncertainty of the alignment
_LINES, _POINTS = 16, 32  # of a margin: grain and what is written there are averaged in these


def within_the_other(ours: Corners, theirs: Corners, wholes: tuple[Pixels, Pixels]) -> Corners:
    """What lies in the frame of the other picture: `ours`, and as much around it as there is around `theirs`.

    Plain margins are trimmed of both before one is laid on the other. What both have around them is no frame of one;
    from where on it looks otherwise it was put around a crop.
    """
    left, top, right, bottom = ours
    across, down = (
        span / max(other, LEAST_MARGIN)
        for span, other in ((right - left, theirs[2] - theirs[0]), (bottom - top, theirs[3] - theirs[1]))
    )
    wider = (
        max(0.0, left - across * theirs[0]),
        max(0.0, top - down * theirs[1]),
        min(1.0, right + across * (1 - theirs[2])),
        min(1.0, bottom + down * (1 - theirs[3])),
    )
    found = list(ours)
    for side in range(4):
        found[side] += (wider[side] - ours[side]) * _share_alike(side, (ours, wider), theirs, wholes)
    return found[0], found[1], found[2], found[3]


def _share_alike(side: int, reach: tuple[Corners, Corners], theirs: Corners, wholes: tuple[Pixels, Pixels]) -> float:
    """How far out (0..1) what lies at a side between two boxes of ours looks like what lies there around `theirs`."""
    ours, wider = reach
    along, across = side % 2, 1 - side % 2
    width = wider[side] - ours[side]
    if abs(width) <= LEAST_MARGIN:
        return 1.0
    times = (theirs[along + 2] - theirs[along]) / (ours[along + 2] - ours[along])
    strips = (
        _lines_of(wholes[0], along, (ours[side], wider[side]), (ours[across], ours[across + 2])),
        _lines_of(wholes[1], along, (theirs[side], theirs[side] + width * times), (theirs[across], theirs[across + 2])),
    )
    if any(strip.size == 0 for strip in strips):  # the part reaches beyond the other picture, where its frame ends
        return 1.0
    is_alike = show_the_same(*strips)
    return 1.0 if is_alike.all() else float(is_alike.argmin()) / len(is_alike)


def _lines_of(whole: Pixels, along: int, reach: tuple[float, float], span: tuple[float, float]) -> Pixels:
    """Some lines (lines, points, 3) of what lies within both, in shares of the sides, from the start of the reach on.

    `reach` is from left to right if `along` is 0, and from the top down if it is 1. None of what lies beyond an edge.
    """
    height, width = whole.shape[:2]
    first, last = sorted(reach)
    left, top, right, bottom = (first, span[0], last, span[1]) if along == 0 else (span[0], first, span[1], last)
    box = max(0.0, left * width), max(0.0, top * height), min(1.0, right) * width, min(1.0, bottom) * height
    if box[2] - box[0] <= 0 or box[3] - box[1] <= 0:
        return whole[:0]
    size = (_LINES, _POINTS) if along == 0 else (_POINTS, _LINES)
    found = np.asarray(in_mode(whole, "RGB").resize(size, Image.Resampling.BOX, box))
    lines = found.swapaxes(0, 1) if along == 0 else found
    return lines if reach[0] <= reach[1] else lines[::-1]
