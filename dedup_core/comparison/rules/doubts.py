"""What speaks against a verdict that the averages bear out: small parts, other tones, turned marks."""

from typing import Final

from dedup_core.comparison.measurement import (
    FEW_PARTS,
    MANY_BLOCKS,
    MOST_TURN,
    Detail,
    PairMeasurement,
)
from dedup_core.comparison.regions import RegionKind
from dedup_core.comparison.rules.color_match import above
from dedup_core.comparison.rules.photographs import IN_INK, is_tiny_photograph
from dedup_core.policy import Policy
from dedup_core.views import View

MOST_RESHAPED: Final = 0.24  # difference of a block in shape; docs/thresholds.md#detail
WHOLE_FRAME: Final = 0.97  # coverage; copies in the same frame have 0.99 and more: docs/thresholds.md#coverage
_FEW_STROKES: Final = 200  # blocks that show anything: a drawing of a few lines, or a picture of 64 pixels
_FEW_INKED: Final = 500  # the same in ink, of which every block shows some where a letter has 100 pixels
_MOST_OF_A_MARK: Final = 0.85  # of one picture is shown by the other; docs/thresholds.md#before-a-plain-background
_IN_BLACK: Final = 0.2  # starkness; docs/thresholds.md#before-a-plain-background
_SURE_PART: Final = 0.6  # structure: strangers agree in small parts by up to 0.67, and in all of their blocks never
_ALL_AGREES: Final = 0.94  # structure; docs/thresholds.md#coverage
_AGREES: Final = 0.9  # structure; docs/thresholds.md#other-tones
_USUAL: Final = 0.01  # difference of the usual block; docs/thresholds.md#other-tones
_UNEXPLAINED: Final = 0.07  # of a change of tones; docs/thresholds.md#other-tones
_MOST_RETONED: Final = 0.25  # difference of a block; docs/thresholds.md#other-tones
_IN_PLACES: Final = 0.004  # of what either shows; docs/thresholds.md#other-tones
_MOST_THICKENED: Final = 0.35  # docs/thresholds.md#thicker-in-the-same-tones
_ELSEWHERE: Final = 0.005  # difference of the usual block; docs/thresholds.md#other-tones
_FULL_OF_TEXTURE: Final = 0.5  # docs/thresholds.md#before-a-plain-background
_MOST_BLANK: Final = 0.6  # coverage; docs/thresholds.md#coverage
_SAME_PLACE: Final = 0.02  # of a side; docs/thresholds.md#coverage
_MOST_TURN_IN_FRAME: Final = 0.7  # degrees; docs/thresholds.md#coverage
_WRITING: Final = 10.0  # strokes that a line across meets; docs/thresholds.md#before-a-plain-background


def another_frame(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about later frames or pages that differ; empty where they do not."""
    difference, limit = measurement.frame_difference, policy.max_frame_difference
    return f"later frames or pages differ ({difference:.0f} > {limit:.0f})" if difference > limit else ""


def nothing_compared(measurement: PairMeasurement) -> str:
    """The sentence about two strips that are too low for a look at what is on them; empty for others."""
    detail = measurement.detail
    if detail is None or detail.places > 0:
        return ""
    return "both are too narrow to compare what is on them in detail"


def other_tones(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about tones that differ as those of different things, and not by a change of light; or empty.

    Where all else agrees, much may be allowed for tones that were changed: here shapes, usual blocks and light differ.
    """
    detail, tones = measurement.detail, measurement.tones
    if detail is None or tones is None or not detail.is_retoned:
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
    if detail is None or not detail.is_retoned or detail.usual > _ELSEWHERE:
        return ""
    differ = detail.reshaped > MOST_RESHAPED and detail.reshaped_share > _IN_PLACES
    return f"{detail.reshaped_share:.1%} of it shows other shapes, and the rest only other tones" if differ else ""


def thicker_parts(measurement: PairMeasurement) -> str:
    """The sentence about dots, stripes or holes of another size in the same tones; empty where there are none."""
    detail = measurement.detail
    if detail is None or detail.thickened <= _MOST_THICKENED:
        return ""
    return (
        f"dots, stripes or lines are thicker in one of them, in the same tones ({detail.thickened:.0%} of the places)"
    )


def displaced_parts(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about parts that lie elsewhere than framing explains, as before a moved camera; empty without."""
    detail = measurement.detail
    if detail is None or detail.displacement <= policy.max_displacement:
        return ""
    moved = above(detail.displacement, policy.max_displacement)
    return f"parts are displaced against each other, as from another point of view ({moved} pixels)"


def written_around(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about what is around one of two pictures, beside the part that both show; empty without."""
    sides = measurement.sides
    if not (sides.left.is_written or sides.right.is_written):
        return ""
    if measurement.inner_coverage >= policy.min_inner_coverage and measurement.coverage < WHOLE_FRAME:
        return "the whole of one is shown inside the other, and something is written or shown around it"
    return "something is written or shown around one of the two, which the other does not show"


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


def blank_beside(measurement: PairMeasurement) -> str:
    """The sentence about much that one of them shows and the other, in the very same frame, does not; or empty.

    A crop, or a picture that was put into a frame, lies elsewhere; bars over a picture leave most of it.
    """
    if (
        measurement.coverage >= _MOST_BLANK
        or measurement.view != View.UPRIGHT
        or measurement.turn > _MOST_TURN_IN_FRAME
    ):
        return ""
    shared = next((it for it in measurement.regions if it.kind is RegionKind.SHARED), None)
    if shared is None:
        return ""
    corners = zip(shared.left.corners, shared.right.corners, strict=True)
    if max(abs(ours - theirs) for ours, theirs in corners) > _SAME_PLACE:
        return ""
    return f"one of them is blank in {1 - measurement.coverage:.0%} of it, where the other is not"


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
    if not detail.is_retoned and measurement.color_residual <= policy.max_color_residual:
        return ""
    return f"a small part is hardly the same, and its tones are not (correlation {measurement.structure:.2f})"


def turned_mark(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about little but a shape before a plain ground, and that turned: arrows, moons, flags; or empty.

    One color alone is none, nor is a page that lies upside down.
    """
    is_upright = measurement.view is View.UPRIGHT and measurement.turn <= MOST_TURN
    if is_upright or measurement.strokes >= _WRITING:
        return ""
    detail = measurement.detail
    little = (_is_in_ink(detail) or measurement.plain_share > policy.max_plain_share) and _has_little(measurement)
    little |= measurement.texture < policy.max_mark_texture
    few = detail is not None and detail.blocks < (_FEW_INKED if _is_in_ink(detail) else _FEW_STROKES)
    if few and is_tiny_photograph(measurement, policy):
        return ""
    is_mark = (little or few) and measurement.texture > 0
    return "a drawn mark that is turned or mirrored may be another one" if is_mark else ""


def cut_and_turned_mark(measurement: PairMeasurement, policy: Policy) -> str:
    """The sentence about a drawn mark that is turned and of which one picture shows a part: two flags; or empty."""
    turned = measurement.coverage < WHOLE_FRAME and turned_mark(measurement, policy)
    return "a part of a drawn mark that lies turned may be another mark" if turned else ""


def cut_mark(measurement: PairMeasurement) -> str:
    """The sentence about a mark in ink of which one picture shows no more than a part: C and Q, two notes; or empty."""
    detail = measurement.detail
    if detail is None or measurement.coverage >= WHOLE_FRAME or detail.starkness <= _IN_BLACK:
        return ""
    is_cut = min(measurement.sides.left.shared, measurement.sides.right.shared) < _MOST_OF_A_MARK
    is_mark = _has_little(measurement) or detail.blocks < _FEW_INKED
    return "a drawn mark of which a part is missing may be another one" if is_cut and is_mark else ""


def _is_in_ink(detail: Detail | None) -> bool:
    return detail is not None and detail.starkness > IN_INK


def _has_little(measurement: PairMeasurement) -> bool:
    return measurement.texture < _FULL_OF_TEXTURE
