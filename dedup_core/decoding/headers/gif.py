"""The header of a GIF file: the screen, and the blocks of its frames."""

import struct
from typing import Final

from dedup_core.decoding.headers.header import Header, refuse
from dedup_core.limits import LATER_FRAME_BYTES, MAX_FRAMES, MAX_PARTS

# Of a file, each a step of Python, here and in the decoder; 64 MiB have 262,144 full ones.
MAX_BLOCKS: Final = 1_048_576
BYTES_PER_PIXEL: Final = 2
BYTES_PER_MOVING_PIXEL: Final = 16  # in colors from the second frame on: the one before, this one, what is laid on it
EXTENSION: Final = 0x21
FRAME: Final = 0x2C


def read_gif_header(data: bytes) -> Header:
    """The screen, or the first frame where that is larger; of what is before a frame only the blocks are counted."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    first, blocks = _next_frame(data, 13 + _palette_bytes(flags), MAX_PARTS)
    if first is None and blocks > MAX_PARTS:
        refuse("too-complex", f"the GIF file has more than {MAX_PARTS:,} blocks before its first picture")
    if first is None:
        refuse("corrupt", "the GIF file holds no picture where one should begin")
    right, bottom = _corner(data, first)
    width, height = max(width, right), max(height, bottom)
    frames, decodable = _count(data, first, width, height)
    memory = width * height * (BYTES_PER_PIXEL if decodable == 1 else BYTES_PER_MOVING_PIXEL)
    return Header("GIF", width, height, memory, frames=frames, decodable_frames=decodable)


def _count(data: bytes, first: int, width: int, height: int) -> tuple[int, int]:
    """How many frames there are, as far as that is counted, and how many may be decoded.

    A frame outside of the others makes the decoder enlarge them all, so it is the first that may not.
    """
    is_dear = width * height * BYTES_PER_MOVING_PIXEL > LATER_FRAME_BYTES
    frame, frames, decodable, left = first, 1, 1, MAX_BLOCKS
    while frames < MAX_FRAMES:
        try:
            behind, blocks = _behind_pixels(data, frame, left)
            following, more_blocks = _next_frame(data, behind, left - blocks)
            if following is None:
                break
            right, bottom = _corner(data, following)
        except (struct.error, IndexError):  # cut off inside a later frame
            break
        frame, left, frames = following, left - blocks - more_blocks, frames + 1
        is_dear = is_dear or right > width or bottom > height
        decodable += not is_dear
    return frames, decodable


def _next_frame(data: bytes, position: int, most: int) -> tuple[int | None, int]:
    """Where the next frame begins, and how many blocks are before it; None where none is, or more than `most` are."""
    blocks = 0
    while data[position] == EXTENSION and blocks <= most:
        position, count = _behind_blocks(data, position + 2, most - blocks)
        blocks += count
    return (position if data[position] == FRAME and blocks <= most else None), blocks


def _behind_pixels(data: bytes, frame: int, most: int) -> tuple[int, int]:
    return _behind_blocks(data, frame + 11 + _palette_bytes(data[frame + 9]), most)


def _behind_blocks(data: bytes, position: int, most: int) -> tuple[int, int]:
    """Where a row of blocks ends, the last of them empty, and how many they are: one more than `most` if many more."""
    for count in range(1, most + 2):
        block_bytes = data[position]
        position += 1 + block_bytes
        if block_bytes == 0:
            return position, count
    return position, most + 1


def _corner(data: bytes, frame: int) -> tuple[int, int]:
    """The right and lower end of a frame."""
    left, top, width, height = struct.unpack_from("<HHHH", data, frame + 1)
    return left + width, top + height


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
