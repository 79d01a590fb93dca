"""TIFF directories: the header of a TIFF file, and the orientation in any EXIF block (which is a small TIFF)."""

import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from dedup_core.decoding.headers.header import Header, refuse
from dedup_core.limits import MAX_PARTS

WIDTH: Final = 256
HEIGHT: Final = 257
BITS: Final = 258
ORIENTATION: Final = 274
SAMPLES: Final = 277
CAMERA: Final = (271, 272)  # make and model
LINKED_DIRECTORIES: Final = (34665, 34853, 40965)  # EXIF, GPS, interoperability
MAX_NUMBERS: Final = 4 * MAX_PARTS  # strips and their lengths, and color tables
BYTE_KINDS: Final = (1, 2, 6, 7)
INTEGER_FORMATS: Final = {3: "H", 4: "I", 13: "I", 16: "Q"}
ORIENTATIONS: Final = range(1, 9)
BIG_TIFF: Final = 43


class Entry(NamedTuple):
    """One entry of a directory; `value` is the first of its values, 0 for other kinds than integers."""

    tag: int
    kind: int
    amount: int
    value: int


def read_tiff_header(data: bytes) -> Header:
    """The first directory. Planes are unpacked strip by strip, so a strip as big as the picture doubles the memory."""
    entries = {entry.tag: entry for entry in _entries(data)}
    values = {tag: entry.value for tag, entry in entries.items()}
    if WIDTH not in values or HEIGHT not in values:
        refuse("corrupt", "the TIFF directory names no width and height")
    _check_amount(data, list(entries.values()))
    width, height = values[WIDTH], values[HEIGHT]
    sample_bytes = max(1, values.get(BITS, 1) // 8) * values.get(SAMPLES, 1)
    turned = 2 if values.get(ORIENTATION, 1) != 1 else 1  # Pillow turns the whole picture, so two exist for a moment
    memory = width * height * (max(4, sample_bytes) * turned + sample_bytes)
    return Header("TIFF", width, height, memory)


def _check_amount(data: bytes, entries: list[Entry]) -> None:
    """Pillow makes Python objects of all numbers, those of the linked directories included."""
    for start in [entry.value for entry in entries if entry.tag in LINKED_DIRECTORIES]:
        with suppress(struct.error):  # metadata that leads nowhere does no harm to the picture
            entries.extend(_entries(data, start))
    if sum(entry.amount for entry in entries if entry.kind not in BYTE_KINDS) > MAX_NUMBERS:
        refuse("too-complex", f"the TIFF directories list more than {MAX_NUMBERS:,} numbers")


def exif_orientation(exif: bytes) -> int:
    """Orientation 1..8 of an EXIF block; a block that cannot be read counts as upright, as in browsers."""
    try:
        for entry in _entries(exif.removeprefix(b"Exif\x00\x00")):
            if entry.tag == ORIENTATION:
                return entry.value if entry.value in ORIENTATIONS else 1
    except (struct.error, OverflowError):  # cut off, or an offset that no file can have
        return 1
    return 1


def exif_names_a_camera(exif: bytes) -> bool:
    """Whether an EXIF block, or a TIFF file, says what took the picture; one that cannot be read does not."""
    try:
        return any(entry.tag in CAMERA and entry.amount > 1 for entry in _entries(exif.removeprefix(b"Exif\x00\x00")))
    except (struct.error, OverflowError):
        return False


def _entries(data: bytes, start: int | None = None) -> Iterator[Entry]:
    """The directory at `start`, or the first one."""
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", data, 2) == (BIG_TIFF,)
    head, pointer, length_format = ("HHQ", "Q", "Q") if big else ("HHI", "I", "H")
    if start is None:
        (start,) = struct.unpack_from(order + pointer, data, 8 if big else 4)
    (length,) = struct.unpack_from(order + length_format, data, start)
    at = start + struct.calcsize(length_format)
    for _ in range(min(length, MAX_PARTS)):
        tag, kind, count = struct.unpack_from(order + head, data, at)
        at += struct.calcsize(order + head)
        yield Entry(tag, kind, count, _first_value(data, order, kind, count, at, pointer))
        at += struct.calcsize(pointer)


def _first_value(data: bytes, order: str, kind: int, count: int, at: int, pointer: str) -> int:
    value_format = INTEGER_FORMATS.get(kind)
    if value_format is None or count == 0:
        return 0
    if count * struct.calcsize(value_format) > struct.calcsize(pointer):
        (at,) = struct.unpack_from(order + pointer, data, at)
        if at + 8 > len(data):
            return 0
    value: int = struct.unpack_from(order + value_format, data, at)[0]
    return value
