"""JPEG without the segments of metadata that are shorter than their kind has to be, over which Pillow stumbles."""

from typing import Final

from dedup_core.decoding.headers.jpeg import segments

_HEAD_BYTES: Final = 4  # the marker and the length
_SHORTEST: Final = {0xE0: (b"JFIF", 7), 0xE2: (b"ICC_PROFILE\0", 14), 0xEE: (b"Adobe", 7)}
"""For each marker, how its segment begins, and what of it Pillow reads without looking."""


def without_short_segments(data: bytes) -> bytes:
    """The file as it is where none is too short. Its header was read before, so there are not many segments."""
    parts, begin = [], 0
    for marker, content, end in segments(data):
        start, least = _SHORTEST.get(marker, (b"", 0))
        if content.startswith(start) and len(content) < least:
            parts.append(data[begin : end - len(content) - _HEAD_BYTES])
            begin = end
    return b"".join([*parts, data[begin:]])
