"""Keypoints: the strongest blobs of a picture, each with a short binary word that survives cropping and turning.

A word is taken from a patch that is turned the way its own content points, so it is the same at any angle.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.blobs import FIRST_SIGMA

# Kept and asked for, and the bits by which they are found: docs/fingerprints.md#keypoints
MAX_KEYPOINTS: Final = 24
ASKED_OF_WHOLE: Final = 96
ASKED_OF_HALF: Final = 48
MAX_ASKED: Final = ASKED_OF_WHOLE + 2 * ASKED_OF_HALF  # of halves on a plain ground
PLANE_SIDE: Final = 192  # longer side of the planes on which they are looked for: docs/fingerprints.md#keypoints
BUCKET_BITS: Final = 20
WORD_BITS: Final = 28
WEAK_BITS: Final = 5
KEYPOINT_BYTES: Final = 8
ASKED_BYTES: Final = 12  # of a keypoint to ask with, which has its unsure bits, too
SCALE_STEPS: Final = 32  # of a stored scale, an octave
SCALE_ORIGIN: Final = 80  # the stored scale of the smallest blob in the frame; in a block of it they are smaller
ANGLE_STEPS: Final = 64  # of a stored angle, a turn
# Coefficients (row, column) of a patch whose signs make up its word, the lowest bit first: those that tell the most of
# the ones that are left, by how rarely they flip between copies and how little the ones before tell of them.
WORD_CELLS: Final = (
    *((2, 2), (1, 1), (2, 0), (1, 3), (1, 2), (0, 3), (3, 0), (3, 1), (0, 2), (3, 3)),
    *((2, 1), (1, 4), (5, 0), (3, 4), (0, 5), (4, 3), (6, 0), (4, 4), (5, 2), (0, 6)),
    *((2, 5), (3, 5), (4, 1), (1, 5), (5, 3), (6, 1), (1, 6), (4, 5)),
)
# Of each stored scale, in 255ths of the longer side of the frame.
SIGMAS: Final = FIRST_SIGMA * 255 / PLANE_SIDE * 2 ** ((np.arange(256) - SCALE_ORIGIN) / SCALE_STEPS)
_USUALLY_WEAK: Final = sum(1 << bit for bit in range(BUCKET_BITS - WEAK_BITS, BUCKET_BITS))


@dataclass(frozen=True, slots=True, eq=False)
class Keypoints:
    """Some keypoints of a picture.

    `words` (k,) uint32 of 28 bits; `weak` (k,) uint32 marks the 5 of the low 20 bits that are the least sure; `places`
    (k, 4) uint8: x and y in 255ths of the longer side of the frame, scale in 32nds of an octave, angle in 64ths of a
    turn.
    """

    words: NDArray[np.uint32]
    weak: NDArray[np.uint32]
    places: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def none(cls) -> Self:
        return cls(np.zeros(0, np.uint32), np.zeros(0, np.uint32), np.zeros((0, 4), np.uint8))

    @classmethod
    def joined(cls, parts: "list[Keypoints]") -> Self:
        return cls(
            np.concatenate([part.words for part in parts]),
            np.concatenate([part.weak for part in parts]),
            np.concatenate([part.places for part in parts]),
        )

    def taken(self, chosen: NDArray[np.intp]) -> Self:
        return type(self)(self.words[chosen], self.weak[chosen], self.places[chosen])

    def to_bytes(self) -> bytes:
        """Always 192 bytes; a scale of zero marks a place that is not taken. Which bits are unsure is not kept."""
        packed = np.zeros((MAX_KEYPOINTS, KEYPOINT_BYTES), np.uint8)
        count = len(self)
        packed[:count, :4] = self.words.astype("<u4")[:, None].view(np.uint8)
        packed[:count, 4:] = self.places[:, [0, 1, 3, 2]]
        return packed.tobytes()

    @classmethod
    def from_packed(cls, packed: NDArray[np.uint8]) -> Self:
        """The keypoints that `to_bytes` wrote, of one or more images: (n, 8) bytes."""
        taken = packed[packed[:, -1] > 0]
        words = np.ascontiguousarray(taken[:, :4]).view("<u4")[:, 0].astype(np.uint32)
        places = taken[:, [4, 5, 7, 6]]
        places[:, 3] %= ANGLE_STEPS  # whatever was stored: an angle beyond a turn would be taken for another image's
        return cls(words, np.full(len(words), _USUALLY_WEAK, np.uint32), places)

    def to_asked_bytes(self) -> bytes:
        """What is searched with, in full: (k, 12) bytes of words, unsure bits and places."""
        words = np.stack([self.words, self.weak], axis=1).astype("<u4").view(np.uint8)
        return np.hstack([words, self.places]).tobytes()

    @classmethod
    def from_asked_bytes(cls, data: bytes) -> Self:
        """The keypoints that `to_asked_bytes` wrote. Raises `ValueError` for what no picture has."""
        if len(data) % ASKED_BYTES or len(data) > MAX_ASKED * ASKED_BYTES:
            raise ValueError(f"{len(data)} bytes are not up to {MAX_ASKED} keypoints of {ASKED_BYTES} bytes")
        packed = np.frombuffer(data, np.uint8).reshape(-1, ASKED_BYTES)
        words, weak = np.ascontiguousarray(packed[:, :8]).view("<u4").astype(np.uint32).T.copy()
        places = packed[:, 8:].copy()
        if (words >> WORD_BITS).any() or (weak >> BUCKET_BITS).any() or (np.bitwise_count(weak) != WEAK_BITS).any():
            raise ValueError("a word of a keypoint has other bits than there are")
        if (places[:, 2] == 0).any() or (places[:, 3] >= ANGLE_STEPS).any():
            raise ValueError("a keypoint has no scale or an angle beyond a turn")
        return cls(words, weak, places)
