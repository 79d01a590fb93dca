"""Quantization tables of JPEG files: the standard one at each quality, and where its steps are looked for."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float64s
from dedup_core.decoding.history.provenance import LOSSLESS

# The luminance table of the JPEG standard (ITU-T T.81, Annex K.1), which libjpeg scales by its quality.
STANDARD: Final = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=np.float32,
)
# Low frequencies, where photographs have values far from zero.
PROBED: Final = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1))
QUALITIES: Final = np.arange(96, 29, -1)  # of those with the same steps the best one


def quality_of_table(luma_table: list[int]) -> int:
    """The quality 1..100 whose table has the same sum."""
    return quality_of_scale(100.0 * sum(luma_table) / float(STANDARD.sum()))


def quality_of_scale(percent: float) -> int:
    """The quality whose table is the standard one times `percent` (libjpeg, `jpeg_quality_scaling`)."""
    quality = (200.0 - percent) / 2.0 if percent <= 100.0 else 5000.0 / percent  # noqa: PLR2004
    return int(min(LOSSLESS, max(1.0, round(quality))))


def probed_steps(table: NDArray[np.float32] = STANDARD) -> Float64s:
    """The steps of a table at the probed frequencies, for each of `QUALITIES` as libjpeg rounds them: (n, 7)."""
    percent = np.where(QUALITIES < 50, 5000 // QUALITIES, 200 - 2 * QUALITIES)[:, None]  # noqa: PLR2004 - as above
    return np.maximum(1.0, (np.array([table[it] for it in PROBED]) * percent + 50.0) // 100.0)


def quality_seen_later(quality: int) -> int:
    """What is seen of a file of this quality that was saved again: the best of those with the same probed steps."""
    if quality not in QUALITIES:
        return quality
    steps = probed_steps()
    return int(QUALITIES[(steps == steps[quality == QUALITIES]).all(axis=1)].max())
