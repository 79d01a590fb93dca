"""How much more than usual parts may differ that show the same: what noise and changes of light add."""

from typing import Final

from dedup_core.comparison.measurement import MANY_BLOCKS, Detail, Tones
from dedup_core.policy import LOOSE

ALLOWED_FOR_GRAIN: Final = 0.12  # docs/thresholds.md#detail
_FOR_NOISE: Final = 5.0  # docs/thresholds.md#detail
_MOST_NOISE: Final = 0.05  # docs/thresholds.md#detail
_FOR_TONE: Final = 0.08  # docs/thresholds.md#detail
_MOST_TONE: Final = 3.75  # docs/thresholds.md#detail


def allowance(detail: Detail, tones: Tones | None, *, misaligned: bool = True) -> float:
    """What noise, local changes of tone and, if `misaligned`, a shift add to the differences of parts that are one."""
    # Of few blocks a quarter may well be one print that differs.
    noise = _FOR_NOISE * min(detail.calm, _MOST_NOISE) if misaligned and detail.blocks >= MANY_BLOCKS else 0.0
    return noise if tones is None else noise + _FOR_TONE * min(tones.light, _MOST_TONE)


def shows_something_else(detail: Detail, tones: Tones | None) -> bool:
    """Whether a part differs by more than any preset allows for in a duplicate."""
    return detail.worst > LOOSE.max_detail_difference + allowance(detail, tones)
