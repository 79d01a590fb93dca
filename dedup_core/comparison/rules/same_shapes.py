"""Whether two pictures show the same shapes and nothing but colors or light differs, for those that are no copies."""

from typing import Final

from dedup_core.comparison.measurement import FEW_PARTS, PairMeasurement
from dedup_core.comparison.rules.color_match import MOST_SHADE, above, is_monochrome_copy, keeps_hues
from dedup_core.comparison.rules.photographs import is_full
from dedup_core.policy import Policy

_LEAST_STRUCTURE: Final = 0.6  # docs/thresholds.md#altered-or-distinct
_MOST_USUAL: Final = 0.03  # docs/thresholds.md#altered-or-distinct
_MOST_LIGHT: Final = 2.5  # docs/thresholds.md#altered-or-distinct


def only_colors_differ(measurement: PairMeasurement, policy: Policy) -> bool:
    """Whether shapes and light are the same but for a part, and one is gray or toned, or both are photographs."""
    tones, detail = measurement.tones, measurement.detail
    if tones is None or detail is None or not (is_monochrome_copy(measurement, policy) or is_full(measurement, policy)):
        return False
    same_shapes = measurement.structure >= _LEAST_STRUCTURE and detail.usual <= _MOST_USUAL
    return same_shapes and tones.light <= _MOST_LIGHT


def relit_in_gray(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about gray or toned copies in another light besides, but for photographs; empty where they are not.

    What loses its color keeps its light, and a display of which other segments are lit has all of their edges. A thing
    that is in another shade as a whole, a shirt before white, has other folds in it.
    """
    tones = measurement.tones
    if tones is None or tones.light <= _MOST_LIGHT or tones.shade > MOST_SHADE or is_full(measurement, policy):
        return ""
    if not is_monochrome_copy(measurement, policy):
        return ""
    return f"one of them is gray or toned, and shows another light besides ({above(tones.light, _MOST_LIGHT)})"


def only_light_differs(measurement: PairMeasurement, policy: Policy) -> bool:
    """Whether next to nothing shows something else, and light explains the rest: a half in the shade, a sun's flare.

    Of photographs, and of gray or toned copies, shapes tell so much that the hues may be others.
    """
    tones, detail = measurement.tones, measurement.detail
    if tones is None or detail is None or tones.light > policy.max_light_residual:
        return False
    same_shapes = measurement.structure >= policy.min_structure and detail.usual <= _MOST_USUAL
    if not same_shapes or detail.altered_share > FEW_PARTS:
        return False
    return keeps_hues(tones, policy) or is_monochrome_copy(measurement, policy) or is_full(measurement, policy)
