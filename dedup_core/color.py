"""The three color metrics of an aligned pair, and the palette, histogram and CIELAB conversion beneath them.

All distances are CIE 1976 ("Delta E 76"): Euclidean in CIELAB, about 2 is just noticeable, black to white is 100.
A plain background that fills the picture's edge counts for no more than the object in front of it (`object_weights`),
in all three metrics, so that white paper does not make two different things alike.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.transport import transport_cost

type Floats = NDArray[np.float32]
type Pixels = NDArray[np.uint8]

PALETTE_COLORS: Final = 8
SUMMARY_SIZE: Final = 64  # longer side at which palettes and histograms are taken

_WHITE_D65: Final = np.array([0.95047, 1.0, 1.08883], dtype=np.float32)
_XYZ_FROM_RGB: Final = np.array(  # IEC 61966-2-1, divided by the white point
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]],
    dtype=np.float32,
)
_CODES: Final = np.arange(256) / 255
_TOE_END: Final = 0.04045
_LINEAR: Final = np.where(_CODES <= _TOE_END, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)
_BACKGROUND_RADIUS: Final = 8.0  # JPEG noise on plain paper stays within this distance of its color
_BACKGROUND_MARGIN: Final = 0.02  # a few specks on paper are not an object as heavy as the paper
_PALETTE_CELL: Final = 8.0
_HISTOGRAM_BINS: Final = (8, 10, 10)
_HISTOGRAM_LOW: Final = np.array([0.0, -60.0, -60.0], dtype=np.float32)
_HISTOGRAM_HIGH: Final = np.array([100.0, 60.0, 60.0], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class ColorMetrics:
    """The color metrics of one pair, always computed together.

    `dominant_distance` 0..~258 and `pixel_difference` 0..~258 are CIELAB distances, `histogram_correlation` is -1..1.
    """

    dominant_distance: float
    pixel_difference: float
    histogram_correlation: float

    def as_dict(self) -> dict[str, float]:
        return {
            "dominant_distance": self.dominant_distance,
            "pixel_difference": self.pixel_difference,
            "histogram_correlation": self.histogram_correlation,
        }


def color_metrics(left: Pixels, right: Pixels) -> ColorMetrics:
    """All three metrics of two pictures of one size that show the same thing in the same place."""
    labs = srgb_to_lab(left), srgb_to_lab(right)
    return lab_metrics(*labs, object_weights(*labs))


def lab_metrics(left: Floats, right: Floats, weights: Floats) -> ColorMetrics:
    """The same for CIELAB pictures (h, w, 3) whose `object_weights` (h, w) are known."""
    summaries = _summary(left), _summary(right)
    each = [(lab, object_weights(lab)) for lab in summaries]
    return ColorMetrics(
        dominant_distance=dominant_distance(*(_palette(*weighted) for weighted in each)),
        pixel_difference=_mean_distance(left, right, weights),
        histogram_correlation=histogram_correlation(*(_histogram(*weighted) for weighted in each)),
    )


def compute_color_similarity(dominant_distance: float, pixel_difference: float, histogram_correlation: float) -> float:
    """One number for all three metrics, 0 (nothing in common) .. 1 (the same colors everywhere).

    The geometric mean of `exp(-dominant/25)`, `exp(-pixel/25)` and the correlation cut at 0: one metric that
    disagrees completely is enough for 0. At 25, a quarter of the way from black to white, a distance counts 0.37.
    """
    agreement = max(0.0, min(1.0, histogram_correlation))
    return float((np.exp(-(dominant_distance + pixel_difference) / 25.0) * agreement) ** (1 / 3))


def dominant_distance(left: Floats, right: Floats) -> float:
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


def histogram_correlation(left: Floats, right: Floats) -> float:
    """Pearson correlation of two color histograms, -1..1; 1 = the same histogram."""
    a, b = left - left.mean(), right - right.mean()
    return float(np.clip((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()), -1.0, 1.0))


def palette_and_histogram_of(pixels: Pixels) -> tuple[Floats, Floats]:
    """`palette_of` a picture and its color histogram in CIELAB, (800,) float32, from one look at it.

    The histogram has 8 x 10 x 10 bins, each pixel shared by its eight nearest ones. It is the square root of each bin's
    weight, so that no single color decides the correlation (Arandjelovic and Zisserman, "Three things everyone should
    know to improve object retrieval", CVPR 2012).
    """
    lab = _small_lab(pixels)
    weights = object_weights(lab)
    return _palette(lab, weights), _histogram(lab, weights)


def palette_of(pixels: Pixels) -> Floats:
    """The whole weighted palette of a picture: (k, 4) float32 of L, a, b, weight; heaviest first, k <= 8, sum 1.

    Weighted k-means over occupied CIELAB cells, seeded from the heaviest cell by the farthest heavy ones: no chance.
    """
    lab = _small_lab(pixels)
    return _palette(lab, object_weights(lab))


def object_weights(*labs: Floats) -> Floats:
    """How much each pixel of one or two aligned CIELAB pictures counts, (h, w) float32: the object 1, background less.

    Background is the color that most of a picture's edge shows, wherever it appears. Its pixels together weigh no more
    than the rest of the picture plus 2 % of it; the more of the edge is of that color, the fuller the cut. Of two
    pictures only what is background in both weighs less.
    """
    return weights_and_plain_share(*labs)[0]


def weights_and_plain_share(*labs: Floats) -> tuple[Floats, float]:
    """`object_weights` of all, and the least share 0..1 of plain background in any, from one look at each picture."""
    heaviest = np.zeros(labs[0].shape[:2], dtype=np.float32)
    shares = []
    for lab in labs:
        background, trust = _background(lab)
        covered = np.count_nonzero(background) / background.size
        allowed = min(covered, 1.0 - covered + _BACKGROUND_MARGIN) / max(covered, 1e-9)
        weights = np.where(background, np.float32(1.0 - trust * (1.0 - allowed)), np.float32(1.0))
        heaviest = np.maximum(heaviest, weights)
        shares.append(trust * covered)
    return heaviest, min(shares)


def srgb_to_lab(pixels: Pixels) -> Floats:
    """CIELAB (L 0..100, a and b about -108..98, float32) of sRGB pixels ..., 3) uint8, under D65.

    Source: IEC 61966-2-1 (sRGB to XYZ) and CIE 15:2018 (XYZ to CIELAB).
    """
    xyz = _LINEAR[pixels] @ (_XYZ_FROM_RGB / _WHITE_D65[:, None]).T
    f = np.cbrt(xyz)
    dark = xyz <= 216 / 24389  # few pixels of most pictures
    f[dark] = xyz[dark] * np.float32(24389 / 27 / 116) + np.float32(16 / 116)
    lab = xyz  # written over: it is not needed any more, and there are enough planes of this size at the peak
    lab[..., 0] = 116 * f[..., 1] - 16
    lab[..., 1] = 500 * (f[..., 0] - f[..., 1])
    lab[..., 2] = 200 * (f[..., 1] - f[..., 2])
    return lab


def block_means(planes: Floats, side: int) -> Floats:
    """Means of square blocks, (h, w, c) -> (h // side, w // side, c); a rest at the edge is left out.

    Planes with less than one block stay as they are.
    """
    height, width, channels = planes.shape
    if side > min(height, width):
        return planes
    rows, columns = height // side, width // side
    total = np.zeros((rows, columns, channels), dtype=np.float32)
    for down, across in np.ndindex(side, side):  # many times faster than a mean over two short axes
        total += planes[down : rows * side : side, across : columns * side : side]
    total /= np.float32(side * side)
    return total


def _mean_distance(left: Floats, right: Floats, weights: Floats) -> float:
    return float((np.sqrt(_squared_lengths(left - right)) * weights).sum() / weights.sum())


def _small_lab(pixels: Pixels) -> Floats:
    """The picture in CIELAB at the size at which palettes and histograms are taken."""
    factor = max(1, -(-max(pixels.shape[:2]) // SUMMARY_SIZE))
    return srgb_to_lab(np.asarray(Image.fromarray(pixels).reduce(factor)))


def _summary(lab: Floats) -> Floats:
    """Means of as large blocks as bring the longer side to `SUMMARY_SIZE`."""
    return block_means(lab, max(1, -(-max(lab.shape[:2]) // SUMMARY_SIZE)))


def _palette(lab: Floats, object_weights: Floats) -> Floats:
    cells, weights = _occupied_cells(lab, object_weights)
    centers = _seed_centers(cells, weights)
    for _ in range(6):
        nearest = _squared_distances(cells, centers).argmin(axis=1)
        mass = np.bincount(nearest, weights, len(centers))
        sums = np.stack([np.bincount(nearest, weights * cells[:, i], len(centers)) for i in range(3)], axis=1)
        kept = mass > 0
        centers, mass = (sums[kept] / mass[kept, None]).astype(np.float32), mass[kept]
    order = np.argsort(-mass, kind="stable")
    return np.column_stack([centers[order], mass[order] / mass.sum()]).astype(np.float32)


def _histogram(lab: Floats, weights: Floats) -> Floats:
    position = (lab.reshape(-1, 3) - _HISTOGRAM_LOW) / (_HISTOGRAM_HIGH - _HISTOGRAM_LOW)
    position = np.clip(position, 0.0, 1.0) * (np.array(_HISTOGRAM_BINS, dtype=np.float32) - 1)
    low = np.minimum(position.astype(np.intp), np.array(_HISTOGRAM_BINS) - 2)
    share = position - low
    strides = np.array([_HISTOGRAM_BINS[1] * _HISTOGRAM_BINS[2], _HISTOGRAM_BINS[2], 1])
    cell, parts = low @ strides, np.stack([1.0 - share.T, share.T])  # (n,), (2, 3, n)
    histogram = np.zeros(math.prod(_HISTOGRAM_BINS))
    for i, lightness in enumerate(weights.ravel() * parts[:, 0]):
        for j, green_red in enumerate(lightness * parts[:, 1]):
            for k, part in enumerate(green_red * parts[:, 2]):
                histogram += np.bincount(cell + strides @ (i, j, k), part, histogram.size)
    return np.sqrt(histogram / histogram.sum()).astype(np.float32)


def _background(lab: Floats) -> tuple[NDArray[np.bool_], float]:
    """Which pixels have the color of the picture's edge, and how surely (0..1) that is a background."""
    ring = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    color = np.median(ring, axis=0)
    share = np.count_nonzero(_near(ring, color)) / len(ring)
    return _near(lab, color), min(1.0, max(0.0, (share - 0.5) / 0.3))


def _near(lab: Floats, color: Floats) -> NDArray[np.bool_]:
    return _squared_lengths(lab - color) < np.float32(_BACKGROUND_RADIUS**2)


def _squared_lengths(vectors: Floats) -> Floats:
    """Of (..., 3); in place. Three additions, because NumPy's sum over so short an axis takes many times longer."""
    vectors *= vectors
    lengths: Floats = vectors[..., 0] + vectors[..., 1]
    lengths += vectors[..., 2]
    return lengths


def _occupied_cells(lab: Floats, object_weights: Floats) -> tuple[Floats, NDArray[np.float64]]:
    """Mean color (m, 3) and weight (m,) of every CIELAB cell that the picture touches."""
    colors, weights = lab.reshape(-1, 3), object_weights.ravel()
    grid = np.floor(colors / _PALETTE_CELL).astype(np.int64) + 64
    keys = (grid[:, 0] * 256 + grid[:, 1]) * 256 + grid[:, 2]
    _, cell = np.unique(keys, return_inverse=True)
    mass = np.bincount(cell, weights)
    means = np.stack([np.bincount(cell, weights * colors[:, i]) for i in range(3)], axis=1) / mass[:, None]
    return means.astype(np.float32), mass


def _seed_centers(cells: Floats, weights: NDArray[np.float64]) -> Floats:
    chosen = [int(weights.argmax())]
    nearest = _squared_distances(cells, cells[chosen])[:, 0]
    while len(chosen) < min(PALETTE_COLORS, len(cells)):
        chosen.append(int((weights * nearest).argmax()))
        nearest = np.minimum(nearest, _squared_distances(cells, cells[chosen[-1:]])[:, 0])
    return cells[chosen]


def _squared_distances(points: Floats, centers: Floats) -> Floats:
    """Squared Euclidean distances, (n, 3) and (m, 3) -> (n, m)."""
    difference = points[:, None, :] - centers[None, :, :]
    squared: Floats = np.einsum("nmc,nmc->nm", difference, difference)
    return squared
