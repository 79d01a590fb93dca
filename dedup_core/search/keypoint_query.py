"""What is looked up for the keypoints of a query: their words, also mirrored, with the unsure bits both ways."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.keypoints import ANGLE_STEPS, BUCKET_BITS, WEAK_BITS, WORD_CELLS, Keypoints

BUCKET_MASK: Final = np.uint32((1 << BUCKET_BITS) - 1)
# A patch points along its rows. Turned upside down it is that of the mirrored picture: signs change in odd rows.
MIRRORED_BITS: Final = np.uint32(sum(1 << bit for bit, (row, _) in enumerate(WORD_CELLS) if row % 2))


@dataclass(frozen=True, slots=True)
class Probes:
    """`buckets` (n, variants) to look into for each of n words: every keypoint as it is, then every one mirrored.

    `rests` (n,) are the bits of a word above the bucket's; `mirrored` (n,) 0 or 1; `places` (n, 4) int32 are x, y,
    scale and angle of the keypoint in the picture or its mirror image (y runs upwards there), of which only differences
    mean something.
    """

    buckets: NDArray[np.uint32]
    rests: NDArray[np.uint32]
    mirrored: NDArray[np.int64]
    places: NDArray[np.int32]


def probes_of(keypoints: Keypoints) -> Probes:
    words = np.concatenate([keypoints.words, keypoints.words ^ MIRRORED_BITS])
    places = keypoints.places.astype(np.int32)
    flipped = places * np.array([1, -1, 1, -1], np.int32)
    flipped[:, 3] %= ANGLE_STEPS
    return Probes(
        buckets=(words & BUCKET_MASK)[:, None] ^ np.tile(weak_subsets(keypoints.weak), (2, 1)),
        rests=words >> np.uint32(BUCKET_BITS),
        mirrored=np.repeat([0, 1], len(keypoints)),
        places=np.concatenate([places, flipped]),
    )


def weak_subsets(weak: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Every combination of the marked bits of each mask: (n, 2 ** WEAK_BITS)."""
    bits = np.nonzero((weak[:, None] >> np.arange(BUCKET_BITS, dtype=np.uint32)) & 1)[1].reshape(len(weak), WEAK_BITS)
    subsets: NDArray[np.uint32] = (np.uint32(1) << bits.astype(np.uint32)) @ _chosen()
    return subsets


@cache
def _chosen() -> NDArray[np.uint32]:
    """(5, 32): which of the weak bits each combination takes."""
    combinations = np.arange(1 << WEAK_BITS, dtype=np.uint32)
    chosen: NDArray[np.uint32] = (combinations >> np.arange(WEAK_BITS, dtype=np.uint32)[:, None]) & np.uint32(1)
    return chosen
