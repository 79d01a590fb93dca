"""The kinds of arrays that the core passes around, and what is asked of them in several places."""

import numpy as np
from numpy.typing import NDArray

type Float32s = NDArray[np.float32]
type Float64s = NDArray[np.float64]
type Pixels = NDArray[np.uint8]


def largest_but(values: Float32s | Float64s, left_out: int) -> float:
    """The largest of the values (n,) but for so many; 0 where no more are there."""
    return float(np.partition(values, -left_out - 1)[-left_out - 1]) if len(values) > left_out else 0.0


def squares_off_means(
    planes: Float64s, groups: NDArray[np.intp], weight: Float64s, least: int
) -> tuple[Float64s, NDArray[np.bool_]]:
    """How far each value (k, n) is from the mean of its group, squared, (n,), and whether that has at least so many."""
    _, places = np.unique(groups, return_inverse=True)
    total = np.bincount(places, weight)
    means = np.stack([np.bincount(places, plane * weight) / total for plane in planes])
    return ((planes - means[:, places]) ** 2).sum(axis=0), np.bincount(places)[places] >= least
