"""Bytes -> upright RGB working image; every limit on hostile input lives here."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORKING_SIZE = 512


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What a decode may cost, checked before memory is taken."""

    max_bytes: int = 64 * 1024 * 1024
    max_pixels: int = 100_000_000


@dataclass(frozen=True, slots=True)
class WorkingImage:
    """A small upright picture: all that the features and the metrics ever look at.

    `pixels` is (h, w, 3) uint8 sRGB with the longer side at most `WORKING_SIZE`; `width` and `height` are those of
    the whole picture, upright; `decoded_bytes` is the largest pixel buffer that decoding took.
    """

    pixels: NDArray[np.uint8]
    format: str
    width: int
    height: int
    decoded_bytes: int
