"""Measurement + policy -> Verdict with reasons."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dedup_core.color.metrics import ColorMetrics
from dedup_core.comparison.measure import PairMeasurement, measure_images
from dedup_core.comparison.regions import Region
from dedup_core.comparison.sides import ALIKE, Sides
from dedup_core.decoding.given import Picture, working_image_of
from dedup_core.limits import DEFAULT_LIMITS, WORKING_SIZE, DecodeLimits
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


def compare(
    left: Picture, right: Picture, policy: Policy | str = BALANCED, limits: DecodeLimits = DEFAULT_LIMITS
) -> Verdict:
    """The verdict on two pictures: bytes of files, Pillow images or arrays (h, w, 3) of uint8 sRGB.

    `policy` is a `Policy` or the name of a preset: "strict", "balanced", "loose". Raises `UnreadableImage` or
    `ImageTooLarge`, and `TypeError` or `ValueError` with what to do for what is none of these (a path, say).
    """
    thresholds = policy_of(policy)
    measurement = measure_images(working_image_of(left, limits), working_image_of(right, limits))
    return decide(measurement, thresholds, same_bytes=_is_file(left) and _is_file(right) and left == right)


def decide(measurement: PairMeasurement, policy: Policy | str = BALANCED, *, same_bytes: bool = False) -> Verdict:
    """The verdict on a measured pair: identical, duplicate, color_variant or distinct."""
    kind, reasons = _judge(measurement, policy_of(policy), same_bytes=same_bytes)
    view = measurement.view.value
    numbers = measurement.metrics, measurement.distance_bits
    return Verdict(kind, reasons, *numbers, view, measurement.regions, measurement.sides)


def unverifiable(reason: str, *, distance_bits: int | None = None, view: str = "upright") -> Verdict:
    """A pair that could not be compared, and the sentence why; never a number in place of one."""
    return Verdict(VerdictKind.UNVERIFIABLE, (reason,), None, distance_bits, view)


def _is_file(picture: Picture) -> bool:
    return isinstance(picture, bytes | bytearray | memoryview)


def _judge(measurement: PairMeasurement, policy: Policy, *, same_bytes: bool) -> tuple[VerdictKind, tuple[str, ...]]:
    if same_bytes:
        return VerdictKind.IDENTICAL, ("the two files are the same bytes",)
    if measurement.same_pixels:
        return VerdictKind.IDENTICAL, ("every pixel is the same, upright and at the same size",)
    if measurement.same_when_small:
        return VerdictKind.DUPLICATE, (f"no difference is visible at {WORKING_SIZE} pixels, to which both are shrunk",)
    if measurement.texture < policy.min_texture:
        return _judge_plain(measurement, policy)
    kind, reasons = _judge_textured(measurement, policy)
    return kind, reasons if kind is VerdictKind.DISTINCT else (*reasons, *_framing(measurement))


def _judge_plain(measurement: PairMeasurement, policy: Policy) -> tuple[VerdictKind, tuple[str, ...]]:
    """Without any structure only the color is left to compare."""
    difference, limit = measurement.metrics.pixel_difference, policy.max_plain_difference
    if difference <= limit:
        return VerdictKind.DUPLICATE, (f"two plain pictures of one color ({difference:.1f} <= {limit:.1f})",)
    return VerdictKind.DISTINCT, (f"two plain pictures of different colors ({difference:.1f} > {limit:.1f})",)


def _judge_textured(measurement: PairMeasurement, policy: Policy) -> tuple[VerdictKind, tuple[str, ...]]:
    structure, residual, coverage = measurement.structure, measurement.color_residual, measurement.coverage
    before_plain = measurement.plain_share > policy.max_plain_share
    least = policy.min_plain_structure if before_plain else policy.min_structure
    if coverage < policy.min_coverage:
        return VerdictKind.DISTINCT, (f"too little is shown by both ({coverage:.0%} < {policy.min_coverage:.0%})",)
    if structure >= least:
        same_shape = f"structure matches (correlation {structure:.2f} >= {least:.2f})"
        kind, reason = _judge_color(residual, policy, before_plain=before_plain)
        return kind, (same_shape, reason)
    highest = policy.max_overlaid_color_residual
    half_matches = structure >= policy.min_overlaid_structure and not before_plain
    if residual > highest or not (half_matches or _rest_is_the_same(measurement, policy)):
        return VerdictKind.DISTINCT, (f"structure differs (correlation {structure:.2f} < {least:.2f})",)
    return VerdictKind.DUPLICATE, (
        f"something lies over {measurement.changed_share:.0%} of it (correlation {structure:.2f})",
        f"the rest has the same colors ({residual:.1f} <= {highest:.1f})",
    )


def _rest_is_the_same(measurement: PairMeasurement, policy: Policy) -> bool:
    """Whether little was changed, and what lies clear of it is enough to tell by and agrees in every detail."""
    return (
        measurement.changed_share <= policy.max_overlaid_share
        and measurement.rest_share >= policy.min_rest_share
        and measurement.rest_structure >= policy.min_rest_structure
    )


def _judge_color(residual: float, policy: Policy, *, before_plain: bool) -> tuple[VerdictKind, str]:
    limit = policy.max_plain_color_residual if before_plain else policy.max_color_residual
    if residual <= limit:
        return VerdictKind.DUPLICATE, f"colors match after exposure and white balance ({residual:.1f} <= {limit:.1f})"
    return VerdictKind.COLOR_VARIANT, f"colors differ beyond exposure and white balance ({residual:.1f} > {limit:.1f})"


def _framing(measurement: PairMeasurement) -> tuple[str, ...]:
    sentences = []
    if measurement.view is not View.UPRIGHT:
        sentences.append(f"one picture is {_VIEW_WORDS[measurement.view]} against the other")
    if measurement.coverage < 0.97:  # noqa: PLR2004 (only told, decides nothing)
        sentences.append(f"framed differently ({measurement.coverage:.0%} of the larger one is shown by both)")
    return tuple(sentences)
