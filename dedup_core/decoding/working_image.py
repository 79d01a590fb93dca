"""WorkingImage: the small upright picture that everything after decoding looks at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup_core.decoding.provenance import UNKNOWN, Provenance
from dedup_core.decoding.whole import UNKNOWN_WHOLE, Whole


@dataclass(frozen=True, slots=True)
class WorkingImage:
    """A small upright picture: all that the features and the metrics ever look at.

    `pixels` is (h, w, 3) uint8 sRGB with the longer side at most `WORKING_SIZE`; `width` and `height` are those of
    the whole picture, upright; `decoded_bytes` is the largest pixel buffer that decoding took. `provenance` is known
    only where it was asked for. `whole` is what the file holds beyond these pixels.
    """

    pixels: NDArray[np.uint8]
    format: str
    width: int
    height: int
    decoded_bytes: int
    provenance: Provenance = UNKNOWN
    whole: Whole = UNKNOWN_WHOLE
