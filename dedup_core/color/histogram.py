"""The color histogram of a picture in CIELAB, and how alike two of them are."""

import math
from typing import Final

import numpy as np

from dedup_core.arrays import Float32s

_HISTOGRAM_BINS: Final = (8, 10, 10)
HISTOGRAM_SIZE: Final = math.prod(_HISTOGRAM_BINS)
# a and b of sRGB reach from -108 to 98, but seldom beyond 60; what does falls into the outermost bin.
_HISTOGRAM_LOW: Final = np.array([[0.0], [-60.0], [-60.0]], dtype=np.float32)
_HISTOGRAM_HIGH: Final = np.array([[100.0], [60.0], [60.0]], dtype=np.float32)


def histogram_correlation(left: Float32s, right: Float32s) -> float:
    """Pearson correlation of two color histograms, -1..1; 1 = the same histogram."""
    a, b = left - left.mean(), right - right.mean()
    return float(np.clip((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()), -1.0, 1.0))


def lab_histogram(lab: Float32s, weights: Float32s) -> Float32s:
    colors = np.ascontiguousarray(lab.reshape(-1, 3).T)  # (3, n): many times faster than over so short an axis
    position = (colors - _HISTOGRAM_LOW) / (_HISTOGRAM_HIGH - _HISTOGRAM_LOW)
    position = np.clip(position, 0.0, 1.0) * (np.array(_HISTOGRAM_BINS, dtype=np.float32) - 1)[:, None]
    low = np.minimum(position.astype(np.intp), np.array(_HISTOGRAM_BINS)[:, None] - 2)
    share = position - low
    strides = np.array([_HISTOGRAM_BINS[1] * _HISTOGRAM_BINS[2], _HISTOGRAM_BINS[2], 1])
    cell, parts = strides @ low, np.stack([1.0 - share, share])  # (n,), (2, 3, n)
    histogram = np.zeros(HISTOGRAM_SIZE)
    for i, lightness in enumerate(weights.ravel() * parts[:, 0]):
        for j, green_red in enumerate(lightness * parts[:, 1]):
            for k, part in enumerate(green_red * parts[:, 2]):
                histogram += np.bincount(cell + strides @ (i, j, k), part, histogram.size)
    return np.sqrt(histogram / histogram.sum()).astype(np.float32)
