"""The structure of a picture, free of exposure: trimmed, turned, and as evened-out local contrast at several sizes."""

from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image

from dedup_core.arrays import Float32s, Pixels
from dedup_core.comparison.structure.images import in_mode
from dedup_core.fingerprinting.borders import Box, content_of

_STRIP: Final = 32  # points that one product of matrices blurs, or somewhat more: the fastest of 24 to 64
_CONTRAST_FLOOR: Final = 3.0  # gray levels: weaker contrast is noise and is not lifted to full strength


def content_box(pixels: Pixels) -> tuple[slice, slice]:
    """The rows and columns inside plain borders, as fingerprints find them."""
    return box_slices(content_of(in_mode(pixels, "L")).frame)


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


def correlation(left: Float32s, right: Float32s) -> float:
    """Of two planes of zero mean and one shape, which are 0 where not both are seen, -1..1."""
    left, right = left.ravel(), right.ravel()
    return float(left @ right / np.sqrt((left @ left) * (right @ right) + 1e-6))


def box_blur(planes: Float32s, radius: int) -> Float32s:
    """Mean over (2 radius + 1)^2 points, taken twice, of (..., h, w); edges are repeated."""
    height, width = planes.shape[-2:]
    down, both = np.empty_like(planes, order="C"), np.empty_like(planes, order="C")
    for rows, around, means in _strips(height, radius):
        np.matmul(means, planes[..., around, :], out=down[..., rows, :])
    for columns, around, means in _strips(width, radius):
        np.matmul(down[..., around], means.T, out=both[..., columns])
    return both


@lru_cache(maxsize=256)
def _strips(size: int, radius: int) -> list[tuple[slice, slice, Float32s]]:
    """A line in strips: which points each has, those around them, and the matrix that makes the ones of the others.

    One matrix for the whole line would be zero nearly everywhere, and take three times as long.
    """
    count, reach = max(1, size // _STRIP), 2 * radius
    strips = []
    for first, end in pairwise(size * at // count for at in range(count + 1)):
        start, stop = max(0, first - reach), min(size, end + reach)
        means = _means_of_means(stop - start, radius)[first - start : end - start]
        strips.append((slice(first, end), slice(start, stop), means))
    return strips


@lru_cache(maxsize=256)
def _means_of_means(size: int, radius: int) -> Float32s:
    """Each row averages 2 radius + 1 neighbors, twice; what lies beyond an edge is the edge."""
    at = np.arange(size)
    neighbors = np.clip(at[:, None] + np.arange(-radius, radius + 1), 0, size - 1)
    counts = np.zeros((size, size))
    np.add.at(counts, (at[:, None], neighbors), 1.0)
    return np.asarray(counts @ counts / (2 * radius + 1) ** 2, dtype=np.float32)


def luma_plane(pixels: Pixels, longer: int) -> Float32s:
    """Luma 0..255 with the longer side at most `longer`, (h, w) float32."""
    return np.asarray(_reduced(in_mode(pixels, "L"), longer).convert("F"))


def edge_plane(pixels: Pixels, longer: int) -> Float32s:
    """Strength of color edges whatever their direction and sign, (h, w) float32: what a change of colors leaves alone.

    The trace of the color structure tensor (Di Zenzo, "A note on the gradient of a multi-image", CVGIP 1986).
    """
    planes = np.asarray(_reduced(in_mode(pixels, "RGB"), longer), dtype=np.float32)
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
