"""Two working images -> PairMeasurement: aligned, compared in structure, detail, tone and color."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from dedup_core.arrays import Pixels
from dedup_core.color.background import weights_and_plain_share
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.color.metrics import lab_metrics
from dedup_core.comparison.alignment.placing import Contents, Placed
from dedup_core.comparison.alignment.seen_image import SeenImage, contents_of, distance_bits
from dedup_core.comparison.alignment.warp import farthest_apart
from dedup_core.comparison.detail.closer_look import NOT_LOOKED, SURE_DETAIL, Look, look_closer
from dedup_core.comparison.detail.color_marks import color_outlier
from dedup_core.comparison.detail.fine_print import look_at_fine_print
from dedup_core.comparison.frames import frame_difference
from dedup_core.comparison.measurement import FEW_PARTS, SURE_RESIDUAL, PairMeasurement, Tones
from dedup_core.comparison.overlap.cropped import in_shared_rectangle
from dedup_core.comparison.overlap.laid import METRIC_SIZE, SAME_FRAME, Laid, in_order, laid_in_order, on_itself
from dedup_core.comparison.overlap.margins import before_margins, with_margins
from dedup_core.comparison.overlap.which_side import sides_of
from dedup_core.comparison.regions import Region, changed
from dedup_core.comparison.rules.allowance import shows_something_else
from dedup_core.comparison.sides import ALIKE
from dedup_core.comparison.tones.exchanged import EvenBlocks, painted
from dedup_core.comparison.tones.exposure import BLOCK, Blocks, color_residual
from dedup_core.comparison.tones.ground import Ground
from dedup_core.comparison.tones.one_tone import OneTone
from dedup_core.comparison.tones.tones_between import tones_between
from dedup_core.decoding.given import Picture, working_image_of
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits
from dedup_core.views import View, opposite, turned

_SURE_TEXTURE: Final = 0.1  # above the thresholds of every preset: not two plain pictures
_PLAUSIBLE: Final = 0.4  # structure below which no preset looks any further: nothing costs more for strangers
_LEAST_CREDIBLE: Final = 0.35  # structure of 0.4 in half of a picture, of 0.5 in a sixth: strangers agree so by chance
_OFF: Final = 1 / METRIC_SIZE  # of a side, a pixel there: what an affine alignment of a perspective is off
_PLAIN: Final = 0.02  # texture; with less, every preset takes a picture for a plain one, and one mark lies on any other
_NOT_PLAIN: Final = 0.15  # share of plain background; no preset takes less of it for one that a thing is shown before
_UNBENT: Final = 3  # times: one step tells up to three pixels, and no lens that is corrected takes corners off by ten
_ALMOST_PLAIN: Final = 0.05  # texture; no preset takes a picture with more of it for a plain one


def measure_pair(left: Picture, right: Picture, limits: DecodeLimits = DEFAULT_LIMITS) -> ColorMetrics:
    """The three color metrics of two pictures (as `compare` takes them), after alignment."""
    return measure_images(working_image_of(left, limits), working_image_of(right, limits)).metrics


def measure_images(
    left: WorkingImage | SeenImage, right: WorkingImage | SeenImage, hint: View | None = None
) -> PairMeasurement:
    """Everything about two decoded images; `hint` is the view in which the candidate index found them.

    The numbers are the same whichever picture is left; `view` and `hint` are how the left one is turned. Who compares
    one image with several gives it as a `SeenImage`.
    """
    ours, theirs = (it if isinstance(it, SeenImage) else SeenImage(it) for it in (left, right))
    if not in_order(ours.working.pixels, theirs.working.pixels):
        back = None if hint is None else opposite(hint)
        return _measured_in_order(theirs, ours, back).seen_from_right()
    return _measured_in_order(ours, theirs, hint)


def measure_all(one: WorkingImage, others: Sequence[tuple[WorkingImage, View | None]]) -> list[PairMeasurement]:
    """Each of the others, with its hint, against the one image, whose luma and hashes are found once."""
    seen = SeenImage(one)
    return [measure_images(seen, other, hint) for other, hint in others]


def _measured_in_order(ours: SeenImage, theirs: SeenImage, hint: View | None) -> PairMeasurement:
    left, right = ours.working, theirs.working
    same = _equal_as_measured(left, right)
    if same:
        theirs = ours
    contents = contents_of(ours, theirs)
    if same:
        laid, look = on_itself(left.pixels, contents[0]), NOT_LOOKED
        placed, whole = laid.placed, None
    else:
        laid, look, placed, whole = _looked_at(left.pixels, right.pixels, hint, contents)
    pair, shape = laid.pair, laid.shape
    ours_shown, theirs_shown = laid.parts
    backgrounds = ours_shown.background, theirs_shown.background
    if not laid.is_cropped:
        backgrounds = before_margins(laid.placed, left.pixels, right.pixels, backgrounds)
    weights, plain_share = weights_and_plain_share(*backgrounds)
    unchanged = shape.unchanged if look.detail is None else laid.on_pair(look.unchanged)
    blocks = Blocks.of(pair.left, pair.right, weights * unchanged)
    is_in_question = same or look.detail is not None or shape.texture <= _SURE_TEXTURE  # else distinct in every preset
    residual = color_residual(blocks, strangers=not is_in_question)
    tones, regions = None, look.regions
    is_alike = same
    if look.detail is not None:
        only_colors = residual <= SURE_RESIDUAL and look.detail.worst <= SURE_DETAIL
        before_plain = plain_share > _NOT_PLAIN
        tones, regions = _tones_and_regions(laid, look, blocks, only_colors=only_colors, before_plain=before_plain)
        if look.detail.altered_share <= FEW_PARTS:
            tones, regions = _with_marks(tones, regions, laid, whole)
        even = EvenBlocks(laid.labs, unchanged)
        tones = replace(tones, exchanged=0.0 if only_colors else even.exchanged(), painted=even.painted(blocks))
        if look.detail.altered_share <= FEW_PARTS and even.are_retoned(blocks):
            tones = _in_one_tone(tones, OneTone.of(blocks, even.even))
        is_alike |= look.detail.altered_share <= FEW_PARTS and not shows_something_else(look.detail, tones)
    fine = look_at_fine_print(placed, left.fine, right.fine) if is_alike else NOT_LOOKED
    if not changed(regions):
        regions += fine.regions
    wholes = turned(left.pixels, pair.view), right.pixels
    is_straight = laid.placed.is_straight
    parts = pair.left, pair.right
    sides, turn = ALIKE, laid.placed.turn
    if is_in_question:
        sides = sides_of(wholes, parts, pair.inner, METRIC_SIZE, is_straight=is_straight, turn=turn)
    at_an_angle = look.detail is not None and not is_straight
    one_is_overlaid = sides.left.is_overlaid != sides.right.is_overlaid
    return PairMeasurement(
        metrics=lab_metrics(laid.labs, (ours_shown.colors, theirs_shown.colors), weights),
        view=pair.view,
        turn=turn,
        distance_bits=distance_bits(ours, theirs, pair.view, at_an_angle=at_an_angle),
        same_pixels=same and left.whole.digest == right.whole.digest != "",
        same_when_small=same,
        frame_difference=frame_difference(left, right, pair.view),
        structure=shape.structure,
        changed_share=shape.changed_share,
        texture=shape.texture,
        coverage=pair.coverage,
        inner_coverage=laid.inner_coverage,
        plain_share=plain_share,
        color_residual=residual,
        detail=look.detail and replace(look.detail, one_is_overlaid=one_is_overlaid),
        tones=tones,
        fine=fine.detail,
        regions=regions,
        sides=sides,
    )


def _tones_and_regions(
    laid: Laid, look: Look, blocks: Blocks, *, only_colors: bool, before_plain: bool
) -> tuple[Tones, tuple[Region, ...]]:
    """What no change of tone explains, and the regions of the look; where it has none that changed, those of colors."""
    left, right = laid.parts
    ground = Ground.of(blocks, left.background.pixels & right.background.pixels)
    tones, spots = tones_between(blocks, laid.labs, ground=ground, only_colors=only_colors, before_plain=before_plain)
    regions = look.regions
    if not changed(regions):
        regions += laid.regions_of(spots, BLOCK)
    return tones, regions


def _with_marks(
    tones: Tones, regions: tuple[Region, ...], laid: Laid, whole: Placed | None
) -> tuple[Tones, tuple[Region, ...]]:
    """The same with marks that color alone tells, in plain margins of the `whole` pictures, too, if there are any."""
    outlier = color_outlier(laid.pair.left, laid.pair.right, laid.least_pixels)
    tones = replace(tones, mark=outlier.times, mark_in_tones=outlier.in_tones, color_off=outlier.color_off)
    found = laid.regions_in(outlier.boxes)
    if whole is not None and (around := Laid.of(whole)):
        outlier = color_outlier(around.pair.left, around.pair.right, around.least_pixels)
        if outlier.times > tones.mark:
            tones = replace(tones, mark=outlier.times, mark_in_tones=max(outlier.in_tones, tones.mark_in_tones))
            found = around.regions_in(outlier.boxes)
    return tones, regions if changed(regions) else (*regions, *found)


def _in_one_tone(tones: Tones, one: OneTone | None) -> Tones:
    """What one curve for all channels leaves of even places; nothing where too few are even."""
    if one is None:
        return tones
    off = max(tones.painted, painted((one.ours, one.theirs)))
    return replace(tones, painted=off, kept_in_tone=one.kept, off_tone=one.left_over)


def _equal_as_measured(left: WorkingImage, right: WorkingImage) -> bool:
    same_size = (left.width, left.height) == (right.width, right.height)
    return same_size and np.array_equal(left.pixels, right.pixels)


def _looked_at(
    left: Pixels, right: Pixels, hint: View | None, contents: Sequence[Contents]
) -> tuple[Laid, Look, Placed, Placed | None]:
    """How the two lie on each other, a closer look where they are at all alike, and where they lay for that.

    And with the plain margins that both show; None where there are none.
    """
    laid = laid_in_order(left, right, hint, contents)
    unlike = laid.shape.structure < _PLAUSIBLE or laid.credibility < _LEAST_CREDIBLE
    if unlike or laid.shape.texture < _PLAIN:
        is_almost_plain = laid.shape.texture < _ALMOST_PLAIN
        laid, look, placed = _look_at_plain(left, right, laid) if is_almost_plain else (laid, NOT_LOOKED, laid.placed)
        return laid, look, placed, None
    laid, look, placed = _laid_finely(laid)
    whole = None
    if cropped := in_shared_rectangle(left, right, laid, look, placed):
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
        look = replace(look, regions=(placed.shared_region(), *look.regions))
    return laid, look, placed, whole


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
            break
    return best, nearest


def _look_at_plain(left: Pixels, right: Pixels, laid: Laid) -> tuple[Laid, Look, Placed]:
    """A closer look at two pictures that show next to nothing, frame on frame: there is too little to align them by."""
    whole, in_frame = _frame_on_frame(left, right, View.UPRIGHT)
    placed = laid.placed if in_frame is None else whole
    look = look_closer(placed)
    return (laid, NOT_LOOKED, placed) if look.shows_nothing else (in_frame or laid, look, placed)


def _frame_on_frame(left: Pixels, right: Pixels, view: View) -> tuple[Placed, Laid | None]:
    """The whole of one stretched onto the whole of the other; not laid where their frames have other shapes."""
    whole = Placed.stretched(left, right, view)
    return whole, Laid.of(whole, stretched=True) if whole.aspect_agreement >= SAME_FRAME else None
