"""The header of a JPEG 2000 file: the main header of its codestream, and that of every tile part."""

import struct
from collections import Counter
from collections.abc import Sequence
from typing import Final

from dedup_core.decoding.headers.header import Header, halvings_to_working_size, refuse
from dedup_core.limits import MAX_PARTS

MAX_BOXES: Final = 1_024  # each is a step of Python; a file has some ten
SIZ: Final = 0xFF51
COD: Final = 0xFF52
COC: Final = 0xFF53
TILE_PART_LENGTHS: Final = 0xFF55
TILE_PART: Final = 0xFF90
END: Final = 0xFFD9
MAX_TILES: Final = 16_384
TILE_BYTES: Final = 12_000  # what OpenJPEG takes for each tile before it reads one; measured: 11.7 KB
TILE_PART_HEAD_BYTES: Final = 12
TOO_MANY_PARTS: Final = f"the JPEG 2000 file has more than {MAX_PARTS:,} tile parts"
MAX_CODED_BYTES: Final = 10 * 1024 * 1024  # about 7 MB a second are unpacked; halving leaves three quarters of them out


def read_jpeg2000_header(data: bytes) -> Header:
    """Image size from SIZ, how often it can be halved from COD; the numbers of all tile parts are looked at."""
    position = _codestream(data) + 2
    size, halvings_stored, other_halvings = None, 0, False
    announced: list[int] = []
    for _ in range(MAX_BOXES):
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == TILE_PART:
            break
        if length < 2:  # noqa: PLR2004 - the length counts itself
            refuse("corrupt", "a segment of the JPEG 2000 header has no length")
        if marker == SIZ:
            size = struct.unpack_from(">IIIIIIIIH", data, position + 6)
        elif marker == COD:
            halvings_stored = data[position + 9]
        elif marker == COC:
            other_halvings = True
        elif marker == TILE_PART_LENGTHS:
            announced += _announced_tile_parts(data[position + 2 : position + 2 + length], len(announced))
        position += 2 + length
    else:
        refuse("too-complex", f"the JPEG 2000 header has more than {MAX_BOXES:,} segments")
    if size is None:
        refuse("corrupt", "the JPEG 2000 file names no size")
    header = _codestream_header(size, 0 if other_halvings else min(halvings_stored, 32), len(data))
    _check_tile_parts(data, position, _tiles(size), Counter(announced))
    return header


def _announced_tile_parts(segment: bytes, before: int) -> Sequence[int]:
    """The tile of each part that a TLM segment lists; where it leaves out the tiles they come in order, one each."""
    tile_bytes, length_bytes = segment[3] >> 4 & 3, 4 if segment[3] & 0x40 else 2
    entries = memoryview(segment)[4:]
    step = tile_bytes + length_bytes
    if tile_bytes == 3 or len(entries) % step:  # noqa: PLR2004 - two bits, of which one pair has no meaning
        refuse("corrupt", "the JPEG 2000 list of tile parts is damaged")
    parts = range(before, before + len(entries) // step)
    if parts.stop > MAX_PARTS:
        refuse("too-complex", TOO_MANY_PARTS)
    if tile_bytes == 0:
        return parts
    return [int.from_bytes(entries[at : at + tile_bytes], "big") for at in range(0, len(entries), step)]


def _check_tile_parts(data: bytes, position: int, tiles: int, announced: Counter[int]) -> None:
    """Follow the tile parts as the decoder does: each is the next one of its tile, and none is more than was announced.

    OpenJPEG up to 2.5.4 takes the number of a part as an index into a list that is as long as TLM says, and writes
    past it (https://github.com/uclouvain/openjpeg/pull/1621).
    """
    seen: Counter[int] = Counter()
    for _ in range(MAX_PARTS):
        marker, length, tile, part_bytes, part, parts = struct.unpack_from(">HHHIBB", data, position)
        if marker != TILE_PART or length != TILE_PART_HEAD_BYTES - 2:
            refuse("corrupt", "a JPEG 2000 tile part does not begin where the one before it ends")
        most = announced[tile] if announced else 255
        if tile >= tiles or part != seen[tile] or part >= most or 0 < parts <= part:
            refuse("corrupt", f"part {part} of tile {tile} of the JPEG 2000 picture is out of range")
        seen[tile] += 1
        if 0 < part_bytes < TILE_PART_HEAD_BYTES:
            refuse("corrupt", "a JPEG 2000 tile part is shorter than its own head")
        position += part_bytes
        if part_bytes == 0 or data[position : position + 2] == END.to_bytes(2, "big") or position >= len(data):
            return
    refuse("too-complex", TOO_MANY_PARTS)


def _tiles(size: tuple[int, ...]) -> int:
    right, bottom, _, _, tile_width, tile_height, tile_left, tile_top, _ = size
    return -(-(right - tile_left) // tile_width) * -(-(bottom - tile_top) // tile_height)


def _codestream_header(size: tuple[int, ...], halvings_stored: int, coded_bytes: int) -> Header:
    right, bottom, left, top, tile_width, tile_height, _, _, components = size
    width, height = max(0, right - left), max(0, bottom - top)
    if tile_width == 0 or tile_height == 0:
        refuse("corrupt", "the JPEG 2000 tiles have no size")
    tiles = _tiles(size)
    if tiles > MAX_TILES:
        refuse("too-complex", f"the JPEG 2000 picture is cut into {tiles:,} tiles")
    is_shrunk = left == top == 0  # Pillow finds no smaller picture where it does not begin at the corner of its grid
    halvings = halvings_to_working_size(width, height, halvings_stored) if is_shrunk else 0
    while halvings > 1 and tiles > 1 and (tile_width | tile_height) % (1 << halvings):
        halvings -= 1  # nor where a tile begins between the pixels of the smaller one
    if coded_bytes >> (2 * halvings) > MAX_CODED_BYTES:
        refuse("too-complex", f"{coded_bytes:,} bytes of JPEG 2000 without lower resolutions take too long to unpack")
    memory = ((width * height * (8 * components + 4)) >> (2 * halvings)) + tiles * TILE_BYTES
    return Header("JPEG2000", width, height, memory, halvings=halvings)


def _codestream(data: bytes) -> int:
    """Where the codestream begins: at once, or inside the box `jp2c`."""
    if data.startswith(b"\xff\x4f"):
        return 0
    position = 0
    for _ in range(MAX_BOXES):
        length, kind = struct.unpack_from(">I4s", data, position)
        head_bytes = 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, position + 8)
            head_bytes = 16
        if kind == b"jp2c":
            return position + head_bytes
        if length < head_bytes:
            break
        position += length
    return refuse("corrupt", "the JPEG 2000 file holds no picture")
