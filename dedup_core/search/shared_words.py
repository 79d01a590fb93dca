"""Pictures as sets of whole numbers, their words: two of which one is the other, in any view, nearly always share two.

A way to look pictures up in what can only compare numbers, such as the index of a database. Words are of two kinds, and
what they bring up is to be searched again by `FingerprintIndex`, which looks at distances and at arrangement:

- 0 and more: the word of a keypoint, or that of the mirrored picture: of the two, the one in which `_WAY` is not set,
  with its upper bits last.
- less than 0: bands, 21 bits of one group of a hash. A view inverts a group as a whole or leaves it, and so does the
  inverted picture, hence a band is told up to inversion; that of a transposed picture is met by asking twice.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.hash_views import GROUPS, HASH_BYTES, transpose_hashes
from dedup_core.fingerprinting.keypoints import (
    ASKED_OF_WHOLE,
    BUCKET_BITS,
    KEYPOINT_BYTES,
    MAX_KEYPOINTS,
    WEAK_BITS,
    WORD_BITS,
    Keypoints,
)
from dedup_core.fingerprinting.record import CONTENT_BYTES, WINDOWS, Fingerprints
from dedup_core.search.keypoint_query import BUCKET_MASK, MIRRORED_BITS, weak_subsets

type Words = NDArray[np.int32]
REVISION: Final = 3  # of the words of a picture; those of another revision are of no use
ASKED_KEYPOINTS: Final = 80  # of those of a whole picture; docs/scale.md#words
MOST_WEAK: Final = 1  # of the unsure bits of a bucket, that are tried the other way
BAND_BITS: Final = 21  # three of them are the 64 bits of a group but one
BANDS: Final = 3  # of a group
_GROUP_BITS: Final = 8 * HASH_BYTES // GROUPS
_TOLD_BITS: Final = BAND_BITS - 1  # of a band; the first one says which way round the others are
_UPPER_BITS: Final = WORD_BITS - BUCKET_BITS  # of a keypoint's word, of which one may differ
_WAY: Final = MIRRORED_BITS & ~(MIRRORED_BITS - np.uint32(1))  # the lowest bit that is inverted in the mirrored picture


def stored_words(fingerprints: NDArray[np.uint8]) -> list[Words]:
    """The distinct words to store of each image, from what `Fingerprints.to_bytes` gave: (n, FINGERPRINTS_BYTES)."""
    first, second = (
        slice(CONTENT_BYTES + window * HASH_BYTES, CONTENT_BYTES + (window + 1) * HASH_BYTES)
        for window in range(len(WINDOWS))
    )
    bands = [_bands(np.ascontiguousarray(fingerprints[:, window])) for window in (first, second)]
    packed = np.ascontiguousarray(fingerprints[:, -MAX_KEYPOINTS * KEYPOINT_BYTES :])
    packed = packed.reshape(len(fingerprints), MAX_KEYPOINTS, KEYPOINT_BYTES)
    keypoints = _either_way(np.ascontiguousarray(packed[..., :4]).view("<u4")[..., 0])
    has_keypoint = packed[..., -1] > 0
    has_hash = [fingerprints[:, window].any(axis=1) for window in (first, second)]
    return [
        np.unique(
            np.concatenate(
                [
                    keypoints[row][has_keypoint[row]],
                    *(it[row] for it, has in zip(bands, has_hash, strict=True) if has[row]),
                ]
            )
        )
        for row in range(len(fingerprints))
    ]


def asked_words(fingerprints: Fingerprints) -> Words:
    """The distinct words to look for, with those that differ in what is unsure; none for a flat picture."""
    if fingerprints.is_flat:
        return np.zeros(0, np.int32)
    asked = fingerprints.keypoints if fingerprints.asked is None else fingerprints.asked
    windows = fingerprints.hashes[fingerprints.hashes.any(axis=1)]
    views = np.concatenate([windows, transpose_hashes(windows)])
    return np.unique(np.concatenate([_keypoint_words(asked), _nearby_bands(_bands(views))]))


def _keypoint_words(asked: Keypoints) -> Words:
    """The words of keypoints, with unsure bits both ways; those of the mirrored picture are the same.

    Of the likeliest ones, or of all where halves of the picture are asked for: of those the likeliest are no better.
    """
    if len(asked) <= ASKED_OF_WHOLE:
        asked = asked.taken(np.arange(min(len(asked), ASKED_KEYPOINTS)))
    if len(asked) == 0:
        return np.zeros(0, np.int32)
    varied = asked.words[:, None] ^ weak_subsets(asked.weak)[:, _few_weak()]  # (n, variants)
    upper = _flips(_UPPER_BITS) << np.uint32(BUCKET_BITS)
    return _either_way(varied[:, :, None] ^ upper).reshape(-1)


def _either_way(words: NDArray[np.uint32]) -> Words:
    """Words of keypoints or of the same ones mirrored: what both have in common.

    The upper bits come last: words that differ in one of them are asked for together, and so lie together in an index.
    """
    one = np.where(words & _WAY, words ^ MIRRORED_BITS, words)
    ordered: Words = ((one & BUCKET_MASK) << np.uint32(_UPPER_BITS) | one >> np.uint32(BUCKET_BITS)).astype(np.int32)
    return ordered


def _bands(hashes: NDArray[np.uint8]) -> Words:
    """Hashes (n, 32) as (n, 12) bands; a band takes every third bit of a group."""
    bits = np.unpackbits(hashes, axis=1, bitorder="little").reshape(len(hashes), GROUPS, _GROUP_BITS)
    taken = bits[:, :, : BAND_BITS * BANDS].reshape(len(hashes), GROUPS, BAND_BITS, BANDS).swapaxes(2, 3)
    told = (taken[..., 1:] ^ taken[..., :1]).astype(np.int32)  # (n, groups, bands, 20)
    values = told @ (1 << np.arange(_TOLD_BITS, dtype=np.int32))
    numbers = np.arange(GROUPS * BANDS, dtype=np.int32)
    words: Words = -1 - (values.reshape(len(hashes), GROUPS * BANDS) | numbers << _TOLD_BITS)
    return words


def _nearby_bands(bands: Words) -> Words:
    """Bands and all that differ from them in a bit: in the first one, all others are the other way round."""
    flips = np.append(_flips(_TOLD_BITS), np.uint32((1 << _TOLD_BITS) - 1)).astype(np.int32)
    words: Words = -1 - ((-1 - bands.reshape(-1, 1)) ^ flips)
    return words.reshape(-1)


def _flips(bits: int) -> NDArray[np.uint32]:
    """No bit, and each single one: (bits + 1,)."""
    return np.append(np.uint32(0), np.uint32(1) << np.arange(bits, dtype=np.uint32))


@cache
def _few_weak() -> NDArray[np.intp]:
    """Which combinations of unsure bits, as `weak_subsets` numbers them, have few of them the other way."""
    numbers = range(1 << WEAK_BITS)
    return np.array([number for number in numbers if number.bit_count() <= MOST_WEAK], np.intp)
