"""Headers made of chunks and fixed fields: PNG, WebP and BMP."""

import struct
from typing import Final

from dedup_core.decoding.headers.header import Header, refuse
from dedup_core.decoding.headers.tiff import exif_orientation
from dedup_core.limits import LATER_FRAME_BYTES, MAX_PARTS

MAX_PACKED_CHUNKS: Final = 64  # chunks of a PNG that unpack to as much as 1 MiB each
PACKED_CHUNKS: Final = (b"iCCP", b"zTXt", b"iTXt")
MOVING_PNG_BYTES_PER_PIXEL: Final = 16  # from the second frame on: the one before, this one, what is laid on it
# Pillow unpacks run-length BMP in Python, about a microsecond a run: docs/decoding.md#hostile-files
MAX_RUN_LENGTH_BYTES: Final = 1024 * 1024
MAX_RUN_LENGTH_PIXELS: Final = 4_000_000
RUN_LENGTH: Final = (1, 2)
WEBP_BYTES_PER_PIXEL: Final = 16  # two canvases, the frame handed over, the picture; lossless has a buffer more
CORE_HEADER_BYTES: Final = 12  # BITMAPCOREHEADER, as OS/2 wrote it


def read_png_header(data: bytes) -> Header:
    width, height, bits, color_type = struct.unpack_from(">IIBB", data, 16)
    if data[12:16] != b"IHDR":
        refuse("corrupt", "the PNG file does not begin with its header")
    position, packed, orientation, is_moving = 8, 0, None, False
    for _ in range(MAX_PARTS):
        if position + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, position)
        packed += kind in PACKED_CHUNKS
        if kind == b"eXIf" and orientation is None:  # there may be one
            orientation = exif_orientation(data[position + 8 : position + 8 + length])
        is_moving = is_moving or kind == b"acTL"
        if kind == b"IEND":
            break
        position += 12 + length
    else:
        refuse("too-complex", f"the PNG file has more than {MAX_PARTS:,} chunks")
    if packed > MAX_PACKED_CHUNKS:
        refuse("too-complex", f"the PNG file has more than {MAX_PACKED_CHUNKS} compressed texts and profiles")
    bytes_per_pixel = 4 if color_type in (2, 4, 6) else 2 if bits == 16 else 1  # noqa: PLR2004
    memory, moving = width * height * bytes_per_pixel, width * height * MOVING_PNG_BYTES_PER_PIXEL
    is_dear = moving > LATER_FRAME_BYTES
    if is_moving and not is_dear:
        memory = moving
    return Header("PNG", width, height, memory, orientation or 1, decodable_frames=int(is_moving and is_dear))


def read_webp_header(data: bytes) -> Header:
    chunk = data[12:16]
    if chunk == b"VP8X":
        low_w, high_w, low_h, high_h = struct.unpack_from("<HBHB", data, 24)
        width, height = 1 + low_w + (high_w << 16), 1 + low_h + (high_h << 16)
    elif chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    lossless = chunk == b"VP8L" or (chunk == b"VP8X" and b"VP8L" in data)
    return Header("WEBP", width, height, width * height * (WEBP_BYTES_PER_PIXEL + lossless))


def read_bmp_header(data: bytes) -> Header:
    (header_bytes,) = struct.unpack_from("<I", data, 14)
    if header_bytes == CORE_HEADER_BYTES:
        width, height = struct.unpack_from("<HH", data, 18)
        compression = 0
    else:
        width, height, _, _, compression = struct.unpack_from("<iiHHI", data, 18)
    width, height = abs(width), abs(height)
    if compression in RUN_LENGTH and (len(data) > MAX_RUN_LENGTH_BYTES or width * height > MAX_RUN_LENGTH_PIXELS):
        refuse(
            "too-complex",
            f"run-length BMP is read up to {MAX_RUN_LENGTH_BYTES:,} bytes and {MAX_RUN_LENGTH_PIXELS:,} pixels",
        )
    return Header("BMP", width, height, 4 * width * height)
