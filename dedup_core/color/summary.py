"""Palette and histogram of a picture, both taken at a small size."""

from typing import Final

import numpy as np
from PIL import Image

from dedup_core.arrays import Float32s, Pixels
from dedup_core.color.background import object_weights
from dedup_core.color.histogram import lab_histogram
from dedup_core.color.lab import block_means, srgb_to_lab
from dedup_core.color.palette import lab_palette

SUMMARY_SIZE: Final = 64  # longer side at which palettes and histograms are taken


def palette_and_histogram_of(picture: Pixels | Image.Image) -> tuple[Float32s, Float32s]:
    """`palette_of` an RGB picture and its color histogram in CIELAB, (800,) float32, from one look at it.

    The histogram has 8 x 10 x 10 bins, each pixel shared by its eight nearest ones. It is the square root of each bin's
    weight, so that no single color decides the correlation (Arandjelovic and Zisserman, "Three things everyone should
    know to improve object retrieval", CVPR 2012).
    """
    lab = _small_lab(picture)
    weights = object_weights(lab)
    return lab_palette(lab, weights), lab_histogram(lab, weights)


def palette_of(pixels: Pixels) -> Float32s:
    """The whole weighted palette of a picture: (k, 4) float32 of L, a, b, weight; heaviest first, k <= 8, sum 1.

    Weighted k-means over occupied CIELAB cells, seeded from the heaviest cell by the farthest heavy ones: no chance.
    """
    lab = _small_lab(pixels)
    return lab_palette(lab, object_weights(lab))


def _small_lab(picture: Pixels | Image.Image) -> Float32s:
    """The picture in CIELAB at the size at which palettes and histograms are taken."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    factor = max(1, -(-max(image.size) // SUMMARY_SIZE))
    return srgb_to_lab(np.asarray(image.reduce(factor)), as_stored=True)


def summary_of(lab: Float32s) -> Float32s:
    """Means of as large blocks as bring the longer side to `SUMMARY_SIZE`."""
    return block_means(lab, max(1, -(-max(lab.shape[:2]) // SUMMARY_SIZE)))
