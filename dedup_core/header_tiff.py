"""TIFF directories: the header of a TIFF file, and the orientation in any EXIF block (which is a small TIFF)."""

import struct
from collections.abc import Iterator
from typing import Final

from dedup_core.header import MAX_PARTS, Header, refuse

WIDTH: Final = 256
HEIGHT: Final = 257
BITS: Final = 258
STRIP_OFFSETS: Final = 273
ORIENTATION: Final = 274
SAMPLES: Final = 277
TILE_OFFSETS: Final = 324
SHORT: Final = 3
LONG: Final = 4
LONG8: Final = 16
VALUE_FORMATS: Final = {SHORT: "H", LONG: "I", LONG8: "Q"}
ORIENTATIONS: Final = range(1, 9)


def read_tiff_header(data: bytes) -> Header:
    """The first directory. Planes are unpacked strip by strip, so a strip as big as the picture doubles the memory."""
    counts: dict[int, int] = {}
    values: dict[int, int] = {}
    for tag, count, value in _entries(data):
        counts[tag] = count
        values[tag] = value
    if WIDTH not in values or HEIGHT not in values:
        refuse("corrupt", "the TIFF directory names no width and height")
    if max(counts.get(STRIP_OFFSETS, 0), counts.get(TILE_OFFSETS, 0)) > MAX_PARTS:
        refuse("too-complex", f"the TIFF picture is cut into more than {MAX_PARTS:,} pieces")
    width, height = values[WIDTH], values[HEIGHT]
    sample_bytes = max(1, values.get(BITS, 1) // 8) * values.get(SAMPLES, 1)
    orientation = values.get(ORIENTATION, 1)
    turned = 2 if orientation != 1 else 1  # Pillow turns the whole picture, so two of them exist for a moment
    memory = width * height * (max(4, sample_bytes) * turned + sample_bytes)
    return Header("TIFF", width, height, memory)


def exif_orientation(exif: bytes) -> int:
    """Orientation 1..8 of an EXIF block; a block that cannot be read counts as upright, as in browsers."""
    exif = exif.removeprefix(b"Exif\x00\x00")
    try:
        for tag, _, value in _entries(exif):
            if tag == ORIENTATION:
                return value if value in ORIENTATIONS else 1
    except struct.error:
        return 1
    return 1


def _entries(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(tag, count, first value) of the first directory; values of other types than integers are given as 0."""
    order = "<" if data[:2] == b"II" else ">"
    (magic,) = struct.unpack_from(order + "H", data, 2)
    big = magic == 43  # noqa: PLR2004 - BigTIFF
    if big:
        (start,) = struct.unpack_from(order + "Q", data, 8)
        (length,) = struct.unpack_from(order + "Q", data, start)
        start, entry_format, inline_bytes = start + 8, order + "HHQ", 8
    else:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (length,) = struct.unpack_from(order + "H", data, start)
        start, entry_format, inline_bytes = start + 2, order + "HHI", 4
    head_bytes = struct.calcsize(entry_format)
    for number in range(min(length, MAX_PARTS)):
        at = start + number * (head_bytes + inline_bytes)
        tag, kind, count = struct.unpack_from(entry_format, data, at)
        yield tag, count, _first_value(data, order, kind, count, at + head_bytes, inline_bytes)


def _first_value(data: bytes, order: str, kind: int, count: int, at: int, inline_bytes: int) -> int:
    value_format = VALUE_FORMATS.get(kind)
    if value_format is None or count == 0:
        return 0
    if count * struct.calcsize(value_format) > inline_bytes:
        (at,) = struct.unpack_from(order + ("Q" if inline_bytes == 8 else "I"), data, at)  # noqa: PLR2004
        if at > len(data):
            return 0
    value: int = struct.unpack_from(order + value_format, data, at)[0]
    return value
