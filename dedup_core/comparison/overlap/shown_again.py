"""Whether a picture shows the same thing twice, side by side: before and after it was retouched."""

from typing import Final

from dedup_core.arrays import Float32s
from dedup_core.comparison.structure.local_contrast import correlation, local_structure

# docs/thresholds.md#written-margins
_AGAIN: Final = 0.7  # correlation
_OF_ITSELF: Final = 0.5  # correlation with itself, moved: the rest of a row of houses, or of a form, is like it as well
_LEAST_ROOM: Final = 0.85  # of its length lies beside it: where two lie side by side, the alignment may be off by some
_WIDEST_GAP: Final = 0.25  # of its length
_LEAST_PART: Final = 16  # points of a side: of so few some are like any others
_LEAST_MOVED: Final = 0.1  # of its length
_MOST_MOVED: Final = 0.5


def is_shown_again(luma: Float32s, rows: slice, columns: slice) -> bool:
    """Whether what lies beside a part of a picture (h, w) shows the same as that part, whatever its tones.

    A part that is like itself once it is moved, as fabrics, rows of windows and lines of a form are, tells nothing.
    """
    height, width = luma.shape
    down, across = rows.stop - rows.start, columns.stop - columns.start
    room = max(rows.start, height - rows.stop) / down, max(columns.start, width - columns.stop) / across
    if max(room) < _LEAST_ROOM or min(down, across) < _LEAST_PART:
        return False
    structure = local_structure(luma)
    lines = (structure[:, columns], rows.start, rows.stop), (structure[rows].T, columns.start, columns.stop)
    agreement = max(_agreement_beside(*it) for it in lines)
    return agreement >= _AGAIN and max(_of_itself(whole[first:end]) for whole, first, end in lines) < _OF_ITSELF


def _agreement_beside(lines: Float32s, first: int, end: int) -> float:
    """How well the lines (n, points) from `first` to `end` agree with as many after or before them, at best."""
    last = len(lines)
    turned = lines[::-1], last - end, last - first
    return max(_agreement_after(lines, first, end), _agreement_after(*turned))


def _agreement_after(lines: Float32s, first: int, end: int) -> float:
    part, after = lines[first:end], lines[end:]
    gaps = range(int(_WIDEST_GAP * len(part)) + 1)
    found = (after[gap : gap + len(part)] for gap in gaps)
    return max((correlation(part[: len(it)], it) for it in found if len(it) >= _LEAST_ROOM * len(part)), default=0.0)


def _of_itself(part: Float32s) -> float:
    """How well the lines agree with the same ones, moved, at best."""
    moves = range(max(1, int(_LEAST_MOVED * len(part))), int(_MOST_MOVED * len(part)) + 1)
    return max((correlation(part[by:], part[:-by]) for by in moves), default=0.0)
