"""Two pictures laid on each other as they agree best, and a closer look at what they show there."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from dedup_core.arrays import Pixels
from dedup_core.comparison.alignment.frame import Contents
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.alignment.warp import farthest_apart
from dedup_core.comparison.detail.closer_look import NOT_LOOKED, Look, look_closer
from dedup_core.comparison.overlap.cropped import in_shared_rectangle
from dedup_core.comparison.overlap.framed import without_frame
from dedup_core.comparison.overlap.laid import METRIC_SIZE, SAME_FRAME, Laid, laid_in_order, on_itself
from dedup_core.comparison.overlap.margins import with_margins
from dedup_core.views import View

_PLAUSIBLE: Final = 0.4  # structure below which no preset looks any further: nothing costs more for strangers
_LEAST_CREDIBLE: Final = 0.35  # structure of 0.4 in half of a picture, of 0.5 in a sixth: strangers agree so by chance
_OFF: Final = 1 / METRIC_SIZE  # of a side, a pixel there: what an affine alignment of a perspective is off
_PLAIN: Final = 0.02  # texture; with less, every preset takes a picture for a plain one, and one mark lies on any other
_UNBENT: Final = 3  # times: one step tells up to three pixels, and no lens that is corrected takes corners off by ten
_ALMOST_PLAIN: Final = 0.05  # texture; no preset takes a picture with more of it for a plain one


class PairLook(NamedTuple):
    """How two pictures lie on each other, and what a closer look found there.

    `placed` is how they lay for the look, and `whole` how they lay with the plain margins that both show; None where
    there are none, or nothing was looked for in them.
    """

    laid: Laid
    look: Look
    placed: Placed
    whole: Placed | None = None


def look_at_itself(pixels: Pixels, contents: Contents) -> PairLook:
    """A picture on one that is equal: nothing differs, so nothing is looked for."""
    laid = on_itself(pixels, contents)
    return PairLook(laid, NOT_LOOKED, laid.placed)


def look_at_pair(left: Pixels, right: Pixels, hint: View | None, contents: Sequence[Contents]) -> PairLook:
    """The closer look is taken only where they are at all alike."""
    laid = laid_in_order(left, right, hint, contents)
    unlike = laid.shape.structure < _PLAUSIBLE or laid.credibility < _LEAST_CREDIBLE
    if unlike or laid.shape.texture < _PLAIN:
        is_almost_plain = laid.shape.texture < _ALMOST_PLAIN
        return _look_at_plain(left, right, laid) if is_almost_plain else PairLook(laid, NOT_LOOKED, laid.placed)
    laid, look, placed = _laid_finely(laid)
    whole = None
    if cropped := in_shared_rectangle(left, right, laid, look, placed) or without_frame(
        left, right, laid, look, placed
    ):
        laid, look, placed = cropped
    elif wider := with_margins(placed, left, right, contents[0]):
        closer, whole = _nearest_look(wider, recolored=laid.is_recolored)
        look = look.or_worse(closer)
    if look.shows_nothing and laid.pair.coverage < SAME_FRAME:
        stretched, in_frame = _frame_on_frame(left, right, placed.view)
        closer = NOT_LOOKED if in_frame is None else look_closer(stretched, recolored=in_frame.is_recolored)
        if in_frame is not None and not closer.shows_nothing:
            laid, look, placed, whole = in_frame, closer, stretched, None
    if laid.pair.coverage < SAME_FRAME:
        look = replace(look, regions=((whole or placed).shared_region(), *look.regions))
    return PairLook(laid, look, placed, whole)


def _laid_finely(laid: Laid) -> tuple[Laid, Look, Placed]:
    """A closer look, as they lie and, where it finds what may come of that, laid finely; and how they lay for it."""
    look, placed = NOT_LOOKED, laid.placed
    if laid.fits and placed.is_straight:
        look = look_closer(placed, recolored=laid.is_recolored)
    if look.detail is not None and not look.finds_much and (placed.keeps_frame or look.finds_next_to_nothing):
        return laid, look, placed
    refined = placed.refined(rough=not laid.is_sure)
    if look.detail is not None and refined.shows_the_same_as(placed):
        return laid, look, placed
    if not laid.is_sure or farthest_apart(refined.homography, placed.homography, refined.left) > _OFF:
        laid = _nearer(laid, refined)
    closer = look_closer(refined, recolored=laid.is_recolored)
    best = look.or_better(closer)
    return _laid_unbent(laid, best, refined if best is closer else placed)


def _laid_unbent(laid: Laid, look: Look, placed: Placed) -> tuple[Laid, Look, Placed]:
    """The same where most of right is bent against left, and fits once it is not: a lens that was corrected.

    Each look tells what is left of the bend; of a strong one the first sees only the part near the middle.
    """
    for _ in range(_UNBENT):
        if look.bend is None or not look.finds_much:
            break
        unbent = placed.bent(look.bend)
        closer = look_closer(unbent, recolored=laid.is_recolored)
        if look.or_better(closer) is not closer:
            break
        look, placed = closer, unbent
    return laid if placed.bend is None else _nearer(laid, placed), look, placed


def _nearer(laid: Laid, placed: Placed) -> Laid:
    """The same two as they are placed, if their shapes agree better so."""
    finer = Laid.of(placed)
    return laid if finer is None or finer.shape.structure <= laid.shape.structure else finer


def _nearest_look(places: Sequence[Placed], *, recolored: bool) -> tuple[Look, Placed]:
    """That at the place where least differs, and it; one that leaves no more than a copy does is the last."""
    best, nearest = NOT_LOOKED, places[0]
    for placed in places:
        closer = look_closer(placed, recolored=recolored)
        if best.or_better(closer) is closer:
            best, nearest = closer, placed
        if not best.finds_much:
            return best, nearest
    if not nearest.is_straight:  # a perspective told by the text alone is off where the page ends
        refined = nearest.refined(rough=False)
        closer = look_closer(refined, recolored=recolored)
        if best.or_better(closer) is closer:
            best, nearest = closer, refined
    return best, nearest


def _look_at_plain(left: Pixels, right: Pixels, laid: Laid) -> PairLook:
    """A closer look at two pictures that show next to nothing, frame on frame: there is too little to align them by."""
    whole, in_frame = _frame_on_frame(left, right, View.UPRIGHT)
    placed = laid.placed if in_frame is None else whole
    look = look_closer(placed)
    return PairLook(laid, NOT_LOOKED, placed) if look.shows_nothing else PairLook(in_frame or laid, look, placed)


def _frame_on_frame(left: Pixels, right: Pixels, view: View) -> tuple[Placed, Laid | None]:
    """The whole of one stretched onto the whole of the other; not laid where their frames have other shapes."""
    whole = Placed.stretched(left, right, view)
    return whole, Laid.of(whole, stretched=True) if whole.aspect_agreement >= SAME_FRAME else None
