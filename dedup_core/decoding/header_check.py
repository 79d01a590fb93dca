"""Whether a file may be decoded: every limit on hostile input is checked by its header, before memory is taken."""

from dedup_core.decoding.formats import read_header
from dedup_core.decoding.headers.header import Header
from dedup_core.errors import ImageTooLarge
from dedup_core.limits import DEFAULT_LIMITS, MAX_SIDE, DecodeLimits, spelled


def check_header(data: bytes, limits: DecodeLimits = DEFAULT_LIMITS) -> Header:
    """What decoding would cost, or the refusal. `memory_bytes` can be reserved from a budget before decoding."""
    if len(data) > limits.max_bytes:
        message = f"the file has {len(data):,} bytes, the limit is {limits.max_bytes:,}"
        raise ImageTooLarge(message, reason="too-many-bytes")
    header = read_header(data, limits.formats)
    size = f"the {spelled(header.format)} picture has {header.width:,} x {header.height:,} pixels"
    max_pixels, why = limits.max_pixels, ""
    if not header.halvings and limits.max_unshrunk_pixels < max_pixels:
        max_pixels = limits.max_unshrunk_pixels
        why = " for a file that cannot be shrunk while it is decoded, whatever MAX_IMAGE_PIXELS says"
    if header.width * header.height > max_pixels:
        raise ImageTooLarge(f"{size}, the limit is {max_pixels:,}{why}", reason="too-many-pixels")
    if max(header.width, header.height) > MAX_SIDE:
        raise ImageTooLarge(f"{size}, the limit for one side is {MAX_SIDE:,}", reason="too-many-pixels")
    if header.memory_bytes > limits.max_memory_bytes:
        message = f"{size}; decoding it takes {header.memory_bytes:,} bytes, the limit is {limits.max_memory_bytes:,}"
        raise ImageTooLarge(message, reason="too-much-memory")
    return header
