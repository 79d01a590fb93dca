"""Whether every part of two pictures matches: what a policy takes for the difference of a block of a copy."""

from typing import Final

from dedup_core.comparison.measurement import FEW_PARTS, Detail, PairMeasurement, Tones
from dedup_core.comparison.rules.allowance import ALLOWED_FOR_GRAIN, allowance
from dedup_core.comparison.rules.color_match import is_monochrome_copy
from dedup_core.comparison.rules.doubts import MOST_RESHAPED
from dedup_core.policy import Policy

_OF_CALM: Final = 20.0  # docs/thresholds.md#detail
_KEPT_LUMA: Final = 1.0  # gray levels; docs/thresholds.md#detail


def every_part_matches(detail: Detail, tones: Tones | None, policy: Policy, *, misaligned: bool = True) -> bool:
    """Whether no block differs by more than saving, scaling, noise and other tones leave, and few by as much.

    Nor, if they may be `misaligned`, by more than that leaves, which raises all blocks.
    """
    allowed = allowance(detail, tones, misaligned=misaligned)
    noisy = _OF_CALM * detail.calm
    if detail.evened is not None and detail.evened > _clean_limit(detail, policy) + allowed + noisy:
        return False
    return detail.worst <= _detail_limit(detail, policy) + allowed and detail.altered_share <= FEW_PARTS


def every_shape_matches(detail: Detail, measurement: PairMeasurement, policy: Policy) -> bool:
    """Whether nothing but the colors differs: not what is written on a label of another color."""
    if detail.reshaped > MOST_RESHAPED:
        return False
    return every_part_matches(detail, measurement.tones, policy) or _is_recolored(measurement, policy)


def _detail_limit(detail: Detail, policy: Policy) -> float:
    """What scaling and compression leave is little; noise, and tones that were changed, leave more in some places."""
    if detail.is_retoned:
        return policy.max_detail_difference
    return _clean_limit(detail, policy)


def _clean_limit(detail: Detail, policy: Policy) -> float:
    """What they leave, and noise, where tones were not changed, or one of the two was given those of the other."""
    return min(policy.max_detail_difference, policy.max_clean_difference + ALLOWED_FOR_GRAIN * detail.grain)


def _is_recolored(measurement: PairMeasurement, policy: Policy) -> bool:
    """Whether other colors, and hardly any other shapes, are why parts differ; small places differ in both.

    What one shows and the other does not is no color: black and white of two things may show what they have in common.
    Nor are they why, where a gray copy has the very lumas of the colors.
    """
    detail = measurement.detail
    if detail is None or detail.reshaped_share > policy.max_reshaped_share or detail.lost_share > FEW_PARTS:
        return False
    everywhere = measurement.color_residual > policy.max_altered_color_residual
    return detail.retoned > _KEPT_LUMA and (everywhere or is_monochrome_copy(measurement, policy))
