"""What has lost or gained contrast where nothing else has: a label that is grayed out, a lamp that is lit."""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dedup_core.arrays import Float32s
from dedup_core.comparison.detail.block_planes import DOUBTFUL, BlockPlanes
from dedup_core.comparison.detail.outliers import blocks_of_words, mean_of_words
from dedup_core.comparison.measurement import RETONED, STANDS_OUT
from dedup_core.comparison.tones.bent_tones import tone_curve

type Blocks = NDArray[np.bool_]
type Curves = tuple[Float32s | None, Float32s | None]
# docs/thresholds.md#what-fades
_LEAST: Final = 0.12
_OF_USUAL: Final = 3.0
_LEAST_LEVELS: Final = 12.0
_OF_USUAL_LEVELS: Final = 4.0
_USUAL: Final = 0.75  # of the blocks of words: a label may be a tenth of what a dialog shows
_FEWEST: Final = 24  # blocks, of which the usual ones are not those of one word
_NOISE: Final = 25.0  # variance: what compression adds to a block, or takes
_ROUNDED: Final = 9.0  # variance of what a tone curve leaves


def fading(planes: BlockPlanes, differences: Float32s, retoned: float) -> tuple[float, Blocks]:
    """How many times what copying changes of contrasts that of a word differs by that differs most, and where words do.

    Of contrasts within blocks, or of the lightness of their places; 0 where both are next to nothing. A correlation
    does not tell how strong something is. Of blocks with the same shapes 1 - the covariance by the mean of both
    variances does: 0.3 where ink has become a middle gray. What one tone curve for all explains is no fading; nothing
    is said of pictures in other tones, in which light may change contrasts from place to place.
    """
    nowhere = np.zeros(planes.textured.shape, dtype=np.bool_)
    if planes.textured.sum() < _FEWEST or retoned > RETONED:
        return 0.0, nowhere
    faded = _faded(planes, differences)
    off = np.where(planes.seen, np.abs(planes.left_mean - planes.right_mean), 0).astype(np.float32)
    if mean_of_words(faded).max() <= _LEAST and mean_of_words(off).max() <= _LEAST_LEVELS:
        return 0.0, nowhere  # as in nearly all copies: a curve of all pixels takes longer than the rest
    curves = _curves(planes, differences)
    _explain_by_tone(faded, planes, curves)
    words = mean_of_words(faded)
    paler = words / np.float32(_LEAST + _OF_USUAL * np.quantile(words[planes.textured], _USUAL))
    words = mean_of_words(_explained_means(off, planes, curves))
    darker = words / np.float32(_LEAST_LEVELS + _OF_USUAL_LEVELS * np.quantile(words[planes.seen], _USUAL))
    times = np.maximum(paler, darker)
    return float(times.max()), planes.seen & blocks_of_words(times > STANDS_OUT)


def _faded(planes: BlockPlanes, differences: Float32s) -> Float32s:
    """0..1 of each block with the same shapes; 0 of others."""
    noise = planes.noise + np.float32(_NOISE)
    mean = (planes.left_variance + planes.right_variance) / 2
    faded = np.maximum(0.0, 1 - (planes.covariance + noise) / (mean + noise))
    return np.where(planes.textured & (differences < DOUBTFUL), faded, 0).astype(np.float32)


def _curves(planes: BlockPlanes, differences: Float32s) -> Curves:
    """The tone curve of all that agrees, from left to right and back; None where too little tells."""
    pixels = planes.agreeing_pixels(differences)
    left, right = planes.left[pixels], planes.right[pixels]
    return tone_curve(left, right), tone_curve(right, left)


def _explain_by_tone(faded: Float32s, planes: BlockPlanes, curves: Curves) -> None:
    """Lower that of blocks of which one tone curve for all that agrees leaves less, either way."""
    rows, columns = np.nonzero(faded)
    side = 2 * planes.cell
    larger = np.maximum(planes.left_variance, planes.right_variance)[rows, columns]
    for (source, target), curve in zip(((planes.left, planes.right), (planes.right, planes.left)), curves, strict=True):
        if curve is not None:
            error = target - curve[np.clip(source, 0, 255).astype(np.uint8)]
            blocks = sliding_window_view(error, (side, side))[rows * planes.cell, columns * planes.cell]
            left_over = np.maximum(blocks.var(axis=(1, 2)) - _ROUNDED, 0.0) / larger
            faded[rows, columns] = np.minimum(faded[rows, columns], left_over)


def _explained_means(off: Float32s, planes: BlockPlanes, curves: Curves) -> Float32s:
    """How far the means of blocks are apart, or less where the tone curve explains it, either way."""
    for (source, target), curve in zip(
        ((planes.left_mean, planes.right_mean), (planes.right_mean, planes.left_mean)), curves, strict=True
    ):
        if curve is not None:
            off = np.minimum(off, np.abs(target - curve[np.clip(source, 0, 255).astype(np.uint8)]))
    return off
