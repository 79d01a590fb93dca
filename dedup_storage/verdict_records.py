"""Records of the verdict log: each with its length and checksum, what grouping needs and nothing more.

    bytes  0..3   CRC-32 of the rest of the record
           4..5   `VL`
           6      version of this layout
           7      kind: 1 image, 2 verdict, 3 decision
           8..9   length of what follows

All numbers are little-endian, texts are UTF-8 and come last.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dedup_core.comparison.sides import ALIKE, Side, Sides
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.facts import Decided, Decision, ImageFacts, Link

type Record = ImageFacts | Link | Decided

MAGIC: Final = b"VL"
VERSION: Final = 1
HEAD: Final = struct.Struct("<I2sBBH")
IMAGE_RECORD, LINK_RECORD, DECIDED_RECORD = 1, 2, 3
_IMAGE: Final = struct.Struct("<16s16sQQIIIqBB8s")
_LINK: Final = struct.Struct("<16s16sQQqBBff")
_DECIDED: Final = struct.Struct("<16s16s16s16s16sqB")
# Their places are stored: new ones come at the end.
_KINDS: Final = (
    VerdictKind.IDENTICAL,
    VerdictKind.DUPLICATE,
    VerdictKind.ALTERED,
    VerdictKind.COLOR_VARIANT,
    VerdictKind.DISTINCT,
    VerdictKind.UNVERIFIABLE,
)
_DECISIONS: Final = (None, Decision.DUPLICATE, Decision.NOT_DUPLICATE, Decision.KEEP_BOTH)
_MOST_BY_BYTES: Final = 256
_ALIVE, _SAVED_AGAIN, _CAMERA = 1, 2, 4
_UPRIGHT, _LEFT_FRAMED, _LEFT_OVERLAID, _RIGHT_FRAMED, _RIGHT_OVERLAID = 1, 2, 4, 8, 16


@dataclass(slots=True)
class Unread:
    """What a read could not take: records with a wrong checksum, and the bytes of one whose end is not there yet."""

    damaged: int = 0
    rest: bytes = b""


def record_bytes(record: Record) -> bytes:
    """One record as it is appended."""
    if isinstance(record, ImageFacts):
        kind, body = IMAGE_RECORD, _image_bytes(record)
    elif isinstance(record, Link):
        kind, body = LINK_RECORD, _link_bytes(record)
    else:
        kind, body = DECIDED_RECORD, _decided_bytes(record)
    head = HEAD.pack(0, MAGIC, VERSION, kind, len(body))[4:]
    return zlib.crc32(head + body).to_bytes(4, "little") + head + body


def read_records(data: bytes, unread: Unread) -> Iterator[Record]:
    """The records in `unread.rest + data`; `unread` is brought up to date."""
    data = unread.rest + data
    at, end, head = 0, len(data), HEAD.size
    unpack, crc32 = HEAD.unpack_from, zlib.crc32  # half a million times at a start
    while end - at >= head:
        checksum, magic, version, kind, length = unpack(data, at)
        start = at + head
        stop = start + length
        if magic != MAGIC:
            unread.damaged += 1
            at = _next_magic(data, at)
            continue
        if stop > end:
            break
        if crc32(data[at + 4 : stop]) != checksum or version != VERSION:
            unread.damaged += 1
        elif kind == LINK_RECORD:
            yield _link(data, start)
        elif kind == IMAGE_RECORD:
            yield _image(data, start, stop)
        elif kind == DECIDED_RECORD:
            yield _decided(data, start, stop)
        at = stop
    unread.rest = data[at:]


def _next_magic(data: bytes, at: int) -> int:
    found = data.find(MAGIC, at + 5)
    return len(data) if found < 0 else found - 4


def _image_bytes(image: ImageFacts) -> bytes:
    flags = _ALIVE * image.is_alive + _SAVED_AGAIN * image.saved_again + _CAMERA * image.has_camera_data
    sizes = image.version, image.byte_size, image.width, image.height, image.detail_side
    packed = _IMAGE.pack(
        image.image_id, image.content, *sizes, image.added_at, image.quality, flags, image.format.encode()
    )
    return packed + image.path.encode()


def _image(data: bytes, start: int, stop: int) -> ImageFacts:
    image_id, content, version, size, width, height, detail, added_at, quality, flags, kind = _IMAGE.unpack_from(
        data, start
    )
    return ImageFacts(
        image_id,
        data[start + _IMAGE.size : stop].decode(),
        version,
        content if any(content) else b"",
        width,
        height,
        size,
        kind.rstrip(b"\0").decode(),
        quality,
        bool(flags & _SAVED_AGAIN),
        detail,
        bool(flags & _CAMERA),
        added_at,
        bool(flags & _ALIVE),
    )


def _link_bytes(link: Link) -> bytes:
    left, right = link.sides.left, link.sides.right
    flags = _UPRIGHT * link.is_upright + _LEFT_FRAMED * left.is_framed + _LEFT_OVERLAID * left.is_overlaid
    flags += _RIGHT_FRAMED * right.is_framed + _RIGHT_OVERLAID * right.is_overlaid
    versions = link.first_version, link.second_version
    kind = _KINDS.index(link.kind)
    return _LINK.pack(link.first, link.second, *versions, link.verified_at, kind, flags, left.shared, right.shared)


def _link(data: bytes, start: int) -> Link:
    first, second, version, other, verified_at, kind, flags, left, right = _LINK.unpack_from(data, start)
    sides = ALIKE
    if flags & ~_UPRIGHT or left != 1.0 or right != 1.0:
        sides = Sides(
            Side(round(left, 3), bool(flags & _LEFT_FRAMED), bool(flags & _LEFT_OVERLAID)),
            Side(round(right, 3), bool(flags & _RIGHT_FRAMED), bool(flags & _RIGHT_OVERLAID)),
        )
    upright = bool(flags & _UPRIGHT)
    return Link(first, second, _KINDS[kind], version, other, verified_at, upright, sides)


def _decided_bytes(decided: Decided) -> bytes:
    contents = decided.first_content, decided.second_content
    place = _DECISIONS.index(decided.decision)
    packed = _DECIDED.pack(decided.first, decided.second, *contents, decided.keeper, decided.at, place)
    return packed + decided.by.encode()[:_MOST_BY_BYTES]


def _decided(data: bytes, start: int, stop: int) -> Decided:
    first, second, content, other, keeper, at, place = _DECIDED.unpack_from(data, start)
    content, other, keeper = (it if any(it) else b"" for it in (content, other, keeper))
    by = data[start + _DECIDED.size : stop].decode(errors="ignore")
    return Decided(first, second, _DECISIONS[place], content, other, keeper, by, at)
