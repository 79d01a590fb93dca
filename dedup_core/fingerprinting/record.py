"""Fingerprints: all that the candidate index takes of one image, and how it is stored."""

from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.hash_views import HASH_BYTES
from dedup_core.fingerprinting.keypoints import KEYPOINT_BYTES, MAX_KEYPOINTS, Keypoints

SCHEME: Final = 2
HASH_BITS: Final = 256
CONTENT_BYTES: Final = 8  # among a billion files two share them with a chance of 3 %, and are verified then
ID_BYTES: Final = 16  # of the image that fingerprints are of
WINDOWS: Final = ("whole", "block")
"""What is hashed of a picture; the two are the same where it has no plain borders."""
FINGERPRINTS_BYTES: Final = CONTENT_BYTES + (len(WINDOWS) + 1) * HASH_BYTES + MAX_KEYPOINTS * KEYPOINT_BYTES
"""Length of `Fingerprints.to_bytes()` of this scheme."""
OLDER_SCHEME: Final = 1
OLDER_BYTES: Final = 312
"""Length of fingerprints of scheme 1, of which content and hashes are of use."""


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprints:
    """All that the candidate index takes of one image; `to_bytes` has the same length for every image of a scheme.

    `hashes` is (windows, 32) uint8 in the order of `WINDOWS`, empty for a flat image; a window that is flat by itself
    is all zeros. `detail` (32,) uint8 is a hash of finer frequencies, which tells pictures of one template apart; zeros
    where it is not known. `keypoints` can be met again in a part of the picture. `content` is the first 8 bytes of the
    SHA-256 of the file, by which flat images (and all others) match their exact copies.

    Two more are known of a picture that was just looked at. `asked` are the keypoints to search with: more than are
    kept, and with what is unsure of them. `silent` (windows, 4) bool are the groups of each hash whose signs say
    nothing, as those of a symmetric picture do.
    """

    content: bytes
    hashes: NDArray[np.uint8]
    keypoints: Keypoints = field(default_factory=Keypoints.none)
    detail: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(HASH_BYTES, np.uint8))
    asked: Keypoints | None = None
    silent: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if len(self.content) != CONTENT_BYTES:
            raise ValueError(f"content takes {CONTENT_BYTES} bytes, not {len(self.content)}")
        if self.hashes.dtype != np.uint8 or self.hashes.shape not in ((0, HASH_BYTES), (len(WINDOWS), HASH_BYTES)):
            raise ValueError(f"hashes are ({len(WINDOWS)}, {HASH_BYTES}) or (0, {HASH_BYTES}) bytes")

    @property
    def is_flat(self) -> bool:
        return len(self.hashes) == 0

    def to_bytes(self) -> bytes:
        hashes = self.hashes.tobytes().ljust(len(WINDOWS) * HASH_BYTES, b"\0")
        return self.content + hashes + self.detail.tobytes() + self.keypoints.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` gave, of this scheme or of the one before. Raises `ValueError` for any other length."""
        if len(data) == OLDER_BYTES:
            data = upgraded(np.frombuffer(data, np.uint8)[None]).tobytes()
        if len(data) != FINGERPRINTS_BYTES:
            raise ValueError(f"fingerprints of scheme {SCHEME} take {FINGERPRINTS_BYTES} bytes, not {len(data)}")
        packed = np.frombuffer(data, np.uint8)
        ends = CONTENT_BYTES + HASH_BYTES * np.arange(len(WINDOWS), len(WINDOWS) + 2)
        _, detail, keypoints = np.split(packed, ends)
        hashes = packed[CONTENT_BYTES : ends[0]].reshape(len(WINDOWS), HASH_BYTES)
        return cls(
            data[:CONTENT_BYTES],
            hashes if hashes.any() else hashes[:0],
            Keypoints.from_packed(keypoints.reshape(MAX_KEYPOINTS, KEYPOINT_BYTES)),
            detail,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprints) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())


def upgraded(older: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fingerprints of scheme 1, (n, 312), as those of this one: (n, `FINGERPRINTS_BYTES`).

    Whole pictures are found by them, but no parts of pictures: keypoints were others, and finer frequencies not kept.
    """
    kept = CONTENT_BYTES + len(WINDOWS) * HASH_BYTES
    packed = np.zeros((len(older), FINGERPRINTS_BYTES), np.uint8)
    packed[:, :kept] = older[:, :kept]
    return packed
