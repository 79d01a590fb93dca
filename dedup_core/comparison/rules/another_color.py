"""What speaks against one picture in its colors: a part that has another one, or areas that exchanged theirs."""

from typing import Final

from dedup_core.comparison.measurement import MOST_KEPT, STANDS_OUT, Detail, PairMeasurement, Tones
from dedup_core.comparison.rules.color_match import OF_FINE, above, has_lost_marks, is_monochrome_copy, is_saturated
from dedup_core.comparison.rules.photographs import is_full
from dedup_core.policy import Policy

_MOST_SPREAD: Final = 8.5  # docs/thresholds.md#another-color-in-one-place
_OF_RETONED: Final = 2.0  # docs/thresholds.md#marks-of-a-color
_OF_FINE_IN_OTHERS: Final = 3.0  # tones; docs/thresholds.md#marks-of-a-color
_OF_FINE_IN_FULL: Final = 2.0  # docs/thresholds.md#marks-of-a-color
_OF_STRONGER: Final = 1.3  # docs/thresholds.md#marks-of-a-color
_IN_ONE_TONE: Final = 1.2  # docs/thresholds.md#marks-of-a-color
_OTHER_GROUND: Final = 5.0  # CIELAB units; docs/thresholds.md#another-color-in-one-place
_MOST_KEPT_BEFORE: Final = 0.5  # docs/thresholds.md#another-color-in-one-place
_KEPT_BESIDE: Final = 0.55  # docs/thresholds.md#another-shade
_OTHER_LIGHT: Final = 0.85  # CIELAB units; docs/thresholds.md#another-shade
_OTHER_SHADE: Final = 1.3  # CIELAB units; docs/thresholds.md#another-shade
_MOST_PANEL: Final = 15.0  # CIELAB units; docs/thresholds.md#another-color-in-one-place
_OTHER_COLORS: Final = 3.0  # levels of 255; docs/thresholds.md#marks-of-a-color
_MOST_EXCHANGED: Final = 0.1  # docs/thresholds.md#exchanged-colors
_LEAST_UNEXPLAINED: Final = 0.1  # of a change of tones; docs/thresholds.md#exchanged-colors
_EXCHANGED_IN_OTHERS: Final = 0.02  # docs/thresholds.md#exchanged-colors
_KEPT_IN_TONE: Final = 0.75  # docs/thresholds.md#in-one-tone
_ALL_IN_TONE: Final = 0.9  # docs/thresholds.md#in-one-tone
_OFF_IN_TONE: Final = 7.0  # CIELAB units; docs/thresholds.md#in-one-tone
_OF_KEPT: Final = 0.8  # docs/thresholds.md#another-color-in-one-place
_MOST_KEPT_IN_GRAY: Final = 0.9  # docs/thresholds.md#another-color-in-one-place
_MOST_GRAY_OFF: Final = 5.0  # levels of 255; docs/thresholds.md#another-color-in-one-place


def another_spot(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about a place of another color, where the average is within the limits; empty without one.

    A change of tone changes most of a picture: one that leaves more than half as it is would be a lamp that is lit.
    """
    tones = measurement.tones
    if tones is None:
        return ""
    limit = policy.max_spot_residual * (_OF_KEPT if keeps_colors(measurement) else 1.0)
    only_saturated = is_saturated(tones, policy)
    if tones.spot > limit and not only_saturated:
        return f"a part has another color ({above(tones.spot, limit)})"
    off_in_tone = min(tones.off_in_tone, tones.spot)  # a white balance, or a lost saturation, explains some of it
    if off_in_tone > _OFF_IN_TONE and tones.kept_in_tone > _ALL_IN_TONE and not only_saturated:
        off = above(off_in_tone, _OFF_IN_TONE)
        return f"a part has another color, and {tones.kept_in_tone:.0%} only another tone ({off})"
    retinted = measurement.color_residual > policy.max_color_residual and not only_saturated
    if retinted and (kept := kept_colors(measurement)):
        return kept
    return _small_mark(measurement, tones, policy)


def another_ground(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about a light plain ground in another color, where what is before it kept its own; or empty.

    A saturation leaves what is gray before a colored ground.
    """
    tones = measurement.tones
    if tones is None or tones.ground is None or tones.ground <= _OTHER_GROUND or tones.kept_before <= _MOST_KEPT_BEFORE:
        return ""
    if is_saturated(tones, policy):
        return ""
    off = above(tones.ground, _OTHER_GROUND)
    return f"the plain ground has another color ({off}), and {tones.kept_before:.0%} of what is before it the same"


def another_shade(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about a part that is lighter or darker, where most of the picture kept its colors; or empty.

    No curve of tones and no light from one side does that; a saturation does where most of it is gray.
    """
    tones, detail = measurement.tones, measurement.detail
    if tones is None or detail is None or tones.kept <= _KEPT_BESIDE or not detail.is_retoned:
        return ""
    is_lit = tones.light <= _OTHER_LIGHT or measurement.color_residual <= _OTHER_SHADE
    if is_lit or is_saturated(tones, policy):
        return ""
    return f"a part is lighter or darker in one of them ({tones.light:.1f}), and {tones.kept:.0%} has the same color"


def painted_part(measurement: PairMeasurement) -> str:
    """The sentence about an even part in another color, where nearly all else is as it was; empty without one."""
    tones = measurement.tones
    if tones is None or tones.painted == 0:
        return ""
    return f"a part has another color, and nearly all else has the same ({tones.painted:.0f})"


def another_panel(measurement: PairMeasurement) -> str:
    """The sentence about a plain part along one side in another color, in the same tones; empty without one."""
    tones, detail = measurement.tones, measurement.detail
    if tones is None or detail is None or detail.is_retoned or tones.panel <= _MOST_PANEL:
        return ""
    return f"the plain part along one side has another color ({above(tones.panel, _MOST_PANEL)})"


def _small_mark(measurement: PairMeasurement, tones: Tones, policy: Policy) -> str:
    """The sentence about a small place that color alone tells; more is expected where colors were clipped."""
    clipped = _are_clipped(tones, measurement.detail)
    limit = STANDS_OUT * (_OF_RETONED if clipped else 1.0)
    is_scene = is_full(measurement, policy)
    in_tones = tones.mark_in_tones if is_scene else 0.0
    clear = tones.clear_mark if tones.kept_in_tone > _ALL_IN_TONE else 0.0
    is_told = tones.mark > limit or in_tones > _IN_ONE_TONE * STANDS_OUT or clear > STANDS_OUT
    if not is_told and has_stronger_color(tones, measurement.detail):
        return f"a small part has a stronger color in one of them ({tones.stronger_mark:.1f} times what copying left)"
    of_fine = _OF_FINE_IN_OTHERS if clipped else _OF_FINE_IN_FULL if is_scene else OF_FINE
    if is_told or tones.fine_mark > of_fine * STANDS_OUT:
        times = tones.mark if is_told else tones.fine_mark
        return f"a small part has another color ({times:.1f} times what copying left elsewhere)"
    return ""


def has_stronger_color(tones: Tones, detail: Detail | None) -> bool:
    """Whether a small place has more color in one of two pictures that have nearly all of their colors in common."""
    keeps_nearly_all = tones.kept > _KEPT_IN_TONE and not _are_clipped(tones, detail)
    return keeps_nearly_all and tones.stronger_mark > _OF_STRONGER * STANDS_OUT


def _are_clipped(tones: Tones, detail: Detail | None) -> bool:
    """Whether tones or colors are so far off that some may have been clipped."""
    return tones.color_off > _OTHER_COLORS or (detail is not None and detail.is_retoned)


def recolored_part(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about a part of another color in two pictures in other tones or colors; empty without one.

    What changes all colors leaves no place that stands out; what leaves most places in one tone changes no hues. A gray
    copy has no color anywhere.
    """
    tones, limit = measurement.tones, _OF_KEPT * policy.max_spot_residual
    if tones is None or is_monochrome_copy(measurement, policy):
        return ""
    if tones.mark > _OF_RETONED * STANDS_OUT:
        return f"a small part has another color ({tones.mark:.1f} times what is left elsewhere)"
    if tones.kept_in_tone <= _KEPT_IN_TONE or tones.spot <= limit:
        return ""
    return f"a part has another color, and {tones.kept_in_tone:.0%} only another tone ({above(tones.spot, limit)})"


def some_colors(measurement: PairMeasurement) -> str:
    """The sentence about other colors that are no change of all colors; empty where they are.

    One color has become several, as lamps that are lit do, both ways at once; or most of the picture kept its colors,
    but for a label.
    """
    tones = measurement.tones
    if tones is None:
        return ""
    if elsewhere := exchanged(measurement, recolored=True):
        return elsewhere
    if tones.spread > _MOST_SPREAD:
        return f"what has one color in one of them has several in the other ({above(tones.spread, _MOST_SPREAD)})"
    return kept_colors(measurement)


def exchanged(measurement: PairMeasurement, *, recolored: bool = False) -> str:
    """The sentence about areas that have other colors from place to place, as no change of the whole gives; or empty.

    Of `recolored` ones less is expected: colors are exchanged everywhere in the same way, and light is not.
    """
    detail, tones = measurement.detail, measurement.tones
    if detail is None or tones is None:
        return ""
    is_light = not recolored and tones.light <= _LEAST_UNEXPLAINED * detail.retoned
    if is_light or tones.exchanged <= (_EXCHANGED_IN_OTHERS if recolored else _MOST_EXCHANGED):
        return ""
    return f"areas that have one color in one picture have several in the other, both ways ({tones.exchanged:.0%})"


def kept_colors(measurement: PairMeasurement) -> str:
    """The sentence about colors of which most are the very same; empty where they are not."""
    if measurement.tones is None or not keeps_colors(measurement):
        return ""
    return f"a part has other colors, and {measurement.tones.kept:.0%} has the same"


def keeps_colors(measurement: PairMeasurement) -> bool:
    """Whether most of what does not differ in shape has the very same colors; the rest of it may have any.

    What had no color before does not count against a gray copy.
    """
    tones = measurement.tones
    if tones is None or has_lost_marks(tones):
        return False
    is_gray_copy = tones.gray_off is not None and tones.gray_off <= _MOST_GRAY_OFF
    return tones.kept > (_MOST_KEPT_IN_GRAY if is_gray_copy else MOST_KEPT)
