"""The structure of a picture, free of exposure: trimmed, turned, and as evened-out local contrast at several sizes."""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from PIL import Image

from dedup_core.arrays import Float32s, Pixels
from dedup_core.fingerprinting.borders import Box, content_of

_SMALL: Final = 256 * 192  # points of a plane for which two matrix products are faster than many additions
_SHORT: Final = 256  # points of a side, of which the matrix has the square
_CONTRAST_FLOOR: Final = 3.0  # gray levels: weaker contrast is noise and is not lifted to full strength


def content_box(pixels: Pixels) -> tuple[slice, slice]:
    """The rows and columns inside plain borders, as fingerprints find them."""
    return box_slices(content_of(Image.fromarray(np.ascontiguousarray(pixels)).convert("L")).frame)


def box_slices(box: Box) -> tuple[slice, slice]:
    """The rows and columns of a box."""
    left, top, right, bottom = box
    return slice(top, bottom), slice(left, right)


def local_structure(luma: Float32s) -> Float32s:
    """Luma (0..255) without its local mean and with its local contrast evened out, so that exposure does not matter."""
    smooth = box_blur(luma, 1)
    detail = smooth - box_blur(smooth, 4)
    spread = np.sqrt(box_blur(detail * detail, 5))
    return (detail / (spread + _CONTRAST_FLOOR)).astype(np.float32, copy=False)


def box_blur(planes: Float32s, radius: int) -> Float32s:
    """Mean over (2 radius + 1)^2 points, taken twice, of (..., h, w); edges are repeated."""
    height, width = planes.shape[-2:]
    if height * width <= _SMALL and max(height, width) <= _SHORT:
        down, across = _blur_matrix(height, radius), _blur_matrix(width, radius)
        return np.asarray(down @ planes @ across.T, dtype=np.float32)
    side = 2 * radius + 1
    sums = planes
    for _ in range(2):
        sums = _window_sums(_with_repeated_edges(sums, radius), side)
    for _ in range(2):
        sums = _window_sums(_with_repeated_edges(sums, 0, radius).swapaxes(-1, -2), side).swapaxes(-1, -2)
    sums *= np.float32(1 / side**4)
    return sums


def _with_repeated_edges(planes: Float32s, rows: int, columns: int = 0) -> Float32s:
    """So many more rows above and below, or columns at either side, which repeat the outermost ones."""
    *stack, height, width = planes.shape
    larger = np.empty((*stack, height + 2 * rows, width + 2 * columns), dtype=np.float32)
    larger[..., rows : rows + height, columns : columns + width] = planes
    if rows:
        larger[..., :rows, :], larger[..., -rows:, :] = planes[..., :1, :], planes[..., -1:, :]
    if columns:
        larger[..., :columns], larger[..., -columns:] = planes[..., :1], planes[..., -1:]
    return larger


def _window_sums(planes: Float32s, count: int) -> Float32s:
    """Sums of `count` rows from every row on, put together from sums of 1, 2, 4 … rows."""
    rows = planes.shape[-2] - count + 1
    sums, length, total, start = planes, 1, np.zeros((1, 1), dtype=np.float32), 0
    while length <= count:
        if count & length:
            part = sums[..., start : start + rows, :]
            total = part if start == 0 else total + part
            start += length
        if 2 * length <= count:
            sums = sums[..., length:, :] + sums[..., :-length, :]
        length *= 2
    return total


def luma_plane(pixels: Pixels, longer: int) -> Float32s:
    """Luma 0..255 with the longer side at most `longer`, (h, w) float32."""
    image = Image.fromarray(np.ascontiguousarray(pixels)).convert("L")
    return np.asarray(_reduced(image, longer).convert("F"))


def edge_plane(pixels: Pixels, longer: int) -> Float32s:
    """Strength of color edges whatever their direction and sign, (h, w) float32: what a change of colors leaves alone.

    The trace of the color structure tensor (Di Zenzo, "A note on the gradient of a multi-image", CVGIP 1986).
    """
    planes = np.asarray(_reduced(Image.fromarray(np.ascontiguousarray(pixels)), longer), dtype=np.float32)
    strength = np.zeros(planes.shape[:2], dtype=np.float32)
    strength[1:-1] += ((planes[2:] - planes[:-2]) ** 2).sum(axis=2)
    strength[:, 1:-1] += ((planes[:, 2:] - planes[:, :-2]) ** 2).sum(axis=2)
    return np.sqrt(strength)


type Extent = tuple[float, float]
"""Width and height of a picture in units of its longer side, before any size was rounded to pixels."""


def extent_of(pixels: Pixels) -> Extent:
    """That of a picture (h, w, 3)."""
    height, width = pixels.shape[:2]
    return width / max(height, width), height / max(height, width)


class StructurePyramid:
    """The local structure of one plane at the sizes that are asked for, each made once.

    A size is the length of the longer side in pixels. `extent` is that of the picture whose plane it is.
    `is_flat` says that there is no structure at all; what `at` gives then is the noise of rounding.
    """

    def __init__(self, plane: Float32s, extent: Extent) -> None:
        self._base = Image.fromarray(plane)
        self.is_flat = bool(plane.min() == plane.max())
        self.extent = extent
        self._made: dict[int, Float32s] = {}

    def most_of_a_gray(self, levels: int) -> float:
        """The largest share 0..1 of the plane that so many neighboring levels of 256 hold."""
        held = np.bincount(np.asarray(self._base).astype(np.uint8).ravel(), minlength=256)
        sums = np.concatenate([[0], np.cumsum(held)])
        return float((sums[levels:] - sums[:-levels]).max() / sums[-1])

    def at(self, longer: int) -> Float32s:
        if longer not in self._made:
            self._made[longer] = local_structure(self.plane_at(longer))
        return self._made[longer]

    def plane_at(self, longer: int) -> Float32s:
        """The plane itself."""
        width, height = (max(4, round(side * longer)) for side in self.extent)
        return self._resized(width, height)

    def stretched(self, width: int, height: int) -> Float32s:
        return local_structure(self._resized(width, height))

    def _resized(self, width: int, height: int) -> Float32s:
        return np.asarray(self._base.resize((width, height), Image.Resampling.HAMMING))


def _reduced(image: Image.Image, longer: int) -> Image.Image:
    scale = min(1.0, longer / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.HAMMING) if scale < 1.0 else image


@lru_cache(maxsize=48)  # up to 260 KB each: 3 MB of most pictures
def _blur_matrix(size: int, radius: int) -> Float32s:
    """Each row averages 2 radius + 1 neighbors, twice; what lies beyond an edge is the edge."""
    reach = 2 * radius  # of a row to either side
    if size < 2 * reach:
        return _small_blur_matrix(size, radius)
    # At any size rows near an edge are the same, and those between are one row, moved along: much is saved.
    ends = _small_blur_matrix(2 * reach + 2, radius)
    matrix = np.zeros((size, size), dtype=np.float32)
    matrix[:reach, : 2 * reach], matrix[-reach:, -2 * reach :] = ends[:reach, : 2 * reach], ends[-reach:, -2 * reach :]
    down, across = matrix.strides
    as_strided(matrix[reach:], (size - 2 * reach, 2 * reach + 1), (down + across, across))[:] = ends[reach, :-1]
    return matrix


@lru_cache(maxsize=48)
def _small_blur_matrix(size: int, radius: int) -> Float32s:
    at = np.arange(size, dtype=np.float32)
    once = (np.abs(at[:, None] - at) <= radius).astype(np.float32)
    once[:, 0] += np.maximum(radius - at, 0)
    once[:, -1] += np.maximum(radius - at[::-1], 0)
    twice: Float32s = _window_sums(_with_repeated_edges(once, radius), 2 * radius + 1)
    return twice * np.float32(1 / (2 * radius + 1) ** 2)
