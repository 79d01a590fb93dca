"""Hostile, damaged and unusual files: each ends as a picture or as a permanent error that names its reason."""

import random
import struct
import time
import tracemalloc
import warnings
import zlib
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from dedup_core.decoding.decoder import decode
from dedup_core.decoding.formats import ALL_FORMATS, SIGNATURES
from dedup_core.decoding.header_check import check_header
from dedup_core.errors import ImageTooLarge, UnreadableImage
from dedup_core.limits import DecodeLimits
from tests.core.mutations import mutate
from tests.core.odd_files import drawing, encode, sound_files, turned

SOUND = dict(sound_files())
EVERY_FORMAT = DecodeLimits(formats=ALL_FORMATS)


def outcome(data: bytes, limits: DecodeLimits | None = None) -> str:
    try:
        image = decode(data, limits or EVERY_FORMAT)
    except (UnreadableImage, ImageTooLarge) as error:
        return error.reason
    assert image.pixels.dtype == np.uint8
    assert max(image.pixels.shape[:2]) <= 512
    return "decoded"


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk(chunk: bytes, *, last: bool = False) -> bytes:
    """A sound PNG with further chunks behind its header, or behind its pixels."""
    plain = SOUND["png-plain"]
    at = len(plain) - 12 if last else 33
    return plain[:at] + chunk + plain[at:]


def damaged_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk whose checksum is that of another one."""
    return png_chunk(kind, content)[:-4] + b"\x00\x00\x00\x01"


def png_whose_stream_ends_early(share: float, mode: str = "RGB") -> bytes:
    """A PNG with a sound stream of too few rows."""
    full = drawing(96, 64).convert(mode)
    rows = drawing(96, round(64 * share)).convert(mode)
    data = encode(rows, "PNG")
    return data[:8] + png_chunk(b"IHDR", encode(full, "PNG")[16:29]) + data[33:]


def png(width: int, height: int, *extra: bytes, bits: int = 8) -> bytes:
    """A grey PNG whose header says what it is told to, with a few rows of pixels."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    rows = zlib.compress(bytes(min((width * bits // 8 + 1) * height, 10_000)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def tiff(*entries: tuple[int, int, int, int], tail: bytes = b"") -> bytes:
    packed = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\x00" + struct.pack("<IH", 8, len(entries)) + packed + bytes(4) + tail


def tiff_picture(width: int, height: int, **counts: int) -> bytes:
    strips = counts.get("strips", 1)
    return tiff(
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, strips, 200),
        (278, 4, 1, height),
        (279, 4, strips, min(width * height, 2**32 - 1)),
        tail=bytes(1000),
    )


def bmp(width: int, height: int, compression: int, content: bytes) -> bytes:
    offset = 54 + 1024
    head = b"BM" + struct.pack("<IHHI", offset + len(content), 0, 0, offset)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, len(content), 0, 0, 256, 0)
    return head + info + bytes(1024) + content


def gif(width: int, height: int, *extensions: bytes) -> bytes:
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0)
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x08\x02\x00\x01\x00;"
    return screen + b"".join(extensions) + frame


def with_bytes(data: bytes, offset: int, content: bytes) -> bytes:
    return data[:offset] + content + data[offset + len(content) :]


def with_many_scans(scans: int) -> bytes:
    data = encode(Image.new("RGB", (4000, 4000), "teal"), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * scans + b"\xff\xd9"


def with_pictures_behind() -> bytes:
    """A progressive JPEG of 12 megapixels, and behind its end further scans, as films and previews have."""
    data = encode(drawing(4000, 3000), "JPEG", progressive=True)
    return data + SOUND["jpeg-progressive"] * 20


def with_segment(marker: int, content: bytes) -> bytes:
    """A sound JPEG with one segment more in front."""
    plain = SOUND["jpeg-exif"]
    return plain[:2] + struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content + plain[2:]


def with_a_hidden_end(scans: int) -> bytes:
    """Very many scans behind a comment in which an end marker stands."""
    data = encode(Image.new("RGB", (4000, 4000), "teal"), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + b"\xff\xfe\x00\x06\xff\xd9\xff\xd9" + last * scans + b"\xff\xd9"


def jpeg_sized(width: int, height: int) -> bytes:
    frame = SOUND["jpeg-plain"].index(b"\xff\xc0")
    return with_bytes(SOUND["jpeg-plain"], frame + 5, struct.pack(">HH", height, width))


def webp_sized(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return with_bytes(SOUND["webp-exif"], 24, sides)


def avif_sized(width: int, height: int) -> bytes:
    data = SOUND["avif-plain"]
    return with_bytes(data, data.index(b"ispe") + 8, struct.pack(">II", width, height))


def avif_of_parts(*parts: bytes) -> bytes:
    """The sound AVIF, its picture made of these parts behind it, which are not next to each other."""
    data = SOUND["avif-plain"]
    at = data.index(b"iloc") + 4
    entries = b""
    for part in parts:
        data += bytes(4)
        entries += struct.pack(">II", len(data), len(part))
        data += part
    places = bytes(4) + b"\x44\x00\x00\x01" + struct.pack(">HHH", 1, 0, len(parts)) + entries
    box = struct.pack(">I4s", 8 + len(places), b"iloc") + places
    # In place of the one that is there, which is made one of free space, the new one stands in a second `meta`.
    return data[: at - 4] + b"free" + data[at:] + box


def coded_by_avif(width: int, height: int) -> bytes:
    data = encode(Image.new("RGB", (width, height), "teal"), "AVIF", speed=10)
    offset, length = struct.unpack_from(">II", data, data.index(b"iloc") + 18)
    return data[offset : offset + length]


def jpeg2000_sized(width: int, height: int) -> bytes:
    data = SOUND["jp2-codestream"]
    return with_bytes(data, 8, struct.pack(">II", width, height))


def heic_of_items(kind: bytes) -> bytes:
    """A HEIC file whose picture claims to be of another kind; what such a decoder does with it is not known."""
    return SOUND["heic-plain"].replace(b"hvc1", kind)


def with_many_boxes(name: str) -> bytes:
    data = SOUND[name]
    return data + b"\x00\x00\x00\x14ispe\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01" * 100_000


def with_names_among_its_pixels(name: str) -> bytes:
    """What stands there by chance in one photograph of two thousand: the name of the box of sizes."""
    data = SOUND[name]
    at = data.index(b"mdat")
    (length,) = struct.unpack_from(">I", data, at - 4)
    more = b"ispe" + b"\xee" * 12
    return data[: at - 4] + struct.pack(">I", length + len(more)) + data[at:] + more


def with_tile_part(part: int, parts: int, tile: int = 0) -> bytes:
    data = SOUND["jp2-codestream"]
    start = data.index(b"\xff\x90\x00\x0a")
    return with_bytes(with_bytes(data, start + 4, struct.pack(">H", tile)), start + 10, bytes((part, parts)))


def with_announced_tile_parts(parts: int) -> bytes:
    """A JPEG 2000 file with a list of tile parts (TLM): one for tile 7, and so many for the tile that there is."""
    data = SOUND["jp2-codestream"]
    start = data.index(b"\xff\x90\x00\x0a")
    (part_bytes,) = struct.unpack_from(">I", data, start + 6)
    entries = struct.pack(">BI", 7, 14) + struct.pack(">BI", 0, part_bytes) * parts
    entries = entries[5:] if parts else entries
    return data[:start] + b"\xff\x55" + struct.pack(">HBB", 4 + len(entries), 0, 0x50) + entries + data[start:]


def with_unnamed_tile_parts(parts: int) -> bytes:
    """The same with lists of this many parts, of one tile after the other, by their lengths alone."""
    data = SOUND["jp2-codestream"]
    start = data.index(b"\xff\x90\x00\x0a")
    segment = b"\xff\x55" + struct.pack(">HBB", 4 + 2 * 25_000, 0, 0) + bytes(2 * 25_000)
    return data[:start] + segment * (parts // 25_000) + data[start:]


SEVERAL_FRAMES = ("animated", "pages", "two-pictures")
MEBIBYTE = 1024 * 1024
INFLATES_TO_A_MEBIBYTE = zlib.compress(bytes(MEBIBYTE - 1))
LONG_TEXT = b"large " * (MEBIBYTE // 2)
XMP_HEAD = b"XML:com.adobe.xmp\x00\x01\x00\x00\x00"
PHOTOSHOP_SEGMENT = b"\xff\xed\xff\xf8Photoshop 3.0\x00" + b"8BIM\x04\x04\x00\x00\x00\x00\x00\x00" * 5_460
TABLES_SEGMENT = b"\xff\xdb\xff\xe1" + bytes([0, *[1] * 64]) * 1_007
EXIF_SEGMENT = b"\xff\xe1\xff\xffExif\x00\x00" + bytes(65_527)
LINK_TO_NOWHERE = (34665, 4, 1, 0x7FFFFFFF)

# What becomes of every kind of odd file. A changed outcome is a changed promise: docs/decoding.md.
GOLDEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing at all": (lambda: b"", "empty"),
    "text": (lambda: b"just text", "unsupported-format"),
    "SVG": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported-format"),
    "PDF": (lambda: b"%PDF-1.7\n", "unsupported-format"),
    "PSD": (lambda: b"8BPS\x00\x01" + bytes(100), "unsupported-format"),
    "ICO": (lambda: encode(drawing(32, 32), "ICO"), "unsupported-format"),
    "TGA": (lambda: encode(drawing(32, 32), "TGA"), "unsupported-format"),
    "a film": (lambda: b"\x00\x00\x00\x18ftypisom" + bytes(64), "unsupported-format"),
    "JPEG signature alone": (lambda: b"\xff\xd8\xff", "truncated"),
    "PNG signature alone": (lambda: b"\x89PNG\r\n\x1a\n", "truncated"),
    "GIF signature alone": (lambda: b"GIF89a", "truncated"),
    "WebP signature alone": (lambda: b"RIFF\x00\x00\x00\x00WEBPVP8X", "truncated"),
    "TIFF signature alone": (lambda: b"II*\x00", "truncated"),
    "BMP signature alone": (lambda: b"BM", "truncated"),
    "JPEG 2000 signature alone": (lambda: b"\xff\x4f\xff\x51", "truncated"),
    "AVIF signature alone": (lambda: b"\x00\x00\x00\x18ftypavif" + bytes(12), "corrupt"),
    "JPEG without its end marker": (lambda: SOUND["jpeg-plain"][:-2], "truncated"),
    "JPEG with text after its end": (lambda: SOUND["jpeg-plain"] + b"<?php", "decoded"),
    "JPEG with three quarters": (lambda: SOUND["jpeg-plain"][: len(SOUND["jpeg-plain"]) * 3 // 4], "truncated"),
    "JPEG, 65,500 pixels a side": (lambda: jpeg_sized(65_500, 65_500), "too-many-pixels"),
    "JPEG without height": (lambda: jpeg_sized(96, 0), "corrupt"),
    "JPEG with 12 bits": (
        lambda: SOUND["jpeg-plain"].replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc1\x00\x11\x0c"),
        "unsupported-variant",
    ),
    "lossless JPEG": (lambda: SOUND["jpeg-plain"].replace(b"\xff\xc0", b"\xff\xc3", 1), "unsupported-variant"),
    "JPEG with a thousand scans": (lambda: with_many_scans(1000), "too-complex"),
    "JPEG with a hundred scans behind a hidden end": (lambda: with_a_hidden_end(100), "too-complex"),
    "JPEG with pictures of 200 scans behind its end": (with_pictures_behind, "decoded"),
    "JPEG header of fill bytes": (lambda: b"\xff\xd8" + b"\xff" * MEBIBYTE, "too-complex"),
    "JPEG header of restart markers": (lambda: b"\xff\xd8" + b"\xff\xd0" * MEBIBYTE, "too-complex"),
    "JPEG header of zeros": (lambda: b"\xff\xd8\xff" + bytes(MEBIBYTE) + SOUND["jpeg-plain"], "corrupt"),
    "JPEG with 100 EXIF segments": (lambda: b"\xff\xd8" + EXIF_SEGMENT * 100 + SOUND["jpeg-plain"][2:], "too-complex"),
    "JPEG with 16,380 blocks of Photoshop": (
        lambda: b"\xff\xd8" + PHOTOSHOP_SEGMENT * 3 + SOUND["jpeg-plain"][2:],
        "decoded",
    ),
    "JPEG with 81,900 blocks of Photoshop": (
        lambda: b"\xff\xd8" + PHOTOSHOP_SEGMENT * 15 + SOUND["jpeg-plain"][2:],
        "too-complex",
    ),
    "JPEG with 2,014 quantization tables": (
        lambda: b"\xff\xd8" + TABLES_SEGMENT * 2 + SOUND["jpeg-plain"][2:],
        "too-complex",
    ),
    "JPEG with a broken EXIF": (
        lambda: b"\xff\xd8\xff\xe1\x00\x12Exif\x00\x00II*\x00\xff\xff\xff\xff\x01\x00" + SOUND["jpeg-plain"][2:],
        "decoded",
    ),
    "JPEG with a broken profile": (lambda: encode(drawing(40, 30), "JPEG", icc_profile=b"\x00" * 200), "decoded"),
    "JPEG named anything": (lambda: SOUND["jpeg-plain"], "decoded"),
    "PNG, 60,000 pixels a side": (lambda: png(60_000, 60_000, bits=1), "too-many-pixels"),
    "PNG, one column of 70,000": (lambda: png(1, 70_000), "too-many-pixels"),
    "PNG of 41 megapixels": (lambda: png(8_200, 5_000), "too-many-pixels"),
    "PNG without width": (lambda: png(0, 5), "corrupt"),
    "PNG cut off": (lambda: SOUND["png-plain"][:300], "truncated"),
    "PNG with a wrong checksum": (lambda: with_bytes(SOUND["png-plain"], 29, b"\x00\x00\x00\x00"), "corrupt"),
    "PNG with 100 packed profiles": (
        lambda: png(8, 8, png_chunk(b"iCCP", b"x\x00\x00" + INFLATES_TO_A_MEBIBYTE) * 100),
        "too-complex",
    ),
    "PNG with a packed profile": (
        lambda: png(8, 8, png_chunk(b"iCCP", b"x\x00\x00" + INFLATES_TO_A_MEBIBYTE)),
        "decoded",
    ),
    "PNG with a profile of 5 MiB": (
        lambda: with_chunk(png_chunk(b"iCCP", b"x\x00\x00" + zlib.compress(bytes(5 * MEBIBYTE)))),
        "decoded",
    ),
    "PNG with XMP of 3 MiB": (lambda: with_chunk(png_chunk(b"iTXt", XMP_HEAD + zlib.compress(LONG_TEXT))), "decoded"),
    "PNG with a text of 3 MiB": (
        lambda: with_chunk(png_chunk(b"zTXt", b"x\x00\x00" + zlib.compress(LONG_TEXT))),
        "decoded",
    ),
    "PNG with a text of 3 MiB behind its pixels": (
        lambda: with_chunk(png_chunk(b"zTXt", b"x\x00\x00" + zlib.compress(LONG_TEXT)), last=True),
        "decoded",
    ),
    "PNG with 63 texts of 3 MiB": (
        lambda: with_chunk(png_chunk(b"zTXt", b"x\x00\x00" + zlib.compress(LONG_TEXT)) * 63),
        "decoded",
    ),
    "PNG with a text of 3 MiB, cut off": (
        lambda: with_chunk(png_chunk(b"zTXt", b"x\x00\x00" + zlib.compress(LONG_TEXT)))[:-300],
        "truncated",
    ),
    "PNG with 100,000 texts": (lambda: png(8, 8, png_chunk(b"tEXt", b"a\x00b") * 100_000), "too-complex"),
    "PNG whose stream ends after half of its rows": (lambda: png_whose_stream_ends_early(0.5), "truncated"),
    "PNG whose stream lacks the last row": (lambda: png_whose_stream_ends_early(63 / 64, "L"), "truncated"),
    "PNG of two colors whose stream lacks rows": (lambda: png_whose_stream_ends_early(0.75, "1"), "truncated"),
    "PNG with a damaged time": (lambda: with_chunk(damaged_chunk(b"tIME", bytes(7))), "decoded"),
    "PNG with a damaged time behind its pixels": (
        lambda: with_chunk(damaged_chunk(b"tIME", bytes(7)), last=True),
        "decoded",
    ),
    "PNG with a resolution that is too short": (lambda: with_chunk(png_chunk(b"pHYs", b"\x00")), "decoded"),
    "PNG with a profile packed in an unknown way": (lambda: with_chunk(png_chunk(b"iCCP", b"x\x00\x07abc")), "decoded"),
    "PNG with a damaged time, cut off": (lambda: with_chunk(damaged_chunk(b"tIME", bytes(7)))[:-300], "truncated"),
    "GIF with 100,000 comments": (lambda: gif(8, 8, b"!\xfe\x01a\x00" * 100_000), "too-complex"),
    "GIF with one endless comment": (lambda: gif(8, 8, b"!\xfe" + b"\x01a" * 100_000 + b"\x00"), "too-complex"),
    "GIF without a picture": (lambda: gif(8, 8)[:13] + b";", "corrupt"),
    "GIF, 65,535 pixels a side": (lambda: gif(65_535, 65_535), "too-many-pixels"),
    "GIF cut off": (lambda: SOUND["gif-plain"][:2000], "truncated"),
    "WebP, 16,384 pixels a side": (lambda: webp_sized(16_384, 16_384), "too-many-pixels"),
    "WebP of 36 megapixels": (lambda: webp_sized(6_000, 6_000), "too-much-memory"),
    "WebP cut off": (lambda: SOUND["webp-lossy"][:200], "corrupt"),
    "BMP, a billion pixels": (lambda: bmp(40_000, 40_000, 0, bytes(100)), "too-many-pixels"),
    "BMP cut off": (lambda: SOUND["bmp-plain"][:5000], "truncated"),
    "BMP of runs, 9 megapixels": (lambda: bmp(3_000, 3_000, 1, bytes(100)), "too-complex"),
    "BMP of runs that lead nowhere": (lambda: bmp(100, 100, 1, b"\x00\x00" * 1000), "corrupt"),
    "BMP that holds a JPEG": (lambda: bmp(8, 8, 4, encode(drawing(8, 8), "JPEG")), "unsupported-variant"),
    "TIFF, 100,000 pixels a side": (lambda: tiff_picture(100_000, 100_000), "too-many-pixels"),
    "TIFF in a million strips": (lambda: tiff_picture(8, 8, strips=1_000_000), "too-complex"),
    "TIFF without a size": (lambda: tiff((258, 3, 1, 8)), "corrupt"),
    "TIFF whose EXIF leads nowhere": (lambda: tiff((256, 4, 1, 8), (257, 4, 1, 8), LINK_TO_NOWHERE), "corrupt"),
    "TIFF cut off": (lambda: SOUND["tiff-lzw"][:9000], "truncated"),
    "AVIF, 60,000 pixels a side": (lambda: avif_sized(60_000, 60_000), "too-many-pixels"),
    "AVIF that its header enlarges": (lambda: avif_sized(4_000, 4_000), "decoded"),
    "AVIF of 17 MiB": (lambda: SOUND["avif-plain"] + bytes(17 * MEBIBYTE), "too-complex"),
    "JPEG 2000 of 11 MiB without lower resolutions": (
        lambda: encode(drawing(64, 48), "JPEG2000", num_resolutions=1) + bytes(11 * MEBIBYTE),
        "too-complex",
    ),
    "AVIF cut off": (lambda: SOUND["avif-plain"][:-100], "truncated"),
    "HEIC cut off": (lambda: SOUND["heic-plain"][:-100], "corrupt"),
    "HEIC of uncompressed pixels": (lambda: heic_of_items(b"unci"), "unsupported-variant"),
    "HEIC of a mask": (lambda: heic_of_items(b"mski"), "unsupported-variant"),
    "HEIC with its size behind a hundred thousand others": (lambda: with_many_boxes("heic-plain"), "too-complex"),
    "AVIF with its size behind a hundred thousand others": (lambda: with_many_boxes("avif-plain"), "too-complex"),
    "HEIC with the name of a box among its pixels": (lambda: with_names_among_its_pixels("heic-plain"), "decoded"),
    "AVIF with the name of a box among its pixels": (lambda: with_names_among_its_pixels("avif-plain"), "decoded"),
    "HEIC with a size behind what calls itself pixels": (
        lambda: SOUND["heic-plain"] + b"\x00\x00\x00\x08mdat\x00\x00\x00\x14ispe" + bytes(4) + b"\x00\x01" * 4,
        "too-many-pixels",
    ),
    "AVIF with 60,000 items": (
        lambda: SOUND["avif-plain"] + b"\x00\x00\x00\x10iloc" + bytes(6) + b"\xee\xee",
        "too-complex",
    ),
    "JPEG 2000 tile part 200 of 1": (lambda: with_tile_part(200, parts=1), "corrupt"),
    "JPEG 2000 tile part 200, nobody says of how many": (lambda: with_tile_part(200, parts=0), "corrupt"),
    "JPEG 2000 tile that is not there": (lambda: with_tile_part(0, parts=1, tile=7), "corrupt"),
    "JPEG 2000 with more tile parts than announced": (lambda: with_announced_tile_parts(0), "corrupt"),
    "JPEG 2000 with as many tile parts as announced": (lambda: with_announced_tile_parts(1), "decoded"),
    "JPEG 2000 with 100,000 tile parts announced": (lambda: with_unnamed_tile_parts(100_000), "too-complex"),
    "JPEG 2000, a billion pixels": (lambda: jpeg2000_sized(40_000, 40_000), "too-complex"),
    "JPEG 2000 cut off": (lambda: SOUND["jp2-codestream"][:600], "corrupt"),
    "JPEG 2000 of boxes": (lambda: b"\x00\x00\x00\x0cjP  \r\n\x87\n" + b"\x00\x00\x00\x08free" * 10_000, "corrupt"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_odd_files_end_as_the_golden_table_says(name: str) -> None:
    make, expected = GOLDEN[name]
    assert outcome(make()) == expected


@pytest.mark.parametrize("name", SOUND)
def test_sound_files_of_every_kind_are_decoded(name: str) -> None:
    assert outcome(SOUND[name]) == "decoded"


@pytest.mark.parametrize("name", [name for name in SOUND if not name.endswith(SEVERAL_FRAMES)])
def test_no_file_survives_the_loss_of_its_second_half(name: str) -> None:
    """A picture with a grey lower half would be compared as if it were the picture."""
    assert outcome(SOUND[name][: len(SOUND[name]) // 2]) != "decoded"


def test_a_bomb_is_refused_before_its_pixels_take_memory() -> None:
    with pytest.raises(ImageTooLarge, match=r"60,000 x 60,000 pixels, the limit is 40,000,000"):
        decode(png(60_000, 60_000, bits=1))


def test_a_large_profile_is_applied_and_large_texts_leave_the_pixels_as_they_are() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = swapped_primaries(srgb)
    plain, small = (decode(SOUND["png-plain"]), decode(with_chunk(png_profile(swapped))))
    large = decode(with_chunk(png_profile(swapped + bytes(3 * MEBIBYTE))))
    assert not np.array_equal(plain.pixels, small.pixels)
    assert np.array_equal(large.pixels, small.pixels)
    text = decode(with_chunk(png_chunk(b"zTXt", b"x\x00\x00" + zlib.compress(LONG_TEXT))))
    assert np.array_equal(text.pixels, plain.pixels)
    both = decode(with_chunk(png_profile(swapped) + png_chunk(b"zTXt", b"x\x00\x00" + zlib.compress(LONG_TEXT))))
    assert np.array_equal(both.pixels, small.pixels)


def test_broken_metadata_of_a_png_is_left_out_and_what_is_sound_of_it_stays() -> None:
    """A wrong checksum in a text refused the picture, which browsers show."""
    keyed = SOUND["png-color-key"]
    profile = png_profile(swapped_primaries(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()))
    for sound in (keyed, keyed[:33] + profile + keyed[33:]):
        damaged = sound[:33] + damaged_chunk(b"tEXt", b"a\x00b") + sound[33:]
        assert np.array_equal(decode(damaged).pixels, decode(sound).pixels)


@pytest.mark.parametrize(("marker", "content"), [(0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (0xEE, b"Adobe")])
def test_a_segment_of_metadata_that_is_too_short_is_left_out_of_a_jpeg(marker: int, content: bytes) -> None:
    """libjpeg reads over it; Pillow refused the picture."""
    assert np.array_equal(decode(with_segment(marker, content)).pixels, decode(SOUND["jpeg-exif"]).pixels)


@pytest.mark.parametrize("frames", [1, 3])
def test_the_memory_of_an_avif_is_that_of_its_coded_picture(frames: int) -> None:
    """3.4 KB that call themselves 64 x 64 pixels held 256 million, and took 918 MB."""
    pictures = [Image.new("RGB", (2_000, 1_500), color) for color in ("teal", "navy", "teal")[:frames]]
    options = {"save_all": True, "append_images": pictures[1:]} if frames > 1 else {}
    sound = encode(pictures[0], "AVIF", speed=10, **options)
    at = sound.index(b"ispe")
    for data in (sound, with_bytes(sound, at + 8, struct.pack(">II", 64, 64))):
        assert check_header(data, EVERY_FORMAT).memory_bytes == 2_000 * 1_500 * 14


CODED = coded_by_avif(2_000, 1_500)


@pytest.mark.parametrize(
    "parts",
    [
        (b"\x12\x00" * 100 + CODED,),
        (b"\x2a\x05hello" + CODED,),
        (CODED[:1], CODED[1:6], CODED[6:]),
        (b"\x12\x00\x0a\x00" + CODED,),
        (coded_by_avif(64, 64) + CODED,),
    ],
    ids=[
        "behind a hundred units",
        "behind metadata",
        "in three parts",
        "behind a size that is none",
        "behind a small one",
    ],
)
def test_the_size_of_the_coded_picture_of_an_avif_cannot_be_hidden(parts: tuple[bytes, ...]) -> None:
    assert check_header(avif_of_parts(*parts), EVERY_FORMAT).memory_bytes == 2_000 * 1_500 * 14


@pytest.mark.parametrize(
    ("items", "extents"), [(4_096, 1), (1, 65_535)], ids=["very many items", "an item in very many parts"]
)
def test_lists_of_items_of_an_avif_cost_no_more_time_than_a_picture(items: int, extents: int) -> None:
    """15 lists of 4,096 items that each may lie in 16 places took 13 seconds."""
    item = struct.pack(">HHHH", 1, 1, 0, extents)
    places = b"iloc\x01\x00\x00\x00\x00\x00" + struct.pack(">H", items) + item * items
    data = SOUND["avif-plain"] + places * 15 + (b"idat" + b"\x12\x00" * 16) * 16
    begun = time.process_time()
    with pytest.raises(UnreadableImage) as refused:
        check_header(data, EVERY_FORMAT)
    assert refused.value.reason == "too-complex"
    assert time.process_time() - begun < 2.0


def test_unpacking_takes_no_more_memory_than_the_bounds() -> None:
    bomb = with_chunk(png_profile(bytes(400 * MEBIBYTE)))
    tracemalloc.start()
    try:
        decode(bomb)
        assert tracemalloc.get_traced_memory()[1] < 16 * MEBIBYTE
    finally:
        tracemalloc.stop()


def test_a_deep_picture_takes_no_more_memory_for_more_rows() -> None:
    """36 megapixels of 16 bits took 352 MB where the header promised 68: samples kept what they were taken from."""
    data = encode(Image.fromarray(np.full((8_000, 2_000), 40_000, np.uint16)), "PNG", compress_level=1)
    tracemalloc.start()
    try:
        decode(data)
        assert tracemalloc.get_traced_memory()[1] < 64 * MEBIBYTE
    finally:
        tracemalloc.stop()


def png_profile(profile: bytes) -> bytes:
    return png_chunk(b"iCCP", b"x\x00\x00" + zlib.compress(profile, 1))


def swapped_primaries(profile: bytes) -> bytes:
    """The profile with red for blue and blue for red: the tags of its table change their names."""
    return profile.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")


def test_the_memory_limit_is_a_setting() -> None:
    data = SOUND["webp-lossy"]
    assert outcome(data, DecodeLimits(max_memory_bytes=96 * 64 * 16)) == "decoded"
    assert outcome(data, DecodeLimits(max_memory_bytes=96 * 64 * 16 - 1)) == "too-much-memory"


def test_warnings_turned_into_errors_change_nothing() -> None:
    data = encode(Image.new("1", (9500, 9500)), "JPEG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert outcome(data) == "decoded"  # 90 megapixels: Pillow would warn of a bomb


def test_of_several_exif_blocks_of_a_png_the_first_counts_and_the_others_are_not_read() -> None:
    """60 of them, with 65,535 entries each, took 4 s."""
    first, other = (png_chunk(b"eXIf", turned(orientation).tobytes()[6:]) for orientation in (6, 3))
    assert check_header(with_chunk(first + other)).orientation == 6
    assert check_header(with_chunk(png_chunk(b"eXIf", b"") + first)).orientation == 1


def test_a_picture_of_two_sizes_is_corrupt() -> None:
    data = bytearray(SOUND["gif-plain"])
    struct.pack_into("<HH", data, 6, 4, 4)
    assert outcome(bytes(data)) == "decoded"  # a GIF frame may be larger than the screen: its own size counts


def test_only_the_first_frame_is_looked_at() -> None:
    first, second = drawing(96, 64), drawing(96, 64).rotate(180)
    for format_name in ("GIF", "WEBP", "PNG", "TIFF"):
        options = {"lossless": True} if format_name == "WEBP" else {}
        data = encode(first, format_name, save_all=True, append_images=[second], **options)
        alone = encode(first, format_name, **options)
        assert np.array_equal(decode(data).pixels, decode(alone).pixels), format_name


def test_a_damaged_second_frame_does_no_harm() -> None:
    data = SOUND["gif-animated"]
    assert outcome(data[: len(data) - 200] + bytes(200)) == "decoded"


@settings(max_examples=150)
@given(
    start=st.sampled_from([signature for _, offset, signature in SIGNATURES if offset == 0]),
    rest=st.binary(max_size=400),
)
def test_any_bytes_after_a_signature_are_refused_or_decoded(start: bytes, rest: bytes) -> None:
    outcome(start + rest)


@settings(max_examples=150)
@given(name=st.sampled_from(sorted(SOUND)), share=st.floats(min_value=0, max_value=1))
def test_a_file_cut_off_anywhere_is_refused_or_decoded(name: str, share: float) -> None:
    outcome(SOUND[name][: int(len(SOUND[name]) * share)])


@settings(max_examples=300)
@given(
    name=st.sampled_from(sorted(SOUND)),
    offset=st.integers(min_value=0, max_value=200),
    content=st.binary(min_size=1, max_size=8),
)
def test_a_file_with_an_edited_header_is_refused_or_decoded(name: str, offset: int, content: bytes) -> None:
    outcome(with_bytes(SOUND[name], offset, content))


@settings(max_examples=300)
@given(name=st.sampled_from(sorted(SOUND)), seed=st.integers(min_value=0, max_value=2**32))
def test_a_mutated_file_is_refused_or_decoded(name: str, seed: int) -> None:
    outcome(mutate(SOUND[name], random.Random(seed), donors=list(SOUND.values())))


def test_the_mutator_gives_the_same_file_for_the_same_seed() -> None:
    first, second = (mutate(SOUND["jpeg-plain"], random.Random(7), list(SOUND.values())) for _ in range(2))
    assert first == second != SOUND["jpeg-plain"]


def test_a_bmp_whose_alpha_was_never_filled_is_shown_as_opaque() -> None:
    rgba = np.dstack([np.asarray(drawing(32, 16)), np.zeros((16, 32), np.uint8)])
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    info = struct.pack("<IiiHHIIiiII", 108, 32, -16, 1, 32, 3, rgba.nbytes, 0, 0, 0, 0) + masks + bytes(52)
    for alpha in (0, 255):
        rgba[..., 3] = alpha
        pixels = rgba[..., [2, 1, 0, 3]].tobytes()
        data = b"BM" + struct.pack("<IHHI", 122 + len(pixels), 0, 0, 122) + info + pixels
        assert np.array_equal(decode(data).pixels, rgba[..., :3]), alpha


@pytest.mark.parametrize("mode", ["P", "L"])
def test_around_a_first_frame_that_is_smaller_than_its_screen_a_gif_is_transparent(mode: str) -> None:
    """It was shown in the first color of the palette."""
    frame = drawing(48, 32).convert("L") if mode == "L" else drawing(48, 32).quantize(64)
    data = bytearray(encode(frame, "GIF"))
    at = data.index(b"," + bytes(4) + struct.pack("<HH", 48, 32))
    struct.pack_into("<HH", data, 6, 96, 64)
    struct.pack_into("<HH", data, at + 1, 20, 10)
    expected = Image.new("RGB", (96, 64), "white")
    expected.paste(frame.convert("RGB"), (20, 10))
    assert np.array_equal(decode(bytes(data)).pixels, np.asarray(expected))


def test_every_orientation_comes_out_upright_in_every_format() -> None:
    upright = drawing(96, 64)
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    for format_name, options in {"JPEG": {"quality": 95}, "PNG": {}, "WEBP": {"lossless": True}, "TIFF": {}}.items():
        for orientation, transpose in inverse.items():
            stored = encode(upright.transpose(transpose), format_name, exif=turned(orientation), **options)
            image = decode(stored)
            difference = np.abs(image.pixels.astype(int) - np.asarray(upright)).mean()
            assert difference < 5, (format_name, orientation)
            assert (image.width, image.height) == (96, 64), (format_name, orientation)


def test_decoding_leaves_pillow_as_it_was() -> None:
    before = (Image.MAX_IMAGE_PIXELS, sorted(Image.OPEN))
    decode(SOUND["heic-plain"])
    assert before == (Image.MAX_IMAGE_PIXELS, sorted(Image.OPEN))
    assert Image.open(BytesIO(SOUND["png-plain"])).size == (96, 64)
