"""What one image may cost, whatever its file says."""

from dataclasses import dataclass
from typing import Final

WORKING_SIZE: Final = 512  # longer side, 768 KiB at most; what is too small to be seen at it: docs/thresholds.md#limits
FINE_SIZE: Final = 1536  # longer side of the luma of pages, 2.3 MB at most: docs/thresholds.md#fine-print
FINE_GAIN: Final = 1.25  # times the working size; of less no more can be read
MAX_SIDE: Final = 65_535  # as in JPEG and GIF; Pillow keeps a pointer a row, so a column would cost more than it shows
MAX_PARTS: Final = 65_536  # segments, chunks, blocks, strips, tiles: a picture has a few thousand, a trap has millions
# Frames and pages after the first are decoded for samples alone, so what they may cost ends the samples, not the file.
MAX_FRAMES: Final = 4_096  # that are counted: decoders find each by a walk over all before it
MAX_FRAME_PIXELS: Final = 40_000_000  # decoded for the samples of one file, as much as one large picture
LATER_FRAME_BYTES: Final = 128 * 1024 * 1024  # for one, where the first takes less: a page of 19 megapixels

COMMON_FORMATS: Final = frozenset({"JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIC"})
RARE_FORMATS: Final = frozenset({"JPEG2000"})  # read only where somebody names them: each decoder is a way in
_SPELLED: Final = {"WEBP": "WebP", "JPEG2000": "JPEG 2000"}


def spelled(format_name: str) -> str:
    """A format as sentences name it; settings and code say `WEBP` and `JPEG2000`."""
    return _SPELLED.get(format_name, format_name)


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What a decode may cost, checked before memory is taken; docs/decoding.md#limits.

    `max_unshrunk_pixels` holds for pictures that cannot be shrunk while they are decoded (all but JPEG and most
    JPEG 2000), `max_memory_bytes` is what decoding may take besides the file. `formats` are those that are decoded.
    """

    max_bytes: int = 64 * 1024 * 1024
    max_pixels: int = 100_000_000
    max_unshrunk_pixels: int = 40_000_000
    max_memory_bytes: int = 368 * 1024 * 1024
    formats: frozenset[str] = COMMON_FORMATS

    def __post_init__(self) -> None:
        known = COMMON_FORMATS | RARE_FORMATS
        if isinstance(self.formats, str) or not known.issuperset(self.formats):
            raise ValueError(f"formats is {self.formats!r}; it takes a set of {', '.join(sorted(known))}")


DEFAULT_LIMITS: Final = DecodeLimits()
