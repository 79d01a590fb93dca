"""Homographies, and pictures made smaller or as they lie under another one."""

from math import ceil, floor
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Pixels
from dedup_core.comparison.alignment.gauss_newton import Scales
from dedup_core.comparison.structure.images import in_mode
from dedup_core.comparison.structure.local_contrast import extent_of

type Homography = NDArray[np.float64]
"""(3, 3): points of one picture to points of another, both in units of the longer side of their picture."""
LEAST_LEAN: Final = 0.012  # of a side, as a turn by 0.7 degrees has: of less nothing shows at the edges
_IN_PLACE: Final = np.eye(3)
_NOWHERE: Final = 1e-6  # that moves no point of a picture by as much as a hundredth of a pixel
_ROUNDED: Final = 0.01  # of a pixel: no more than rounding puts beyond an edge


def shrunk(pixels: Pixels, scale: float, mode: str = "RGB") -> Image.Image:
    """The picture `scale` times as large, or as it is where that would enlarge it, in a mode of Pillow.

    Not by means of boxes: Pillow's are of whole pixels, which by any factor that is not whole moves edges by up to half
    of one, and two copies differ by that.
    """
    image = in_mode(pixels, mode)
    return image.resize(scaled_size(pixels, scale), Image.Resampling.HAMMING) if scale < 1.0 else image


def scaled_size(pixels: Pixels, scale: float) -> tuple[int, int]:
    """Width and height in whole pixels once it is `scale` times as large, or as they are."""
    height, width = pixels.shape[:2]
    scale = min(1.0, scale)
    return max(1, round(width * scale)), max(1, round(height * scale))


def is_straight(homography: Homography) -> bool:
    """Whether it does nothing but scale, by no negative factor, and shift."""
    turns = homography[[0, 1, 2, 2], [1, 0, 0, 1]]
    return bool(not turns.any() and homography.diagonal().min() > 0)


def straightened(homography: Homography, left: Pixels, limit: float) -> Homography:
    """Without what turns the left picture, where that moves none of its corners by as much: most copies are not turned.

    The middle stays where it lies. The limit is in units of the longer side.
    """
    straight = np.diag(np.diag(homography))
    middle = np.array([*extent_of(left), 2.0]) / 2
    there = homography @ middle
    straight[:2, 2] = there[:2] / there[2] - (straight @ middle)[:2]
    return straight if farthest_apart(homography, straight, left) < limit else homography


def farthest_apart(one: Homography, other: Homography, left: Pixels) -> float:
    """How far the two take a corner of the left picture apart, in units of the longer side."""
    width, height = extent_of(left)
    corners = np.array([[0.0, width, 0.0, width], [0.0, 0.0, height, height], [1.0, 1.0, 1.0, 1.0]])
    ours, theirs = (it @ corners for it in (one, other))
    return float(np.abs(ours[:2] / ours[2] - theirs[:2] / theirs[2]).max())


def pixel_homography(homography: Homography, left: Scales, right: Scales) -> Homography:
    """The same between points in pixels, of which so many are a unit across and down."""
    scaled = np.diag([*right, 1.0]) @ homography @ np.diag([1 / left[0], 1 / left[1], 1.0])
    return np.asarray(scaled / scaled[2, 2])


def warped(image: Image.Image, pixels: Homography, size: tuple[int, int], resampling: Image.Resampling) -> Image.Image:
    """The image as it lies under a picture of `size`, black where there is none of it."""
    if image.size == size and np.abs(pixels - _IN_PLACE).max() < _NOWHERE:
        return image
    if pixels[2, 0] == pixels[2, 1] == 0.0:
        affine = tuple(float(value) for value in pixels[:2].ravel())
        return image.transform(size, Image.Transform.AFFINE, affine, resampling)
    projective = tuple(float(value) for value in pixels.ravel()[:8])
    return image.transform(size, Image.Transform.PERSPECTIVE, projective, resampling)


def resized_under(
    image: Image.Image, pixels: Homography, size: tuple[int, int], resampling: Image.Resampling
) -> tuple[Image.Image, NDArray[np.bool_]]:
    """The same where nothing but scales and shifts, and which pixels show any of it, as `shown_under` tells them.

    In one step from the image as it is, each row and column for itself: sharper than what was shrunk and warped, and
    for less. Where a pixel shows an edge of the image, what lies beyond is as the edge.
    """
    inside = np.zeros(size[::-1], dtype=np.bool_)
    across, down = (_seen(pixels[axis, axis], pixels[axis, 2], size[axis], image.size[axis]) for axis in (0, 1))
    if across.stop <= across.start or down.stop <= down.start:
        return Image.new(image.mode, size), inside
    inside[down, across] = True
    scales, shifts = pixels.diagonal()[:2], pixels[:2, 2]
    start = shifts + scales * (across.start, down.start)
    stop = shifts + scales * (across.stop, down.stop)
    beyond = max(*-start, *(stop - image.size))
    if beyond > _ROUNDED:
        margin = ceil(beyond)
        rims = ((margin, margin), (margin, margin), (0, 0))[: 2 + (image.mode == "RGB")]
        image = Image.fromarray(np.pad(np.asarray(image), rims, mode="edge"))
        start, stop = start + margin, stop + margin
    box = (*np.maximum(start, 0.0).tolist(), *np.minimum(stop, image.size).tolist())
    part = image.resize((across.stop - across.start, down.stop - down.start), resampling, box)
    if part.size == size:
        return part, inside
    whole = Image.new(image.mode, size)
    whole.paste(part, (across.start, down.start))
    return whole, inside


def _seen(step: float, start: float, size: int, of: int) -> slice:
    """Which of `size` pixels, each `step` long in another picture of `of` pixels, have their middle in that."""
    return slice(max(0, ceil(-start / step - 0.5)), min(size, floor((of - start) / step + 0.5)))


def shown_under(pixels: Homography, size: tuple[int, int], of: tuple[int, int]) -> NDArray[np.bool_]:
    """Which pixels of a picture of `size` a warped one `of` another size is seen under, (h, w)."""
    x, y = np.arange(size[0]) + 0.5, (np.arange(size[1]) + 0.5)[:, None]
    across, down, divisor = pixels
    inside = np.ones((size[1], size[0]), dtype=np.bool_)
    for side in (across, of[0] * divisor - across, down, of[1] * divisor - down, divisor):
        # Of a plane one of the corners is the lowest: where that is above zero, all is.
        if min(side[0] * u + side[1] * v + side[2] for u in x[[0, -1]] for v in y[[0, -1], 0]) < 0:
            inside &= side[0] * x + (side[1] * y + side[2]) >= 0
    return inside


def whole_on_whole(left: Pixels, right: Pixels) -> Homography:
    """The homography that lays all of one picture on all of the other."""
    ours, theirs = extent_of(left), extent_of(right)
    return np.diag([theirs[0] / ours[0], theirs[1] / ours[1], 1.0])


def lean_of(homography: Homography, left: Pixels) -> float:
    """How far off level or plumb the sides of one picture end on the other, in units of the longer side of that one."""
    across, down = extent_of(left)
    corners = homography @ np.array([[0, across, across, 0], [0, 0, down, down], [1, 1, 1, 1]])  # around the picture
    x, y, divisor = corners
    x, y = x / divisor, y / divisor
    return float(np.abs([y[0] - y[1], x[1] - x[2], y[2] - y[3], x[3] - x[0]]).max())
