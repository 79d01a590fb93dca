"""Working image -> fingerprints, and their mirrored, turned and cropped views."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

SCHEME = 1
HASH_BITS = 256


class View(StrEnum):
    """How the left image must be turned to match the right one. Names and directions (counterclockwise) as in Pillow."""

    UPRIGHT = "upright"
    MIRRORED = "mirrored"
    FLIPPED = "flipped"
    TURNED_90 = "turned_90"
    TURNED_180 = "turned_180"
    TURNED_270 = "turned_270"
    TRANSPOSED = "transposed"
    TRANSVERSED = "transversed"


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """All that the candidate index holds of one image; `to_bytes` has the same length for every image of a scheme.

    `hashes` is (windows, 32) uint8, the whole picture first, empty for a flat image; `content` is the first 8 bytes of
    the SHA-256 of the file, by which flat images (and all others) match their exact copies.
    """

    content: bytes
    hashes: NDArray[np.uint8]

    @property
    def is_flat(self) -> bool:
        return len(self.hashes) == 0
