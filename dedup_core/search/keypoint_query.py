"""What is looked up for the keypoints of a query: every view of their words, with the unsure bits both ways."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.keypoints import BUCKET_BITS, WEAK_BITS, WORD_BITS, WORD_CELLS, Keypoints
from dedup_core.views import VIEWS

BUCKET_MASK: Final = np.uint32((1 << BUCKET_BITS) - 1)


@dataclass(frozen=True, slots=True)
class Probes:
    """`buckets` (n, variants) to look into for each of n words: every keypoint in every view.

    `rests` (n,) are the bits of a word above the bucket's; `views` (n,) places in `VIEWS`; `places` (n, 3) int32 are x,
    y and scale of the keypoint in the view, of which only differences mean something.
    """

    buckets: NDArray[np.uint32]
    rests: NDArray[np.uint32]
    views: NDArray[np.int64]
    places: NDArray[np.int32]


def probes_of(keypoints: Keypoints) -> Probes:
    words: list[NDArray[np.uint32]] = []
    weak: list[NDArray[np.uint32]] = []
    places: list[NDArray[np.int32]] = []
    for position in range(len(VIEWS)):
        is_transposed, inverted = position >= len(_INVERTED_BITS), position % len(_INVERTED_BITS)
        turned = _transposed(keypoints.words) if is_transposed else keypoints.words
        words.append(turned ^ _INVERTED_BITS[inverted])
        weak.append(_transposed(keypoints.weak) if is_transposed else keypoints.weak)
        x, y, scale = keypoints.places.astype(np.int32).T[[1, 0, 2] if is_transposed else [0, 1, 2]]
        places.append(np.stack([x * _DIRECTIONS[inverted][0], y * _DIRECTIONS[inverted][1], scale], axis=1))
    all_words = np.concatenate(words)
    return Probes(
        buckets=(all_words & BUCKET_MASK)[:, None] ^ _subsets(np.concatenate(weak)),
        rests=all_words >> np.uint32(BUCKET_BITS),
        views=np.repeat(np.arange(len(VIEWS)), len(keypoints)),
        places=np.concatenate(places),
    )


# Mirrored, signs change in odd columns and x runs the other way; flipped, in odd rows and y does (as for hashes).
_DIRECTIONS: Final = ((1, 1), (-1, 1), (1, -1), (-1, -1))


def _mask(parities: tuple[int, int]) -> np.uint32:
    row_counts, column_counts = parities
    odd = [(row * row_counts + column * column_counts) % 2 for row, column in WORD_CELLS]
    return np.uint32(sum(1 << bit for bit, is_odd in enumerate(odd) if is_odd))


_INVERTED_BITS: Final = tuple(_mask(parities) for parities in ((0, 0), (0, 1), (1, 0), (1, 1)))
_PAIRED: Final = np.uint32(sum(1 << bit for bit, (row, column) in enumerate(WORD_CELLS) if row != column))
_FIRST_OF_PAIR: Final = np.uint32(
    sum(
        1 << bit
        for bit in range(WORD_BITS - 1)
        if WORD_CELLS[bit] == WORD_CELLS[bit + 1][::-1] and WORD_CELLS[bit][0] < WORD_CELLS[bit][1]
    )
)


def _transposed(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Swap the bits of each pair of coefficients (row, column) and (column, row), which are neighbors."""
    up = (words & _FIRST_OF_PAIR) << np.uint32(1)
    down = (words >> np.uint32(1)) & _FIRST_OF_PAIR
    transposed: NDArray[np.uint32] = (words & ~_PAIRED) | up | down
    return transposed


def _subsets(weak: NDArray[np.uint32]) -> NDArray[np.uint32]:
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
