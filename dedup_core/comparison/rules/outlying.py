"""Places that stand out from what copying left elsewhere, at the working size and in fine print, as doubts."""

from typing import Final

from dedup_core.comparison.measurement import STANDS_OUT, SURE_RESIDUAL, Detail, PairMeasurement
from dedup_core.comparison.regions import changed, in_words
from dedup_core.comparison.rules.allowance import ALLOWED_FOR_GRAIN
from dedup_core.comparison.rules.another_color import keeps_colors
from dedup_core.comparison.rules.color_match import is_monochrome_copy
from dedup_core.comparison.rules.photographs import IN_INK, is_photograph
from dedup_core.limits import WORKING_SIZE
from dedup_core.policy import Policy

_OF_PHOTOGRAPHS: Final = 1.7  # docs/thresholds.md#what-stands-out
_IN_THEIR_TONES: Final = 1.4  # docs/thresholds.md#what-stands-out
_LONE: Final = 0.03  # difference of a block; docs/thresholds.md#what-stands-out
_OF_USUAL: Final = 20.0  # docs/thresholds.md#what-stands-out
_OF_LITTLE: Final = 1.4  # docs/thresholds.md#what-stands-out
_LITTLE: Final = 0.05  # difference of a block; docs/thresholds.md#what-stands-out
_MOST_OTHER_PRINT: Final = 0.03  # of what a part shows; docs/thresholds.md#fine-print
_MOST_LOST_PRINT: Final = 0.1  # the same of the one that shows more; docs/thresholds.md#fine-print
_MOST_RESHAPED_PRINT: Final = 0.12  # of what a part shows; docs/thresholds.md#fine-print
_REVERSED_PRINT: Final = 1.2  # difference of a block; docs/thresholds.md#fine-print
_MOST_USUAL_PRINT: Final = 0.06  # difference of the usual block; docs/thresholds.md#fine-print
_SOME_GRAIN: Final = 1.0  # gray levels; docs/thresholds.md#fine-print
_IN_PRINT: Final = 0.05  # starkness; docs/thresholds.md#fine-print
_OF_FADED: Final = 1.3  # docs/thresholds.md#what-fades
_OF_RECOLORED: Final = 1.5  # docs/thresholds.md#what-stands-out


def outlying_place(measurement: PairMeasurement, policy: Policy, *, recolored: bool = False) -> str:
    """The sentence about a place that differs by more than copying explains in the rest; empty without one.

    Of `recolored` ones more is expected: colors that are clipped have another gray.
    """
    detail = measurement.detail
    if detail is None:
        return ""
    is_retoned = recolored or detail.is_retoned or measurement.color_residual > SURE_RESIDUAL
    is_retoned &= recolored or detail.evened is None  # else compared in the tones of one of the two
    usual = (
        _most_in_photographs(detail, is_retoned=is_retoned)
        if is_photograph(measurement, policy)
        else _most_usual(detail)
    )
    if detail.outlier <= usual * (_OF_RECOLORED if recolored else 1.0):
        return ""
    return f"a small part differs by more than what copying left elsewhere ({detail.outlier:.1f} times)"


def _is_framed(measurement: PairMeasurement) -> bool:
    """Whether one of them is a picture with a frame around it, which ends in what is compared."""
    return measurement.sides.left.is_framed or measurement.sides.right.is_framed


def faded_place(measurement: PairMeasurement) -> str:
    """The sentence about a place that is paler in one of two pictures in the same tones; empty without one."""
    fine = None if _is_framed(measurement) else measurement.fine
    times = max((look.faded for look in (measurement.detail, fine) if look), default=0.0)
    if times <= _OF_FADED * STANDS_OUT or not keeps_colors(measurement):
        return ""
    return f"a part is paler in one of them ({times:.1f} times what copying changes of contrasts)"


def other_print(measurement: PairMeasurement, *, recolored: bool = False) -> str:
    """The sentence about two pages of which much is other print, so that no place stands out; empty where it is not.

    Of `recolored` ones only shapes tell.
    """
    fine, detail = measurement.fine, measurement.detail
    if fine is None or detail is None:
        return ""
    if recolored:
        is_other = fine.reshaped_share > _MOST_RESHAPED_PRINT
        return f"other shapes are too small for {WORKING_SIZE} pixels ({fine.reshaped_share:.0%})" if is_other else ""
    if fine.worst > _REVERSED_PRINT and detail.starkness > IN_INK:
        return f"what is dark in one of them is light in the other, too small for {WORKING_SIZE} pixels"
    if fine.usual > _MOST_USUAL_PRINT and fine.grain < _SOME_GRAIN and detail.starkness > IN_INK:
        return f"nearly all that is too small for {WORKING_SIZE} pixels differs somewhat ({fine.usual:.2f} of a place)"
    in_print = detail.starkness > _IN_PRINT
    is_gone = in_print and fine.lost_share > _MOST_LOST_PRINT
    in_same_tones = not fine.is_retoned and not _is_framed(measurement)  # scenes clip, and frames end in them
    if not is_gone and (fine.altered_share <= _MOST_OTHER_PRINT or not (in_print or in_same_tones)):
        return ""
    share = max(fine.altered_share, fine.lost_share if is_gone else 0.0)
    return f"much that is too small for {WORKING_SIZE} pixels differs ({share:.0%} of a part)"


def fine_print(measurement: PairMeasurement) -> str:
    """The sentence about a place of two pages that differs and is too small for the working size; empty without one."""
    fine = measurement.fine
    if fine is None or fine.outlier <= _most_usual(fine):
        return ""
    boxes = [region.left for region in changed(measurement.regions)]
    place = f", {in_words(boxes)}" if boxes else ""
    times = f"{fine.outlier:.1f} times what copying left elsewhere"
    return f"a detail too small for {WORKING_SIZE} pixels differs{place} ({times})"


def fine_print_in_gray(measurement: PairMeasurement, policy: Policy) -> str:
    """As `fine_print`, of a copy in gray that kept the lightness of its colors: the luma of its print is the same."""
    detail = measurement.detail
    kept_luma = detail is not None and not detail.is_retoned and is_monochrome_copy(measurement, policy)
    return fine_print(measurement) if kept_luma else ""


def _most_in_photographs(detail: Detail, *, is_retoned: bool) -> float:
    """How far copying lets a place of a photograph stand out: less where tones and colors are as they were.

    Least where a block besides is off by far more than the usual one, as a face is that was blurred in an exact copy.
    """
    if is_retoned:
        return _OF_PHOTOGRAPHS * STANDS_OUT
    most = _LONE + _OF_USUAL * detail.usual + ALLOWED_FOR_GRAIN * detail.grain
    is_lone = detail.evened is None and detail.worst > most
    return STANDS_OUT if is_lone else _IN_THEIR_TONES * STANDS_OUT


def _most_usual(detail: Detail) -> float:
    """How far copying lets a place of a page or a drawing stand out."""
    return STANDS_OUT * (_OF_LITTLE if detail.worst < _LITTLE else 1.0)
