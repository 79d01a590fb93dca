"""WorkingImage: the small upright picture that everything after decoding looks at."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.decoding.history.provenance import UNKNOWN, Provenance

FRAME_SIDE: Final = 32  # as for `MAX_SAMPLES`: docs/thresholds.md#animations-and-pages
FRAME_BYTES: Final = FRAME_SIDE**2
MAX_SAMPLES: Final = 3
MAX_PALETTE: Final = 256  # colors
DIGEST_BYTES: Final = 16  # so many that no two pictures share them


@dataclass(frozen=True, slots=True)
class Whole:
    """`digest` (hexadecimal) is of every value of the only frame, empty where not all of the file was decoded.

    `frames` are samples over the length of an animation, or of the pages of a document, after the first: the luma of
    each, `FRAME_SIDE` pixels wide and high, `FRAME_BYTES` a frame; nothing for a single picture. `palette` is red,
    green and blue of each color that a file with a palette uses, in sRGB; nothing for other files.
    """

    digest: str = ""
    frames: bytes = b""
    palette: bytes = b""

    def samples(self) -> NDArray[np.uint8]:
        """The samples, (n, 32, 32)."""
        return np.frombuffer(self.frames, np.uint8).reshape(-1, FRAME_SIDE, FRAME_SIDE)


UNKNOWN_WHOLE: Final = Whole()


@dataclass(frozen=True, slots=True, eq=False)
class WorkingImage:
    """A small upright picture: all that the features and the metrics ever look at.

    `pixels` is (h, w, 3) uint8 sRGB with the longer side at most `WORKING_SIZE`; `width` and `height` are those of
    the whole picture, upright; `decoded_bytes` is the largest pixel buffer that decoding took. `provenance` is known
    only where it was asked for. `whole` is what the file holds beyond these pixels. `fine` is the luma of a page or a
    drawing, (h, w) uint8, with the longer side above `WORKING_SIZE` and up to `FINE_SIZE`; only for comparisons.
    """

    pixels: NDArray[np.uint8]
    format: str
    width: int
    height: int
    decoded_bytes: int
    provenance: Provenance = UNKNOWN
    whole: Whole = UNKNOWN_WHOLE
    fine: NDArray[np.uint8] | None = None

    @property
    def shrunk_by(self) -> float:
        """How many times as large the whole picture is."""
        return max(self.width, self.height) / float(max(self.pixels.shape[:2]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkingImage) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def _values(self) -> tuple[object, ...]:
        """All that is told of it, arrays as their shapes and bytes."""
        pixels, fine = (None if it is None else (it.shape, it.tobytes()) for it in (self.pixels, self.fine))
        return pixels, fine, self.format, self.width, self.height, self.decoded_bytes, self.provenance, self.whole


def decoded(given: object) -> WorkingImage:
    """What `decode` gave. Raises `TypeError` for anything else, with what to hand over in its place."""
    if not isinstance(given, WorkingImage):
        raise TypeError(f"this takes what decode(data) gave, not {type(given).__name__}: decode the file first")
    return given
