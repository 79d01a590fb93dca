"""Blocks that differ, compared in shape alone: of two pictures in other colors what matters is what is drawn."""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.detail.block_planes import BlockPlanes, Blocks
from dedup_core.comparison.detail.contrasts import is_opposed
from dedup_core.comparison.structure.sharpness import block_sums, smoothed

_COLOR_NOISE: Final = 6.0  # gray levels: what compression adds to a channel, coarser in color than in lightness


def differences_in_shape(
    planes: BlockPlanes, placed: Placed, scale: float, changed: Blocks, differences: Float32s
) -> Float32s:
    """The differences with those of changed blocks taken anew: of the best mixture of one picture's colors."""
    colors = _colors(planes, placed, scale)
    rows, columns = np.nonzero(changed)
    explained = np.maximum(
        _explained(planes.cell, planes.left, colors[1], rows, columns),
        _explained(planes.cell, planes.right, colors[0], rows, columns),
    )
    shapes = differences.copy()
    shapes[rows, columns] = np.minimum(shapes[rows, columns], 1.0 - explained)
    return shapes


def opposed_in_all_colors(planes: BlockPlanes, placed: Placed, scale: float) -> Blocks:
    """Where light has become dark in the lightest channel and in the darkest as well.

    A curve that rises keeps the order of both whatever it clips, and so do hues that are turned.
    """
    ours, theirs = _colors(planes, placed, scale)
    extremes = [(extreme(ours, axis=2), extreme(theirs, axis=2)) for extreme in (np.min, np.max)]
    darkest, lightest = (_are_opposed(left, right, planes.cell) for left, right in extremes)
    return darkest & lightest


def _are_opposed(left: Float32s, right: Float32s, cell: int) -> Blocks:
    count = np.float32((2 * cell) ** 2)

    def covariance(one: Float32s, other: Float32s) -> Float32s:
        products, ours, theirs = (block_sums(plane, cell) / count for plane in (one * other, one, other))
        return products - ours * theirs

    return is_opposed(covariance(left, right), covariance(left, left), covariance(right, right))


def _colors(planes: BlockPlanes, placed: Placed, scale: float) -> list[Float32s]:
    """Both pictures in colors at the size of the planes, (h, w, 3) each."""
    cut = placed.cut(scale, "RGB")
    return [
        planes.filled_up(smoothed(image.crop(planes.where.box).resize(planes.size, Image.Resampling.BOX)))
        for image in (cut.left, cut.right)
    ]


def _explained(
    cell: int, plane: Float32s, colors: Float32s, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> Float32s:
    """Multiple correlation 0..1 of a gray plane with three color planes in each of these blocks of two cells."""
    side = 2 * cell
    gray = sliding_window_view(plane, (side, side))[rows * cell, columns * cell].reshape(len(rows), -1, 1)
    mixed = sliding_window_view(colors, (side, side), axis=(0, 1))[rows * cell, columns * cell]
    mixed = mixed.reshape(len(rows), 3, -1)
    gray, mixed = gray - gray.mean(axis=1, keepdims=True), mixed - mixed.mean(axis=2, keepdims=True)
    normal = mixed @ mixed.swapaxes(1, 2) + np.eye(3, dtype=np.float32) * np.float32(_COLOR_NOISE**2 * side**2)
    common = mixed @ gray  # (n, 3, 1)
    fitted = (common * np.linalg.solve(normal, common)).sum(axis=(1, 2))
    return np.asarray(np.sqrt(fitted / ((gray * gray).sum(axis=(1, 2)) + 1e-3)), dtype=np.float32)
