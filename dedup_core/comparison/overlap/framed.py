"""A crop with a frame around it that is no plain border: several colors, a shadow, the picture itself, blurred.

Plain borders are trimmed before two pictures are laid on each other. What is left of a frame lies where the scene of
the other picture goes on, and is no change of it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s, Pixels
from dedup_core.comparison.alignment.frame import Frame, frame_between
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.alignment.warp import shrunk
from dedup_core.comparison.detail.closer_look import Look, look_closer
from dedup_core.comparison.overlap.laid import Laid
from dedup_core.comparison.overlap.margins import cut_within
from dedup_core.comparison.overlap.shared_rectangle import shared_rectangle
from dedup_core.comparison.overlap.which_side import REACH, least_step, side_of, steps_around
from dedup_core.comparison.regions import Corners, RegionKind
from dedup_core.views import turned

_LEAST_COVERAGE: Final = 0.5  # of less it is a part of a page or collage
_ALIKE: Final = 5.0  # gray levels
_MOST_ALIKE: Final = 0.25  # of the points under a frame (0.0 to 0.19); under large letters 0.05 to 0.67
_SEARCHED: Final = 192  # pixels of the longer side
_BLOCKS_BEYOND: Final = 15  # of these pixels: two blocks and a half, by which what is unchanged may end earlier
_SMOOTH_STEP: Final = 3.0  # gray levels
_MOST_SMOOTH: Final = 0.5  # of the points of frames, shadows and blurred bars (0.58 to 1); of captioned scenes 0.4


def without_frame(
    left: Pixels, right: Pixels, laid: Laid, look: Look, placed: Placed
) -> tuple[Laid, Look, Placed] | None:
    """The same two without the frame around one of them, where the scene of the other goes on under it.

    A frame of several colors, a shadow and blurred bars are no plain border, so none is trimmed. What they surround is
    the rectangle in which the two agree; straight lines run along it in one of them alone, and beyond it nothing of the
    other shows between what lies there, as it does between letters. None where that is not so, or no less differs
    within.
    """
    if laid.pair.coverage < _LEAST_COVERAGE or look.detail is None or not look.finds_much:
        return None
    (top, bottom, first, last), cut = shared_rectangle(look, placed)
    height, width = cut.inside.shape
    region = placed.region(RegionKind.SHARED, first / width, top / height, last / width, bottom / height)
    inner = [_surrounded(whole, box.corners) for whole, box in ((left, region.left), (right, region.right))]
    if (inner[0] is None) == (inner[1] is None):
        return None
    frames = [placed.frames[side] if it is None else frame_between(it) for side, it in enumerate(inner)]
    if not _hides_the_other(placed, turned(left, placed.view), right, (frames[0], frames[1])):
        return None
    unframed = placed.within(left, right, (frames[0], frames[1])).refined(rough=False)
    shown = Laid.of(unframed)
    if shown is None:
        return None
    closer = look_closer(unframed, recolored=shown.is_recolored)
    if closer.detail is None or closer.shows_nothing or closer.detail.altered_share >= look.detail.altered_share:
        return None
    return shown, closer, unframed


def _hides_the_other(placed: Placed, upright: Pixels, right: Pixels, frames: tuple[Frame, Frame]) -> bool:
    """Whether few points beyond these frames have the gray that the tones within would give them."""
    cut, within = cut_within(placed, upright, right, placed.boxes(upright, right, frames))
    ours, theirs = (np.asarray(image.convert("L"), np.float64) for image in (cut.left, cut.right))
    beyond = cut.inside & ~within
    if not beyond.any() or not within.any() or np.ptp(ours[within]) == 0:
        return False
    slope, offset = np.polyfit(ours[within], theirs[within], 1)
    off = np.abs(slope * ours + offset - theirs)
    return bool((off[beyond] <= _ALIKE).mean() <= _MOST_ALIKE)


def _surrounded(whole: Pixels, around: Corners) -> Corners | None:
    """What a frame surrounds of a whole picture (h, w, 3), if one lies just beyond `around`; None if none does.

    Each side of `around`, which is known to some blocks, is moved outward to the next line that runs along it.
    """
    scale = min(1.0, _SEARCHED / max(whole.shape[:2]))
    luma = np.asarray(shrunk(whole, scale, "L"), dtype=np.float32)
    height, width = luma.shape
    left, top, right, bottom = (
        round(corner * side) for corner, side in zip(around, (width, height, width, height), strict=True)
    )
    across = np.abs(np.diff(luma, axis=1))[top:bottom].mean(axis=0)
    down = np.abs(np.diff(luma, axis=0))[:, left:right].mean(axis=1)
    if not across.size or not down.size:
        return None
    first, last = _next_line(across, left, -1), _next_line(across, right, 1)
    upper, lower = _next_line(down, top, -1), _next_line(down, bottom, 1)
    inner = first / width, upper / height, last / width, lower / height
    if not _is_smooth_around(luma, slice(upper, lower), slice(first, last)):
        return None
    return inner if side_of(whole, scale, inner, is_overlaid=False).is_framed else None


def _next_line(profile: NDArray[np.floating], edge: int, way: int) -> int:
    """Where the next edge along a whole line lies beyond one that is known to some blocks, seen from the middle.

    The end of the picture, if that comes before any; else the clearest of these lines.
    """
    places = range(edge - way * REACH - 1, edge + way * _BLOCKS_BEYOND, way)
    known = [place for place in places if 0 <= place < len(profile)]
    least = least_step(profile)
    clear = next((place for place in known if profile[place] > least), None)
    if clear is not None:
        if (following := clear + way) in known and profile[following] > profile[clear]:
            clear = following
        return clear + 1
    if len(known) < len(places):
        return max(0, min(len(profile) + 1, places[-1] + 1))
    return max(known, key=lambda place: float(profile[place])) + 1


def _is_smooth_around(luma: Float32s, rows: slice, columns: slice) -> bool:
    """Whether most that is outside is as smooth as frames and shadows are: a scene with words in it is not."""
    steps = steps_around(luma, rows, columns)
    return bool(steps.size and (steps < _SMOOTH_STEP).mean() >= _MOST_SMOOTH)
