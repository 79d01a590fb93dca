"""What a change of tone makes of gray values: a curve for the whole picture, a parabola and a slope for each block."""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dedup_core.arrays import Float32s

_TONE_LEVELS: Final = 32  # of 8 gray levels each; of finer ones fewer hold enough pixels, or blocks, to say anything
_LEAST_LEVEL: Final = 20  # pixels of one level that say something about the tone
_TONE_ERROR: Final = 9.0  # variance of what a tone curve leaves, from rounding and noise
_SLOPES: Final = (0.5, 2.0)  # least and most, of a curve beyond what is known of it
_STRAIGHT: Final = 1e-3  # a block of two tones has no parabola of its own


def tone_curve(source: Float32s, target: Float32s, least: int = _LEAST_LEVEL) -> Float32s | None:
    """The mean of target at each of 256 levels of source, where enough of them (`least`) are seen to say.

    Beyond those it goes on as steeply as from end to end: what the rest does not show is no lighter for that.
    """
    level = (np.clip(source, 0, 255) * (_TONE_LEVELS / 256)).astype(np.intp)
    counts = np.bincount(level, minlength=_TONE_LEVELS)
    known = counts >= least
    if known.sum() < 2:  # noqa: PLR2004 (a curve needs two points)
        return None
    levels, means = (np.bincount(level, it, _TONE_LEVELS)[known] / counts[known] for it in (source, target))
    everywhere = np.arange(256)
    curve = np.interp(everywhere, levels, means)
    slope = np.clip((means[-1] - means[0]) / (levels[-1] - levels[0]), *_SLOPES)
    curve += slope * (np.minimum(everywhere - levels[0], 0) + np.maximum(everywhere - levels[-1], 0))
    return np.asarray(np.clip(curve, 0, 255), dtype=np.float32)


def toned(curve: Float32s, values: Float32s) -> Float32s:
    """Gray values as a curve of 256 levels makes them."""
    return np.asarray(curve[np.clip(values, 0, 255).astype(np.uint8)])


def variance_off_curve(error: Float32s, rows: NDArray[np.intp], columns: NDArray[np.intp], cell: int) -> Float32s:
    """The variance of a curve's `error` (h, w) in these blocks of 2 x 2 cells, but for that of rounding, (n,)."""
    blocks = sliding_window_view(error, (2 * cell, 2 * cell))[rows * cell, columns * cell]
    return np.asarray(np.maximum(blocks.var(axis=(1, 2)) - _TONE_ERROR, 0.0))


def joint_levels(source: NDArray[np.uint8], target: NDArray[np.uint8]) -> NDArray[np.intp]:
    """How often each level of source (n,) meets each level of target (n,): (256, 256), of which .T is the way back."""
    return np.bincount(source.astype(np.uint16) << 8 | target, minlength=1 << 16).reshape(256, 256)


def level_curve(joint: NDArray[np.intp]) -> Float32s:
    """The mean of target at each of 256 levels of source, and between and beyond those that it has."""
    counts = joint.sum(axis=1)
    known = np.flatnonzero(counts >= min(_LEAST_LEVEL, int(counts.max())))
    means = joint[known] @ np.arange(256) / counts[known]
    return np.asarray(np.interp(np.arange(256), known, means), dtype=np.float32)


def variance_and_explained(source: Float32s, target: Float32s, side: int, *, sloped: bool) -> tuple[Float32s, Float32s]:
    """The variance of each of target's blocks, and how much of it a parabola of source's explains: (n,) each.

    Blocks are (n, side^2). `sloped`: an even slope across the block is allowed for besides.
    """
    ours, theirs = (values - values.mean(axis=1, keepdims=True) for values in (source, target))
    squares = ours * ours
    squares -= squares.mean(axis=1, keepdims=True)
    down, across = np.indices((side, side), dtype=np.float32).reshape(2, 1, -1) - np.float32((side - 1) / 2)
    terms = [ours, squares, *(np.broadcast_to(slope, ours.shape) for slope in (down, across) if sloped)]
    basis = np.stack(terms, axis=1)  # (n, 2 or 4, side^2)
    normal, common = basis @ basis.swapaxes(1, 2), basis @ theirs[..., None]
    diagonal = np.eye(len(terms), dtype=np.float32)
    solution = np.linalg.solve(normal * (1 + _STRAIGHT * diagonal) + _STRAIGHT * diagonal, common)
    explained = (common * solution).sum(axis=(1, 2)) / side**2
    variance = (theirs * theirs).mean(axis=1)
    return np.asarray(variance, dtype=np.float32), np.asarray(explained, dtype=np.float32)
