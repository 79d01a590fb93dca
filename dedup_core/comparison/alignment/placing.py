"""Two pictures laid on each other, cut out at any size, and where a part of one lies in the other."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Pixels
from dedup_core.comparison.alignment.align import align
from dedup_core.comparison.alignment.bend import Bend
from dedup_core.comparison.alignment.filled_corners import (
    NO_EDGES,
    Edges,
    filled_edges,
    on_near_side,
    round_corners_of_one,
    share_on_near_side,
)
from dedup_core.comparison.alignment.frame import (
    WHOLE,
    Contents,
    Frame,
    box_of,
    cut_out,
    frame_of,
    in_whole,
    into,
    upright_corners,
)
from dedup_core.comparison.alignment.gauss_newton import pixels_a_unit
from dedup_core.comparison.alignment.refine import FINEST, refined
from dedup_core.comparison.alignment.warp import (
    Homography,
    farthest_apart,
    is_straight,
    pixel_homography,
    resized_under,
    scaled_size,
    shown_under,
    shrunk,
    straightened,
    warped,
    whole_on_whole,
)
from dedup_core.comparison.regions import Box, Corners, Region, RegionKind
from dedup_core.comparison.structure.clusters import PixelBox, bounds_of
from dedup_core.comparison.structure.images import in_mode
from dedup_core.comparison.structure.local_contrast import StructurePyramid, content_box, extent_of, luma_plane
from dedup_core.comparison.structure.sharpness import SOFT, sharpness
from dedup_core.views import View, turned, turned_back

_MAP_SIZE: Final = 128  # pixels: the part that both show is told to a hundredth of a side
_NEAR: Final = 0.25 / 128  # of a side, a pixel of the largest pictures: a copy in its frame, or unturned, lies so near
_SHRUNK: Final = 1.2  # times: what is shrunk by more, or in the same frame, is so as the other picture is
_UNTURNED: Final = 0.125 / FINEST  # of a side: what a fine alignment turns by less is not turned
_STILL: Final = 1e-6  # of a side: a thousandth of a pixel


@dataclass(frozen=True, slots=True)
class Cut:
    """Both pictures at one size and in one place; `inside` (h, w) is where right shows anything."""

    left: Image.Image
    right: Image.Image
    inside: NDArray[np.bool_]

    def bounds(self) -> PixelBox | None:
        """The smallest box around all that is inside: left, top, right, bottom. None if nothing is."""
        return bounds_of(self.inside)


@dataclass(frozen=True, slots=True)
class Placed:
    """How `left`, already turned by `view`, lies on `right`; `frames` is which part of each whole picture they are.

    `keeps_frame`: exactly so that the whole of one picture lies on the whole of the other. `bend`: how right is bent
    besides, as it lies under left; slight, so that only what is compared point by point is asked for it. `edges`: where
    each of the two ends before its own frame does, because its corners were filled.
    """

    left: Pixels
    right: Pixels
    view: View
    homography: Homography
    frames: tuple[Frame, Frame]
    keeps_frame: bool = False
    bend: Bend | None = None
    edges: tuple[Edges, Edges] = (NO_EDGES, NO_EDGES)

    @classmethod
    def aligned(cls, left: Pixels, right: Pixels, hint: View | None, contents: Contents | None = None) -> Self:
        """The best alignment of what is inside their plain borders: their `contents`, where those are known."""
        boxes = contents or (content_box(left), content_box(right))
        framed = cache(lambda view: cls.frame_on_frame(left, right, view, boxes))
        found = align(left[boxes[0]], right[boxes[1]], hint, lambda view: framed(view).homography[:2])
        homography = np.vstack([found.matrix, [0.0, 0.0, 1.0]])
        # Most copies keep their frame. What a search finds is a part of a pixel beside it, and is resampled there.
        exact = framed(found.view).without_round_corners()
        if farthest_apart(homography, exact.homography, exact.left) < _NEAR:
            return exact
        placed = replace(exact, homography=straightened(homography, exact.left, _NEAR), keeps_frame=False)
        filled = filled_edges(placed.left, placed.turn), filled_edges(placed.right, placed.turn)
        return replace(placed, edges=filled) if any(map(len, filled)) else placed

    @classmethod
    def frame_on_frame(cls, left: Pixels, right: Pixels, view: View, boxes: Contents) -> Self:
        """What is inside the boxes, with the frame of one whole picture exactly on that of the other."""
        upright, frames = turned(left, view), (frame_of(left, boxes[0]), frame_of(right, boxes[1]))
        placed = cls(turned(left[boxes[0]], view), right[boxes[1]], view, np.eye(3), frames, keeps_frame=True)
        inner, outer = placed.boxes(upright, right, frames)
        exact = into(outer, right) @ whole_on_whole(upright, right) @ np.linalg.inv(into(inner, upright))
        return replace(placed, homography=exact / exact[2, 2])

    @classmethod
    def on_itself(cls, pixels: Pixels, box: tuple[slice, slice]) -> Self:
        """What is inside the plain borders of a picture, its `box`, on the same of an equal one."""
        frame = frame_of(pixels, box)
        return cls(pixels[box], pixels[box], View.UPRIGHT, np.eye(3), (frame, frame), keeps_frame=True)

    @classmethod
    def stretched(cls, left: Pixels, right: Pixels, view: View) -> Self:
        """The whole of one on the whole of the other."""
        upright = turned(left, view)
        exact = whole_on_whole(upright, right)
        return cls(upright, right, view, exact, (WHOLE, WHOLE), keeps_frame=True).without_round_corners()

    def without_round_corners(self) -> Self:
        """The same without the corners that were filled in one of the two because they are round there."""
        edges = round_corners_of_one(self.left, self.right)
        return replace(self, edges=edges) if any(map(len, edges)) else self

    def refined(self, *, rough: bool) -> Self:
        """The same, fine enough to look at details; a `rough` alignment is improved at a coarse size first."""
        zoom = self.zoom * max(self.left.shape[:2]) / max(self.right.shape[:2])
        ours = luma_plane(self.left, round(FINEST * max(1.0, zoom)))
        theirs = luma_plane(self.right, round(FINEST * max(1.0, 1 / zoom)))
        pyramids = StructurePyramid(ours, extent_of(self.left)), StructurePyramid(theirs, extent_of(self.right))
        if any(pyramid.is_flat for pyramid in pyramids):
            return self
        soft = min(sharpness(Image.fromarray(plane)) for plane in (ours, theirs)) < SOFT
        found = refined(pyramids, self.homography, rough=rough, soft=soft)
        return replace(self, homography=straightened(found, self.left, _UNTURNED), keeps_frame=False)

    def shows_the_same_as(self, before: Self) -> bool:
        """Whether it shows what it showed `before` it was refined: the very same pixels of both pictures."""
        still = farthest_apart(self.homography, before.homography, self.left) < _STILL
        # What keeps its frame is scaled by another filter, where it is scaled.
        return still and (self.keeps_frame == before.keeps_frame or abs(self.zoom - 1.0) < _STILL)

    def bent(self, bend: Bend) -> Self:
        """The same with right bent by so much more."""
        return replace(self, bend=bend if self.bend is None else self.bend + bend)

    def within(self, left: Pixels, right: Pixels, frames: tuple[Frame, Frame]) -> Self:
        """The same alignment of other parts of the two whole pictures."""
        upright = turned(left, self.view)
        inner, outer = self.boxes(upright, right, self.frames), self.boxes(upright, right, frames)
        to_inner = into(inner[0], upright) @ np.linalg.inv(into(outer[0], upright))
        to_outer = into(outer[1], right) @ np.linalg.inv(into(inner[1], right))
        homography = to_outer @ self.homography @ to_inner
        ours, theirs = (cut_out(whole, box) for whole, box in zip((upright, right), outer, strict=True))
        edges = self.edges[0] @ to_inner, self.edges[1] @ np.linalg.inv(to_outer)
        return type(self)(ours, theirs, self.view, homography / homography[2, 2], frames, self.keeps_frame, edges=edges)

    def boxes(self, upright: Pixels, right: Pixels, frames: tuple[Frame, Frame]) -> tuple[PixelBox, PixelBox]:
        """What frames are of the whole turned left and the whole right picture, in pixels."""
        x, y, across, down = frames[1]
        return box_of(upright_corners(frames[0], self.view), upright), box_of((x, y, x + across, y + down), right)

    @property
    def is_straight(self) -> bool:
        """Whether left is only scaled and shifted to lie on right."""
        return is_straight(self.homography)

    @property
    def common_pixels(self) -> float:
        """How many pixels of left the right picture shows, too."""
        return float(self._shown().mean()) * self.left[..., 0].size

    def _shown(self) -> NDArray[np.bool_]:
        """Which points of left, `_MAP_SIZE` of its longer side, the right picture shows, too."""
        size = scaled_size(self.left, _MAP_SIZE / max(self.left.shape[:2]))
        of = self.right.shape[1], self.right.shape[0]
        return shown_under(self._in_pixels(size, of), size, of) & self._within_edges(size)

    @property
    def unfilled_shares(self) -> tuple[float, float]:
        """Which share of each is the picture, and no filling at its corners."""
        ours, theirs = map(share_on_near_side, self.edges, (self.left, self.right))
        return ours, theirs

    def _within_edges(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """Which points of left, at that size, are no filling of either picture."""
        edges = np.concatenate([self.edges[0], self.edges[1] @ self.homography])
        return on_near_side(edges, size, pixels_a_unit(size[::-1], extent_of(self.left)))

    @property
    def aspect_agreement(self) -> float:
        """How alike the shapes of the two frames are: 1 for the same ratio of width and height."""
        aspects = [picture.shape[1] / picture.shape[0] for picture in (self.left, self.right)]
        return float(min(aspects) / max(aspects))

    @property
    def turn(self) -> float:
        """How far left is turned besides its view, 0..180 degrees either way."""
        (a, b), (c, d) = self.homography[:2, :2]
        return abs(float(np.degrees(np.arctan2(c - b, a + d))))

    @property
    def zoom(self) -> float:
        """Pixels of right for one of left, in the middle."""
        height, width = self.left.shape[:2]
        longer = max(height, width)
        step = 0.01
        middle = np.array([width / 2 / longer, height / 2 / longer])
        ends = [self.to_right(middle + offset) for offset in np.array([[0, 0], [step, 0], [0, step]])]
        area = abs(float(np.linalg.det(np.stack([ends[1] - ends[0], ends[2] - ends[0]])))) / step**2
        return float(area**0.5 * max(self.right.shape[:2]) / longer)

    def to_right(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where a point (x, y) of the turned left picture lies in the right one, both in units of the longer side."""
        x, y, w = self.homography @ np.append(point, 1.0)
        return np.array([x / w, y / w])

    def cut(self, scale: float, mode: str, resampling: Image.Resampling = Image.Resampling.BILINEAR) -> Cut:
        """The turned left picture `scale` times as large, and right as it lies under it, in a mode of Pillow.

        `resampling` is for what is turned; what is only scaled and shifted gets the filter that leaves least.
        """
        cut = self._cut_unbent(scale, mode, resampling)
        if any(map(len, self.edges)):
            cut = replace(cut, inside=cut.inside & self._within_edges(cut.left.size))
        return cut if self.bend is None else Cut(cut.left, *self.bend.taken_from(cut.right, cut.inside))

    def _cut_unbent(self, scale: float, mode: str, resampling: Image.Resampling) -> Cut:
        base = shrunk(self.left, scale, mode)
        if self.is_straight:
            whole = in_mode(self.right, mode)
            pixels = self._in_pixels(base.size, whole.size)
            as_left = self.keeps_frame or pixels[0, 0] > _SHRUNK
            best = Image.Resampling.HAMMING if as_left else Image.Resampling.BICUBIC
            return Cut(base, *resized_under(whole, pixels, base.size, best))
        top = shrunk(self.right, scale / self.zoom, mode)
        pixels = self._in_pixels(base.size, top.size)
        inside = shown_under(pixels, base.size, top.size)
        return Cut(base, warped(top, pixels, base.size, resampling), inside)

    def _in_pixels(self, left: tuple[int, int], right: tuple[int, int]) -> Homography:
        """The homography between the two at these sizes in pixels."""
        scales = [
            pixels_a_unit(size[::-1], extent_of(pixels)) for size, pixels in ((left, self.left), (right, self.right))
        ]
        return pixel_homography(self.homography, scales[0], scales[1])

    def inner(self, corners: Corners) -> tuple[Corners, Corners]:
        """A box of the trimmed, turned left picture, as one of the whole turned left and of the right one."""
        height, width = self.left.shape[:2]
        rows, columns = self.right.shape[:2]
        ours, theirs = list[float](), list[float]()
        low, top, high, bottom = upright_corners(self.frames[0], self.view)
        for share_x, share_y in (corners[:2], corners[2:]):
            ours += [low + share_x * (high - low), top + share_y * (bottom - top)]
            place = np.array([share_x * width, share_y * height]) / max(height, width)
            point = self.to_right(place) * max(rows, columns)
            theirs += in_whole((float(point[0]) / columns, float(point[1]) / rows), self.frames[1])
        return (ours[0], ours[1], ours[2], ours[3]), (theirs[0], theirs[1], theirs[2], theirs[3])

    def shared_region(self) -> Region:
        """The part that both pictures show."""
        inside = self._shown()
        height, width = inside.shape
        box = bounds_of(inside)
        if box is None:
            return Region(RegionKind.SHARED, Box(0.0, 0.0, 0.0, 0.0), Box(0.0, 0.0, 0.0, 0.0))
        return self.region(RegionKind.SHARED, box[0] / width, box[1] / height, box[2] / width, box[3] / height)

    def region(self, kind: RegionKind, left: float, top: float, right: float, bottom: float) -> Region:
        """A box of the turned left picture, in shares of its sides, as a region of both whole pictures."""
        height, width = self.left.shape[:2]
        rows, columns = self.right.shape[:2]
        corners = [(x, y) for x in (left, right) for y in (top, bottom)]
        ours = [in_whole(turned_back(x, y, self.view), self.frames[0]) for x, y in corners]
        theirs = []
        for x, y in corners:
            across, down = self.to_right(np.array([x * width, y * height]) / max(height, width)) * max(rows, columns)
            theirs.append(in_whole((float(across) / columns, float(down) / rows), self.frames[1]))
        return Region(kind, Box.around(ours), Box.around(theirs))
