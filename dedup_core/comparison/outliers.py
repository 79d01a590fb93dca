"""Blocks that differ by more than copying left elsewhere in the same two pictures: one cell of a spreadsheet."""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dedup_core.arrays import Float32s
from dedup_core.comparison.block_planes import BlockPlanes
from dedup_core.comparison.measurement import RETONED, STANDS_OUT

type Blocks = NDArray[np.bool_]
_USUAL: Final = 0.95  # of the blocks that show anything: what they differ by is what copying left
_LEAST_DIFFERENCE: Final = 0.006  # added to that, for what differs in nothing but rounding
_LEAST_VARIANCE: Final = 6.0  # gray levels, squared: the same for what is left of a block's variance
_FEWEST: Final = 24  # blocks, of which a twentieth is more than one
_CLIPPED: Final = 10.0  # gray levels
_PLACES: Final = 3  # blocks that stand out: fewer may be dust
_DAMPING: Final = 1e-5
_TO_GRAY: Final = 64.0  # squares as large as gray values


def outliers(planes: BlockPlanes, differences: Float32s, retoned: float) -> tuple[float, Blocks]:
    """How many times what nearly all blocks differ by the third-largest difference is, and the blocks that stand out.

    Counted in correlation and in gray levels, the lesser of both: noise weighs much where little shows, a place that
    lies a little off where much does. What a shift by a part of a pixel or a blur explains is no difference. Where
    tones were changed by much (`retoned`), colors that are clipped stand out, and nothing can be said.
    """
    shown, stand_out = planes.textured, np.zeros(planes.textured.shape, dtype=np.bool_)
    if shown.sum() < _FEWEST or retoned > _CLIPPED:
        return 0.0, stand_out
    contrast = np.sqrt(planes.left_variance * planes.right_variance) + planes.noise
    usual = np.quantile(differences[shown], _USUAL) + _LEAST_DIFFERENCE
    usual_left_over = np.quantile((differences * contrast)[shown], _USUAL) + _LEAST_VARIANCE
    weights = np.minimum(1 / usual, contrast / usual_left_over)
    rows, columns = np.nonzero(shown & (differences * weights > STANDS_OUT))
    if len(rows) < _PLACES:
        return 0.0, stand_out
    left_over = np.minimum(
        _moved_or_blurred(planes.left, planes.right, rows, columns, planes.cell, bent=retoned > RETONED),
        _moved_or_blurred(planes.right, planes.left, rows, columns, planes.cell, bent=retoned > RETONED),
    )
    least = np.minimum(differences[rows, columns], left_over / (2 * contrast[rows, columns]))
    times = least * weights[rows, columns]
    stand_out[rows, columns] = times > STANDS_OUT
    return float(np.partition(times, -_PLACES)[-_PLACES]), stand_out


def _moved_or_blurred(
    source: Float32s, target: Float32s, rows: NDArray[np.intp], columns: NDArray[np.intp], cell: int, *, bent: bool
) -> Float32s:
    """The variance of each of target's blocks that source's, its slopes and its curvature leave: (n,).

    And its square, where tones may be bent.
    """
    side = 2 * cell
    around = np.pad(source, 1, mode="edge")
    window: Float32s = sliding_window_view(around, (side + 2, side + 2))[rows * cell, columns * cell]
    middle = window[:, 1:-1, 1:-1]
    left, right, above, below = window[:, 1:-1, :-2], window[:, 1:-1, 2:], window[:, :-2, 1:-1], window[:, 2:, 1:-1]
    terms: list[Float32s] = [middle, right - left, below - above, left + right + above + below - 4 * middle]
    if bent:
        terms.append((middle - middle.mean(axis=(1, 2), keepdims=True)) ** 2 / _TO_GRAY)
    basis = np.stack(terms, axis=1).reshape(len(rows), len(terms), -1)  # (n, 4 or 5, side^2)
    theirs = sliding_window_view(target, (side, side))[rows * cell, columns * cell].reshape(len(rows), -1)
    basis -= basis.mean(axis=-1, keepdims=True)
    theirs = theirs - theirs.mean(axis=-1, keepdims=True)
    normal, common = basis @ basis.swapaxes(1, 2), basis @ theirs[..., None]
    size = np.trace(normal, axis1=1, axis2=2)[:, None, None]
    damping = np.eye(len(terms), dtype=np.float32) * (_DAMPING * size + 1.0)
    explained = (common * np.linalg.solve(normal + damping, common)).sum(axis=(1, 2))
    return np.asarray(((theirs * theirs).sum(axis=1) - explained) / side**2, dtype=np.float32)
