"""Measurement + policy -> Verdict with reasons."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.comparison.measurement import (
    MANY_BLOCKS,
    MOST_OF_ONE,
    PairMeasurement,
)
from dedup_core.comparison.regions import Region, RegionKind
from dedup_core.comparison.rules.altered_share import most_that_differs
from dedup_core.comparison.rules.another_color import (
    another_ground,
    another_panel,
    another_shade,
    another_spot,
    exchanged,
    keeps_colors,
    kept_colors,
    painted_part,
    recolored_part,
    some_colors,
)
from dedup_core.comparison.rules.color_match import above, colors_match, is_monochrome_copy
from dedup_core.comparison.rules.doubts import (
    another_frame,
    blank_beside,
    cut_and_turned_mark,
    cut_mark,
    displaced_parts,
    nothing_compared,
    other_shapes,
    other_tones,
    retoned_part,
    thicker_parts,
    too_small_a_part,
    turned_mark,
    unlike_part,
    written_around,
)
from dedup_core.comparison.rules.outlying import (
    faded_place,
    fine_print,
    fine_print_in_gray,
    other_print,
    outlying_place,
)
from dedup_core.comparison.rules.parts_match import every_part_matches, every_shape_matches
from dedup_core.comparison.rules.photographs import is_full
from dedup_core.comparison.rules.plain_pictures import have_other_hues, is_weave, plain_limit, shows_only_slopes
from dedup_core.comparison.rules.same_shapes import only_colors_differ, only_light_differs, relit_in_gray
from dedup_core.comparison.rules.sentences import framing, what_differs
from dedup_core.comparison.sides import ALIKE, Sides
from dedup_core.limits import WORKING_SIZE
from dedup_core.policy import BALANCED, Policy, policy_of


class VerdictKind(StrEnum):
    """What is known of a pair of images."""

    IDENTICAL = "identical"
    DUPLICATE = "duplicate"
    ALTERED = "altered"
    COLOR_VARIANT = "color_variant"
    DISTINCT = "distinct"
    UNVERIFIABLE = "unverifiable"


SAME_PICTURE: Final = frozenset({VerdictKind.IDENTICAL, VerdictKind.DUPLICATE})
"""The verdicts on copies: the same picture, and nothing else in it."""
NO_MATTER_OF_POLICY: Final = frozenset({VerdictKind.IDENTICAL, VerdictKind.UNVERIFIABLE})
"""The verdicts that no threshold has a part in: the bytes tell the one, that they cannot be read tells the other."""


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


_MOST_RECOLORED: Final = 4.0  # docs/thresholds.md#another-color-in-one-place
_EXACT_PART: Final = 0.5  # docs/thresholds.md#coverage
_OF_FULL_PICTURES: Final = 2.0  # docs/thresholds.md#altered-or-distinct
_TOLD: Final = {VerdictKind.ALTERED: tuple(RegionKind), VerdictKind.DUPLICATE: (RegionKind.SHARED,)}


def decide(measurement: PairMeasurement, policy: Policy | str = BALANCED, *, same_bytes: bool = False) -> Verdict:
    """The verdict on a measured pair: identical, duplicate, altered, color_variant or distinct."""
    kind, reasons = _judge(measurement, policy_of(policy), same_bytes=same_bytes)
    told = _TOLD.get(kind, ())
    regions = tuple(region for region in measurement.regions if region.kind in told)
    numbers = measurement.metrics, measurement.distance_bits
    return Verdict(kind, reasons, *numbers, measurement.view.value, regions, measurement.sides)


def kind_of(measurement: PairMeasurement, policy: Policy) -> VerdictKind:
    """The kind alone of what `decide` would say, for those who ask many policies."""
    return _judge(measurement, policy, same_bytes=False)[0]


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
    if kind is VerdictKind.DUPLICATE:
        return _with_doubts_of_one_picture(measurement, policy, reasons)
    return (
        _with_doubts_of_recoloring(measurement, policy, reasons)
        if kind is VerdictKind.COLOR_VARIANT
        else (kind, reasons)
    )


def _with_doubts_of_one_picture(
    measurement: PairMeasurement, policy: Policy, reasons: tuple[str, ...]
) -> tuple[VerdictKind, tuple[str, ...]]:
    turned = turned_mark(measurement, policy)
    if turned and measurement.color_residual > policy.max_color_residual:
        return VerdictKind.DISTINCT, (turned, *reasons)  # some change of tone always fits a few plain colors
    doubts = (
        another_frame(measurement, policy),
        another_spot(measurement, policy),
        another_ground(measurement, policy),
        another_panel(measurement),
        another_shade(measurement, policy),
        painted_part(measurement),
        too_small_a_part(measurement, policy),
        outlying_place(measurement, policy),
        fine_print(measurement),
        other_print(measurement),
        faded_place(measurement),
        blank_beside(measurement),
        displaced_parts(measurement, policy),
        other_tones(measurement, policy),
        other_shapes(measurement),
        thicker_parts(measurement),
        exchanged(measurement),
        written_around(measurement, policy),
        cut_mark(measurement),
        nothing_compared(measurement),
    )
    doubt = next((it for it in (*doubts, turned) if it), "")
    return (VerdictKind.ALTERED, (doubt, *reasons)) if doubt else (VerdictKind.DUPLICATE, reasons)


def _with_doubts_of_recoloring(
    measurement: PairMeasurement, policy: Policy, reasons: tuple[str, ...]
) -> tuple[VerdictKind, tuple[str, ...]]:
    if doubt := too_small_a_part(measurement, policy, recolored=True):
        return VerdictKind.DISTINCT, (doubt, *reasons)
    are_recolored = only_colors_differ(measurement, policy)
    if doubt := turned_mark(measurement, policy) or nothing_compared(measurement):
        return VerdictKind.ALTERED if are_recolored else VerdictKind.DISTINCT, (doubt, *reasons)
    if part := recolored_part(measurement, policy) or (written_around(measurement, policy) if are_recolored else ""):
        return VerdictKind.ALTERED, (part, *reasons)
    if outlying := (
        outlying_place(measurement, policy, recolored=True)
        or other_print(measurement, recolored=True)
        or fine_print_in_gray(measurement, policy)
    ):
        alike = are_recolored or measurement.color_residual <= policy.max_altered_color_residual
        return VerdictKind.ALTERED if alike else VerdictKind.DISTINCT, (outlying, *reasons)
    if some := some_colors(measurement) or relit_in_gray(measurement, policy):
        alike = measurement.color_residual <= _MOST_RECOLORED * policy.max_altered_color_residual
        return VerdictKind.ALTERED if alike else VerdictKind.DISTINCT, (some, *reasons)
    return VerdictKind.COLOR_VARIANT, reasons


def _judge_first_frames(measurement: PairMeasurement, policy: Policy) -> tuple[VerdictKind, tuple[str, ...]]:
    if measurement.same_when_small:
        return VerdictKind.DUPLICATE, (
            f"no difference is visible at {WORKING_SIZE} pixels and 8 bits, to which both are reduced",
        )
    if measurement.texture < policy.min_texture and not is_weave(measurement, policy):
        return _judge_plain(measurement, policy)
    if shows_only_slopes(measurement):
        difference, limit = measurement.metrics.pixel_difference, policy.max_plain_difference
        if difference <= limit:
            return VerdictKind.DUPLICATE, (f"two smooth pictures of the same colors ({difference:.1f} <= {limit:.1f})",)
        if have_other_hues(measurement, policy):
            return VerdictKind.DISTINCT, (f"two smooth pictures of different colors ({above(difference, limit)})",)
    kind, reasons = _judge_textured(measurement, policy)
    return kind, reasons if kind is VerdictKind.DISTINCT else (*reasons, *framing(measurement))


def _judge_plain(measurement: PairMeasurement, policy: Policy) -> tuple[VerdictKind, tuple[str, ...]]:
    """Without any structure only the color is left to compare, and the few small marks that there may be."""
    difference, limit = measurement.metrics.pixel_difference, policy.max_plain_difference
    detail = measurement.detail
    if difference <= limit and detail is not None and detail.worst > plain_limit(detail, policy):
        if detail.altered_share > policy.max_altered_share:
            return VerdictKind.DISTINCT, ("two plain pictures of one color, but the little that they show differs",)
        return VerdictKind.ALTERED, (what_differs(measurement), "the rest is plain and of one color")
    if difference <= limit:
        return VerdictKind.DUPLICATE, (f"two plain pictures of one color ({difference:.1f} <= {limit:.1f})",)
    return VerdictKind.DISTINCT, (f"two plain pictures of different colors ({above(difference, limit)})",)


def _judge_textured(measurement: PairMeasurement, policy: Policy) -> tuple[VerdictKind, tuple[str, ...]]:
    structure, coverage, detail = measurement.structure, measurement.coverage, measurement.detail
    before_plain = measurement.plain_share > policy.max_plain_share
    least = policy.min_plain_structure if before_plain else policy.min_structure
    unlike = _unlike(measurement, policy, least)
    if detail is None or unlike:
        return VerdictKind.DISTINCT, (unlike,)
    same_colors, reason = colors_match(measurement, policy, before_plain=before_plain)
    kind = VerdictKind.DUPLICATE if same_colors else VerdictKind.COLOR_VARIANT
    # Other notes between the same staves differ in all blocks, as what is laid askew does, and their edges disagree.
    misaligned = structure >= least or not before_plain
    every_part = every_part_matches(detail, measurement.tones, policy, misaligned=misaligned)
    matches = f"structure matches (correlation {structure:.2f} >= {least:.2f})"
    if structure < least:
        recolored = kind is VerdictKind.COLOR_VARIANT and not is_monochrome_copy(measurement, policy)
        differs = not every_part or detail.usual > policy.max_clean_difference
        if differs or recolored or detail.blocks < MANY_BLOCKS or structure < policy.min_altered_structure:
            return _judge_altered(measurement, policy, kind, least, reason)
        matches = f"each of {detail.blocks} parts matches (differences up to {detail.worst:.2f})"
    elif not (every_part if same_colors else every_shape_matches(detail, measurement, policy)):
        return _judge_altered(measurement, policy, kind, least, reason)
    if coverage < policy.min_coverage and kind is VerdictKind.DUPLICATE:
        is_whole = measurement.inner_coverage >= policy.min_inner_coverage
        part = "the whole" if is_whole else f"{measurement.inner_coverage:.0%}"
        return VerdictKind.ALTERED, (f"{part} of one is shown inside the other ({coverage:.0%} of it)", matches, reason)
    return kind, (matches, reason)


def _unlike(measurement: PairMeasurement, policy: Policy, least: float) -> str:
    """The sentence about two pictures that share too little, or nothing that is alike; empty where they may."""
    coverage, structure, detail = measurement.coverage, measurement.structure, measurement.detail
    is_inside = _one_is_inside_the_other(measurement, policy) or _most_of_one_is_inside(measurement, policy, least)
    if coverage < policy.min_coverage and not is_inside:
        return f"too little is shown by both ({coverage:.0%} < {policy.min_coverage:.0%})"
    if detail is None:
        return f"structure differs (correlation {structure:.2f} < {least:.2f})"
    return retoned_part(measurement, detail, policy)


def _judge_altered(
    measurement: PairMeasurement, policy: Policy, color: VerdictKind, least: float, colors: str
) -> tuple[VerdictKind, tuple[str, ...]]:
    """Whether what differs is a part of one picture, or the two share only something; `colors` says why `color`."""
    structure, detail, residual = measurement.structure, measurement.detail, measurement.color_residual
    if detail is None or structure < policy.min_altered_structure:
        return VerdictKind.DISTINCT, (f"structure differs (correlation {structure:.2f} < {least:.2f})",)
    doubt = unlike_part(measurement, detail, policy) or cut_and_turned_mark(measurement, policy)
    if doubt:
        return VerdictKind.DISTINCT, (doubt,)
    most = most_that_differs(measurement, policy)
    if detail.altered_share > most or detail.usual > policy.max_usual_difference:
        share = f"{detail.altered_share:.0%} of what either shows is not in the other"
        return VerdictKind.DISTINCT, (f"only a part is the same: {share} (at most {most:.0%})",)
    is_scene = is_full(measurement, policy) and measurement.coverage >= policy.min_coverage
    limit = policy.max_altered_color_residual * (_OF_FULL_PICTURES if is_scene else 1.0)
    has_the_colors = residual <= limit or color is VerdictKind.DUPLICATE or keeps_colors(measurement)
    has_the_colors = has_the_colors or only_light_differs(measurement, policy)
    if not has_the_colors and not only_colors_differ(measurement, policy):
        beyond = above(residual, limit)
        return VerdictKind.DISTINCT, (f"a part shows something else, and the rest has other colors ({beyond})",)
    if color is VerdictKind.DUPLICATE and residual <= policy.max_color_residual:
        colors = f"the rest has the same colors ({residual:.1f})"
    else:
        colors = kept_colors(measurement) or colors
    return VerdictKind.ALTERED, (what_differs(measurement), colors)


def _one_is_inside_the_other(measurement: PairMeasurement, policy: Policy) -> bool:
    return measurement.inner_coverage >= policy.min_inner_coverage and measurement.coverage >= policy.min_part


def _most_of_one_is_inside(measurement: PairMeasurement, policy: Policy, least: float) -> bool:
    """Whether a part of the other shows most of one and differs in nothing, in so many places that it is no chance."""
    detail = measurement.detail
    if detail is None or detail.blocks < 2 * MANY_BLOCKS or measurement.structure < least:
        return False
    is_most = measurement.inner_coverage >= MOST_OF_ONE and measurement.coverage >= _EXACT_PART * policy.min_part
    return is_most and every_part_matches(detail, measurement.tones, policy)
