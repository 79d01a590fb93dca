"""Headers made of ISO media boxes: AVIF and HEIC."""

import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from dedup_core.decoding.headers.av1 import CHUNKS, INNER_MEDIA, ITEMS, largest_coded_picture
from dedup_core.decoding.headers.header import Header, refuse
from dedup_core.limits import MAX_PARTS

MAX_CODED_BYTES: Final = 16 * 1024 * 1024  # about 10 MB a second are unpacked
BYTES_PER_PIXEL: Final = 14  # planes of up to 16 bits, the frame handed over, the picture
# Kinds of item that libheif unpacks with code of its own (uncompressed pixels, masks, overlays, tiles of any codec).
# No camera writes them as a picture, and most holes found in libheif in 2026 were there: docs/decoding.md#hostile-files
ODD_ITEMS: Final = frozenset({b"unci", b"mski", b"iovl", b"tili"})
MEDIA: Final = b"mdat"  # the box of the coded pictures
ITEM_ENTRY_BYTES: Final = 24  # name, version, number, protection: the kind stands within the first 18 in every version


def read_avif_header(data: bytes) -> Header:
    """The largest of the sizes that the item properties name: the picture, not its tiles or thumbnail.

    `memory_bytes` is for the coded picture where that is larger.
    """
    header = _largest_item("AVIF", data)
    boxes = {kind: list(_places_of(kind, data, "AVIF")) for kind in (ITEMS, INNER_MEDIA, *CHUNKS)}
    coded_bytes = largest_coded_picture(data, boxes) * BYTES_PER_PIXEL
    return replace(header, memory_bytes=max(header.memory_bytes, coded_bytes))


def read_heic_header(data: bytes) -> Header:
    """As for AVIF; all items must be of the kinds that phones and cameras write."""
    header = _largest_item("HEIC", data)
    for position in _places_of(b"infe", data, "HEIC"):
        odd = next((kind for kind in ODD_ITEMS if kind in data[position : position + ITEM_ENTRY_BYTES]), None)
        if odd is not None:
            refuse("unsupported-variant", f"HEIC with an item of the kind {odd.decode()}, which no camera writes")
    return header


def _largest_item(format_name: str, data: bytes) -> Header:
    if len(data) > MAX_CODED_BYTES:
        refuse("too-complex", f"{format_name} is read up to {MAX_CODED_BYTES:,} bytes, more take too long to unpack")
    places = _places_of(b"ispe", data, format_name)
    sizes = (struct.unpack_from(">II", data, place + 8) for place in places if place + 16 <= len(data))
    width, height = max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    return Header(format_name, width, height, width * height * BYTES_PER_PIXEL)


def _places_of(kind: bytes, data: bytes, format_name: str) -> Iterator[int]:
    """Where the name of a box stands outside of the coded pictures: the boxes that a decoder finds are all among them.

    Among the coded bytes any name stands by chance, in one photograph of two thousand.
    """
    found = 0
    for start, end in _outside_of_media(data):
        position = data.find(kind, start, end)
        while position >= 0:
            found += 1
            if found > MAX_PARTS:
                refuse("too-complex", f"the {format_name} file has more than {MAX_PARTS:,} boxes of one kind")
            yield position
            position = data.find(kind, position + len(kind), end)


def _outside_of_media(data: bytes) -> Iterator[tuple[int, int]]:
    """What is no `mdat` of the outermost boxes; all of the rest where they do not fit into the file."""
    position, begin = 0, 0
    for _ in range(MAX_PARTS):
        if position + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, position)
        if length == 1 and position + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, position + 8)
        end = position + length if length else len(data)
        if end < position + 8:
            break
        if kind == MEDIA:
            yield begin, position + 8
            begin = end
        position = end
    yield begin, len(data)
