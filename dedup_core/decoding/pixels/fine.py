"""The luma of a page or a drawing at a larger size than the working image has: print that is too small for that."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.decoding.pixels.shrink import averaged_in_bands
from dedup_core.limits import FINE_GAIN, FINE_SIZE, WORKING_SIZE

_NEAR: Final = 8  # levels of 255 either way: what compression leaves of one color
_PLAIN: Final = 0.4  # docs/thresholds.md#fine-print
_PLAIN_MODES: Final = ("1", "L", "P", "RGB")


def fine_of(
    picture: Image.Image, small: Image.Image, transposed: Image.Transpose | None = None
) -> NDArray[np.uint8] | None:
    """Luma (h, w), upright, averaged by the whole factor that brings a decoded picture to `FINE_SIZE` or less.

    `small` is the working image of it. None for what is not much larger than that, for photographs, which have no
    plain ground, and for pictures with transparency or more than 8 bits.
    """
    if max(picture.size) < FINE_GAIN * WORKING_SIZE or not _is_plain(picture) or not _is_page(small):
        return None
    factor = -(-max(picture.size) // FINE_SIZE)
    luma = averaged_in_bands(picture, (factor, factor), lambda band: band.convert("L"))
    return np.asarray(luma if transposed is None else luma.transpose(transposed))


def _is_plain(picture: Image.Image) -> bool:
    if picture.mode == "RGBA":  # screenshots often have a channel that says nothing
        return picture.getextrema()[-1] == (255, 255)
    return picture.mode in _PLAIN_MODES and not picture.has_transparency_data


def _is_page(small: Image.Image) -> bool:
    """Whether much of it has one luma: paper, a screen, the backdrop of a product."""
    counts = np.array(small.convert("L").histogram())
    near = np.convolve(counts, np.ones(2 * _NEAR + 1, np.intp), "same")
    return bool(near.max() >= _PLAIN * counts.sum())
