"""The batch pipeline that this project replaces, replayed: what each comparison read, decoded and computed.

Three metrics one after the other; each reads both images again, decodes them at full size and cleans up afterwards.
Where the old code left a choice open, the cheaper one is taken here, so that nothing flatters us: k-means with one
start and mini-batches, in single precision, of the scikit-learn release that is fastest at it, and CIELAB in 8 bits.
"""

import gc
from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from sklearn.cluster import MiniBatchKMeans

COLORS = 2
BINS = 32
CENTRAL_SHARE = 0.8


class OldWay:
    """`read` fetches the bytes of an image by its name; every metric calls it for both images."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read

    def compare(self, left: str, right: str) -> dict[str, float]:
        return {
            "dominant_distance": self.dominant_distance(left, right),
            "pixel_difference": self.pixel_difference(left, right),
            "histogram_correlation": self.histogram_correlation(left, right),
        }

    def dominant_distance(self, left: str, right: str) -> float:
        """Distance of the nearest two of the two colors that k-means finds among all pixels of each image."""
        left_centers = _dominant_colors(self._full_size(left))
        right_centers = _dominant_colors(self._full_size(right))
        distances = np.linalg.norm(left_centers[:, None] - right_centers[None, :], axis=-1)  # (2, 2)
        gc.collect()
        return float(distances.min())

    def pixel_difference(self, left: str, right: str) -> float:
        """Mean CIELAB difference with both images at the size of the smaller one."""
        left_image, right_image = self._full_size(left), self._full_size(right)
        size = min(left_image.size, right_image.size, key=lambda side: side[0] * side[1])
        left_lab, right_lab = (_lab(image.resize(size)) for image in (left_image, right_image))
        difference = np.abs(left_lab.astype(np.int16) - right_lab.astype(np.int16)).mean()
        gc.collect()
        return float(difference)

    def histogram_correlation(self, left: str, right: str) -> float:
        """Pearson correlation of 32 x 32 x 32 color histograms of the central 80 %."""
        left_bins, right_bins = (_central_histogram(self._full_size(path)) for path in (left, right))
        correlation = np.corrcoef(left_bins, right_bins)[0, 1]
        gc.collect()
        return float(correlation)

    def _full_size(self, path: str) -> Image.Image:
        return Image.open(BytesIO(self._read(path))).convert("RGB")


def _dominant_colors(image: Image.Image) -> NDArray[np.float64]:
    pixels = np.asarray(image).reshape(-1, 3).astype(np.float32)  # (h * w, 3)
    return MiniBatchKMeans(n_clusters=COLORS, n_init=1, random_state=0).fit(pixels).cluster_centers_


def _lab(image: Image.Image) -> NDArray[np.uint8]:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return np.asarray(ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB"))  # (h, w, 3)


def _central_histogram(image: Image.Image) -> NDArray[np.float64]:
    pixels = np.asarray(image)
    height, width = pixels.shape[:2]
    top, left = round(height * (1 - CENTRAL_SHARE) / 2), round(width * (1 - CENTRAL_SHARE) / 2)
    center = pixels[top : height - top, left : width - left].reshape(-1, 3) // (256 // BINS)
    numbers = (center[:, 0].astype(np.int32) * BINS + center[:, 1]) * BINS + center[:, 2]
    return np.bincount(numbers, minlength=BINS**3).astype(np.float64)
