"""What both show of a picture that was cropped to be shown inside another one: the rectangle in which they agree.

A tile of a collage and a card of a page show the middle of a photograph, and its neighbors where the rest would lie.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Pixels
from dedup_core.comparison.alignment.frame import Frame
from dedup_core.comparison.alignment.placing import Cut, Placed
from dedup_core.comparison.detail.closer_look import Look, look_closer
from dedup_core.comparison.measurement import FEW_PARTS, MANY_BLOCKS, MOST_OF_ONE
from dedup_core.comparison.overlap.laid import Laid, shares_shown
from dedup_core.comparison.overlap.margins import cut_within
from dedup_core.comparison.overlap.which_side import surrounded
from dedup_core.comparison.regions import Box, Corners, RegionKind
from dedup_core.comparison.structure.clusters import PixelBox
from dedup_core.views import turned

_SMALL: Final = 0.5  # coverage of which a preset may say that it is too little
_CELLS: Final = 64  # of the longer side: a tile of a quarter is told to a thirtieth of its side
_ALIKE: Final = 5.0  # gray levels
_MOST_ALIKE: Final = 0.25  # of the points under a frame (0.0 to 0.18); under large letters 0.37 and more
_CHANGED: Final = -3.0  # what a cell that differs takes away: edges of neighbors agree here and there


def in_shared_rectangle(
    left: Pixels, right: Pixels, laid: Laid, look: Look, placed: Placed
) -> tuple[Laid, Look, Placed] | None:
    """The same two, laid and looked at only where they agree, if that is most of one of them and nothing differs there.

    None where little differs, or both show half of the other: then what differs is in the scene.
    """
    if laid.pair.coverage >= _SMALL or look.detail is None or look.detail.altered_share <= FEW_PARTS:
        return None
    (top, bottom, first, last), cut = _shared_rectangle(look, placed)
    height, width = cut.inside.shape
    shares = shares_shown(placed, (bottom - top) * (last - first) / cut.inside.size)
    if shares[1] < MOST_OF_ONE:
        return None
    top, bottom, first, last = _inset((top, bottom, first, last), cut.bounds())
    region = placed.region(RegionKind.SHARED, first / width, top / height, last / width, bottom / height)
    frames = _frame(region.left), _frame(region.right)
    cropped = placed.within(left, right, frames).refined(rough=False)
    shown = Laid.of(cropped)
    if shown is None:
        return None
    closer = look_closer(cropped, recolored=shown.is_recolored)
    if closer.detail is None or closer.detail.blocks < 2 * MANY_BLOCKS or closer.finds_much:
        return None
    pair = replace(shown.pair, coverage=shares[0])
    return replace(shown, pair=pair, inner_coverage=shares[1], is_cropped=True), closer, cropped


def without_frame(
    left: Pixels, right: Pixels, laid: Laid, look: Look, placed: Placed
) -> tuple[Laid, Look, Placed] | None:
    """The same two without the frame around one of them, where the scene of the other goes on under it.

    A frame of several colors, a shadow and blurred bars are no plain border, so none is trimmed. What they surround is
    the rectangle in which the two agree; straight lines run along it in one of them alone, and beyond it nothing of the
    other shows between what lies there, as it does between letters. None where that is not so, or no less differs
    within.
    """
    if laid.pair.coverage < _SMALL or look.detail is None or not look.finds_much:
        return None
    (top, bottom, first, last), cut = _shared_rectangle(look, placed)
    height, width = cut.inside.shape
    region = placed.region(RegionKind.SHARED, first / width, top / height, last / width, bottom / height)
    inner = [surrounded(whole, box.corners) for whole, box in ((left, region.left), (right, region.right))]
    if (inner[0] is None) == (inner[1] is None):
        return None
    frames = [placed.frames[side] if it is None else _frame(it) for side, it in enumerate(inner)]
    if not _hides_the_other(placed, turned(left, placed.view), right, (frames[0], frames[1])):
        return None
    unframed = placed.within(left, right, (frames[0], frames[1])).refined(rough=False)
    shown = Laid.of(unframed)
    if shown is None:
        return None
    closer = look_closer(unframed, recolored=shown.is_recolored)
    if closer.detail is None or closer.shows_nothing or closer.detail.altered_share >= look.detail.altered_share:
        return None
    return shown, closer, unframed


def _hides_the_other(placed: Placed, upright: Pixels, right: Pixels, frames: tuple[Frame, Frame]) -> bool:
    """Whether few points beyond these frames have the gray that the tones within would give them."""
    cut, within = cut_within(placed, upright, right, placed.boxes(upright, right, frames))
    ours, theirs = (np.asarray(image.convert("L"), np.float64) for image in (cut.left, cut.right))
    beyond = cut.inside & ~within
    if not beyond.any() or not within.any() or np.ptp(ours[within]) == 0:
        return False
    slope, offset = np.polyfit(ours[within], theirs[within], 1)
    off = np.abs(slope * ours + offset - theirs)
    return bool((off[beyond] <= _ALIKE).mean() <= _MOST_ALIKE)


def _shared_rectangle(look: Look, placed: Placed) -> tuple[tuple[int, int, int, int], Cut]:
    """The rectangle in which most is unchanged: top, bottom, first and last column of a cut of few pixels, and that."""
    cut = placed.cut(_CELLS / max(placed.left.shape[:2]), "L")
    unchanged = np.asarray(look.unchanged.resize(cut.left.size)) > 0
    return _largest_sum(np.where(cut.inside, np.where(unchanged, 1.0, _CHANGED), -float(cut.inside.size))), cut


def _largest_sum(cells: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """The rectangle whose cells have the largest sum: top, bottom, first and last column, ends excluded.

    Source: Bentley, "Programming pearls: algorithm design techniques", CACM 27(9), 1984, for each pair of rows.
    """
    rows, columns = cells.shape
    above = np.zeros((rows + 1, columns + 1))
    above[1:, 1:] = cells.cumsum(axis=0).cumsum(axis=1)
    tops, bottoms = np.triu_indices(rows + 1, 1)
    strips = above[bottoms] - above[tops]  # (pairs of rows, columns + 1): sums of all columns before
    least = np.minimum.accumulate(strips, axis=1)
    strip, last = np.unravel_index(int((strips - least).argmax()), strips.shape)
    first = int(strips[strip, : last + 1].argmin())
    return int(tops[strip]), int(bottoms[strip]), first, max(int(last), first + 1)


def _inset(rectangle: tuple[int, int, int, int], shown: PixelBox | None) -> tuple[int, int, int, int]:
    """The rectangle without the outermost cells, which may lie half on a neighbor, where both show more beyond them."""
    top, bottom, first, last = rectangle
    left, up, right, down = shown or (first, top, last, bottom)
    return top + (top > up), bottom - (bottom < down), first + (first > left), last - (last < right)


def _frame(box: Box | Corners) -> Frame:
    left, top, right, bottom = box.corners if isinstance(box, Box) else box
    return left, top, right - left, bottom - top
