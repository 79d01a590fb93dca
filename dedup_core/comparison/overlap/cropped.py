"""What both show of a picture that was cropped to be shown inside another one: the rectangle in which they agree.

A tile of a collage and a card of a page show the middle of a photograph, and its neighbors where the rest would lie.
"""

from dataclasses import replace
from typing import Final

from dedup_core.arrays import Pixels
from dedup_core.comparison.alignment.frame import frame_between
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.detail.closer_look import Look, look_closer
from dedup_core.comparison.measurement import FEW_PARTS, MANY_BLOCKS, MOST_OF_ONE
from dedup_core.comparison.overlap.laid import Laid, shares_shown
from dedup_core.comparison.overlap.shared_rectangle import shared_rectangle
from dedup_core.comparison.regions import RegionKind
from dedup_core.comparison.structure.clusters import PixelBox

_SMALL: Final = 0.5  # coverage of which a preset may say that it is too little


def in_shared_rectangle(
    left: Pixels, right: Pixels, laid: Laid, look: Look, placed: Placed
) -> tuple[Laid, Look, Placed] | None:
    """The same two, laid and looked at only where they agree, if that is most of one of them and nothing differs there.

    None where little differs, or both show half of the other: then what differs is in the scene.
    """
    if laid.pair.coverage >= _SMALL or look.detail is None or look.detail.altered_share <= FEW_PARTS:
        return None
    (top, bottom, first, last), cut = shared_rectangle(look, placed)
    height, width = cut.inside.shape
    shares = shares_shown(placed, (bottom - top) * (last - first) / cut.inside.size)
    if shares[1] < MOST_OF_ONE:
        return None
    top, bottom, first, last = _inset((top, bottom, first, last), cut.bounds())
    region = placed.region(RegionKind.SHARED, first / width, top / height, last / width, bottom / height)
    frames = frame_between(region.left.corners), frame_between(region.right.corners)
    cropped = placed.within(left, right, frames).refined(rough=False)
    shown = Laid.of(cropped)
    if shown is None:
        return None
    closer = look_closer(cropped, recolored=shown.is_recolored)
    if closer.detail is None or closer.detail.blocks < 2 * MANY_BLOCKS or closer.finds_much:
        return None
    pair = replace(shown.pair, coverage=shares[0])
    return replace(shown, pair=pair, inner_coverage=shares[1], is_cropped=True), closer, cropped


def _inset(rectangle: tuple[int, int, int, int], shown: PixelBox | None) -> tuple[int, int, int, int]:
    """The rectangle without the outermost cells, which may lie half on a neighbor, where both show more beyond them."""
    top, bottom, first, last = rectangle
    left, up, right, down = shown or (first, top, last, bottom)
    return top + (top > up), bottom - (bottom < down), first + (first > left), last - (last < right)
