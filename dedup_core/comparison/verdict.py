"""Measurement + policy -> Verdict with reasons."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.comparison.measurement import RETONED, Detail, PairMeasurement, Tones
from dedup_core.comparison.regions import Box, Region, RegionKind
from dedup_core.comparison.sides import ALIKE, Sides
from dedup_core.limits import WORKING_SIZE
from dedup_core.policy import BALANCED, Policy, policy_of
from dedup_core.views import View


class VerdictKind(StrEnum):
    """What is known of a pair of images."""

    IDENTICAL = "identical"
    DUPLICATE = "duplicate"
    ALTERED = "altered"
    COLOR_VARIANT = "color_variant"
    DISTINCT = "distinct"
    UNVERIFIABLE = "unverifiable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about a pair and the sentences that led to it; metrics are None only when unverifiable.

    `regions` are the parts that the two show differently, or the part that both show where one is inside the other.
    `sides` says which of the two has something over it or around it, or shows less.
    """

    kind: VerdictKind
    reasons: tuple[str, ...]
    metrics: ColorMetrics | None
    distance_bits: int | None
    view: str
    regions: tuple[Region, ...] = ()
    sides: Sides = ALIKE


_ALLOWED_FOR_GRAIN: Final = 0.12  # docs/thresholds.md#detail
_ALLOWED_FOR_NOISE: Final = 5.0  # docs/thresholds.md#detail
_MOST_NOISE: Final = 0.05
_ALLOWED_FOR_TONE: Final = 0.05  # docs/thresholds.md#detail
_MOST_TONE: Final = 4.0
_MANY_BLOCKS: Final = 100
_WHOLE_FRAME: Final = 0.97
_LEAST_TOLD: Final = 0.005
_MONOCHROME: Final = 0.8  # CIELAB units of color besides one for each lightness
_COLORFUL: Final = 0.8
_HUE_ALLOWED: Final = 0.1  # of the colors that there are: clipped and compressed ones turn a little
# Without a direction, because a pair is stored under both of its images with the same reasons.
_VIEW_WORDS: Final = {
    View.MIRRORED: "mirrored",
    View.FLIPPED: "flipped upside down",
    View.TURNED_90: "turned by 90 degrees",
    View.TURNED_180: "turned by 180 degrees",
    View.TURNED_270: "turned by 90 degrees",
    View.TRANSPOSED: "mirrored and turned by 90 degrees",
    View.TRANSVERSED: "mirrored and turned by 90 degrees",
}


def decide(measurement: PairMeasurement, policy: Policy | str = BALANCED, *, same_bytes: bool = False) -> Verdict:
    """The verdict on a measured pair: identical, duplicate, altered, color_variant or distinct."""
    kind, reasons = _judge(measurement, policy_of(policy), same_bytes=same_bytes)
    told = {VerdictKind.ALTERED: tuple(RegionKind), VerdictKind.DUPLICATE: (RegionKind.SHARED,)}.get(kind, ())
    regions = tuple(region for region in measurement.regions if region.kind in told)
    numbers = measurement.metrics, measurement.distance_bits
    return Verdict(kind, reasons, *numbers, measurement.view.value, regions, measurement.sides)


def unverifiable(reason: str, *, distance_bits: int | None = None, view: str = "upright") -> Verdict:
    """A pair that could not be compared, and the sentence why; never a number in place of one."""
    return Verdict(VerdictKind.UNVERIFIABLE, (reason,), None, distance_bits, view)


def _judge(measurement: PairMeasurement, policy: Policy, *, same_bytes: bool) -> tuple[VerdictKind, tuple[str, ...]]:
    if same_bytes:
        return VerdictKind.IDENTICAL, ("the two files are the same bytes",)
    if measurement.same_pixels:
        return VerdictKind.IDENTICAL, (
            "every pixel is the same, upright and at the same size, in all channels and bits",
        )
    kind, reasons = _judge_first_frames(measurement, policy)
    if kind is VerdictKind.DUPLICATE and (doubt := _doubt(measurement, policy)):
        return VerdictKind.ALTERED, (doubt, *reasons)
    if kind is VerdictKind.COLOR_VARIANT and (doubt := _too_small_a_part(measurement, policy)):
        return VerdictKind.DISTINCT, (doubt, *reasons)
    return kind, reasons


def _doubt(measurement: PairMeasurement, policy: Policy) -> str:
    """What speaks against one picture where the average of the first frames does not; empty where nothing does."""
    if measurement.frame_difference > policy.max_frame_difference:
        return f"later frames or pages differ ({measurement.frame_difference:.0f} > {policy.max_frame_difference:.0f})"
    if doubt := _spot(measurement, policy) or _too_small_a_part(measurement, policy):
        return doubt
    is_turned_mark = measurement.view is not View.UPRIGHT and _is_a_mark(measurement, policy)
    return "a drawn mark that is turned or mirrored may be another one" if is_turned_mark else ""


def _spot(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about a place of another color, where the average is within the limits; empty without one."""
    spot, limit = 0.0 if measurement.tones is None else measurement.tones.spot, policy.max_spot_residual
    return f"a part has another color ({above(spot, limit)})" if spot > limit else ""


def _too_small_a_part(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about two parts that match and prove too little for two pictures; empty where they do not."""
    coverage, inner, detail = measurement.coverage, measurement.inner_coverage, measurement.detail
    if coverage >= _WHOLE_FRAME or detail is None:
        return ""
    if inner < policy.min_inner_coverage:
        return f"each shows much that the other does not (both show {inner:.0%} of one, {coverage:.0%} of the other)"
    if inner < _WHOLE_FRAME and detail.blocks < _MANY_BLOCKS:
        return f"too little is shown by both to tell from a part ({detail.blocks} places)"
    return ""


def _is_a_mark(measurement: PairMeasurement, policy: Policy) -> bool:
    """Whether little but a shape before a plain ground is shown: arrows, moons, flags; one color alone is none."""
    little = measurement.plain_share > policy.max_plain_share or measurement.texture < policy.max_mark_texture
    return little and measurement.texture > 0


def _judge_first_frames(measurement: PairMeasurement, policy: Policy) -> tuple[VerdictKind, tuple[str, ...]]:
    if measurement.same_when_small:
        return VerdictKind.DUPLICATE, (
            f"no difference is visible at {WORKING_SIZE} pixels and 8 bits, to which both are reduced",
        )
    if measurement.texture < policy.min_texture:
        return _judge_plain(measurement, policy)
    kind, reasons = _judge_textured(measurement, policy)
    return kind, reasons if kind is VerdictKind.DISTINCT else (*reasons, *_framing(measurement))


def _judge_plain(measurement: PairMeasurement, policy: Policy) -> tuple[VerdictKind, tuple[str, ...]]:
    """Without any structure only the color is left to compare, and the few small marks that there may be."""
    difference, limit = measurement.metrics.pixel_difference, policy.max_plain_difference
    detail = measurement.detail
    if difference <= limit and detail is not None and detail.worst > policy.max_detail_difference:
        if detail.altered_share > policy.max_altered_share:
            return VerdictKind.DISTINCT, ("two plain pictures of one color, but the little that they show differs",)
        return VerdictKind.ALTERED, (_what_differs(measurement), "the rest is plain and of one color")
    if difference <= limit:
        return VerdictKind.DUPLICATE, (f"two plain pictures of one color ({difference:.1f} <= {limit:.1f})",)
    return VerdictKind.DISTINCT, (f"two plain pictures of different colors ({above(difference, limit)})",)


def _judge_textured(measurement: PairMeasurement, policy: Policy) -> tuple[VerdictKind, tuple[str, ...]]:
    structure, coverage, detail = measurement.structure, measurement.coverage, measurement.detail
    before_plain = measurement.plain_share > policy.max_plain_share
    least = policy.min_plain_structure if before_plain else policy.min_structure
    if coverage < policy.min_coverage and not _one_is_inside_the_other(measurement, policy):
        return VerdictKind.DISTINCT, (f"too little is shown by both ({coverage:.0%} < {policy.min_coverage:.0%})",)
    if detail is None:
        return VerdictKind.DISTINCT, (f"structure differs (correlation {structure:.2f} < {least:.2f})",)
    kind, reason = _judge_color(measurement, policy, before_plain=before_plain)
    every_part = detail.worst <= _detail_limit(detail, policy) + _allowance(detail, measurement.tones)
    recolored = kind is VerdictKind.COLOR_VARIANT and detail.reshaped_share <= policy.max_reshaped_share
    matches = f"structure matches (correlation {structure:.2f} >= {least:.2f})"
    if structure < least:
        if not every_part or detail.blocks < _MANY_BLOCKS or structure < policy.min_altered_structure:
            return _judge_altered(measurement, policy, kind, least)
        matches = f"each of {detail.blocks} parts matches (differences up to {detail.worst:.2f})"
    elif not (every_part or recolored):
        return _judge_altered(measurement, policy, kind, least)
    if coverage < policy.min_coverage and kind is VerdictKind.DUPLICATE:
        return VerdictKind.ALTERED, (
            f"the whole of one is shown inside the other ({coverage:.0%} of it)",
            matches,
            reason,
        )
    return kind, (matches, reason)


def _detail_limit(detail: Detail, policy: Policy) -> float:
    """What scaling and compression leave is little; noise, and tones that were changed, leave more in some places."""
    if detail.retoned > RETONED:
        return policy.max_detail_difference
    return min(policy.max_detail_difference, policy.max_clean_difference + _ALLOWED_FOR_GRAIN * detail.grain)


def _allowance(detail: Detail, tones: Tones | None) -> float:
    """What noise and local changes of tone add to the differences of parts that show the same."""
    noise = _ALLOWED_FOR_NOISE * min(detail.calm, _MOST_NOISE)
    return noise if tones is None else noise + _ALLOWED_FOR_TONE * min(tones.light, _MOST_TONE)


def _judge_altered(
    measurement: PairMeasurement, policy: Policy, color: VerdictKind, least: float
) -> tuple[VerdictKind, tuple[str, ...]]:
    """Whether what differs is a part of one picture, or the two have only something in common."""
    structure, detail, residual = measurement.structure, measurement.detail, measurement.color_residual
    if detail is None or structure < policy.min_altered_structure:
        return VerdictKind.DISTINCT, (f"structure differs (correlation {structure:.2f} < {least:.2f})",)
    if detail.altered_share > policy.max_altered_share or detail.usual > policy.max_usual_difference:
        share = f"{detail.altered_share:.0%} of what either shows is not in the other"
        return VerdictKind.DISTINCT, (f"only a part is the same: {share} (at most {policy.max_altered_share:.0%})",)
    if residual > policy.max_altered_color_residual and color is not VerdictKind.DUPLICATE:
        beyond = above(residual, policy.max_altered_color_residual)
        return VerdictKind.DISTINCT, (f"a part shows something else, and the rest has other colors ({beyond})",)
    return VerdictKind.ALTERED, (_what_differs(measurement), f"the rest has the same colors ({residual:.1f})")


def _what_differs(measurement: PairMeasurement) -> str:
    """One sentence about the parts that differ: how much of the picture they are, and where the largest is."""
    changed = [region.left for region in measurement.regions if region.kind is RegionKind.CHANGED]
    if not changed:
        return "small parts show something else"
    share = min(1.0, sum(box.area for box in changed))
    told = f"{share:.0%}" if share >= _LEAST_TOLD else "less than 1%"
    return f"something else is shown in {told} of it, {_place(changed[0])}"


def _place(box: Box) -> str:
    across, down = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    column = "left" if across < 1 / 3 else "right" if across > 2 / 3 else "center"
    row = "top" if down < 1 / 3 else "bottom" if down > 2 / 3 else "middle"
    return "in the middle" if (row, column) == ("middle", "center") else f"{row} {column}"


def _one_is_inside_the_other(measurement: PairMeasurement, policy: Policy) -> bool:
    return measurement.inner_coverage >= policy.min_inner_coverage and measurement.coverage >= policy.min_part


def _judge_color(measurement: PairMeasurement, policy: Policy, *, before_plain: bool) -> tuple[VerdictKind, str]:
    residual, tones = measurement.color_residual, measurement.tones
    limit = policy.max_plain_color_residual if before_plain else policy.max_color_residual
    if tones is not None and _color_is_gone(tones, policy):
        colors = f"{tones.least_color:.1f} beside {tones.most_color:.1f}, tint {tones.tint:.1f}"
        return VerdictKind.COLOR_VARIANT, f"one of them has lost its colors or was toned ({colors})"
    if residual <= limit:
        return VerdictKind.DUPLICATE, f"colors match after exposure and white balance ({residual:.1f} <= {limit:.1f})"
    if tones is not None and _only_tone_differs(tones, policy, before_plain=before_plain):
        return VerdictKind.DUPLICATE, f"only the tone differs (hue {tones.hue:.1f}, light {tones.light:.1f})"
    return VerdictKind.COLOR_VARIANT, f"colors differ beyond exposure and white balance ({above(residual, limit)})"


def _color_is_gone(tones: Tones, policy: Policy) -> bool:
    """Whether one picture has one color for each lightness where the other has many, or both have and not the same."""
    if tones.least_color >= _MONOCHROME:
        return False
    has_lost = tones.most_color >= _COLORFUL and tones.least_color < policy.min_kept_color * tones.most_color
    return has_lost or (tones.most_color < _MONOCHROME and tones.tint > policy.max_toning)


def _only_tone_differs(tones: Tones, policy: Policy, *, before_plain: bool) -> bool:
    if before_plain:
        return max(tones.hue, tones.light) <= policy.max_plain_tone_residual
    most_hue = policy.max_hue_residual + _HUE_ALLOWED * tones.most_color
    return tones.channels <= policy.max_channel_residual or (
        tones.hue <= most_hue and tones.light <= policy.max_light_residual
    )


def above(value: float, limit: float) -> str:
    """`4.2 > 3.8`, with as many digits as it takes to tell the two apart."""
    digits = next((digits for digits in range(1, 6) if f"{value:.{digits}f}" != f"{limit:.{digits}f}"), 6)
    return f"{value:.{digits}f} > {limit:.{digits}f}"


def _framing(measurement: PairMeasurement) -> tuple[str, ...]:
    sentences = []
    if measurement.view is not View.UPRIGHT:
        sentences.append(f"one picture is {_VIEW_WORDS[measurement.view]} against the other")
    if measurement.coverage < _WHOLE_FRAME:
        sentences.append(f"framed differently ({measurement.coverage:.0%} of the larger one is shown by both)")
    return tuple(sentences)
