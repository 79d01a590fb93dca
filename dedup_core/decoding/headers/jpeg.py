"""The header of a JPEG file: segments that begin with markers."""

import re
import struct
from collections.abc import Iterator
from typing import Final

from dedup_core.decoding.headers.header import Header, halvings_to_working_size, refuse
from dedup_core.decoding.headers.tiff import exif_orientation
from dedup_core.limits import MAX_PARTS

# Each, and each fill byte, is a step of Python; a profile may come in 255 segments, XMP in some hundred.
MAX_SEGMENTS: Final = 4_096
MAX_EXIF_BYTES: Final = 4 * 1024 * 1024  # 64 segments; Pillow joins them anew for each: 136 MB, for 900 of them 26 GB
MAX_TABLE_BYTES: Final = 64 * 1024  # of tables of quantization; Pillow makes numbers of them in Python, and 4 are used
MAX_JUNK_BYTES: Final = 64 * 1024  # between segments; Pillow skips it byte by byte in Python
# Every scan of a progressive file walks over all blocks, however few bytes it has: docs/decoding.md#hostile-files
MAX_SCAN_PIXELS: Final = 1_200_000_000
SCAN: Final = 0xDA
END: Final = 0xD9  # comes without content like the standalone ones, but nothing follows it
FILL: Final = 0xFF
SCAN_MARKER: Final = bytes((FILL, SCAN))
MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # that ends a scan: no stuffed byte, no restart marker
EXIF_SEGMENT: Final = 0xE1
TABLES_SEGMENT: Final = 0xDB
PHOTOSHOP_SEGMENT: Final = 0xED
PHOTOSHOP_BLOCK: Final = b"8BIM"  # how each begins, of which Pillow makes an entry in Python
FRAMES_PROGRESSIVE: Final = (0xC2, 0xCA)
FRAMES_READABLE: Final = (0xC0, 0xC1, 0xC9, *FRAMES_PROGRESSIVE)
FRAMES_SEQUENTIAL: Final = (0xC0, 0xC1)  # in Huffman code: the arithmetic decoder cannot wait for more
FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
STANDALONE: Final = frozenset(range(0xD0, 0xD9)) | {0x00, 0x01}


def read_jpeg_header(data: bytes) -> Header:
    """Look at the segments up to the first scan; the last frame header counts, as it does for the decoder."""
    exif_bytes, table_bytes, blocks, orientation, frame, scan = 0, 0, 0, 1, None, None
    for marker, segment, end in segments(data):
        if marker in FRAMES:
            frame = marker, segment
        elif marker == EXIF_SEGMENT and segment.startswith(b"Exif\x00\x00"):
            orientation = orientation if exif_bytes else exif_orientation(segment)
            exif_bytes += len(segment)
        elif marker == TABLES_SEGMENT:
            table_bytes += len(segment)
        elif marker == PHOTOSHOP_SEGMENT:
            blocks += segment.count(PHOTOSHOP_BLOCK)
        elif marker == SCAN:
            scan = segment, end
    if frame is None or scan is None:
        refuse("corrupt", "the JPEG file holds no picture")
    _refuse_metadata(exif_bytes, table_bytes, blocks)
    return _frame_header(data, *frame, *scan, orientation)


def _refuse_metadata(exif_bytes: int, table_bytes: int, blocks: int) -> None:
    """Refuse what would keep Pillow busy before it comes to the picture."""
    if exif_bytes > MAX_EXIF_BYTES:
        refuse("too-complex", f"the JPEG file carries more than {MAX_EXIF_BYTES:,} bytes of EXIF")
    if table_bytes > MAX_TABLE_BYTES:
        refuse("too-complex", f"the JPEG file carries more than {MAX_TABLE_BYTES:,} bytes of quantization tables")
    if blocks > MAX_PARTS:
        refuse("too-complex", f"the JPEG file carries more than {MAX_PARTS:,} blocks of Photoshop")


def segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """(marker, content, end) of every segment up to the header of the first scan."""
    position, junk = 2, 0
    for _ in range(MAX_SEGMENTS):
        marker_at = data.find(b"\xff", position)
        if marker_at < 0:
            refuse("truncated", "the JPEG file ends inside its header")
        junk += marker_at - position
        if junk > MAX_JUNK_BYTES:
            refuse("corrupt", "the JPEG header is full of bytes that belong to no segment")
        marker, position = data[marker_at + 1], marker_at + 2
        if marker == FILL:  # the byte after it may be the marker
            position -= 1
        elif marker not in STANDALONE and marker != END:
            (length,) = struct.unpack_from(">H", data, position)
            yield marker, data[position + 2 : position + length], position + length
            position += length
        if marker in (SCAN, END):
            return
    refuse("too-complex", f"the JPEG header has more than {MAX_SEGMENTS:,} segments")


def _frame_header(data: bytes, marker: int, frame: bytes, scan: bytes, scan_at: int, orientation: int) -> Header:
    bits, height, width, components = struct.unpack_from(">BHHB", frame)
    if bits != 8 or marker not in FRAMES_READABLE or components not in (1, 3, 4):  # noqa: PLR2004
        refuse("unsupported-variant", f"JPEG with {bits} bits and {components} components (SOF{marker - 0xC0})")
    halvings = halvings_to_working_size(width, height, most=3)
    memory = (width * height * 4) >> (2 * halvings)
    if marker in FRAMES_PROGRESSIVE or scan[0] < components:  # several scans: coefficients are kept until the last
        memory += int(2 * width * height * _planes(frame, components))
        scans = 1 + data.count(SCAN_MARKER, scan_at)  # at most: what follows the end of the picture may hold some, too
        if scans * width * height > MAX_SCAN_PIXELS:
            scans = _count_scans(data, scan_at)
        if scans * width * height > MAX_SCAN_PIXELS:
            refuse("too-complex", f"the JPEG file paints {width} x {height} pixels in {scans:,} scans")
    in_one_scan = marker in FRAMES_SEQUENTIAL and scan[0] == components
    return Header("JPEG", width, height, memory, orientation, halvings, scan_at, in_one_scan)


def _count_scans(data: bytes, scan_at: int) -> int:
    """The scans up to the end marker, the first one included, of which the coded pixels begin at `scan_at`."""
    position, scans = scan_at, 1
    for _ in range(MAX_SEGMENTS):
        found = MARKER.search(data, position)
        if found is None or found[0][1] == END or found.end() + 2 > len(data):
            return scans
        scans += found[0][1] == SCAN
        (length,) = struct.unpack_from(">H", data, found.end())
        position = found.end() + (0 if found[0][1] in STANDALONE else length)
    return refuse("too-complex", f"the JPEG file has more than {MAX_SEGMENTS:,} segments behind its first scan")


def _planes(frame: bytes, components: int) -> float:
    """How many planes of full size the components make together: 3 without chroma subsampling, 1.5 with 4:2:0."""
    samplings = [frame[7 + 3 * number] for number in range(components)]
    across = [sampling >> 4 for sampling in samplings]
    down = [sampling & 15 for sampling in samplings]
    largest = max(across) * max(down)
    if largest == 0:
        refuse("corrupt", "a component of the JPEG picture has no samples")
    return sum(x * y for x, y in zip(across, down, strict=True)) / largest
