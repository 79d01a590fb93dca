"""Fingerprints: all that the candidate index takes of one image, and how it is stored."""

from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.hash_views import HASH_BYTES
from dedup_core.fingerprinting.keypoints import KEYPOINT_BYTES, MAX_KEYPOINTS, Keypoints

SCHEME: Final = 1
HASH_BITS: Final = 256
CONTENT_BYTES: Final = 8
WINDOWS: Final = ("whole", "inside_borders")
"""What is hashed of a picture; the two are the same where it has no plain borders."""
FINGERPRINTS_BYTES: Final = CONTENT_BYTES + len(WINDOWS) * HASH_BYTES + MAX_KEYPOINTS * KEYPOINT_BYTES
"""Length of `Fingerprints.to_bytes()` of this scheme."""


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprints:
    """All that the candidate index takes of one image; `to_bytes` has the same length for every image of a scheme.

    `hashes` is (windows, 32) uint8 in the order of `WINDOWS`, empty for a flat image; a window that is flat by itself
    is all zeros. `keypoints` can be met again in a part of the picture. `content` is the first 8 bytes of the SHA-256
    of the file, by which flat images (and all others) match their exact copies.
    """

    content: bytes
    hashes: NDArray[np.uint8]
    keypoints: Keypoints = field(default_factory=Keypoints.none)

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
        return self.content + hashes + self.keypoints.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        if len(data) != FINGERPRINTS_BYTES:
            raise ValueError(f"fingerprints of scheme {SCHEME} take {FINGERPRINTS_BYTES} bytes, not {len(data)}")
        packed = np.frombuffer(data, np.uint8)
        hashes, keypoints = np.split(packed[CONTENT_BYTES:], [len(WINDOWS) * HASH_BYTES])
        hashes = hashes.reshape(len(WINDOWS), HASH_BYTES)
        return cls(
            data[:CONTENT_BYTES],
            hashes if hashes.any() else hashes[:0],
            Keypoints.from_packed(keypoints.reshape(MAX_KEYPOINTS, KEYPOINT_BYTES)),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprints) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())
