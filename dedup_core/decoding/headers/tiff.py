"""TIFF directories: the header of a TIFF file, and the orientation in any EXIF block (which is a small TIFF)."""

import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from dedup_core.decoding.headers.header import Header, refuse
from dedup_core.limits import LATER_FRAME_BYTES, MAX_FRAMES, MAX_PARTS

KIND_OF_PAGE: Final = 254
REDUCED: Final = 1  # a bit of it: a copy of another picture in the file, with fewer pixels
WIDTH: Final = 256
HEIGHT: Final = 257
BITS: Final = 258
COMPRESSION: Final = 259
ORIENTATION: Final = 274
SAMPLES: Final = 277
CAMERA: Final = (271, 272)  # make and model
TILE_WIDTH: Final = 322
TILE_HEIGHT: Final = 323
SUB_DIRECTORIES: Final = 330  # where raw files have their picture
LINKED_DIRECTORIES: Final = (34665, 34853, 40965)  # EXIF, GPS, interoperability
MAX_ENTRIES: Final = 4 * MAX_PARTS  # of all directories, each a step of Python, here and in the decoder
MAX_NUMBERS: Final = 4 * MAX_PARTS  # strips and their lengths, and color tables
BYTE_KINDS: Final = (1, 2, 6, 7)
INTEGER_FORMATS: Final = {3: "H", 4: "I", 13: "I", 16: "Q"}
# None, CCITT, LZW, JPEG, Deflate, PackBits, ThunderScan, SGI Log, LZMA and Zstandard; 0 where no number is given.
COMPRESSIONS: Final = frozenset({*range(9), 32771, 32773, 32809, 32946, 34676, 34677, 34925, 50000})
ORIENTATIONS: Final = range(1, 9)
BIG_TIFF: Final = 43
BIG_TIFF_IN_OTHER_ORDER: Final = b"MM\x00+"  # which Pillow takes for an ordinary one that has no size


class Entry(NamedTuple):
    """One entry of a directory; `value` is the first of its values, 0 for other kinds than integers."""

    tag: int
    kind: int
    amount: int
    value: int


def read_tiff_header(data: bytes) -> Header:
    """The first directory decides; `memory_bytes` covers later pages, too, as far as they may be decoded."""
    if data.startswith(BIG_TIFF_IN_OTHER_ORDER):
        refuse("unsupported-variant", "a BigTIFF with the highest byte first is not read here: save it with the lowest")
    pages = _pages(data)
    first = next(pages, None)
    if first is None:
        refuse("corrupt", "the TIFF file has no directory, or one that is far too long")
    values = _values(first)
    if WIDTH not in values or HEIGHT not in values:
        refuse("corrupt", "the TIFF directory names no width and height")
    if values.get(COMPRESSION, 0) not in COMPRESSIONS:
        refuse("unsupported-variant", f"TIFF compressed in a way that is not read here (number {values[COMPRESSION]})")
    numbers = _numbers([*first, *_linked(data, values)])
    if numbers > MAX_NUMBERS:
        refuse("too-complex", f"the TIFF directories list more than {MAX_NUMBERS:,} numbers")
    memory = _memory(values)
    most = max(memory, LATER_FRAME_BYTES)
    frames, decodable = 1, 1
    with suppress(struct.error, OverflowError):  # the chain of directories leads nowhere
        for page in pages:
            frames += 1
            numbers += _numbers(page)
            needed = _memory(_values(page))
            if decodable == frames - 1 and 0 < needed <= most and numbers <= MAX_NUMBERS:
                memory, decodable = max(memory, needed), frames
    if values.get(KIND_OF_PAGE, 0) & REDUCED and (frames > 1 or SUB_DIRECTORIES in values):
        refuse("unsupported-format", "the TIFF file begins with a small copy of its picture, as raw camera files do")
    return Header("TIFF", values[WIDTH], values[HEIGHT], memory, frames=frames, decodable_frames=decodable)


def _pages(data: bytes) -> Iterator[list[Entry]]:
    """The directories in their chain; it ends where it comes back to itself, and where they list too much."""
    layout = _layout(data)
    (start,) = struct.unpack_from(layout.pointer, data, layout.first_pointer_at)
    seen: set[int] = set()
    entries = 0
    while start != 0 and start not in seen and len(seen) < MAX_FRAMES:
        (length,) = struct.unpack_from(layout.length, data, start)
        entries += length
        if entries > MAX_ENTRIES:
            return
        seen.add(start)
        yield list(_entries(data, start))
        behind = start + struct.calcsize(layout.length) + length * layout.entry_bytes
        (start,) = struct.unpack_from(layout.pointer, data, behind)


def _values(page: list[Entry]) -> dict[int, int]:
    """The first value of each tag; where a tag stands twice the first one counts, as it does for the decoder."""
    return {entry.tag: entry.value for entry in reversed(page)}


def _memory(values: dict[int, int]) -> int:
    """Planes are unpacked by whole strips or tiles: a strip may be as big as the picture, a tile bigger."""
    pixels = values.get(WIDTH, 0) * values.get(HEIGHT, 0)
    sample_bytes = max(1, values.get(BITS, 1) // 8) * values.get(SAMPLES, 1)
    turned = 2 if values.get(ORIENTATION, 1) != 1 else 1  # Pillow turns the whole picture, so two exist for a moment
    tile_pixels = values.get(TILE_WIDTH, 0) * values.get(TILE_HEIGHT, 0)
    return pixels * max(4, sample_bytes) * turned + max(pixels, tile_pixels) * sample_bytes


def _linked(data: bytes, values: dict[int, int]) -> Iterator[Entry]:
    """Metadata that leads nowhere does no harm to the picture, nor do entries longer than the file."""
    for tag in LINKED_DIRECTORIES:
        with suppress(struct.error):
            if values.get(tag):
                yield from (entry for entry in _entries(data, values[tag]) if entry.amount <= len(data))


def _numbers(entries: list[Entry]) -> int:
    """Pillow makes Python objects of all numbers, those of the linked directories included."""
    return sum(entry.amount for entry in entries if entry.kind not in BYTE_KINDS)


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


class _Layout(NamedTuple):
    """How directories are written in a file, as formats of `struct`."""

    order: str
    head: str
    pointer: str
    length: str
    first_pointer_at: int

    @property
    def entry_bytes(self) -> int:
        return struct.calcsize(self.head) + struct.calcsize(self.pointer)


def _layout(data: bytes) -> _Layout:
    order = "<" if data[:2] == b"II" else ">"
    if struct.unpack_from(order + "H", data, 2) == (BIG_TIFF,):
        return _Layout(order, order + "HHQ", order + "Q", order + "Q", first_pointer_at=8)
    return _Layout(order, order + "HHI", order + "I", order + "H", first_pointer_at=4)


def _entries(data: bytes, start: int | None = None) -> Iterator[Entry]:
    """The directory at `start`, or the first one."""
    layout = _layout(data)
    if start is None:
        (start,) = struct.unpack_from(layout.pointer, data, layout.first_pointer_at)
    (length,) = struct.unpack_from(layout.length, data, start)
    at = start + struct.calcsize(layout.length)
    head_bytes = struct.calcsize(layout.head)
    for _ in range(min(length, MAX_PARTS)):
        tag, kind, count = struct.unpack_from(layout.head, data, at)
        yield Entry(tag, kind, count, _first_value(data, layout, kind, count, at + head_bytes))
        at += layout.entry_bytes


def _first_value(data: bytes, layout: _Layout, kind: int, count: int, at: int) -> int:
    value_format = INTEGER_FORMATS.get(kind)
    if value_format is None or count == 0:
        return 0
    if count * struct.calcsize(value_format) > struct.calcsize(layout.pointer):
        (at,) = struct.unpack_from(layout.pointer, data, at)
        if at + 8 > len(data):
            return 0
    value: int = struct.unpack_from(layout.order + value_format, data, at)[0]
    return value
