"""Records of the verdict log: each with its length and checksum, what grouping needs and nothing more.

    bytes  0..3   CRC-32 of the rest of the record
           4..5   `VL`
           6      version of this layout
           7      kind: 1 image, 2 verdict, 3 decision, 4 how far it is with telling all anew
           8..9   length of what follows

All numbers are little-endian, texts are UTF-8 and come last.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.groups.columns import IMAGES, KINDS, LINKS, Records, image_row, link_row
from dedup_core.groups.facts import Decided, Decision, ImageFacts, Link, Rebuild

type Record = ImageFacts | Link | Decided | Rebuild

MAGIC: Final = b"VL"
VERSION: Final = 1
HEAD: Final = struct.Struct("<I2sBBH")
IMAGE_RECORD, LINK_RECORD, DECIDED_RECORD, REBUILD_RECORD = 1, 2, 3, 4
_DECIDED: Final = struct.Struct("<16s16s16s16s16sqB")
# Their places are stored: new ones come at the end.
_DECISIONS: Final = (None, Decision.DUPLICATE, Decision.NOT_DUPLICATE, Decision.KEEP_BOTH)
_MOST_BY_BYTES: Final = 256  # of a name, of which the row has its first `MOST_BY` letters


@dataclass(slots=True)
class Unread:
    """What a read could not take: how many places are damaged, and the bytes of a record whose end is not there yet.

    `is_lost`: these bytes lie in such a place, where nobody knows yet at which of them a record begins.
    """

    damaged: int = 0
    rest: bytes = b""
    is_lost: bool = False


def record_bytes(record: Record) -> bytes:
    """One record as it is appended."""
    if isinstance(record, ImageFacts):
        kind, body = IMAGE_RECORD, np.array([image_row(record)], IMAGES).tobytes() + record.path.encode()
    elif isinstance(record, Link):
        kind, body = LINK_RECORD, np.array([link_row(record)], LINKS).tobytes()
    elif isinstance(record, Decided):
        kind, body = DECIDED_RECORD, _decided_bytes(record)
    else:
        kind, body = REBUILD_RECORD, record.encode()
    head = HEAD.pack(0, MAGIC, VERSION, kind, len(body))[4:]
    return zlib.crc32(head + body).to_bytes(4, "little") + head + body


def read_records(data: bytes, unread: Unread, *, is_end: bool = False) -> Records:
    """The records in `unread.rest + data`, to the first `Rebuild` in them; `unread` is brought up to date.

    Of a damaged record the length is not believed: the next one is looked for by its mark. With `is_end` nothing comes
    after `data`.
    """
    data = unread.rest + data
    view = memoryview(data)
    images, paths, links, decided = list[int](), list[str](), list[int](), list[Decided]()
    rebuild: Rebuild | None = None
    at, end, head = 0, len(data), HEAD.size
    unpack, crc32 = HEAD.unpack_from, zlib.crc32  # half a million times at a start
    while end - at >= head and rebuild is None:
        checksum, magic, version, kind, length = unpack(data, at)
        start = at + head
        stop = start + length
        if magic == MAGIC and stop > end and not is_end:
            break
        if magic != MAGIC or stop > end or crc32(view[at + 4 : stop]) != checksum:
            unread.damaged += not unread.is_lost
            at, unread.is_lost = _next_start(data, at), True
            continue
        unread.is_lost = False
        if version != VERSION:
            unread.damaged += 1
        elif kind == LINK_RECORD:
            links.append(start)
        elif kind == IMAGE_RECORD:
            images.append(start)
            paths.append(data[start + IMAGES.itemsize : stop].decode())
        elif kind == DECIDED_RECORD:
            decided.append(_decided(data, start, stop))
        elif kind == REBUILD_RECORD:
            rebuild = Rebuild(data[start:stop].decode())
        at = stop
    unread.rest = b"" if is_end and rebuild is None else data[at:]
    found = _rows(data, links, LINKS)
    # A later version may know more kinds.
    return Records(_rows(data, images, IMAGES), paths, found[found["kind"] < len(KINDS)], decided, rebuild)


def _rows(data: bytes, starts: list[int], kind: np.dtype[np.void]) -> NDArray[np.void]:
    """The rows that begin at these places, (n,)."""
    if not starts:
        return np.empty(0, kind)
    windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(data, np.uint8), kind.itemsize)
    return np.asarray(windows[starts].view(kind)[:, 0])


def _next_start(data: bytes, at: int) -> int:
    """Where the next record may begin, or as far on as none can begin, whatever follows `data`."""
    found = data.find(MAGIC, at + 5)
    return max(at + 1, len(data) - 5) if found < 0 else found - 4


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
