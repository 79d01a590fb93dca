"""Whether two aligned pictures have the same colors: as they are, in another light, or not at all."""

from math import log
from typing import Final

from dedup_core.comparison.measurement import DUOTONE, MONOCHROME, SAME_GROUND, STANDS_OUT, PairMeasurement, Tones
from dedup_core.policy import Policy

OF_FINE: Final = 2.5  # docs/thresholds.md#marks-of-a-color
_TONED: Final = 2.0  # times: a cast that leveling takes away is less
_OF_ONE_HUE: Final = 1 / 12  # of the tint: docs/thresholds.md#tone-is-not-color
_COLORFUL: Final = 0.8  # as `MONOCHROME`: with less, there was no color to lose
_MOST_CAST: Final = 1.33  # docs/thresholds.md#tone-is-not-color
_TONE_ALONE: Final = 1.1  # docs/thresholds.md#tone-is-not-color
_MOST_OFF_CAST: Final = 1.65  # docs/thresholds.md#tone-is-not-color
_MOST_OFF_TONE: Final = 3.0  # docs/thresholds.md#tone-is-not-color
_LEAST_SATURATION: Final = 0.5  # docs/thresholds.md#tone-is-not-color
_MOST_OF_COLOR: Final = 0.35  # docs/thresholds.md#tone-is-not-color
_AS_SATURATED: Final = 0.8  # docs/thresholds.md#tone-is-not-color
_ALL_OF_IT: Final = 0.9  # docs/thresholds.md#tone-is-not-color
_OF_TINT: Final = 0.2  # docs/thresholds.md#tone-is-not-color
_ANY_TINT: Final = 4.0  # CIELAB units; docs/thresholds.md#tone-is-not-color
_TINT_OF_GAINS: Final = 60.0  # CIELAB units; docs/thresholds.md#tone-is-not-color
_TINT_OF_DIMMED: Final = 20.0  # CIELAB units; docs/thresholds.md#tone-is-not-color
MOST_SHADE: Final = 0.4  # docs/thresholds.md#another-shade
_KEPT_BEFORE_GROUND: Final = 0.6  # docs/thresholds.md#another-shade
_MOST_OFF_ONE_TONE: Final = 12.0  # CIELAB units; docs/thresholds.md#another-shade
_OF_SPOT: Final = 0.5  # docs/thresholds.md#in-one-tone
_OF_CHANNELS: Final = 0.5  # of the limit; docs/thresholds.md#before-a-plain-background
_OF_LEVELED: Final = 0.35  # of the limit; docs/thresholds.md#before-a-plain-background
_OTHER_HUES: Final = 2.0  # times the limit; docs/thresholds.md#before-a-plain-background
_MOST_GRAYED: Final = 3.0  # CIELAB units; docs/thresholds.md#tone-is-not-color
_HUE_ALLOWED: Final = 0.13  # of the colors that there are: clipped and compressed ones turn a little


def colors_match(measurement: PairMeasurement, policy: Policy, *, before_plain: bool) -> tuple[bool, str]:
    """Whether exposure, white balance and tone explain all that differs in color, and the sentence why."""
    residual, tones = measurement.color_residual, measurement.tones
    limit = policy.max_plain_color_residual if before_plain else policy.max_color_residual
    if measurement.detail is not None and measurement.detail.is_negative:
        return False, "what is light in one of them is dark in the other"
    if gone := _gone_color(measurement, policy):
        return False, gone
    if tones is not None and (other := _other_before_ground(tones, policy, before_plain=before_plain)):
        return False, other
    if residual <= limit:
        return True, f"colors match after exposure and white balance ({residual:.1f} <= {limit:.1f})"
    if tones is not None and (
        left := _only_brighter(tones, policy, limit)
        or _only_saturated(tones, policy)
        or _only_warmer(tones, policy)
        or _left_by_tone(tones, policy, before_plain=before_plain)
    ):
        return True, f"only the tone differs ({left})"
    return False, f"colors differ beyond exposure and white balance ({above(residual, limit)})"


def is_monochrome_copy(measurement: PairMeasurement, policy: Policy) -> bool:
    """Whether one of the two is gray or toned, and the other one is not so."""
    return _gone_color(measurement, policy) != ""


def keeps_hues(tones: Tones, policy: Policy, *, times: float = 1.0) -> bool:
    """Whether hues are the same, up to so many times the limit, once saturation, light and a tint were allowed for."""
    return tones.hue <= times * (policy.max_hue_residual + _HUE_ALLOWED * tones.most_color)


def above(value: float, limit: float) -> str:
    """`4.2 > 3.8`, with as many digits as it takes to tell the two apart."""
    digits = next((digits for digits in range(1, 6) if f"{value:.{digits}f}" != f"{limit:.{digits}f}"), 6)
    return f"{value:.{digits}f} > {limit:.{digits}f}"


def _gone_color(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about a picture that lost the colors of the other one, be they in a small part alone; or empty."""
    tones = measurement.tones
    if tones is None:
        return ""
    if has_lost_marks(tones):
        return "one of them is gray all over, and a part of the other one has color"
    if _color_is_gone(measurement, tones, policy):
        colors = f"{tones.least_color:.1f} beside {tones.most_color:.1f}, tint {tones.tint:.1f}"
        return f"one of them has lost its colors or was toned ({colors})"
    if tones.grayed > _MOST_GRAYED:
        return f"one of them is gray where the other has several colors ({above(tones.grayed, _MOST_GRAYED)})"
    return ""


def has_lost_marks(tones: Tones) -> bool:
    """Whether one picture is gray all over, and a small part of the other one has a color that can be seen."""
    return tones.lost_mark > STANDS_OUT or tones.lost_fine_mark > OF_FINE * STANDS_OUT


def _color_is_gone(measurement: PairMeasurement, tones: Tones, policy: Policy) -> bool:
    """Whether one picture has one color for each lightness where the other has many, or both have and not the same."""
    if tones.least_color >= DUOTONE or _only_warmer(tones, policy):
        return False
    if _is_cast(tones) or _is_relit(tones) or _is_dimmed(measurement, tones):
        return False
    if tones.saturation >= _ALL_OF_IT and tones.tint <= SAME_GROUND:
        return False  # a few pixels of one hue, at the edges of which JPEG spreads it
    has_lost = tones.most_color >= _COLORFUL and tones.least_color < policy.min_kept_color * tones.most_color
    return has_lost or (tones.most_color < MONOCHROME and tones.tint > policy.max_toning)


def _other_before_ground(tones: Tones, policy: Policy, *, before_plain: bool) -> str:
    """The sentence about a thing in another color before a ground that kept its own, or empty.

    An edit of a whole picture that leaves the ground is one tone or one saturation.
    """
    if tones.shade > MOST_SHADE:
        return f"{tones.shade:.0%} of what is before the same plain ground is in another shade"
    curves_explain = tones.channels <= _OF_CHANNELS * policy.max_channel_residual
    if tones.keeps_ground and not curves_explain and not keeps_hues(tones, policy, times=_OTHER_HUES):
        return f"what is before the same plain ground has another color (hue {tones.hue:.1f})"
    if not (before_plain and tones.keeps_ground) or is_saturated(tones, policy):
        return ""
    if not 0 < tones.kept_in_tone < _KEPT_BEFORE_GROUND or tones.off_in_tone <= _MOST_OFF_ONE_TONE:
        return ""
    off = f"{1 - tones.kept_in_tone:.0%} of it in no one tone"
    return f"what is before the same plain ground has another color ({off})"


def _is_cast(tones: Tones) -> bool:
    """Whether the light explains all color that differs, and the ground is in that light, too."""
    if not 0 < tones.cast <= _MOST_CAST or tones.keeps_ground or _is_other_dye(tones):
        return False
    only_tone = tones.cast <= _TONE_ALONE and tones.saturation >= _LEAST_SATURATION
    return tones.off_cast <= (_MOST_OFF_TONE if only_tone else _MOST_OFF_CAST)


def _is_other_dye(tones: Tones) -> bool:
    """Whether the tints are farther apart than gains or a brightness make them.

    Red, green and blue of a picture of one color lie at levels apart from each other, so that a curve moves each by
    itself and makes any other color of it.
    """
    return tones.tint > max(_ANY_TINT + _TINT_OF_GAINS * log(tones.cast), _TINT_OF_DIMMED * tones.saturation)


def _is_relit(tones: Tones) -> bool:
    """Whether uneven light makes several colors of one: their hues are those of the other picture, and as strong."""
    return tones.saturation >= _AS_SATURATED and 0 < tones.hue <= _MOST_OF_COLOR * tones.most_color


def _is_dimmed(measurement: PairMeasurement, tones: Tones) -> bool:
    """Whether another light, the same for all channels, is the tint of two pictures of one color: a yellow label.

    Ink on a strong color leaves more in a few places, where JPEG spreads that color, than a tinted gray does in all.
    """
    if not 0 < tones.cast <= _TONE_ALONE or tones.most_color >= DUOTONE or tones.saturation < _AS_SATURATED:
        return False
    return not tones.keeps_ground and measurement.color_residual <= _OF_TINT * tones.tint


def _only_brighter(tones: Tones, policy: Policy, limit: float) -> str:
    """What is left where all channels are as many times as bright, clipped ones, too; empty where they are not.

    In no place may hues be off besides, nor a small mark.
    """
    if tones.off_tone is None or tones.off_tone > limit or tones.mark > STANDS_OUT:
        return ""
    if tones.spot > _OF_SPOT * policy.max_spot_residual:
        return ""
    return f"one brightness leaves {tones.off_tone:.1f}"


def is_saturated(tones: Tones, policy: Policy) -> bool:
    """Whether all colors are as many times as saturated, and no preset's limit is passed by what that leaves."""
    return tones.off_saturation is not None and tones.off_saturation <= policy.max_plain_tone_residual


def _only_saturated(tones: Tones, policy: Policy) -> str:
    return f"one saturation leaves {tones.off_saturation:.1f}" if is_saturated(tones, policy) else ""


def _only_warmer(tones: Tones, policy: Policy) -> str:
    """What is left of a page where it is in a warmer or colder light, and its paper, too; empty where it is not."""
    if tones.off_balance is None or tones.keeps_ground or tones.off_balance > policy.max_plain_tone_residual:
        return ""
    return f"another white balance leaves {tones.off_balance:.1f}"


def _left_by_tone(tones: Tones, policy: Policy, *, before_plain: bool) -> str:
    """What a change of tone leaves, where that explains all; empty where it does not."""
    hue_and_light = f"hue {tones.hue:.1f}, light {tones.light:.1f}"
    is_gray = tones.most_color < MONOCHROME and tones.tint < MONOCHROME
    if before_plain and not is_gray:
        if max(tones.hue, tones.light) <= policy.max_plain_tone_residual:
            return hue_and_light
        is_leveled = tones.ground is not None and not tones.keeps_ground and tones.least_color >= DUOTONE
        if is_leveled and tones.channels <= _OF_LEVELED * policy.max_channel_residual:
            return f"a curve for each channel leaves {tones.channels:.1f}"
        return ""
    if keeps_hues(tones, policy) and tones.light <= policy.max_light_residual:
        return hue_and_light
    # A curve for each channel makes a duotone of what had next to no color, and any other hue of a single one.
    few_colors = tones.least_color < DUOTONE or tones.most_color < _OF_ONE_HUE * tones.tint
    is_toned = few_colors and tones.tint > _TONED * policy.max_toning
    explained = tones.channels <= policy.max_channel_residual and not is_toned
    return f"a curve for each channel leaves {tones.channels:.1f}" if explained else ""
