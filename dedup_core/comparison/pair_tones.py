"""The colors of two pictures that lie on each other: what no change of tone explains of them, and where that is."""

from dataclasses import replace
from typing import NamedTuple

from dedup_core.arrays import Float32s
from dedup_core.comparison.detail.color_marks import color_outlier
from dedup_core.comparison.detail.fine_colors import look_at_fine_colors, may_differ_in_color
from dedup_core.comparison.measurement import FEW_PARTS, STANDS_OUT, Tones
from dedup_core.comparison.overlap.laid import Laid
from dedup_core.comparison.overlap.pair_look import PairLook
from dedup_core.comparison.regions import Region, changed
from dedup_core.comparison.rules.another_color import has_stronger_color
from dedup_core.comparison.tones.exchanged import EvenBlocks, painted
from dedup_core.comparison.tones.exposure import BLOCK, Blocks
from dedup_core.comparison.tones.ground import Ground
from dedup_core.comparison.tones.one_tone import OneTone
from dedup_core.comparison.tones.saturation import off_saturation
from dedup_core.comparison.tones.tones_between import tones_between
from dedup_core.comparison.tones.white_balance import off_balance


class Wholes(NamedTuple):
    """How many times as large as its working image each whole picture is, and whether they may be pages."""

    gains: tuple[float, float]
    is_page: bool


def tones_and_regions(
    found: PairLook,
    blocks: Blocks,
    unchanged: Float32s,
    wholes: Wholes,
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
    even = EvenBlocks(laid.labs, unchanged, blocks)
    tones = replace(tones, exchanged=0.0 if only_colors else even.exchanged(), painted=even.painted())
    if is_little and not only_colors:
        tones = replace(tones, off_saturation=off_saturation(blocks))
    if is_little and (tones.cast > 0 or not only_colors):
        tones = replace(tones, off_balance=off_balance(blocks))
    if is_little and even.are_retoned():
        tones = _in_one_tone(tones, even.one_tone)
    return tones, regions


def _with_marks(
    tones: Tones, regions: tuple[Region, ...], found: PairLook, wholes: Wholes
) -> tuple[Tones, tuple[Region, ...]]:
    """The same with marks that color alone tells, in plain margins that both show, too, and finer ones."""
    around = None if found.whole is None else Laid.of(found.whole)
    looked = [(it, color_outlier(it.pair.left, it.pair.right, it.least_pixels)) for it in (found.laid, around) if it]
    inner = looked[0][1]
    shown, outlier = max(looked, key=lambda it: it[1].times)
    shown_stronger, stronger = max(looked, key=lambda it: it[1].stronger)
    tones = replace(
        tones,
        mark=outlier.times,
        mark_in_tones=max(outlier.in_tones, inner.in_tones),
        clear_mark=max(outlier.clear, inner.clear),
        color_off=inner.color_off,
        stronger_mark=stronger.stronger,
    )
    marked = shown.regions_in(outlier.boxes)
    if not marked and has_stronger_color(tones, found.look.detail):
        marked = shown_stronger.regions_in(stronger.stronger_boxes)
    retoned = found.look.detail is not None and found.look.detail.is_retoned
    apart = max(it.apart for _, it in looked)
    if may_differ_in_color(apart, is_page=wholes.is_page, retoned=retoned):
        outlier, places = look_at_fine_colors(found.whole or found.placed, wholes.gains)
        if outlier.lost > STANDS_OUT:
            none = dict.fromkeys(("mark", "mark_in_tones", "clear_mark", "stronger_mark"), 0.0)
            return replace(tones, **none, lost_mark=tones.mark, lost_fine_mark=outlier.lost), regions
        tones = replace(tones, fine_mark=outlier.times)
        marked = marked or places
    return tones, regions if changed(regions) else (*regions, *marked)


def _in_one_tone(tones: Tones, one: OneTone | None) -> Tones:
    """What one curve for all channels leaves of even places; nothing where too few are even."""
    if one is None:
        return tones
    off = max(tones.painted, painted((one.ours, one.theirs)))
    return replace(tones, painted=off, kept_in_tone=one.kept, off_tone=one.left_over, off_in_tone=one.off)
