"""Whether one of two pictures in the very same frame shows something at a side at which the other one is blank."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Pixels
from dedup_core.comparison.alignment.filled_corners import off_color
from dedup_core.comparison.alignment.frame import box_of, cut_out
from dedup_core.comparison.measurement import RETONED
from dedup_core.comparison.overlap.frame_ink import INK, LEAST_SCENE, shows_a_scene
from dedup_core.comparison.regions import Corners

# docs/thresholds.md#coverage
_BLANK: Final = 0.99  # of the points, which have one color
_LIKE: Final = 4  # levels of a channel, which saving leaves of it
_CORNER: Final = 0.2  # of the shorter side, which round corners take at most
_APART: Final = 4  # lines at the edge, which the alignment may be off, and the common part within a trimmed border
_LEAST_LINES: Final = 4


def shows_beside_blank(ours: Pixels, theirs: Pixels, inner: Corners) -> bool:
    """Whether ours (h, w, 3) shows something beyond `inner`, at one side, where theirs, of that size, has one color.

    Bars and frames that were laid over a picture take something from two sides that lie opposite. Nothing is said in
    other tones, which make a scene of one too faint to be seen.
    """
    if _is_retoned(ours, theirs, inner):
        return False
    strips = list(zip(_strips(ours, inner), _strips(theirs, inner), strict=True))
    gone = [_is_gone(mine, other) for mine, other in strips]
    if (gone[0] and gone[2]) or (gone[1] and gone[3]):
        return False
    shown = (both for is_gone, both in zip(gone, strips, strict=True) if is_gone)
    longer = max(ours.shape[:2])
    return any(
        shows_a_scene([mine.astype(np.int16)], longer) or _stands_before_ground(mine, other, longer)
        for mine, other in shown
    )


def _is_retoned(ours: Pixels, theirs: Pixels, inner: Corners) -> bool:
    shown, other = (cut_out(it, box_of(inner, it)).astype(np.int16) for it in (ours, theirs))
    return shown.size == 0 or float(np.median(np.abs(shown - other))) > RETONED


def _strips(picture: Pixels, inner: Corners) -> list[Pixels]:
    """What lies beyond the left, upper, right and lower edge of `inner`, but for corners, the outermost line first."""
    left, top, right, bottom = box_of(inner, picture)
    corner = round(_CORNER * min(picture.shape[:2]))
    rows, columns = picture[corner : len(picture) - corner], picture[:, corner : picture.shape[1] - corner]
    return [
        rows[:, : max(0, left - _APART)].swapaxes(0, 1),
        columns[: max(0, top - _APART)],
        rows[:, right + _APART :].swapaxes(0, 1)[::-1],
        columns[bottom + _APART :][::-1],
    ]


def _is_gone(mine: Pixels, other: Pixels) -> bool:
    return min(len(mine), len(other)) >= _LEAST_LINES and _is_blank(other) and not _is_blank(mine)


def _stands_before_ground(mine: Pixels, other: Pixels, longer: int) -> bool:
    """Whether what a strip shows ends before the edge, in the one color of the other: no bar and no frame does."""
    off_ground = off_color(mine, _color_of(other))
    ends = (off_ground[:_APART] <= _LIKE).mean() >= _BLANK
    return bool(ends) and int((off_ground > INK).sum()) >= LEAST_SCENE * longer**2


def _is_blank(strip: Pixels) -> bool:
    return bool((off_color(strip, _color_of(strip)) <= _LIKE).mean() >= _BLANK)


def _color_of(strip: Pixels) -> NDArray[np.int16]:
    """That which most of it has."""
    color: NDArray[np.int16] = np.median(strip.reshape(-1, 3), axis=0).astype(np.int16)
    return color
