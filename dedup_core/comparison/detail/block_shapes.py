"""Blocks that differ, compared in shape alone: of two pictures in other colors what matters is what is drawn."""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.detail.block_planes import BlockPlanes, Blocks
from dedup_core.comparison.structure.sharpness import smoothed

_COLOR_NOISE: Final = 6.0  # gray levels: what compression adds to a channel, coarser in color than in lightness


def differences_in_shape(
    planes: BlockPlanes, placed: Placed, scale: float, changed: Blocks, differences: Float32s
) -> Float32s:
    """The differences with those of changed blocks taken anew: of the best mixture of one picture's colors."""
    cut = placed.cut(scale, "RGB")
    colors = [
        planes.filled_up(smoothed(image.crop(planes.where.box).resize(planes.size, Image.Resampling.BOX)))
        for image in (cut.left, cut.right)
    ]
    rows, columns = np.nonzero(changed)
    explained = np.maximum(
        _explained(planes.cell, planes.left, colors[1], rows, columns),
        _explained(planes.cell, planes.right, colors[0], rows, columns),
    )
    shapes = differences.copy()
    shapes[rows, columns] = np.minimum(shapes[rows, columns], 1.0 - explained)
    return shapes


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
