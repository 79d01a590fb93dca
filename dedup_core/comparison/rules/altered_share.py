"""How much of what two pictures show may differ before they have only something in common."""

from typing import Final

from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.rules.another_color import keeps_colors
from dedup_core.policy import Policy

_STARK: Final = 0.45  # docs/thresholds.md#altered-or-distinct
_OF_CODES: Final = 0.1  # docs/thresholds.md#altered-or-distinct
_OF_MARKS: Final = 0.6  # docs/thresholds.md#altered-or-distinct
_EXACT: Final = 0.02  # median difference of blocks: what compression leaves
_IN_INK: Final = 0.06  # starkness; docs/thresholds.md#altered-or-distinct
_SCENE: Final = 0.4  # texture; docs/thresholds.md#altered-or-distinct
_PAPER: Final = 0.75  # plain share; docs/thresholds.md#altered-or-distinct
_OF_EXACT: Final = 1.6  # docs/thresholds.md#altered-or-distinct
_OVERLAID: Final = 0.03  # median difference of blocks; docs/thresholds.md#altered-or-distinct
_OF_OVERLAID_CODES: Final = 0.4  # docs/thresholds.md#altered-or-distinct


def most_that_differs(measurement: PairMeasurement, policy: Policy) -> float:
    """The largest share of what either shows that may be missing in the other one.

    Less than usual of what is hardly a picture: codes, and marks on paper. More of a scene of which all of the rest is
    exactly the same, large letters or several things over a photograph, and of whatever has a thing lying over it.
    """
    detail, usual = measurement.detail, policy.max_altered_share
    before_plain = measurement.plain_share > policy.max_plain_share
    if detail is None:
        return usual
    is_code = detail.starkness > _STARK
    if detail.one_is_overlaid and detail.usual <= _OVERLAID:
        return (_OF_OVERLAID_CODES if is_code else _OF_EXACT) * usual
    if is_code:
        return _OF_CODES * usual
    same_tones = not detail.is_retoned or keeps_colors(measurement)  # bars lie over it, and the rest is as it was
    exact = detail.usual <= _EXACT and same_tones and detail.starkness < _IN_INK
    if before_plain:
        scene = measurement.texture >= _SCENE and measurement.plain_share <= _PAPER
        return usual if exact and scene else _OF_MARKS * usual
    return _OF_EXACT * usual if exact else usual
