"""Pictures of which structure tells little: plain and smooth ones, and fabrics that look plain when they are small."""

from typing import Final

from dedup_core.comparison.measurement import MANY_BLOCKS, Detail, PairMeasurement
from dedup_core.comparison.rules.allowance import ALLOWED_FOR_GRAIN
from dedup_core.comparison.rules.color_match import is_monochrome_copy
from dedup_core.comparison.rules.doubts import WHOLE_FRAME
from dedup_core.policy import Policy

_PLAIN_SHARE: Final = 0.5  # docs/thresholds.md#plain-pictures


def is_weave(measurement: PairMeasurement, policy: Policy) -> bool:
    """Whether pictures that look plain when they are small agree in much that they show when they are not."""
    shows_much = measurement.detail is not None and measurement.detail.blocks >= MANY_BLOCKS
    return shows_much and measurement.structure >= policy.min_plain_structure


def shows_only_slopes(measurement: PairMeasurement) -> bool:
    """Whether a closer look finds nothing in either: what structure they have is that of the steps of gray levels."""
    detail = measurement.detail
    return detail is not None and detail.blocks == 0 < detail.places and measurement.inner_coverage >= WHOLE_FRAME


def have_other_hues(measurement: PairMeasurement, policy: Policy) -> bool:
    """Whether hues are off by more than a light changes them: some change of tone lays any slope on any other."""
    tones = measurement.tones
    is_toned = is_monochrome_copy(measurement, policy)
    return tones is not None and tones.hue > policy.max_color_residual and not is_toned


def plain_limit(detail: Detail, policy: Policy) -> float:
    """A page number is all there is to tell by, and nothing around it that compression would have blurred it with."""
    grain = ALLOWED_FOR_GRAIN * detail.grain
    return min(policy.max_detail_difference, _PLAIN_SHARE * policy.max_clean_difference + grain)
