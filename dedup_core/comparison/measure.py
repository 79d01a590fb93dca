"""Two working images -> PairMeasurement: aligned, compared in structure, detail, tone and color."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from dedup_core.arrays import Float32s
from dedup_core.color.background import weights_and_plain_share
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.color.metrics import lab_metrics
from dedup_core.comparison.alignment.seen_image import SeenImage, contents_of, distance_bits, large_enough
from dedup_core.comparison.alignment.warp import lean_of
from dedup_core.comparison.detail.closer_look import NOT_LOOKED, SURE_DETAIL
from dedup_core.comparison.detail.color_marks import color_outlier
from dedup_core.comparison.detail.fine_colors import look_at_fine_colors, may_differ_in_color
from dedup_core.comparison.detail.fine_print import look_at_fine_print
from dedup_core.comparison.frames import frame_difference
from dedup_core.comparison.measurement import FEW_PARTS, RETONED, SURE_RESIDUAL, PairMeasurement, Tones
from dedup_core.comparison.overlap.laid import METRIC_SIZE, Laid, in_order
from dedup_core.comparison.overlap.margins import TrimmedMargins
from dedup_core.comparison.overlap.pair_look import PairLook, look_at_itself, look_at_pair
from dedup_core.comparison.overlap.which_side import sides_of
from dedup_core.comparison.regions import Region, changed
from dedup_core.comparison.rules.allowance import shows_something_else
from dedup_core.comparison.rules.another_color import has_stronger_color
from dedup_core.comparison.sides import ALIKE
from dedup_core.comparison.tones.exchanged import EvenBlocks, painted
from dedup_core.comparison.tones.exposure import BLOCK, Blocks, color_residual
from dedup_core.comparison.tones.ground import Ground
from dedup_core.comparison.tones.in_palette import in_palette_of
from dedup_core.comparison.tones.one_tone import OneTone
from dedup_core.comparison.tones.saturation import off_saturation
from dedup_core.comparison.tones.tones_between import tones_between
from dedup_core.decoding.given import Picture, working_image_of
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits
from dedup_core.views import View, opposite, turned

_SURE_TEXTURE: Final = 0.1  # above the thresholds of every preset: not two plain pictures
_NOT_PLAIN: Final = 0.15  # share of plain background; no preset takes less of it for one that a thing is shown before


class _Wholes(NamedTuple):
    """How many times as large as its working image each whole picture is, and whether they may be pages."""

    gains: tuple[float, float]
    is_page: bool


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
        wholes = _Wholes((_gain(left), _gain(right)), is_page)
        tones, regions = _tones_and_regions(
            found, blocks, unchanged, wholes, only_colors=only_colors, before_plain=before_plain
        )
        if margins:
            tones = replace(tones, panel=margins.panel_off)
        is_alike |= look.detail.altered_share <= FEW_PARTS and not shows_something_else(look.detail, tones)
    fine = look_at_fine_print(found.placed, left.fine, right.fine) if is_alike else NOT_LOOKED
    if not changed(regions):
        regions += fine.regions
    is_straight = laid.placed.is_straight
    parts = pair.left, pair.right
    sides, turn = ALIKE, laid.placed.turn
    if is_in_question:
        lean = 0.0 if is_straight else lean_of(laid.placed.homography, laid.placed.left)
        whole_pixels = turned(left.pixels, pair.view), right.pixels
        sides = sides_of(whole_pixels, parts, pair.inner, METRIC_SIZE, lean=lean, turn=turn)
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
    found: PairLook,
    blocks: Blocks,
    unchanged: Float32s,
    wholes: _Wholes,
    *,
    only_colors: bool,
    before_plain: bool,
) -> tuple[Tones, tuple[Region, ...]]:
    """What no change of tone explains, and the regions of the look; where it has none that changed, those of colors."""
    laid, look = found.laid, found.look
    left, right = laid.parts
    ground = Ground.of(blocks, left.background.pixels & right.background.pixels)
    tones, spots = tones_between(blocks, laid.labs, ground=ground, only_colors=only_colors, before_plain=before_plain)
    regions = look.regions
    if not changed(regions):
        regions += laid.regions_of(spots, BLOCK)
    is_little = look.detail is not None and look.detail.altered_share <= FEW_PARTS
    if is_little:
        tones, regions = _with_marks(tones, regions, found, wholes)
    even = EvenBlocks(laid.labs, unchanged)
    tones = replace(tones, exchanged=0.0 if only_colors else even.exchanged(), painted=even.painted(blocks))
    if is_little and not only_colors:
        tones = replace(tones, off_saturation=off_saturation(blocks))
    if is_little and even.are_retoned(blocks):
        tones = _in_one_tone(tones, OneTone.of(blocks, even.even))
    return tones, regions


def _with_marks(
    tones: Tones, regions: tuple[Region, ...], found: PairLook, wholes: _Wholes
) -> tuple[Tones, tuple[Region, ...]]:
    """The same with marks that color alone tells, in plain margins that both show, too, and finer ones."""
    around = None if found.whole is None else Laid.of(found.whole)
    looked = [(it, color_outlier(it.pair.left, it.pair.right, it.least_pixels)) for it in (found.laid, around) if it]
    shown, outlier = max(looked, key=lambda it: it[1].times)
    shown_stronger, stronger = max(looked, key=lambda it: it[1].stronger)
    tones = replace(
        tones,
        mark=outlier.times,
        mark_in_tones=max(outlier.in_tones, looked[0][1].in_tones),
        clear_mark=max(outlier.clear, looked[0][1].clear),
        color_off=looked[0][1].color_off,
        stronger_mark=stronger.stronger,
    )
    marked = shown.regions_in(outlier.boxes)
    if not marked and has_stronger_color(tones, found.look.detail):
        marked = shown_stronger.regions_in(stronger.stronger_boxes)
    retoned = found.look.detail is not None and found.look.detail.retoned > RETONED
    apart = max(it.apart for _, it in looked)
    if may_differ_in_color(apart, is_page=wholes.is_page, retoned=retoned):
        outlier, places = look_at_fine_colors(found.whole or found.placed, wholes.gains)
        tones = replace(tones, fine_mark=outlier.times)
        marked = marked or places
    return tones, regions if changed(regions) else (*regions, *marked)


def _in_one_tone(tones: Tones, one: OneTone | None) -> Tones:
    """What one curve for all channels leaves of even places; nothing where too few are even."""
    if one is None:
        return tones
    off = max(tones.painted, painted((one.ours, one.theirs)))
    return replace(tones, painted=off, kept_in_tone=one.kept, off_tone=one.left_over, off_in_tone=one.off)


def _gain(image: WorkingImage) -> float:
    """How many times as large as its working image a whole picture is."""
    return max(image.width, image.height) / float(max(image.pixels.shape[:2]))


def _equal_as_measured(left: WorkingImage, right: WorkingImage) -> bool:
    same_size = (left.width, left.height) == (right.width, right.height)
    return same_size and np.array_equal(left.pixels, right.pixels)
