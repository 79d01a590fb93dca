"""What lies in plain margins: they are trimmed before two pictures are aligned, and a page number with them."""

from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s, Pixels
from dedup_core.color.background import Background
from dedup_core.color.lab import srgb_to_lab
from dedup_core.comparison.alignment.frame import WHOLE, Contents, Frame, frame_of
from dedup_core.comparison.alignment.placing import Cut, Placed
from dedup_core.comparison.alignment.warp import farthest_apart
from dedup_core.comparison.structure.clusters import PixelBox
from dedup_core.views import turned

_LIKE_COLORS: Final = 64.0  # gray levels: one paper in another light, and no black margin for a white one
_CORNER_OFF: Final = 0.015  # of a side: frames that differ by less are the same one, scaled and rounded
_MORE: Final = 1.005  # times the pixels that both show inside of their margins
_MIXED: Final = 2  # pixels: the outermost lines of what a border is around are a mixture of both
_PANEL: Final = 0.1  # of a side
_NO_MARGIN: Final = 0.03  # of a side: what is left of a border along the other sides
_STEP: Final = 4  # pixels: every fourth one tells the color of a margin
_MAP_SIZE: Final = 64  # points of the longer side: grain and what is written there are averaged
_LIKE_POINTS: Final = 16  # gray levels, as `_LIKE_COLORS` of single points
_MOST_POINTS: Final = 0.75  # pages agree in 0.81 of a margin that is written in, scenes with a frame in 0.2 to 0.7
type Colors = list[Pixels]
"""The pixels of the margins around what was aligned of a picture, outermost first, (n, 3) each."""


def with_margins(placed: Placed, left: Pixels, right: Pixels, contents: Contents) -> list[Placed]:
    """The same alignment with as much of the margins as both pictures show; empty where that is nothing more.

    `contents` is what lies inside the outermost border of each. What lies beyond the edge of one picture was cropped
    from it, and a border that only one of them has, in another color or where the scene of the other goes on, was put
    around it: neither is looked at. Where the frames lie on each other, they come first exactly so, and then as they
    were placed: either may be nearer.
    """
    if placed.frames == (WHOLE, WHOLE):
        return []
    least = _MORE * placed.common_pixels
    if placed.within(left, right, (WHOLE, WHOLE)).common_pixels <= least:
        return []
    upright = turned(left, placed.view)
    pages = _page(left, contents[0]), _page(right, contents[1])
    inside, used = placed.boxes(upright, right, pages), placed.boxes(upright, right, placed.frames)
    margins = _margins(upright, inside[0], used[0]), _margins(right, inside[1], used[1])
    choices = [(WHOLE, page, frame) for page, frame in zip(pages, placed.frames, strict=True)]
    for first, second in sorted(np.ndindex(3, 3), key=sum):  # the largest first
        if are_alike(margins[0][first:] + margins[1][second:]):
            wider = placed.within(left, right, (choices[0][first], choices[1][second]))
            if wider.common_pixels <= least:
                return []
            if _is_margin_of_both(wider, upright, right, used):
                return _exact_first(wider, left, right)
    return []


def _is_margin_of_both(wider: Placed, upright: Pixels, right: Pixels, used: tuple[PixelBox, PixelBox]) -> bool:
    """Whether most of what both show beyond the boxes `used` looks the same, but for its shade."""
    cut, within = cut_within(wider, upright, right, used)
    beyond = cut.inside & ~within
    ours, theirs = (np.asarray(image)[beyond] for image in (cut.left, cut.right))
    return bool(beyond.any() and show_the_same(ours, theirs))


def show_the_same(ours: Pixels, theirs: Pixels) -> NDArray[np.bool_]:
    """Whether most points of two margins, which lie on each other, look the same, but for their shade.

    Of stacks of margins, (..., n, 3), each: (...).
    """
    off = ours.astype(np.float32) - theirs
    shade = np.median(off, axis=-2)
    is_like = np.abs(off - shade[..., None, :]).max(axis=-1) <= _LIKE_POINTS
    return np.asarray((np.abs(shade).max(axis=-1) <= _LIKE_COLORS) & (is_like.mean(axis=-1) >= _MOST_POINTS))


def cut_within(
    placed: Placed, upright: Pixels, right: Pixels, used: tuple[PixelBox, PixelBox]
) -> tuple[Cut, NDArray[np.bool_]]:
    """A small cut in RGB, and which of its points (h, w) lie in these boxes of both whole pictures."""
    scale = _MAP_SIZE / max(placed.left.shape[:2])
    outer = placed.boxes(upright, right, placed.frames)
    maps = [_map_of(box, within) for box, within in zip(used, outer, strict=True)]
    within = replace(placed, left=maps[0], right=maps[1]).cut(scale, "L")
    cut = placed.cut(scale, "RGB")
    return cut, cut.inside & (np.asarray(within.left) > 0) & (np.asarray(within.right) > 0)


def _map_of(box: PixelBox, within: PixelBox) -> Pixels:
    """255 where the box is and 0 elsewhere in the other one, (h, w)."""
    left, top, right, bottom = within
    found = np.zeros((bottom - top, right - left), np.uint8)
    found[max(0, box[1] - top) : box[3] - top, max(0, box[0] - left) : box[2] - left] = 255
    return found


class TrimmedMargins:
    """What was trimmed around what lies on each other of two whole pictures, left turned as it is laid."""

    def __init__(self, placed: Placed, left: Pixels, right: Pixels) -> None:
        self._wholes = turned(left, placed.view), right
        self._used = placed.boxes(*self._wholes, placed.frames)

    def behind(self, shown: tuple[Background, Background]) -> tuple[Background, Background]:
        """The backgrounds of what both show: surely such where margins of the same color lie around all of it."""
        if not self._surround:
            return shown
        ours, theirs = self._labs
        return shown[0].before(ours), shown[1].before(theirs)

    def plain_share(self, plain_share: float) -> float:
        """The share 0..1 of plain background in the whole pictures, where that of what both show is `plain_share`.

        Margins all around both are background as well, where they have the same color; that of bars or a frame, too.
        """
        if not (self._surround and are_alike(self._rings)):
            return plain_share
        inside = (
            (right - left) * (bottom - top) / whole[..., 0].size
            for (left, top, right, bottom), whole in zip(self._used, self._wholes, strict=True)
        )
        return 1 - (1 - plain_share) * max(inside)

    @property
    def panel_off(self) -> float:
        """How far the colors of the plain part along one side are apart, CIELAB units, where both have it; else 0.

        What lies around a picture, or on two sides of it, is a frame or bars, and may have any color.
        """
        margins = np.array([_widths(box, whole) for box, whole in zip(self._used, self._wholes, strict=True)])
        is_wide = margins.min(axis=0) > _PANEL
        if is_wide.sum() != 1 or margins[:, ~is_wide].max() > _NO_MARGIN or np.ptp(margins, axis=0).max() > _CORNER_OFF:
            return 0.0
        ours, theirs = self._labs
        return float(np.linalg.norm(ours - theirs))

    @cached_property
    def _surround(self) -> bool:
        """Whether there are some around all of both."""
        return all(map(_is_surrounded, self._used, self._wholes))

    @cached_property
    def _rings(self) -> Colors:
        return [_ring(whole, _whole_of(whole), box) for whole, box in zip(self._wholes, self._used, strict=True)]

    @cached_property
    def _labs(self) -> Float32s:
        """The usual color of each in CIELAB, (2, 3)."""
        colors = [np.median(ring, axis=0) for ring in self._rings]
        return np.asarray(srgb_to_lab(np.array([colors]).round().astype(np.uint8))[0])


def _whole_of(picture: Pixels) -> PixelBox:
    height, width = picture.shape[:2]
    return 0, 0, width, height


def _widths(box: PixelBox, whole: Pixels) -> tuple[float, float, float, float]:
    """Of the left, upper, right and lower margin, in shares of the sides."""
    left, top, right, bottom = box
    _, _, width, height = _whole_of(whole)
    return left / width, top / height, 1 - right / width, 1 - bottom / height


def _is_surrounded(box: PixelBox, whole: Pixels) -> bool:
    left, top, right, bottom = box
    return min(left, top) >= _STEP and right <= whole.shape[1] - _STEP and bottom <= whole.shape[0] - _STEP


def are_alike(margins: Colors) -> bool:
    """Whether margins have about one color; where nothing is there is none."""
    colors = [np.median(margin, axis=0) for margin in margins if len(margin)]
    return not colors or bool(np.ptp(colors, axis=0).max() <= _LIKE_COLORS)


def _exact_first(placed: Placed, left: Pixels, right: Pixels) -> list[Placed]:
    exact = Placed.stretched(left, right, placed.view)
    is_near = farthest_apart(placed.homography, exact.homography, exact.left) <= _CORNER_OFF
    if placed.frames != exact.frames or not is_near:
        return [placed]
    return [exact] if placed.keeps_frame else [exact, placed]


def _page(picture: Pixels, content: tuple[slice, slice]) -> Frame:
    """What is inside the outermost border, without the lines in which it shows."""
    height, width = picture.shape[:2]
    cut = []
    for part, side in zip(content, (height, width), strict=True):
        start, stop, _ = part.indices(side)
        mixed = _MIXED if stop - start > 2 * _MIXED else 0  # of a thin stripe nothing would be left
        cut.append(slice(start + (mixed if start else 0), stop - (mixed if stop < side else 0)))
    return frame_of(picture, (cut[0], cut[1]))


def _margins(whole: Pixels, page: PixelBox, used: PixelBox) -> Colors:
    return [_ring(whole, _whole_of(whole), page), _ring(whole, page, used)]


def _ring(whole: Pixels, outer: PixelBox, inner: PixelBox) -> Pixels:
    """Pixels of a box that lie around another one, (n, 3)."""
    around = np.zeros(whole.shape[:2], dtype=np.bool_)
    around[outer[1] : outer[3], outer[0] : outer[2]] = True
    around[inner[1] : inner[3], inner[0] : inner[2]] = False
    return whole[::_STEP, ::_STEP][around[::_STEP, ::_STEP]]
