"""The eight ways to turn a picture, applied to 256-bit hashes without going back to its pixels."""

import numpy as np
from numpy.typing import NDArray

from dedup_core.views import VIEWS, View

HASH_BYTES = 32
GROUPS = 4  # coefficient parities: even-even, even-odd, odd-even, odd-odd (row, column)
GROUP_BYTES = HASH_BYTES // GROUPS
INVERTED_MARGIN = np.uint8(16)  # bits by which a copy in inverted colors must be nearer than others
_GROUP_BITS = np.uint8(8 * GROUP_BYTES)
_MOST_BITS = np.uint8(255)  # that can differ: the DC term's is 0 in all
# Mirroring a picture changes the sign of its DCT coefficients in odd columns, flipping it of those in odd rows, both of
# all where row + column is odd. A sign is a bit, so a view of a hash is the hash with whole groups inverted.
_TRANSPOSED_GROUPS = [0, 2, 1, 3]  # even-odd <-> odd-even
INVERTED_GROUPS = np.array(
    [
        [0, 0, 0, 0],
        [0, 1, 0, 1],
        [0, 0, 1, 1],
        [0, 1, 1, 0],
    ],
    dtype=np.uint8,
)


def transpose_hashes(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Hashes (..., 32) of the pictures mirrored at their main diagonal."""
    bits = np.unpackbits(hashes, axis=-1, bitorder="little")
    squares = bits.reshape(*hashes.shape[:-1], GROUPS, 8, 8).swapaxes(-1, -2)  # (..., 4, 8, 8), rows <-> columns
    groups = squares[..., _TRANSPOSED_GROUPS, :, :]
    return np.packbits(groups.reshape(bits.shape), axis=-1, bitorder="little")


def view_hashes(hashes: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """Hashes (..., 32) of the same pictures turned as `view` says."""
    position = VIEWS.index(view)
    if position >= len(INVERTED_GROUPS):
        hashes = transpose_hashes(hashes)
    masks = np.repeat(INVERTED_GROUPS[position % len(INVERTED_GROUPS)] * np.uint8(255), GROUP_BYTES)  # (32,)
    return np.where(hashes.any(axis=-1, keepdims=True), hashes ^ masks, hashes)


def view_distances(hashes: NDArray[np.uint64], query: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Bits between hashes, as columns (4, n) of words, and the eight views of a query: (8, n) in the order of `VIEWS`.

    `query` (2, 4) is its hash and its transposed hash. One count of a group serves four views.
    """
    distances = np.empty((len(VIEWS), hashes.shape[1]), np.uint8)  # 255 at most, since the DC bit is 0 in all
    for half, words in enumerate(query):
        both, right, lower, odd = (np.bitwise_count(column ^ word) for column, word in zip(hashes, words, strict=True))
        upright, mirrored, flipped, turned = distances[half * GROUPS : (half + 1) * GROUPS]
        np.add(both, right, out=upright)
        np.subtract(both, right, out=mirrored)
        flipped[:], turned[:] = upright, mirrored
        upright += lower
        upright += odd
        mirrored += lower
        mirrored -= odd
        mirrored += 128
        flipped -= lower
        flipped -= odd
        flipped += 128
        turned -= lower
        turned += odd
        turned += 128
    return distances


def group_distances(
    hashes: NDArray[np.uint64], query: NDArray[np.uint64], told: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """`view_distances` by these groups (4,) of the query alone, of which at least one is, scaled to all 256 bits."""
    distances = np.empty((len(VIEWS), hashes.shape[1]), np.uint16)
    for half, words in enumerate(query):
        groups = np.flatnonzero(told[_TRANSPOSED_GROUPS] if half else told)
        counts = np.bitwise_count(hashes[groups] ^ words[groups, None])  # (groups, n)
        for position, inverted in enumerate(INVERTED_GROUPS[:, groups, None]):
            differing = np.where(inverted, _GROUP_BITS - counts, counts)
            distances[half * GROUPS + position] = differing.sum(axis=0, dtype=np.uint16)
    scaled: NDArray[np.uint8] = np.minimum(distances * GROUPS // int(told.sum()), _MOST_BITS).astype(np.uint8)
    return scaled


def group_bounds(hashes: NDArray[np.uint64], query: NDArray[np.uint64], told: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """A lower bound of `with_inverted` of `group_distances`, (n,), at a part of the cost: as `DistanceBounds`."""
    bounds = []
    for groups, words in ((told, query[0]), (told[_TRANSPOSED_GROUPS], query[1])):
        bound = np.zeros(hashes.shape[1], np.uint8)
        for group in np.flatnonzero(groups):
            counts = np.bitwise_count(hashes[group] ^ words[group])
            bound += np.minimum(counts, _GROUP_BITS - counts)
        bounds.append(bound)
    return np.minimum(*bounds).astype(np.uint16) * GROUPS // np.uint16(told.sum())


def with_inverted(distances: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same distances, or those of the inverted picture where they are less.

    Inverting a picture changes every sign but the DC term's, so of 255 bits those are left that did not differ.
    `INVERTED_MARGIN` is added to them, so that looking for inverted pictures as well brings up hardly more strangers.
    """
    inverted = _MOST_BITS - (np.maximum(distances, INVERTED_MARGIN) - INVERTED_MARGIN)
    least: NDArray[np.uint8] = np.minimum(distances, inverted)
    return least


class DistanceBounds:
    """A lower bound of `with_inverted` of `view_distances` for each of many hashes, at half the cost, in reused room.

    Whatever the view, a group in which x bits differ counts x or, inverted, 64 - x. So the lesser of both, summed over
    the groups, is never more than the distance: 115 of 256 for strangers, which leaves hardly any to be looked at.
    """

    def __init__(self, most: int) -> None:
        """Room for that many hashes."""
        self._words = np.empty((2, most), np.uint64)
        self._counts = np.empty((GROUPS, 2, most), np.uint8)
        self._others = np.empty((GROUPS, 2, most), np.uint8)

    def __call__(self, hashes: NDArray[np.uint64], query: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """For hashes as columns (4, n) of words: (2, n), as they are and transposed, valid until the next call."""
        width = hashes.shape[1]
        words, counts, others = self._words[:, :width], self._counts[:, :, :width], self._others[:, :, :width]
        for column, both, count in zip(hashes, query.T, counts, strict=True):
            np.bitwise_xor(column, both[:, None], out=words)
            np.bitwise_count(words, out=count)
        np.subtract(_GROUP_BITS, counts, out=others)
        np.minimum(counts, others, out=counts)
        bounds: NDArray[np.uint8] = counts[0]
        for group in counts[1:]:
            np.add(bounds, group, out=bounds)
        return bounds
