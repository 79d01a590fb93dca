"""Metrics + policy -> Verdict with reasons."""

from dataclasses import dataclass
from enum import StrEnum

from dedup_core.color import ColorMetrics


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
