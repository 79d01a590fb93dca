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
    nearest = np.zeros(0, dtype=np.intp)
    for _ in range(6):
        before, nearest = nearest, _squared_distances(cells, centers).argmin(axis=1)
        if np.array_equal(before, nearest):
            break  # nothing moves any more
        mass = np.bincount(nearest, weights, len(centers))
        sums = np.stack([np.bincount(nearest, weights * cells[:, i], len(centers)) for i in range(3)], axis=1)
        kept = mass > 0
        centers, mass = (sums[kept] / mass[kept, None]).astype(np.float32), mass[kept]
    order = np.argsort(-mass, kind="stable")
    return np.column_stack([centers[order], mass[order] / mass.sum()]).astype(np.float32)


def _occupied_cells(lab: Float32s, object_weights: Float32s) -> tuple[Float32s, NDArray[np.float64]]:
    """Mean color (m, 3) and weight (m,) of every CIELAB cell that the picture touches."""
    colors, weights = lab.reshape(-1, 3), object_weights.ravel()
    grid = np.floor(colors / _PALETTE_CELL).astype(np.int64) + 64
    keys = (grid[:, 0] * 256 + grid[:, 1]) * 256 + grid[:, 2]
    _, cell = np.unique(keys, return_inverse=True)
    mass = np.bincount(cell, weights)
    means = np.stack([np.bincount(cell, weights * colors[:, i]) for i in range(3)], axis=1) / mass[:, None]
    return means.astype(np.float32), mass


def _seed_centers(cells: Float32s, weights: NDArray[np.float64]) -> Float32s:
    chosen = [int(weights.argmax())]
    nearest = _squared_distances(cells, cells[chosen])[:, 0]
    while len(chosen) < min(PALETTE_COLORS, len(cells)):
        chosen.append(int((weights * nearest).argmax()))
        nearest = np.minimum(nearest, _squared_distances(cells, cells[chosen[-1:]])[:, 0])
    return cells[chosen]


def _squared_distances(points: Float32s, centers: Float32s) -> Float32s:
    """Squared Euclidean distances, (n, 3) and (m, 3) -> (n, m)."""
    squared = np.zeros((len(points), len(centers)), dtype=np.float32)
    for channel in range(points.shape[1]):  # many times faster than over so short an axis
        difference = points[:, channel, None] - centers[:, channel]
        difference *= difference
        squared += difference
    return squared
