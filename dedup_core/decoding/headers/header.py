"""What the header of an image file promises, read without decoding: size, price of decoding, orientation."""

from dataclasses import dataclass
from typing import Final, NoReturn

from dedup_core.errors import UnreadableImage
from dedup_core.limits import WORKING_SIZE

MIN_REDUCTION: Final = 1.5  # what a decoder's own shrinking leaves to our filter; docs/decoding.md#reduction


@dataclass(frozen=True, slots=True)
class Header:
    """`width` and `height` as stored (not upright); `memory_bytes` is about what decoding takes at its peak.

    `halvings` says how often the decoder itself can halve the picture on the way (JPEG, JPEG 2000) and leave enough.
    `scan_at` is where the coded pixels of a JPEG begin, `in_one_scan` whether they follow in a single run, from top to
    bottom, in Huffman code. `frames` is how many frames or pages a GIF or TIFF has, counted up to `MAX_FRAMES`, and
    `decodable_frames` how many of them, or of those of a PNG, from the first on, keep to `memory_bytes`; 0 where only
    the decoder knows.
    """

    format: str
    width: int
    height: int
    memory_bytes: int
    orientation: int = 1
    halvings: int = 0
    scan_at: int = 0
    in_one_scan: bool = False
    frames: int = 0
    decodable_frames: int = 0


def halvings_to_working_size(width: int, height: int, most: int) -> int:
    """How often to halve while the longer side stays at least `MIN_REDUCTION` times the working size."""
    halvings = 0
    while halvings < most and max(width, height) >> (halvings + 1) >= MIN_REDUCTION * WORKING_SIZE:
        halvings += 1
    return halvings


def refuse(reason: str, message: str) -> NoReturn:
    raise UnreadableImage(message, reason=reason)
