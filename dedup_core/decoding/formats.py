"""Which format the bytes are, told by the bytes alone, and what that format's header promises."""

import struct
from collections.abc import Callable, Collection
from typing import Final

from dedup_core.decoding.headers.boxes import read_avif_header, read_heic_header
from dedup_core.decoding.headers.chunks import read_bmp_header, read_png_header, read_webp_header
from dedup_core.decoding.headers.gif import read_gif_header
from dedup_core.decoding.headers.header import Header, refuse
from dedup_core.decoding.headers.jpeg import read_jpeg_header
from dedup_core.decoding.headers.jpeg2000 import read_jpeg2000_header
from dedup_core.decoding.headers.tiff import read_tiff_header
from dedup_core.errors import UnreadableImage
from dedup_core.limits import spelled

FORMATS_IN_WORDS: Final = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, HEIC and JPEG 2000"
SIGNATURES: Final = (
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("WEBP", 8, b"WEBPVP8 "),
    ("WEBP", 8, b"WEBPVP8L"),
    ("WEBP", 8, b"WEBPVP8X"),
    ("GIF", 0, b"GIF87a"),
    ("GIF", 0, b"GIF89a"),
    ("TIFF", 0, b"II*\x00"),
    ("TIFF", 0, b"MM\x00*"),
    ("TIFF", 0, b"II+\x00"),
    ("TIFF", 0, b"MM\x00+"),
    ("JPEG2000", 0, b"\xff\x4f\xff\x51"),
    ("JPEG2000", 0, b"\x00\x00\x00\x0cjP  \r\n\x87\n"),
    ("BMP", 0, b"BM"),
)
PACKINGS: Final = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd", "bzip2": b"BZh", "xz": b"\xfd7zXZ\x00"}
AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
MAX_BRANDS: Final = 64  # of which cameras name up to ten
READERS: Final[dict[str, Callable[[bytes], Header]]] = {
    "JPEG": read_jpeg_header,
    "PNG": read_png_header,
    "WEBP": read_webp_header,
    "GIF": read_gif_header,
    "TIFF": read_tiff_header,
    "BMP": read_bmp_header,
    "AVIF": read_avif_header,
    "HEIC": read_heic_header,
    "JPEG2000": read_jpeg2000_header,
}
ALL_FORMATS: Final = frozenset(READERS)


def read_header(data: bytes, formats: Collection[str] = ALL_FORMATS) -> Header:
    """The header alone, in microseconds and without memory. Raises `UnreadableImage`, also for other `formats`."""
    format_name = sniff_format(data)
    if format_name not in formats:
        read_here = ", ".join(sorted(formats))
        refuse("format-off", f"{spelled(format_name)} files are not read here; the formats that are: {read_here}")
    try:
        header = READERS[format_name](data)
    except (struct.error, IndexError, OverflowError) as error:
        message = f"the {spelled(format_name)} file ends inside its header; it was probably cut off on its way"
        raise UnreadableImage(message, reason="truncated") from error
    if header.width == 0 or header.height == 0:
        refuse("corrupt", f"the {spelled(format_name)} header says {header.width} x {header.height} pixels")
    return header


def sniff_format(data: bytes) -> str:
    """The format by the first bytes, never by a name; raises `UnreadableImage` for anything that is not on the list."""
    if not data:
        refuse("empty", "the file is empty")
    for format_name, offset, signature in SIGNATURES:
        if data.startswith(signature, offset):
            return format_name
    if data[4:8] == b"ftyp":
        brands = _brands(data)
        if brands & AVIF_BRANDS:
            return "AVIF"
        if brands & HEIC_BRANDS:
            return "HEIC"
    if packing := next((name for name, start in PACKINGS.items() if data.startswith(start)), None):
        refuse("unsupported-format", f"the content is compressed with {packing}: store the picture itself, as it is")
    return refuse("unsupported-format", f"the content is none of {FORMATS_IN_WORDS}, whatever the name says")


def _brands(data: bytes) -> set[bytes]:
    """The major and the compatible brands of an ISO media file."""
    length = min(int.from_bytes(data[:4], "big"), 4 * MAX_BRANDS)
    return {data[8:12]} | {data[at : at + 4] for at in range(16, length, 4)}
