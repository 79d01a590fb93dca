"""Measurement + policy -> Verdict with reasons."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dedup_core.color import ColorMetrics
from dedup_core.decode import DEFAULT_LIMITS, DecodeLimits, decode
from dedup_core.measure import PairMeasurement, measure_images


class VerdictKind(StrEnum):
    """What is known of a pair of images."""

    IDENTICAL = "identical"
    DUPLICATE = "duplicate"
    COLOR_VARIANT = "color_variant"
    DISTINCT = "distinct"
    UNVERIFIABLE = "unverifiable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about a pair and the sentences that led to it; metrics are None only when unverifiable."""

    kind: VerdictKind
    reasons: tuple[str, ...]
    metrics: ColorMetrics | None
    distance_bits: int | None
    view: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The thresholds between the verdicts; every default is measured in docs/thresholds.md."""

    min_structure: float = 0.45  # docs/thresholds.md#structure
    max_changed_share: float = 0.45  # docs/thresholds.md#changed-share
    min_coverage: float = 0.3  # docs/thresholds.md#coverage
    max_chroma_residual: float = 9.0  # docs/thresholds.md#chroma-residual
    max_tone_residual: float = 9.5  # docs/thresholds.md#tone-residual


STRICT: Final = Policy(
    min_structure=0.6, max_changed_share=0.25, min_coverage=0.45, max_chroma_residual=6.0, max_tone_residual=6.0
)
BALANCED: Final = Policy()
LOOSE: Final = Policy(
    min_structure=0.35, max_changed_share=0.55, min_coverage=0.25, max_chroma_residual=14.0, max_tone_residual=12.0
)
PRESETS: Final = {"strict": STRICT, "balanced": BALANCED, "loose": LOOSE}


def compare(
    left_data: bytes, right_data: bytes, policy: Policy = BALANCED, limits: DecodeLimits = DEFAULT_LIMITS
) -> Verdict:
    """The verdict on two encoded images. Raises `UnreadableImage` or `ImageTooLarge`."""
    measurement = measure_images(decode(left_data, limits), decode(right_data, limits))
    return decide(measurement, policy, same_bytes=left_data == right_data)


def decide(measurement: PairMeasurement, policy: Policy = BALANCED, *, same_bytes: bool = False) -> Verdict:
    """The verdict on a measured pair: identical, duplicate, color_variant or distinct."""
    kind, reasons = _judge(measurement, policy, same_bytes=same_bytes)
    return Verdict(kind, reasons, measurement.metrics, measurement.distance_bits, measurement.view.value)


def unverifiable(reason: str, *, distance_bits: int | None = None, view: str = "upright") -> Verdict:
    """A pair that could not be compared, and the sentence why; never a number in place of one."""
    return Verdict(VerdictKind.UNVERIFIABLE, (reason,), None, distance_bits, view)


def _judge(measurement: PairMeasurement, policy: Policy, *, same_bytes: bool) -> tuple[VerdictKind, tuple[str, ...]]:
    if same_bytes:
        return VerdictKind.IDENTICAL, ("the two files are the same bytes",)
    if measurement.same_pixels:
        return VerdictKind.IDENTICAL, ("every pixel is the same, upright and at the same size",)
    shape, shape_reasons = _same_shape(measurement, policy)
    if not shape:
        return VerdictKind.DISTINCT, shape_reasons
    color, color_reasons = _same_color(measurement, policy)
    kind = VerdictKind.DUPLICATE if color else VerdictKind.COLOR_VARIANT
    return kind, (*shape_reasons, *color_reasons, *_framing(measurement))


def _same_shape(measurement: PairMeasurement, policy: Policy) -> tuple[bool, tuple[str, ...]]:
    structure, changed, covered = measurement.structure, measurement.changed_share, measurement.coverage
    failures = []
    if structure < policy.min_structure:
        failures.append(f"structure differs (correlation {structure:.2f} < {policy.min_structure:.2f})")
    if changed > policy.max_changed_share:
        failures.append(f"too much has changed ({changed:.0%} > {policy.max_changed_share:.0%} of the textured area)")
    if covered < policy.min_coverage:
        failures.append(f"too little is shown by both ({covered:.0%} < {policy.min_coverage:.0%})")
    if failures:
        return False, tuple(failures)
    return True, (f"structure matches (correlation {structure:.2f}, {changed:.0%} of the textured area changed)",)


def _same_color(measurement: PairMeasurement, policy: Policy) -> tuple[bool, tuple[str, ...]]:
    chroma, tone = measurement.chroma_residual, measurement.tone_residual
    failures = []
    if chroma > policy.max_chroma_residual:
        failures.append(f"colors differ beyond a white balance ({chroma:.1f} > {policy.max_chroma_residual:.1f})")
    if tone > policy.max_tone_residual:
        failures.append(f"tones differ beyond an exposure ({tone:.1f} > {policy.max_tone_residual:.1f})")
    if failures:
        return False, tuple(failures)
    return True, (f"colors match after exposure and white balance ({chroma:.1f} in color, {tone:.1f} in tone)",)


def _framing(measurement: PairMeasurement) -> tuple[str, ...]:
    sentences = []
    if measurement.view.value != "upright":
        sentences.append(f"the left picture is {measurement.view.value.replace('_', ' ')} against the right one")
    if measurement.coverage < 0.97:  # noqa: PLR2004 (only told, decides nothing)
        sentences.append(f"framed differently ({measurement.coverage:.0%} of the larger one is shown by both)")
    return tuple(sentences)
