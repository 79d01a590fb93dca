"""How large the coded pictures of an AVIF file are, whatever its properties say: what dav1d takes memory for.

libavif scales a picture to the size that the file promises, and has decoded it by then.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, pairwise
from typing import Final

from dedup_core.decoding.headers.header import refuse
from dedup_core.limits import MAX_FRAMES, MAX_PARTS

ITEMS: Final = b"iloc"  # where the coded bytes of each item are
CHUNKS: Final = {b"stco": 4, b"co64": 8}  # where the frames of a sequence are: bytes of an offset
INNER_MEDIA: Final = b"idat"  # what offsets of the kind `IN_INNER_MEDIA` count from
IN_INNER_MEDIA: Final = 1
SEQUENCE_HEADER: Final = 1  # the kind of unit that names the size
MAX_UNITS: Final = MAX_PARTS  # of all coded pictures, each a step of Python: two or three for each frame
MAX_ITEMS: Final = 4_096  # each tile of a grid is one
MAX_BOXES: Final = 16  # of one kind: a file has one, and one for each track
_LARGEST_UNIT_HEAD: Final = 128  # bytes of the sequence header that can be before the size, with room


def largest_coded_picture(data: bytes, boxes: dict[bytes, list[int]]) -> int:
    """Pixels of the largest picture; 0 where none can be found. `boxes` says where the names of boxes stand."""
    if any(len(places) > MAX_BOXES for places in boxes.values()):
        refuse("too-complex", f"the AVIF file has more than {MAX_BOXES} boxes of one kind")
    largest, units = 0, 0
    for coded in chain(_coded_items(data, boxes), _coded_chunks(data, boxes)):
        for kind, start in _units(coded):
            units += 1
            if units > MAX_UNITS:
                refuse("too-complex", f"the AVIF file has more than {MAX_UNITS:,} coded units")
            if kind == SEQUENCE_HEADER:
                largest = max(largest, _sequence_pixels(_Bits(coded.data[start : start + _LARGEST_UNIT_HEAD])))
    return largest


def _coded_items(data: bytes, boxes: dict[bytes, list[int]]) -> Iterator["_Fields"]:
    """What each item holds, pictures and metadata alike."""
    inner = [place + 4 for place in boxes[INNER_MEDIA]]
    items, joined_bytes = 0, 0
    for place in boxes[ITEMS]:
        for method, extents in _items(_Fields(data, place + 4)):
            items += 1
            if items > MAX_ITEMS:
                refuse("too-complex", f"the AVIF file has more than {MAX_ITEMS:,} items")
            for start in inner if method == IN_INNER_MEDIA else [0]:
                parts = [
                    (start + offset, start + offset + length if length else len(data)) for offset, length in extents
                ]
                if len(parts) == 1:
                    yield _Fields(data, *parts[0])
                    continue
                joined_bytes += sum(min(end, len(data)) - begin for begin, end in parts if begin < len(data))
                if joined_bytes > len(data):
                    refuse("too-complex", "the AVIF file has items made of the same bytes")
                yield _Fields(b"".join(data[begin:end] for begin, end in parts), 0)


def _items(fields: "_Fields") -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Of each item in a list of them how its offsets count, and offset and length of each of its parts, 0 for all."""
    with suppress(EOFError):
        version = fields.read(1)
        fields.read(3)
        sizes, more_sizes = fields.read(1), fields.read(1)
        number_bytes = more_sizes & 15 if version else 0
        name_bytes = 4 if version == 2 else 2  # noqa: PLR2004 - the version
        amount, parts = fields.read(name_bytes), 0
        if amount > MAX_ITEMS:
            refuse("too-complex", f"the AVIF file has {amount:,} items")
        for _ in range(amount):
            fields.read(name_bytes)
            method = fields.read(2) & 15 if version else 0
            fields.read(2)
            base, count = fields.read(more_sizes >> 4), fields.read(2)
            parts += count
            if parts > MAX_ITEMS:
                refuse("too-complex", f"the AVIF file has items in more than {MAX_ITEMS:,} parts")
            extents = list[tuple[int, int]]()
            for _ in range(count):
                fields.read(number_bytes)
                extents.append((base + fields.read(sizes >> 4), fields.read(sizes & 15)))
            yield method, extents


def _coded_chunks(data: bytes, boxes: dict[bytes, list[int]]) -> Iterator["_Fields"]:
    """What lies between the beginning of a chunk of frames and that of the next one, of whatever track."""
    starts = set[int]()
    for kind, offset_bytes in CHUNKS.items():
        for place in boxes[kind]:
            fields = _Fields(data, place + 8)
            with suppress(EOFError):
                amount = fields.read(4)
                if amount > MAX_FRAMES:
                    refuse("too-complex", f"the AVIF file has {amount:,} chunks of frames")
                starts.update(fields.read(offset_bytes) for _ in range(amount))
    return (_Fields(data, start, end) for start, end in pairwise([*sorted(starts), len(data)]))


def _units(fields: "_Fields") -> Iterator[tuple[int, int]]:
    """Kind and start of the content of each unit (AV1 specification, 5.3); behind a frame another size may be named."""
    with suppress(EOFError):
        while True:
            head = fields.read(1)
            if head & 4:
                fields.read(1)
            length = fields.leb128() if head & 2 else len(fields.data)
            yield head >> 3 & 15, fields.position
            fields.position += length


def _sequence_pixels(bits: "_Bits") -> int:
    """The size that a sequence header names (5.5); 0 where it ends before."""
    with suppress(EOFError):
        bits.read(4)  # profile, still picture
        if bits.read(1):  # reduced
            bits.read(5)
        else:
            _skip_operating_points(bits)
        width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
        return (bits.read(width_bits) + 1) * (bits.read(height_bits) + 1)
    return 0


def _skip_operating_points(bits: "_Bits") -> None:
    has_model, delay_bits = 0, 0
    if bits.read(1):  # timing
        bits.read(64)
        if bits.read(1):
            bits.skip_uvlc()
        has_model = bits.read(1)
        if has_model:
            delay_bits = bits.read(5) + 1
            bits.read(42)
    has_display_delay = bits.read(1)
    for _ in range(bits.read(5) + 1):
        bits.read(12)
        if bits.read(5) > 7:  # noqa: PLR2004 - levels above it have a tier
            bits.read(1)
        if has_model and bits.read(1):
            bits.read(2 * delay_bits + 1)
        if has_display_delay and bits.read(1):
            bits.read(4)


class _Fields:
    """Whole numbers of some bytes, one after the other; `EOFError` behind the last."""

    def __init__(self, data: bytes, position: int, end: int | None = None) -> None:
        self.data = data
        self.position = position
        self._end = len(data) if end is None else min(end, len(data))

    def read(self, size: int) -> int:
        if self.position + size > self._end:
            raise EOFError
        field = self.data[self.position : self.position + size]
        self.position += size
        return int.from_bytes(field, "big")

    def leb128(self) -> int:
        value = 0
        for shift in range(0, 56, 7):
            byte = self.read(1)
            value |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004 - the highest bit says that more follow
                break
        return value


class _Bits:
    """Whole numbers of some bits, one after the other; `EOFError` behind the last."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def read(self, count: int) -> int:
        if count > self._left:
            raise EOFError
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def skip_uvlc(self) -> None:
        zeros = 0
        while not self.read(1):
            zeros += 1
        self.read(zeros)
