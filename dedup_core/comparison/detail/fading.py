"""What has lost or gained contrast where nothing else has: a label that is grayed out, a lamp that is lit."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s
from dedup_core.comparison.detail.block_planes import DOUBTFUL, BlockPlanes
from dedup_core.comparison.detail.outliers import FEWEST, blocks_of_words, mean_of_words
from dedup_core.comparison.measurement import RETONED, STANDS_OUT
from dedup_core.comparison.tones.bent_tones import tone_curve, toned, variance_off_curve

type Blocks = NDArray[np.bool_]
# docs/thresholds.md#what-fades
_LEAST: Final = 0.12
_OF_USUAL: Final = 3.0
_LEAST_LEVELS: Final = 12.0
_OF_USUAL_LEVELS: Final = 4.0
_USUAL: Final = 0.75  # of the blocks of words: a label may be a tenth of what a dialog shows
_NOISE: Final = 25.0  # variance: what compression adds to a block, or takes


def fading(planes: BlockPlanes, differences: Float32s, retoned: float) -> tuple[float, Blocks]:
    """How many times what copying changes of contrasts that of a word differs by that differs most, and where words do.

    Of contrasts within blocks, or of the lightness of their places; 0 where both are next to nothing. A correlation
    does not tell how strong something is. Of blocks with the same shapes 1 - the covariance by the mean of both
    variances does: 0.3 where ink has become a middle gray. What one tone curve for all explains is no fading; nothing
    is said of pictures in other tones, in which light may change contrasts from place to place.
    """
    nowhere = np.zeros(planes.textured.shape, dtype=np.bool_)
    if planes.textured.sum() < FEWEST or retoned > RETONED:
        return 0.0, nowhere
    faded = _faded(planes, differences)
    off = np.where(planes.seen, np.abs(planes.left_mean - planes.right_mean), 0).astype(np.float32)
    if mean_of_words(faded).max() <= _LEAST and mean_of_words(off).max() <= _LEAST_LEVELS:
        return 0.0, nowhere  # as in nearly all copies: a curve of all pixels takes longer than the rest
    _explain_by_tone(faded, off, planes, differences)
    words = mean_of_words(faded)
    paler = words / np.float32(_LEAST + _OF_USUAL * np.quantile(words[planes.textured], _USUAL))
    words = mean_of_words(off)
    darker = words / np.float32(_LEAST_LEVELS + _OF_USUAL_LEVELS * np.quantile(words[planes.seen], _USUAL))
    times = np.maximum(paler, darker)
    return float(times.max()), planes.seen & blocks_of_words(times > STANDS_OUT)


def _faded(planes: BlockPlanes, differences: Float32s) -> Float32s:
    """0..1 of each block with the same shapes; 0 of others."""
    noise = planes.noise + np.float32(_NOISE)
    mean = (planes.left_variance + planes.right_variance) / 2
    faded = np.maximum(0.0, 1 - (planes.covariance + noise) / (mean + noise))
    return np.where(planes.textured & (differences < DOUBTFUL), faded, 0).astype(np.float32)


def _explain_by_tone(faded: Float32s, off: Float32s, planes: BlockPlanes, differences: Float32s) -> None:
    """Lower both to what one tone curve for all that agrees leaves, either way, where that is less."""
    rows, columns = np.nonzero(faded)
    pixels = planes.agreeing_pixels(differences)
    larger = np.maximum(planes.left_variance, planes.right_variance)[rows, columns]
    sides = (planes.left, planes.left_mean), (planes.right, planes.right_mean)
    for (source, source_mean), (target, target_mean) in (sides, sides[::-1]):
        curve = tone_curve(source[pixels], target[pixels])
        if curve is None:
            continue
        left_over = variance_off_curve(target - toned(curve, source), rows, columns, planes.cell) / larger
        faded[rows, columns] = np.minimum(faded[rows, columns], left_over)
        np.minimum(off, np.abs(target_mean - toned(curve, source_mean)), out=off)
