"""Whether a picture was enlarged by less than two: the period in which its pixels were made of those before."""

from functools import cache
from typing import Final

import numpy as np

from dedup_core.arrays import Float32s, Float64s
from dedup_core.decoding.history.block_grid import BLOCK

_STRAY: Final = np.float32(24.0)  # gray levels; a larger bend is an edge of the picture, and tells no more than this
_AROUND: Final = 9  # lines whose mean is what is usual
_LEAST_LINES: Final = 96
_POINTS: Final = 512  # of the spectrum
_FROM: Final = 40  # of them: what changes more slowly is the picture
_LOWEST, _HIGHEST = 0.192, 0.45  # cycles a pixel: enlarged by 1.24 to 1.82; 1/6 and 3/16 are blocks made smaller
_OF_BLOCKS: Final = 4 / _POINTS  # cycles a pixel around multiples of an eighth, which are those of JPEG files
_CLEAR: Final = 40.0  # docs/thresholds.md#true-pixels
_DARK: Final = np.float32(0.05)  # gray levels that are added before the logarithm


def enlarged_share(luma: Float32s) -> float:
    """What share of its side a picture (h, w) had before it was enlarged; 1.0 where no enlargement is seen.

    New pixels are sums of neighbors in turns, some of them smoother than others: second differences have the period of
    the scale (Gallagher, "Detection of linear and cubic interpolation in JPEG compressed images", CRV 2005). It must
    be the same one across and down.
    """
    if min(luma.shape) < _LEAST_LINES:
        return 1.0
    across = np.abs(luma[:, :-2] + luma[:, 2:] - 2 * luma[:, 1:-1])
    down = np.abs(luma[:-2] + luma[2:] - 2 * luma[1:-1])
    power = np.minimum(
        _power(np.minimum(across, _STRAY).mean(axis=0)),
        _power(np.minimum(down, _STRAY).mean(axis=1)),
    )
    place = int(np.argmax(power * _looked_at()))
    cycles = place / _POINTS
    return 1.0 - cycles if power[place] >= _CLEAR and _LOWEST <= cycles <= _HIGHEST else 1.0


def _power(bends: Float32s | Float64s) -> Float64s:
    """The spectrum of the mean bends of all lines, in medians of itself."""
    values = np.log(bends + _DARK)
    margin = _AROUND // 2
    uneven = values[margin:-margin] - np.convolve(values, np.full(_AROUND, 1 / _AROUND), "valid")
    half = np.fft.rfft(uneven * np.hanning(len(uneven)), _POINTS)
    power = half.real**2 + half.imag**2
    return np.asarray(power / max(float(np.median(power[_FROM:])), 1e-12), np.float64)


@cache
def _looked_at() -> Float64s:
    """1 for each frequency that tells of an enlargement, and 0 for the others."""
    cycles = np.arange(_POINTS // 2 + 1) / _POINTS
    of_blocks = np.abs(cycles * BLOCK - np.rint(cycles * BLOCK)) < _OF_BLOCKS * BLOCK
    return np.where(of_blocks | (cycles < _FROM / _POINTS), 0.0, 1.0)
