"""The three color metrics of an aligned pair, and the palette, histogram and CIELAB conversion beneath them.

All distances are CIE 1976 ("Delta E 76"): Euclidean in CIELAB, about 2 is just noticeable, black to white is 100.
A plain background that fills the picture's edge counts for no more than the object in front of it (`object_weights`),
in all three metrics, so that white paper does not make two different things alike.
"""

from typing import NamedTuple, Self

import numpy as np

from dedup_core.arrays import Float32s, Pixels
from dedup_core.color.background import object_weights
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.color.earth_mover import transport_cost
from dedup_core.color.histogram import histogram_correlation, lab_histogram
from dedup_core.color.lab import squared_lengths, srgb_to_lab
from dedup_core.color.palette import lab_palette
from dedup_core.color.summary import summary_of


def color_metrics(left: Pixels, right: Pixels) -> ColorMetrics:
    """All three metrics of two pictures of one size that show the same thing in the same place."""
    labs = srgb_to_lab(left), srgb_to_lab(right)
    return lab_metrics(labs, (PaletteAndHistogram.of(labs[0]), PaletteAndHistogram.of(labs[1])), object_weights(*labs))


class PaletteAndHistogram(NamedTuple):
    """The palette and the histogram of one of two pictures."""

    palette: Float32s
    histogram: Float32s

    @classmethod
    def of(cls, lab: Float32s) -> Self:
        """Of a CIELAB picture (h, w, 3)."""
        summary = summary_of(lab)
        weights = object_weights(summary)
        return cls(lab_palette(summary, weights), lab_histogram(summary, weights))


def lab_metrics(
    labs: tuple[Float32s, Float32s], colors: tuple[PaletteAndHistogram, PaletteAndHistogram], weights: Float32s
) -> ColorMetrics:
    """The same for CIELAB pictures (h, w, 3) of which the colors and the `object_weights` (h, w) are known."""
    return ColorMetrics(
        dominant_distance=dominant_distance(*(it.palette for it in colors)),
        pixel_difference=_mean_distance(*labs, weights),
        histogram_correlation=histogram_correlation(*(it.histogram for it in colors)),
    )


def compute_color_similarity(dominant_distance: float, pixel_difference: float, histogram_correlation: float) -> float:
    """One number for all three metrics, 0 (nothing in common) .. 1 (the same colors everywhere).

    The geometric mean of `exp(-dominant/25)`, `exp(-pixel/25)` and the correlation cut at 0: one metric that
    disagrees completely is enough for 0. At 25, a quarter of the way from black to white, a distance counts 0.37.
    """
    agreement = max(0.0, min(1.0, histogram_correlation))
    return float((np.exp(-(dominant_distance + pixel_difference) / 25.0) * agreement) ** (1 / 3))


def dominant_distance(left: Float32s, right: Float32s) -> float:
    """Earth mover's distance between two whole weighted palettes, 0..~258; 0 = the same palette.

    The least CIELAB distance times weight that turns one palette into the other, over the total weight; solved exactly.
    Source: Rubner, Tomasi, Guibas, "The earth mover's distance as a metric for image retrieval", IJCV 2000.
    """
    costs = np.linalg.norm(left[:, None, :3] - right[None, :, :3], axis=2)  # (k, l)
    return transport_cost(costs.tolist(), left[:, 3].tolist(), right[:, 3].tolist())


def pixel_difference(left: Pixels, right: Pixels) -> float:
    """Mean CIELAB distance per pixel of two aligned pictures of one size, 0..~258; 0 = pixel-identical.

    The mean is weighted: a pixel that is plain background in both pictures counts little (`object_weights`).
    """
    labs = srgb_to_lab(left), srgb_to_lab(right)
    return _mean_distance(*labs, object_weights(*labs))


def _mean_distance(left: Float32s, right: Float32s, weights: Float32s) -> float:
    return float((np.sqrt(squared_lengths(left - right)) * weights).sum() / weights.sum())
