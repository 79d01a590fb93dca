"""Two pages that lie on each other, looked at again at a larger size, tile by tile: one digit of an invoice."""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from typing import Final

import numpy as np

from dedup_core.arrays import Pixels
from dedup_core.comparison.alignment.frame import Frame
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.alignment.trimmed_borders import clear_of_rims
from dedup_core.comparison.detail.closer_look import NOT_LOOKED, Look, look_closer
from dedup_core.comparison.regions import Box, RegionKind
from dedup_core.limits import FINE_GAIN, WORKING_SIZE

_OVERLAP: Final = 16  # pixels of neighboring tiles, a block: what lies on an edge lies within the other tile
_AROUND: Final = 0.02  # of a side: how much more of the right page is cut out, so that what lies a little off is in it


def look_at_fine_print(placed: Placed, left: Pixels | None, right: Pixels | None) -> Look:
    """The detail of the tile in which most stands out, with the regions of all; no look without lumas.

    `left` and `right` are the luma (h, w) of the whole pictures that were `placed`, left not turned. They are compared
    at the size of the one of which less can be read; where that is hardly more than the working size, not at all.
    """
    if left is None or right is None or np.array_equal(left, right):
        return NOT_LOOKED
    wholes = _as_colors(left), _as_colors(right)
    placed = clear_of_rims(placed)
    looks = [look for tile in _tiles(placed, wholes) if not (look := _closest_look(tile)).shows_nothing]
    most = max(looks, key=_standing_out, default=NOT_LOOKED)
    if most.detail is None:
        return most
    detail = replace(most.detail, faded=max(look.detail.faded for look in looks if look.detail))
    return replace(most, detail=detail, regions=tuple(region for look in looks for region in look.regions))


def _standing_out(look: Look) -> tuple[float, float]:
    return (look.detail.outlier, look.detail.worst) if look.detail else (0.0, 0.0)


def _closest_look(tile: Placed) -> Look:
    """As both lie by the alignment of the whole pages, or nearer: a scan is bent."""
    look = look_closer(tile)
    if look.finds_next_to_nothing:
        return look
    refined = tile.refined(rough=False)
    return look if refined.shows_the_same_as(tile) else look.or_better(look_closer(refined))


def _tiles(placed: Placed, wholes: tuple[Pixels, Pixels]) -> Iterator[Placed]:
    """Parts of what was placed that have the working size; none where it is hardly larger than it was seen before."""
    whole = placed.within(*wholes, placed.frames)
    height, width = _compared(whole)
    if max(height, width) < FINE_GAIN * max(_compared(placed)):
        return
    for top, bottom in _spans(height):
        for left, right in _spans(width):
            region = placed.region(RegionKind.SHARED, left, top, right, bottom)
            if region.left.area > 0 and region.right.area > 0:
                yield placed.within(*wholes, (_frame(region.left), _frame(_around(region.right))))


def _compared(placed: Placed) -> tuple[float, float]:
    """Height and width in pixels at which the two are compared: those of the one with fewer."""
    height, width = placed.left.shape[:2]
    return height * min(1.0, placed.zoom), width * min(1.0, placed.zoom)


def _spans(pixels: float) -> list[tuple[float, float]]:
    """Equal spans of a side of so many pixels, in shares of it, of which each has the working size or less."""
    count = max(1, ceil((pixels - _OVERLAP) / (WORKING_SIZE - _OVERLAP)))
    lap = _OVERLAP / pixels if count > 1 else 0.0
    step = (1.0 - lap) / count
    return [(number * step, min(1.0, (number + 1) * step + lap)) for number in range(count)]


def _around(box: Box) -> Box:
    return Box.around([(box.left - _AROUND, box.top - _AROUND), (box.right + _AROUND, box.bottom + _AROUND)])


def _frame(box: Box) -> Frame:
    return box.left, box.top, box.right - box.left, box.bottom - box.top


def _as_colors(luma: Pixels) -> Pixels:
    """The same as (h, w, 3), without another copy."""
    return np.broadcast_to(luma[..., None], (*luma.shape, 3))
