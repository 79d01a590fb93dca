"""PNG without the metadata for which the decoder would refuse the picture: memory is bounded, not validity.

Pillow's bounds, `MAX_TEXT_CHUNK` (1 MiB for one chunk) and `MAX_TEXT_MEMORY`, are of the process and end in an error.
Neither texts nor profiles are pixels, and valid files of image editors have larger ones.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from dedup_core.decoding.pixels.icc import MAX_PROFILE_BYTES

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MAX_UNPACKED_BYTES: Final = 1024 * 1024  # of one text: as Pillow's `MAX_TEXT_CHUNK`
MAX_TEXT_BYTES: Final = 16 * MAX_UNPACKED_BYTES  # of all texts of a file
_PROFILE: Final = b"iCCP"
_TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt")
_KEPT: Final = {
    b"tRNS": 0,
    b"eXIf": 0,
    b"acTL": 0,
    b"fcTL": 0,
    b"fdAT": 0,
    b"cICP": 4,
    b"sRGB": 1,
    b"gAMA": 4,
    b"cHRM": 32,
}
"""What stays without the other metadata, and of how many bytes it has to be at least for that."""
_ANCILLARY: Final = 0x20  # the bit that makes the first letter of a kind small
_FRAME: Final = 12  # length, kind and checksum of a chunk


def without_large_texts(data: bytes) -> tuple[bytes, bytes | None]:
    """The file as it is, or a copy without texts and profile where one of them is large; then with the profile.

    The profile is unpacked up to `MAX_PROFILE_BYTES`; one above that counts as none. Nothing is said of damaged files.
    """
    chunks = list(_texts_and_profiles(data))
    if not _has_large(data, chunks):
        return data, None
    parts, end, profile = [], 0, None
    view = memoryview(data)
    for kind, start, length in chunks:
        parts.append(view[end:start])
        end = start + _FRAME + length
        if kind == _PROFILE:
            profile = _unpacked(_packed(kind, _content(data, start, length)), MAX_PROFILE_BYTES)
    parts.append(view[end:])
    return b"".join(parts), profile


def without_metadata(data: bytes) -> tuple[bytes, bytes | None]:
    """The file with its pixels, their colors, transparency, frames and EXIF, where checksums are right; its profile.

    For a file that the decoder refuses: in metadata a wrong checksum or length is no reason to, as in browsers.
    """
    view, end, profile = memoryview(data), len(SIGNATURE), None
    parts = [view[:end]]
    for kind, start, length in chunks(data):
        end = start + _FRAME + length
        if not kind[0] & _ANCILLARY or (length >= _KEPT.get(kind, length + 1) and _is_sound(data, start, end)):
            parts.append(view[start:end])
        elif kind == _PROFILE and profile is None:
            profile = _unpacked(_packed(kind, _content(data, start, length)), MAX_PROFILE_BYTES)
    parts.append(view[end:])
    return b"".join(parts), profile


def _is_sound(data: bytes, start: int, end: int) -> bool:
    """Whether the checksum at the end of a chunk is right."""
    return zlib.crc32(memoryview(data)[start + 4 : end - 4]) == int.from_bytes(data[end - 4 : end], "big")


def _texts_and_profiles(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Those chunks; the header was read before, so they are not many."""
    return ((kind, start, length) for kind, start, length in chunks(data) if kind == _PROFILE or kind in _TEXTS)


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of the content of every chunk before the end."""
    position = len(SIGNATURE)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IEND" or position + _FRAME + length > len(data):
            return
        yield kind, position, length
        position += _FRAME + length


def _has_large(data: bytes, chunks: list[tuple[bytes, int, int]]) -> bool:
    text_bytes = 0
    for kind, start, length in chunks:
        packed = _packed(kind, _content(data, start, length))
        unpacked = None if packed is None else _unpacked(packed, MAX_UNPACKED_BYTES)
        if packed is not None and unpacked is None:
            return True
        text_bytes += length if unpacked is None else len(unpacked)
    return text_bytes > MAX_TEXT_BYTES


def _content(data: bytes, start: int, length: int) -> bytes:
    return data[start + 8 : start + 8 + length]


def _packed(kind: bytes, content: bytes) -> bytes | None:
    """What of a chunk is compressed; None if it is not (PNG specification, 11.3.3 and 11.3.4)."""
    rest = content.partition(b"\0")[2]
    if kind == b"tEXt" or (kind == b"iTXt" and rest[:1] in (b"", b"\0")):
        return None
    if kind == b"iTXt":
        return rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return rest[1:]


def _unpacked(packed: bytes | None, most: int) -> bytes | None:
    """Up to `most` bytes, nothing where it is damaged; None if there are more."""
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(packed or b"", most)
    except zlib.error:
        return b""
    return None if unpacker.unconsumed_tail else unpacked
