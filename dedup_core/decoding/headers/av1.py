"""How large the coded pictures of an AVIF file are, whatever its properties say: what dav1d takes memory for.

libavif scales a picture to the size that the file promises, and has decoded it by then.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from dedup_core.decoding.headers.header import refuse

ITEMS: Final = b"iloc"  # where the coded bytes of each item are
CHUNKS: Final = {b"stco": 4, b"co64": 8}  # where those of a sequence are: bytes of an offset
INNER_MEDIA: Final = b"idat"  # what offsets of the kind `IN_INNER_MEDIA` count from
IN_INNER_MEDIA: Final = 1
SEQUENCE_HEADER: Final = 1  # the kind of unit that names the size; it has to be among the first
MAX_UNITS: Final = 8
MAX_ITEMS: Final = 4_096  # each tile of a grid is one
MAX_BOXES: Final = 16  # of one kind: a file has one, and one for each track
_LARGEST_UNIT_HEAD: Final = 128  # bytes of the sequence header that can be before the size, with room


def largest_coded_picture(data: bytes, boxes: dict[bytes, list[int]]) -> int:
    """Pixels of the largest picture; 0 where none can be found. `boxes` says where the names of boxes stand."""
    if any(len(places) > MAX_BOXES for places in boxes.values()):
        refuse("too-complex", f"the AVIF file has more than {MAX_BOXES} boxes of one kind")
    starts = [*_starts_of_items(data, boxes), *_starts_of_chunks(data, boxes)]
    return max((_coded_pixels(data, start) for start in starts), default=0)


def _starts_of_items(data: bytes, boxes: dict[bytes, list[int]]) -> Iterator[int]:
    inner = [place + 4 for place in boxes[INNER_MEDIA]]
    for place in boxes[ITEMS]:
        fields = _Fields(data, place + 4)
        with suppress(EOFError):
            version = fields.read(1)
            fields.read(3)
            sizes, more_sizes = fields.read(1), fields.read(1)
            amount = fields.read(4 if version == 2 else 2)  # noqa: PLR2004 - the version
            if amount > MAX_ITEMS:
                refuse("too-complex", f"the AVIF file has {amount:,} items")
            for _ in range(amount):
                fields.read(4 if version == 2 else 2)  # noqa: PLR2004 - as above
                method = fields.read(2) & 15 if version else 0
                fields.read(2)
                base, extents = fields.read(more_sizes >> 4), fields.read(2)
                number_bytes = more_sizes & 15 if version else 0
                behind = fields.position + extents * (number_bytes + (sizes >> 4) + (sizes & 15))
                if extents:
                    fields.read(number_bytes)
                    offset = base + fields.read(sizes >> 4)
                    yield from (start + offset for start in (inner if method == IN_INNER_MEDIA else [0]))
                fields.position = behind


def _starts_of_chunks(data: bytes, boxes: dict[bytes, list[int]]) -> Iterator[int]:
    for kind, offset_bytes in CHUNKS.items():
        for place in boxes[kind]:
            first = place + 12
            yield int.from_bytes(data[first : first + offset_bytes], "big")


def _coded_pixels(data: bytes, start: int) -> int:
    """The size by the sequence header among the first units of a coded picture (AV1 specification, 5.3 and 5.5)."""
    fields = _Fields(data, start)
    try:
        for _ in range(MAX_UNITS):
            head = fields.read(1)
            if head & 4:
                fields.read(1)
            length = fields.leb128() if head & 2 else len(data)
            if head >> 3 & 15 == SEQUENCE_HEADER:
                return _sequence_pixels(_Bits(data[fields.position : fields.position + _LARGEST_UNIT_HEAD]))
            fields.position += length
    except EOFError:
        return 0
    return 0


def _sequence_pixels(bits: "_Bits") -> int:
    bits.read(4)  # profile, still picture
    if bits.read(1):  # reduced
        bits.read(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    return (bits.read(width_bits) + 1) * (bits.read(height_bits) + 1)


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

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self.position = position

    def read(self, size: int) -> int:
        field = self._data[self.position : self.position + size]
        if len(field) < size:
            raise EOFError
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
