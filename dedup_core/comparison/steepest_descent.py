"""How each parameter of a warp changes each point of a plane: what Gauss-Newton steps of an alignment are made of."""

import numpy as np

from dedup_core.arrays import Float32s
from dedup_core.comparison.local_contrast import Extent

type Scales = tuple[float, float]


def pixels_a_unit(shape: tuple[int, ...], extent: Extent) -> Scales:
    """Across and down: a plane's sides are rounded to whole pixels, which moves its far edge by up to half of one."""
    return shape[1] / extent[0], shape[0] / extent[1]


def steepest_descent(plane: Float32s, scales: Scales, *, projective: bool = False) -> Float32s:
    """For an affine warp (6, n), for a projective one (8, n), with points in units of the longer side."""
    height, width = plane.shape
    across, down = np.float32(scales[0]), np.float32(scales[1])
    gx, gy = np.zeros_like(plane), np.zeros_like(plane)
    gx[:, 1:-1] = (plane[:, 2:] - plane[:, :-2]) * (across / 2)
    gy[1:-1] = (plane[2:] - plane[:-2]) * (down / 2)
    x = (np.arange(width, dtype=np.float32) + 0.5) / across
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / down
    one = np.ones((1, 1), dtype=np.float32)
    factors = [(gx, x), (gx, y), (gx, one), (gy, x), (gy, y), (gy, one)]
    if projective:
        outward = -(gx * x + gy * y)
        factors += [(outward, x), (outward, y)]
    rows = np.empty((len(factors), height, width), dtype=np.float32)  # columns would take many times longer
    for row, (slope, place) in zip(rows, factors, strict=True):
        np.multiply(slope, place, out=row)
    return rows.reshape(len(factors), -1)
