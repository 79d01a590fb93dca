"""What a plane looks like from another place: the coefficients of Pillow's perspective transform."""

from collections.abc import Sequence

import numpy as np

from dedup_core.arrays import Float64s

type Points = Sequence[tuple[float, float]] | Float64s


def perspective(shown: Points, source: Points) -> tuple[float, ...]:
    """The eight coefficients that Pillow takes: where each of four points that are shown lies in the source.

    Of x and of y at each point an equation (Heckbert, "Fundamentals of Texture Mapping and Image Warping", 1989).
    """
    rows, values = [], []
    for (x, y), (u, v) in zip(shown, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    solved = np.linalg.solve(np.array(rows, np.float64), np.array(values, np.float64))
    return tuple(float(value) for value in solved)
