"""Two working images -> PairMeasurement: aligned, compared in structure, detail, tone and color."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from dedup_core.color.background import weights_and_plain_share
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.color.metrics import lab_metrics
from dedup_core.comparison.alignment.seen_image import SeenImage, contents_of, distance_bits, large_enough
from dedup_core.comparison.alignment.warp import lean_of
from dedup_core.comparison.detail.closer_look import NOT_LOOKED, SURE_DETAIL
from dedup_core.comparison.detail.fine_print import look_at_fine_print
from dedup_core.comparison.frames import frame_difference
from dedup_core.comparison.measurement import FEW_PARTS, MOST_TURN, SURE_RESIDUAL, PairMeasurement
from dedup_core.comparison.overlap.laid import METRIC_SIZE, Laid, in_order
from dedup_core.comparison.overlap.margins import TrimmedMargins
from dedup_core.comparison.overlap.pair_look import look_at_itself, look_at_pair
from dedup_core.comparison.overlap.which_side import sides_of
from dedup_core.comparison.pair_tones import Wholes, tones_and_regions
from dedup_core.comparison.regions import changed
from dedup_core.comparison.rules.allowance import shows_something_else
from dedup_core.comparison.sides import ALIKE, Sides
from dedup_core.comparison.structure.strokes import strokes_across
from dedup_core.comparison.tones.exposure import Blocks, color_residual
from dedup_core.comparison.tones.in_palette import in_palette_of
from dedup_core.decoding.given import Picture, working_image_of
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits
from dedup_core.views import View, opposite, turned

_SURE_TEXTURE: Final = 0.1  # above the thresholds of every preset: not two plain pictures
_NOT_PLAIN: Final = 0.15  # share of plain background; no preset takes less of it for one that a thing is shown before


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
    ours, theirs = large_enough(*(it if isinstance(it, SeenImage) else SeenImage(it) for it in (left, right)))
    measured = _measured_either_way(ours, theirs, hint)
    if measured.same_when_small or measured.detail is None:
        return measured
    first, second = ours.working, theirs.working
    in_palettes = [
        *(_measured_either_way(ours, SeenImage(it), hint) for it in in_palette_of(first, second)),
        *(_measured_either_way(SeenImage(it), theirs, hint) for it in in_palette_of(second, first)),
    ]
    colors = (len(first.whole.palette) + len(second.whole.palette)) // 3
    in_palettes = [replace(it, same_when_small=False, same_pixels=False, colors=colors) for it in in_palettes]
    return min([measured, *in_palettes], key=lambda it: it.metrics.pixel_difference)


def _measured_either_way(ours: SeenImage, theirs: SeenImage, hint: View | None) -> PairMeasurement:
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
        found = look_at_itself(left.pixels, contents[0])
    else:
        found = look_at_pair(left.pixels, right.pixels, hint, contents)
    laid, look = found.laid, found.look
    pair, shape = laid.pair, laid.shape
    ours_shown, theirs_shown = laid.parts
    backgrounds = ours_shown.background, theirs_shown.background
    margins = None if laid.is_cropped else TrimmedMargins(laid.placed, left.pixels, right.pixels)
    weights, plain_share = weights_and_plain_share(*(margins.behind(backgrounds) if margins else backgrounds))
    if margins:
        plain_share = margins.plain_share(plain_share)
    unchanged = shape.unchanged if look.detail is None else laid.on_pair(look.unchanged)
    blocks = Blocks.of(pair.left, pair.right, weights * unchanged)
    is_in_question = same or look.detail is not None or shape.texture <= _SURE_TEXTURE  # else distinct in every preset
    residual = color_residual(blocks, strangers=not is_in_question)
    tones, regions = None, look.regions
    is_alike = same
    if look.detail is not None:
        only_colors = residual <= SURE_RESIDUAL and look.detail.worst <= SURE_DETAIL
        before_plain = plain_share > _NOT_PLAIN
        is_page = before_plain or left.fine is not None or right.fine is not None
        wholes = Wholes((left.shrunk_by, right.shrunk_by), is_page)
        tones, regions = tones_and_regions(
            found, blocks, unchanged, wholes, only_colors=only_colors, before_plain=before_plain
        )
        if margins:
            tones = replace(tones, panel=margins.panel_off)
        is_alike |= look.detail.altered_share <= FEW_PARTS and not shows_something_else(look.detail, tones)
    fine = look_at_fine_print(found.placed, left.fine, right.fine) if is_alike else NOT_LOOKED
    if not changed(regions):
        regions += fine.regions
    sides = _sides_of(laid, left, right) if is_in_question else ALIKE
    at_an_angle = look.detail is not None and not laid.placed.is_straight
    upright = pair.view is View.UPRIGHT and laid.placed.turn <= MOST_TURN
    one_is_overlaid = sides.left.is_overlaid != sides.right.is_overlaid
    return PairMeasurement(
        metrics=lab_metrics(laid.labs, (ours_shown.colors, theirs_shown.colors), weights),
        view=pair.view,
        turn=laid.placed.turn,
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
        strokes=0.0 if upright or look.detail is None else min(strokes_across(it.pixels) for it in (left, right)),
    )


def _sides_of(laid: Laid, left: WorkingImage, right: WorkingImage) -> Sides:
    pair, placed = laid.pair, laid.placed
    lean = 0.0 if placed.is_straight else lean_of(placed.homography, placed.left)
    wholes = turned(left.pixels, pair.view), right.pixels
    return sides_of(wholes, (pair.left, pair.right), pair.inner, METRIC_SIZE, lean=lean, turn=placed.turn)


def _equal_as_measured(left: WorkingImage, right: WorkingImage) -> bool:
    same_size = (left.width, left.height) == (right.width, right.height)
    return same_size and np.array_equal(left.pixels, right.pixels)
