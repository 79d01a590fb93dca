"""Finds out which picture of a pair has something lying over it, a frame around it, or less of the scene."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s, Pixels
from dedup_core.comparison.alignment.filled_corners import filled_edges, round_corners_of_one
from dedup_core.comparison.alignment.warp import LEAST_LEAN, shrunk
from dedup_core.comparison.overlap.blank_sides import shows_beside_blank
from dedup_core.comparison.overlap.frame_ink import Surroundings, has_ink_in_filling, has_ink_in_frame
from dedup_core.comparison.overlap.other_frame import LEAST_MARGIN, within_the_other
from dedup_core.comparison.overlap.overlays import overlaid_sides
from dedup_core.comparison.overlap.shown_again import is_shown_again
from dedup_core.comparison.overlap.written_margins import is_written
from dedup_core.comparison.regions import Corners
from dedup_core.comparison.sides import Side, Sides

_ONE_PLACE: Final = 0.008  # of a side: two pixels of an alignment
_ONE_SHAPE: Final = 0.98  # ratio of two aspect ratios: a copy of few pixels is rounded by that much
_INSIDE: Final = 9  # lines of 192: a twentieth of the picture
REACH: Final = 3  # pixels around the rectangle in which the inner edge of a frame is looked for
_FRAME_EDGE: Final = 3.0  # docs/thresholds.md#which-side
_LEAST_EDGE: Final = 6.0  # gray levels: between two plain areas any step would be large
_EMPTY_BARS: Final = 0.3  # docs/thresholds.md#which-side
_PLAIN_STEP: Final = 0.5  # gray levels
_ALONG: Final = 0.75  # of the points of an edge
_ALONG_BORDER: Final = 0.84  # of the points of one line; docs/thresholds.md#which-side
_LITTLE: Final = 0.15  # of the steps inside; shadows and gradients around photographs have 0.03 to 0.13
_SMOOTH: Final = 1.2  # second against first differences; shadows and gradients have 0.3 to 1.0, a faint scene 1.8
_BARS_BESIDE: Final = [True, False, True, False]
_BARS_ABOVE: Final = [False, True, False, True]

type Both = tuple[Pixels, Pixels]


def sides_of(
    wholes: Both, parts: Both, inner: tuple[Corners, Corners], size: int, *, lean: float = 0.0, turn: float = 0.0
) -> Sides:
    """What tells two whole pictures apart of which `parts`, at one size, are what both show, and `inner` where that is.

    The left one is turned as it lies on the right one, on which its sides end `lean` off level and plumb, in units of
    the longer side; `size` is that of the longer side at which to look, `turn` the degrees between the two.
    """
    is_straight = lean == 0.0
    scales = [size / max(whole.shape[:2]) for whole in wholes]
    one_frame = _is_one_frame(wholes, inner)
    if one_frame:
        parts = _stretched([np.asarray(shrunk(whole, scale)) for whole, scale in zip(wholes, scales, strict=True)])
    overlaid = overlaid_sides(*parts)
    # Around what is turned against the other, a box says little of where the frame of that one lies.
    frames = (within_the_other(*inner, wholes), within_the_other(*inner[::-1], wholes[::-1])) if is_straight else inner
    sides = Sides(*map(side_of, wholes, scales, frames, overlaid, (lean, lean)))
    if lean <= LEAST_LEAN:
        sides = _with_ink(sides, [has_ink_in_frame(*it) for it in zip(wholes, inner, strict=True)])
    if is_straight and one_frame:
        sides = _with_what_is_gone(sides, parts, inner[0])
    if not is_straight:
        return _with_filling(sides, wholes, turn, may_have_ink=lean > LEAST_LEAN)
    if not (sides.left.is_framed and sides.right.is_framed):
        return _with_round_corners(sides, wholes)
    # What has bars of its own and got a frame besides has something around it on more sides.
    left_margins, right_margins = (sum(_wide_margins(corners)) for corners in frames)
    return Sides(
        replace(sides.left, is_framed=left_margins > right_margins),
        replace(sides.right, is_framed=right_margins > left_margins),
    )


def _with_ink(sides: Sides, has_ink: list[bool]) -> Sides:
    """The sides, where a frame holds something that the frame of the other does not; what both hold was compared."""
    if has_ink[0] == has_ink[1]:
        return sides
    ours, theirs = (
        replace(side, shared=1.0, is_framed=True, is_written=True) if inked else side
        for side, inked in zip((sides.left, sides.right), has_ink, strict=True)
    )
    return Sides(ours, theirs)


def _with_what_is_gone(sides: Sides, wholes: Both, inner: Corners) -> Sides:
    """The sides of two in the very same frame, of one size: where one of them is blank, the other may show more."""
    left, right = wholes
    return Sides(
        replace(sides.left, is_written=sides.left.is_written or shows_beside_blank(left, right, inner)),
        replace(sides.right, is_written=sides.right.is_written or shows_beside_blank(right, left, inner)),
    )


def _with_filling(sides: Sides, wholes: Both, turn: float, *, may_have_ink: bool) -> Sides:
    """The sides of two that lie at an angle: what one of them got at its corners is a frame, and none of its scene."""
    edges = [filled_edges(whole, turn) for whole in wholes]
    if may_have_ink:
        sides = _with_ink(sides, list(map(has_ink_in_filling, wholes, edges)))
    left, right = (len(it) > 0 for it in edges)
    if left == right:
        return sides
    return Sides(
        replace(sides.left, shared=1.0, is_framed=left),
        replace(sides.right, shared=1.0, is_framed=right),
    )


def _with_round_corners(sides: Sides, wholes: Both) -> Sides:
    """The sides of two of which one lost its corners: what it has in their place is a frame."""
    left, right = (len(edges) > 0 for edges in round_corners_of_one(*wholes))
    return Sides(
        replace(sides.left, is_framed=sides.left.is_framed or left),
        replace(sides.right, is_framed=sides.right.is_framed or right),
    )


def _is_one_frame(wholes: Both, inner: tuple[Corners, Corners]) -> bool:
    """Whether what both show lies at one place of both, and is not all of them: a letter may be in what was cut off."""
    if not all(any(_wide_margins(corners)) for corners in inner):
        return False
    aspects = sorted(whole.shape[1] / whole.shape[0] for whole in wholes)
    off = max(abs(ours - theirs) for ours, theirs in zip(*inner, strict=True))
    return off <= _ONE_PLACE and aspects[0] / aspects[1] >= _ONE_SHAPE


def _stretched(pictures: Sequence[Pixels]) -> Both:
    """Both at the size of the first one."""
    first, second = pictures
    height, width = first.shape[:2]
    return first, np.asarray(Image.fromarray(second).resize((width, height), Image.Resampling.BILINEAR))


def side_of(whole: Pixels, scale: float, inner: Corners, is_overlaid: bool, lean: float = 0.0) -> Side:
    """What the part outside of `inner`, which the other picture shows too, says of a whole picture (h, w, 3).

    It is looked at `scale` times as large. Where the two lie at an angle, no edge of `inner` runs along a margin: its
    sides are `lean` off, in units of the longer side.
    """
    left, top, right, bottom = (min(1.0, max(0.0, corner)) for corner in inner)
    is_wide = _wide_margins(inner)
    if not any(is_wide):
        return Side(1.0, is_framed=False, is_overlaid=is_overlaid)
    luma = np.asarray(shrunk(whole, scale, "L"), dtype=np.float32)
    height, width = luma.shape
    row, column = min(int(top * height), height - 1), min(int(left * width), width - 1)
    rows, columns = slice(row, max(row + 1, int(bottom * height))), slice(column, max(column + 1, int(right * width)))
    steps = np.abs(np.diff(luma, axis=1))[rows], np.abs(np.diff(luma, axis=0))[:, columns].T
    across, down = (it.mean(axis=0) for it in steps)
    edges = (round(left * width), round(top * height), round(right * width), round(bottom * height))
    profiles = zip((across, down, across, down), edges, is_wide, strict=True)
    is_edged = [wide and _has_edge(profile, edge) for profile, edge, wide in profiles]
    edged = [edge for edge, wide in zip(is_edged, is_wide, strict=True) if wide]
    around = Surroundings(whole, (left, top, right, bottom))
    if len(edged) == 1:
        side = is_wide.index(True)
        ends_in_line = _is_line(steps[side % 2], edges[side]) and _is_plain_around(luma, rows, columns)
        is_framed = ends_in_line or (edged[0] and _is_border(steps[side % 2], edges[side]) and around.is_other_picture)
    else:
        is_framed = any(edged) and (sum(edged) >= min(3, len(edged)) or _fades_around(luma, rows, columns))
    if is_wide in (_BARS_BESIDE, _BARS_ABOVE):
        profile, start, stop = (across, edges[0], edges[2]) if is_wide == _BARS_BESIDE else (down, edges[1], edges[3])
        is_framed = is_framed or _emptiness(profile, start, stop) < (_EMPTY_BARS if any(edged) else _EMPTY_BARS / 3)
    is_framed = is_framed or (lean <= LEAST_LEAN and around.breaks_off)
    written = lean == 0.0 and any(
        is_written(margin, inside, luma.size)
        for (margin, inside), edge in zip(_beside_edges(luma, rows, columns), is_edged, strict=True)
        if edge
    )
    if lean <= LEAST_LEAN:
        is_inked = is_framed and (around.has_ink_on_shades or around.is_other_picture)
        written = written or is_inked or is_shown_again(luma, rows, columns)
    is_framed = is_framed or written
    shared = 1.0 if is_framed else (right - left) * (bottom - top)
    return Side(round(shared, 3), is_framed, is_overlaid, written)


def _beside_edges(luma: Float32s, rows: slice, columns: slice) -> Iterator[tuple[Float32s, Float32s]]:
    """The margin and some lines inside at the left, upper, right and lower edge, the lines nearest to it last."""
    for lines, first, end in (
        (luma[rows].T, columns.start, columns.stop),
        (luma[:, columns], rows.start, rows.stop),
        (luma[rows].T[::-1], luma.shape[1] - columns.stop, luma.shape[1] - columns.start),
        (luma[:, columns][::-1], luma.shape[0] - rows.stop, luma.shape[0] - rows.start),
    ):
        yield lines[:first], lines[first : min(end, first + _INSIDE)][::-1]


def _wide_margins(inner: Corners) -> list[bool]:
    """Of the left, upper, right and lower margin, which are wider than an alignment may be off."""
    left, top, right, bottom = (min(1.0, max(0.0, corner)) for corner in inner)
    return [margin > LEAST_MARGIN for margin in (left, top, 1 - right, 1 - bottom)]


def _has_edge(profile: NDArray[np.floating], edge: int) -> bool:
    """Whether a straight line runs along the whole edge, as no scene has one where someone happens to cut it."""
    near = profile[max(0, edge - 1 - REACH) : edge + REACH]
    return len(near) > 0 and float(near.max()) > least_step(profile)


def least_step(profile: NDArray[np.floating]) -> float:
    """How large a step along a whole line is an edge."""
    usual = float(np.median(profile[profile > 0])) if (profile > 0).any() else 0.0
    return max(_LEAST_EDGE, _FRAME_EDGE * usual)


def _is_line(steps: Float32s, edge: int) -> bool:
    """Whether a line runs along the edge at most of its points, as no row of letters does: `steps` (points, lines)."""
    near = steps[:, max(0, edge - 1 - REACH) : edge + REACH]
    return near.size > 0 and bool((near.max(axis=1) > _LEAST_EDGE).mean() >= _ALONG)


def _is_border(steps: Float32s, edge: int) -> bool:
    """Whether one picture ends near the edge and another one begins, all along one line: `steps` (points, lines)."""
    near = steps[:, max(0, edge - 1 - REACH) : edge + REACH]
    return near.size > 0 and float((near > _LEAST_EDGE).mean(axis=0).max()) >= _ALONG_BORDER


def _is_plain_around(luma: Float32s, rows: slice, columns: slice) -> bool:
    """Whether all that is outside has one color, as what lies around a picture has and no scene."""
    steps = steps_around(luma, rows, columns)
    return bool(steps.size and steps.mean() < _PLAIN_STEP)


def _fades_around(luma: Float32s, rows: slice, columns: slice) -> bool:
    """Whether all that is outside has one color, or changes slowly and little: a shadow or a gradient."""
    steps = steps_around(luma, rows, columns)
    if steps.size == 0 or steps.mean() < _PLAIN_STEP:
        return steps.size > 0
    bends = steps_around(luma, rows, columns, order=2)
    inside = [np.abs(np.diff(luma[rows, columns], axis=axis)) for axis in (0, 1)]
    usual = sum(float(it.mean()) for it in inside if it.size)
    return bool(steps.mean() < _LITTLE * usual and bends.mean() < _SMOOTH * steps.mean())


def steps_around(luma: Float32s, rows: slice, columns: slice, order: int = 1) -> NDArray[np.floating]:
    """How much each point outside differs from those above and before it, in gray levels, (n,); of which `order`."""
    steps = np.zeros_like(luma)
    steps[order:] += np.abs(np.diff(luma, order, axis=0))
    steps[:, order:] += np.abs(np.diff(luma, order, axis=1))
    outside = np.ones(luma.shape, bool)
    outside[max(0, rows.start - REACH) : rows.stop + REACH, max(0, columns.start - REACH) : columns.stop + REACH] = (
        False
    )
    return np.asarray(steps[outside])


def _emptiness(profile: NDArray[np.floating], start: int, stop: int) -> float:
    """How much there is to see in the fuller one of two bars, against what is between them."""
    bars = profile[: max(1, start - REACH)], profile[min(len(profile) - 1, stop + REACH) :]
    between = profile[start:stop]
    if not between.size or not profile.size:
        return 1.0
    return max(float(bar.mean()) for bar in bars) / (float(between.mean()) + 0.1)
