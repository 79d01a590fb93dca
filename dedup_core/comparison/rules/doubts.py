"""What speaks against a verdict that the averages bear out: small parts, turned marks, other colors in places."""

from typing import Final

from dedup_core.comparison.measurement import (
    FEW_PARTS,
    MANY_BLOCKS,
    MOST_KEPT,
    RETONED,
    STANDS_OUT,
    Detail,
    PairMeasurement,
)
from dedup_core.comparison.rules.color_match import above, is_monochrome_copy, is_saturated
from dedup_core.comparison.rules.photographs import is_full, is_tiny_photograph
from dedup_core.policy import Policy
from dedup_core.views import View

MOST_RESHAPED: Final = 0.24  # difference of a block in shape; docs/thresholds.md#detail
WHOLE_FRAME: Final = 0.97  # coverage; copies in the same frame have 0.99 and more: docs/thresholds.md#coverage
_MOST_SPREAD: Final = 8.5  # docs/thresholds.md#another-color-in-one-place
_OF_RETONED: Final = 2.0  # docs/thresholds.md#marks-of-a-color
_OF_FINE: Final = 2.2  # docs/thresholds.md#marks-of-a-color
_IN_ONE_TONE: Final = 1.2  # docs/thresholds.md#marks-of-a-color
_OTHER_COLORS: Final = 3.0  # levels of 255; docs/thresholds.md#marks-of-a-color
_MOST_EXCHANGED: Final = 0.1  # docs/thresholds.md#exchanged-colors
_LEAST_UNEXPLAINED: Final = 0.1  # of a change of tones; docs/thresholds.md#exchanged-colors
_EXCHANGED_IN_OTHERS: Final = 0.02  # docs/thresholds.md#exchanged-colors
_KEPT_IN_TONE: Final = 0.75  # docs/thresholds.md#in-one-tone
_OF_KEPT: Final = 0.8  # docs/thresholds.md#another-color-in-one-place
_MOST_KEPT_IN_GRAY: Final = 0.9  # docs/thresholds.md#another-color-in-one-place
_MOST_GRAY_OFF: Final = 5.0  # levels of 255; docs/thresholds.md#another-color-in-one-place
_FEW_STROKES: Final = 200  # blocks that show anything: a drawing of a few lines, or a picture of 64 pixels
_SURE_PART: Final = 0.6  # structure: strangers agree in small parts by up to 0.67, and in all of their blocks never
_ALL_AGREES: Final = 0.94  # structure; docs/thresholds.md#coverage
_AGREES: Final = 0.9  # structure; docs/thresholds.md#other-tones
_USUAL: Final = 0.01  # difference of the usual block; docs/thresholds.md#other-tones
_UNEXPLAINED: Final = 0.07  # of a change of tones; docs/thresholds.md#other-tones
_MOST_RETONED: Final = 0.25  # difference of a block; docs/thresholds.md#other-tones
_IN_PLACES: Final = 0.004  # of what either shows; docs/thresholds.md#other-tones
_ELSEWHERE: Final = 0.005  # difference of the usual block; docs/thresholds.md#other-tones
_FULL_OF_TEXTURE: Final = 0.5  # docs/thresholds.md#before-a-plain-background
_MOST_TURN: Final = 8.0  # degrees: more than a scanner's; docs/thresholds.md#before-a-plain-background


def another_frame(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about later frames or pages that differ; empty where they do not."""
    difference, limit = measurement.frame_difference, policy.max_frame_difference
    return f"later frames or pages differ ({difference:.0f} > {limit:.0f})" if difference > limit else ""


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
    if tones.painted > 0:
        return f"a part has another color, and others that had its color have not ({tones.painted:.0f})"
    retinted = measurement.color_residual > policy.max_color_residual and not only_saturated
    if retinted and (kept := kept_colors(measurement)):
        return kept
    retoned = measurement.detail is not None and measurement.detail.retoned > RETONED
    clipped = retoned or tones.color_off > _OTHER_COLORS
    limit = STANDS_OUT * (_OF_RETONED if clipped else 1.0)
    in_tones = tones.mark_in_tones if is_full(measurement, policy) else 0.0
    is_told = tones.mark > limit or in_tones > _IN_ONE_TONE * STANDS_OUT
    if is_told or tones.fine_mark > _OF_FINE * STANDS_OUT:
        times = tones.mark if is_told else tones.fine_mark
        return f"a small part has another color ({times:.1f} times what copying left elsewhere)"
    return ""


def other_tones(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about tones that differ as those of different things, and not by a change of light; or empty.

    Where all else agrees, much may be allowed for tones that were changed: here shapes, usual blocks and light differ.
    """
    detail, tones = measurement.detail, measurement.tones
    if detail is None or tones is None or detail.retoned <= RETONED:
        return ""
    if measurement.structure < policy.min_structure and measurement.coverage < WHOLE_FRAME:
        return f"tones and frame differ, and edges agree too little to tell (correlation {measurement.structure:.2f})"
    share = tones.light / detail.retoned
    if measurement.structure >= _AGREES or detail.usual <= _USUAL or share <= _UNEXPLAINED:
        return ""
    if measurement.structure >= policy.min_structure and detail.worst <= _MOST_RETONED:
        return ""
    return f"tones differ as no change of light makes them ({share:.0%} of it unexplained)"


def other_shapes(measurement: PairMeasurement) -> str:
    """The sentence about shapes that differ in a part of two pictures in other tones, and hardly elsewhere; or empty.

    A tone that is clipped blunts shapes, too, but more of them, or in specks.
    """
    detail = measurement.detail
    if detail is None or detail.retoned <= RETONED or detail.usual > _ELSEWHERE:
        return ""
    differ = detail.reshaped > MOST_RESHAPED and detail.reshaped_share > _IN_PLACES
    return f"{detail.reshaped_share:.1%} of it shows other shapes, and the rest only other tones" if differ else ""


def displaced_parts(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about parts that lie elsewhere than framing explains, as before a moved camera; empty without."""
    detail = measurement.detail
    if detail is None or detail.displacement <= policy.max_displacement:
        return ""
    moved = above(detail.displacement, policy.max_displacement)
    return f"parts are displaced against each other, as from another point of view ({moved} pixels)"


def written_around(measurement: PairMeasurement) -> str:
    """The sentence about what is written around one of two pictures, beside the part that both show; empty without."""
    sides = measurement.sides
    if not (sides.left.is_written or sides.right.is_written):
        return ""
    return "something is written around one of the two, which the other does not show"


def too_small_a_part(measurement: PairMeasurement, policy: Policy, *, recolored: bool = False) -> str:
    """The sentence about two parts that match and prove too little for two pictures; empty where they do not.

    Of `recolored` ones neither does the whole of one picture in a small part of the other: a square is in many.
    """
    coverage, inner, detail = measurement.coverage, measurement.inner_coverage, measurement.detail
    if coverage >= WHOLE_FRAME or detail is None:
        return ""
    if inner < policy.min_inner_coverage:
        return f"each shows much that the other does not (both show {inner:.0%} of one, {coverage:.0%} of the other)"
    is_part = inner < WHOLE_FRAME or (recolored and coverage < policy.min_coverage)
    if is_part and detail.blocks < MANY_BLOCKS:
        return f"too little is shown by both to tell from a part ({detail.blocks} places)"
    return ""


def unlike_part(measurement: PairMeasurement, detail: Detail, policy: Policy) -> str:
    """The sentence about a small part in which something differs, and the rest is too little to tell by; or empty."""
    structure = measurement.structure
    if measurement.coverage >= policy.min_coverage:
        return ""
    if structure < _SURE_PART:
        return f"a small part is hardly the same (correlation {structure:.2f})"
    agrees = structure >= _ALL_AGREES and detail.altered_share <= FEW_PARTS
    if detail.blocks < MANY_BLOCKS * (1 if agrees else 2):
        return f"the small part that both show has too little to tell by ({detail.blocks} places)"
    return ""


def retoned_part(measurement: PairMeasurement, detail: Detail, policy: Policy) -> str:
    """The sentence about a small part in other tones or colors in which edges hardly agree; or empty.

    Some change of tone lays any two smooth slopes on each other, a basin and an evening sky.
    """
    if measurement.coverage >= policy.min_coverage or measurement.structure >= policy.min_structure:
        return ""
    if detail.retoned <= RETONED and measurement.color_residual <= policy.max_color_residual:
        return ""
    return f"a small part is hardly the same, and its tones are not (correlation {measurement.structure:.2f})"


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


def keeps_colors(measurement: PairMeasurement) -> bool:
    """Whether most of what does not differ in shape has the very same colors; the rest of it may have any.

    What had no color before does not count against a gray copy.
    """
    tones = measurement.tones
    if tones is None:
        return False
    is_gray_copy = tones.gray_off is not None and tones.gray_off <= _MOST_GRAY_OFF
    return tones.kept > (_MOST_KEPT_IN_GRAY if is_gray_copy else MOST_KEPT)


def kept_colors(measurement: PairMeasurement) -> str:
    """The sentence about colors of which most are the very same; empty where they are not."""
    if measurement.tones is None or not keeps_colors(measurement):
        return ""
    return f"a part has other colors, and {measurement.tones.kept:.0%} has the same"


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


def turned_mark(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about little but a shape before a plain ground, and that turned: arrows, moons, flags; or empty.

    One color alone is none.
    """
    if measurement.view is View.UPRIGHT and measurement.turn <= _MOST_TURN:
        return ""
    before_plain = measurement.plain_share > policy.max_plain_share and measurement.texture < _FULL_OF_TEXTURE
    little = before_plain or measurement.texture < policy.max_mark_texture
    few = measurement.detail is not None and measurement.detail.blocks < _FEW_STROKES
    if few and is_tiny_photograph(measurement, policy):
        return ""
    is_mark = (little or few) and measurement.texture > 0
    return "a drawn mark that is turned or mirrored may be another one" if is_mark else ""
