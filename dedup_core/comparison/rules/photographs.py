"""What a pair shows: a scene that fills its frame, as most photographs do, or something before a plain background."""

from typing import Final

from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.policy import Policy

_FULL_TEXTURE: Final = 0.9  # docs/thresholds.md#altered-or-distinct
IN_INK: Final = 0.1  # starkness; docs/thresholds.md#what-stands-out
_MOST_PLACES: Final = 0.5  # of those that were compared; docs/thresholds.md#before-a-plain-background
_HARDLY_PLAIN: Final = 0.2  # docs/thresholds.md#before-a-plain-background


def is_full(measurement: PairMeasurement, policy: Policy) -> bool:
    """Whether something shows everywhere and nothing is a plain background, as in most photographs."""
    return measurement.texture >= _FULL_TEXTURE and measurement.plain_share <= policy.max_plain_share


def is_photograph(measurement: PairMeasurement, policy: Policy) -> bool:
    """Whether something shows everywhere and is not drawn in ink; not told where nobody looked closer."""
    return is_full(measurement, policy) and measurement.detail is not None and measurement.detail.starkness < IN_INK


def is_tiny_photograph(measurement: PairMeasurement, policy: Policy) -> bool:
    """Whether one of which few places could be compared shows something in most of them, and hardly a plain ground."""
    detail = measurement.detail
    shows_everywhere = detail is not None and detail.blocks > _MOST_PLACES * detail.places > 0
    return shows_everywhere and measurement.plain_share <= _HARDLY_PLAIN and is_photograph(measurement, policy)
