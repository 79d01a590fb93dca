"""What Gauss-Newton steps of an alignment are made of: slopes of one plane, and the other one as it lies under it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s
from dedup_core.comparison.structure.local_contrast import Extent

type Scales = tuple[float, float]
type Part = tuple[slice, slice]
"""Rows and columns of a plane."""
WHOLE: Final[Part] = (slice(None), slice(None))


def pixels_a_unit(shape: tuple[int, ...], extent: Extent) -> Scales:
    """Across and down: a plane's sides are rounded to whole pixels, which moves its far edge by up to half of one."""
    return shape[1] / extent[0], shape[0] / extent[1]


def steepest_descent(plane: Float32s, scales: Scales, part: Part = WHOLE, *, projective: bool = False) -> Float32s:
    """How each parameter of a warp changes each point: of an affine one (6, n), of a projective one (8, n).

    Points are in units of the longer side.
    """
    height, width = plane.shape
    across, down = np.float32(scales[0]), np.float32(scales[1])
    gx, gy = np.zeros_like(plane), np.zeros_like(plane)
    gx[:, 1:-1] = (plane[:, 2:] - plane[:, :-2]) * (across / 2)
    gy[1:-1] = (plane[2:] - plane[:-2]) * (down / 2)
    x = (np.arange(width, dtype=np.float32) + 0.5) / across
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / down
    gx, gy, x, y = gx[part], gy[part], x[part[1]], y[part[0]]
    one = np.ones((1, 1), dtype=np.float32)
    factors = [(gx, x), (gx, y), (gx, one), (gy, x), (gy, y), (gy, one)]
    if projective:
        outward = -(gx * x + gy * y)
        factors += [(outward, x), (outward, y)]
    rows = np.empty((len(factors), *gx.shape), dtype=np.float32)  # columns would take many times longer
    for row, (slope, place) in zip(rows, factors, strict=True):
        np.multiply(slope, place, out=row)
    return rows.reshape(len(factors), -1)


def within_rim(shape: tuple[int, ...], rim: int) -> Part:
    """All rows and columns but those so near to an edge; no side loses more than half."""
    down, across = (min(rim, side // 4) for side in shape)
    return slice(down, shape[0] - down), slice(across, shape[1] - across)


class WarpedPlane:
    """A plane as it lies under a part of another one by any affine warp, but for its own rim.

    It is asked at every step what `shown_under` is asked once, so what all steps have in common is made beforehand.
    """

    def __init__(self, plane: Float32s, rim: int, part: Part, scales: tuple[Scales, Scales]) -> None:
        """`scales` are those of the other plane, of which `part` is a part, and of this one."""
        rows, columns = part
        self._image = Image.fromarray(plane)
        self._size = columns.stop - columns.start, rows.stop - rows.start
        across, down = scales[0]
        # From pixels of the part to units of the other plane.
        self._units = np.array(
            [[1 / across, 0.0, columns.start / across], [0.0, 1 / down, rows.start / down], [0.0, 0.0, 1.0]]
        )
        self._pixels = np.array(scales[1])[:, None]
        seen = within_rim(plane.shape, rim)
        self._middle = plane.shape[1] / 2, plane.shape[0] / 2
        self._reach = (seen[1].stop - seen[1].start) / 2, (seen[0].stop - seen[0].start) / 2
        self._x = np.arange(self._size[0], dtype=np.float32) + np.float32(0.5)
        self._y = np.arange(self._size[1], dtype=np.float32)[:, None] + np.float32(0.5)

    def at(self, matrix: NDArray[np.float64]) -> tuple[Float32s, Float32s]:
        """Values and whether each is seen (1 or 0), (n,) each; `matrix` (2, 3) is in units of the longer sides."""
        a, b, c, d, e, f = coefficients = (self._pixels * (matrix @ self._units)).ravel().tolist()
        values = np.asarray(
            self._image.transform(self._size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
        )
        x, y = a * self._x + (b * self._y + (c - self._middle[0])), d * self._x + (e * self._y + (f - self._middle[1]))
        seen = (np.abs(x, out=x) < self._reach[0]) & (np.abs(y, out=y) < self._reach[1])
        return values.ravel(), seen.ravel().astype(np.float32)
