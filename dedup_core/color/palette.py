"""The weighted palette of a picture in CIELAB."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s

PALETTE_COLORS: Final = 8  # as many as `transport_cost` compares in a few hundred microseconds
_PALETTE_CELL: Final = 8.0  # CIELAB units: a photograph at 64 pixels has some 150 such cells, of thousands of colors


def lab_palette(lab: Float32s, object_weights: Float32s) -> Float32s:
    cells, weights = _occupied_cells(lab, object_weights)
    centers = _seed_centers(cells, weights)
    weighted = weights * cells
    nearest = np.zeros(0, dtype=np.intp)
    for _ in range(6):
        before, nearest = nearest, _squared_distances(cells, centers).argmin(axis=0)
        if np.array_equal(before, nearest):
            break  # nothing moves any more
        count = centers.shape[1]
        mass = np.bincount(nearest, weights, count)
        sums = np.stack([np.bincount(nearest, channel, count) for channel in weighted])
        kept = mass > 0
        centers, mass = (sums[:, kept] / mass[kept]).astype(np.float32), mass[kept]
    order = np.argsort(-mass, kind="stable")
    return np.column_stack([centers.T[order], mass[order] / mass.sum()]).astype(np.float32)


# Channels come first in what follows: NumPy takes many times longer over so short an axis if it is the last one.


def _occupied_cells(lab: Float32s, object_weights: Float32s) -> tuple[Float32s, NDArray[np.float64]]:
    """Mean color (3, m) and weight (m,) of every CIELAB cell that the picture touches."""
    colors, weights = np.ascontiguousarray(lab.reshape(-1, 3).T), object_weights.ravel()
    grid = np.floor(colors / _PALETTE_CELL).astype(np.intp)
    grid -= grid.min(axis=1, keepdims=True)
    _, greens, blues = (grid.max(axis=1) + 1).tolist()
    keys = (grid[0] * greens + grid[1]) * blues + grid[2]
    cell = ((np.bincount(keys) > 0).cumsum() - 1).take(keys)  # the number of each key among those that there are
    mass = np.bincount(cell, weights)
    means = np.stack([np.bincount(cell, weighted) for weighted in weights * colors]) / mass
    return means.astype(np.float32), mass


def _seed_centers(cells: Float32s, weights: NDArray[np.float64]) -> Float32s:
    """At most `PALETTE_COLORS` of the cells (3, m): (3, k)."""
    chosen = [int(weights.argmax())]
    nearest = _squared_distances(cells, cells[:, chosen])[0]
    while len(chosen) < min(PALETTE_COLORS, len(weights)):
        chosen.append(int((weights * nearest).argmax()))
        nearest = np.minimum(nearest, _squared_distances(cells, cells[:, chosen[-1:]])[0])
    return cells[:, chosen]


def _squared_distances(points: Float32s, centers: Float32s) -> Float32s:
    """Squared Euclidean distances, (3, n) and (3, m) -> (m, n)."""
    differences = points[:, None, :] - centers[:, :, None]
    differences *= differences
    squared: Float32s = differences[0] + differences[1]
    squared += differences[2]
    return squared
