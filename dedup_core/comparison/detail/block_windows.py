"""Squares of pixels cut out of a plane, and blocks spread over their pixels."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dedup_core.arrays import Float32s


def windows(plane: Float32s, side: int, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Float32s:
    """The squares of a plane that begin at these points, without their means: (side, side, n), n side by side."""
    squares = sliding_window_view(plane, (side, side))[rows, columns]
    squares = squares - squares.mean(axis=(1, 2), keepdims=True)
    return np.ascontiguousarray(squares.transpose(1, 2, 0))


def sums_within(windows: Float32s, side: int) -> Float32s:
    """The sum of each square of this side within windows (h, w, n), by where it begins."""
    rows = np.stack([windows[first : first + side].sum(axis=0) for first in range(len(windows) - side + 1)])
    starts = range(windows.shape[1] - side + 1)
    return np.stack([rows[:, first : first + side].sum(axis=1) for first in starts], axis=1)


def pixels_of(blocks: NDArray[np.bool_], cell: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The pixels of marked blocks."""
    cells = np.zeros((blocks.shape[0] + 1, blocks.shape[1] + 1), dtype=np.bool_)
    for down in (0, 1):
        for across in (0, 1):
            cells[down : down + blocks.shape[0], across : across + blocks.shape[1]] |= blocks
    pixels = np.zeros(shape, dtype=np.bool_)
    covered = cells.repeat(cell, axis=0).repeat(cell, axis=1)[: shape[0], : shape[1]]
    pixels[: covered.shape[0], : covered.shape[1]] = covered
    return pixels
