"""What frames and pages after the first may cost, and what damage in them does: it ends the samples, not the file."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from dedup_core import VerdictKind, compare
from dedup_core.decoding.decoder import decode
from dedup_core.decoding.header_check import check_header
from dedup_core.errors import ImageTooLarge
from dedup_core.limits import LATER_FRAME_BYTES, MAX_FRAMES
from tests.core.odd_files import drawing, encode
from tests.core.pictures import scene
from tests.core.test_whole import animated

type Entry = tuple[int, int, int, int | bytes]
PIXELS = 64  # of `page()`


def gif_frame(width: int, height: int) -> bytes:
    data = encode(Image.new("P", (width, height), 1), "GIF")
    return data[data.index(b"," + bytes(4) + struct.pack("<HH", width, height)) : -1]


def gif(width: int, height: int, *frames: bytes) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + b"".join(frames) + b";"


def page(width: int = 8, height: int = 8, pixels: bytes = bytes(range(PIXELS)), **tags: int) -> list[Entry]:
    compression = tags.get("compression", 1)
    return [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, tags.get("bits", 8)),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (273, 4, 1, pixels),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, len(pixels)),
    ]


def tiff(*pages: list[Entry], last_pointer: int = 0) -> bytes:
    """A TIFF file of these directories; bytes as a value are stored elsewhere, and the entry points to them."""
    data, pointer_at = bytearray(b"II*\0" + bytes(4)), 4
    for entries in pages:
        packed = []
        for tag, kind, count, value in sorted(entries, key=lambda entry: entry[0]):
            packed.append(struct.pack("<HHII", tag, kind, count, len(data) if isinstance(value, bytes) else value))
            data += value + bytes(len(value) % 2) if isinstance(value, bytes) else b""
        struct.pack_into("<I", data, pointer_at, len(data))
        data += struct.pack("<H", len(entries)) + b"".join(packed)
        pointer_at = len(data)
        data += bytes(4)
    struct.pack_into("<I", data, pointer_at, last_pointer)
    return bytes(data)


def webp_of_points(*colors: str) -> bytes:
    """An animation of single pixels."""
    frames = []
    for color in colors:
        pixel = encode(Image.new("RGB", (1, 1), color), "WEBP", lossless=True)[12:]
        frames.append(b"ANMF" + struct.pack("<I", 16 + len(pixel)) + bytes(12) + b"\x0a\0\0\0" + pixel)
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02" + bytes(9) + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    content = body + b"".join(frames)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def sample_count(data: bytes) -> int:
    return len(decode(data).whole.samples())


def test_a_gif_frame_outside_of_the_others_ends_the_samples():
    """A file of 125 KB enlarged one pixel to 169 million, and took 2 GB."""
    small = gif_frame(8, 8)
    assert sample_count(gif(8, 8, small, small, small)) == 2
    data = gif(8, 8, small, small, gif_frame(90, 90), small)
    assert sample_count(data) == 1
    assert check_header(data).frames == 4
    assert check_header(data).decodable_frames == 2


def test_a_gif_too_large_for_frames_in_color_is_decoded_without_them():
    data = gif(4000, 4000, gif_frame(4000, 4000), gif_frame(8, 8))
    assert check_header(data).memory_bytes <= LATER_FRAME_BYTES
    assert sample_count(data) == 0


def test_the_frames_of_a_png_count_as_memory_and_are_left_out_where_they_are_too_large():
    """16 megapixels took 192 MB where the header promised 61, and one of 40 would have taken 480 MB."""
    for side, samples in ((1_000, True), (4_000, False)):
        data = animated("PNG", *(Image.new("RGB", (side, side), color) for color in ("teal", "navy")))
        header, still = check_header(data), check_header(encode(Image.new("RGB", (side, side), "teal"), "PNG"))
        assert header.memory_bytes == (16 * side * side if samples else still.memory_bytes)
        assert bool(decode(data, header=header).whole.frames) == samples


def test_a_page_that_takes_much_more_memory_than_the_first_ends_the_samples():
    """A file of 1.4 MB took 645 MB for its second page; its header promised nothing of the kind."""
    dear = page(6300, 6300, zlib.compress(bytes(6300 * 6300)), compression=8)
    assert sample_count(tiff(page(), page(16, 4))) == 1
    data = tiff(page(), page(), dear, page())
    assert sample_count(data) == 1
    assert check_header(data).memory_bytes < 1000
    affordable = tiff(page(), page(4000, 4000, zlib.compress(bytes(4000 * 4000)), compression=8))
    assert check_header(affordable).memory_bytes == 4000 * 4000 * 5
    assert sample_count(affordable) == 1


def test_a_page_that_lists_millions_of_numbers_ends_the_samples():
    assert sample_count(tiff(page(), [*page(), (40_000, 4, 1_000_000, bytes(4_000_000))])) == 0


@pytest.mark.parametrize("second", [[(258, 3, 1, 8)], page(bits=7)])
def test_a_page_that_cannot_be_read_does_no_harm_to_the_first(second: list[Entry]):
    data = tiff(page(), second)
    assert np.array_equal(decode(data).pixels, decode(tiff(page())).pixels)
    assert sample_count(data) == 0
    assert compare(data, tiff(page())).kind is not VerdictKind.IDENTICAL


def test_directories_that_lead_nowhere_or_in_a_circle_are_the_end_of_the_pages():
    circle = tiff(page(), page(), last_pointer=8 + PIXELS)
    assert check_header(circle).frames == 2
    assert sample_count(tiff(page(), last_pointer=10**9)) == 0


def test_of_very_many_frames_and_pages_so_many_are_looked_at():
    """What a decoder does for one frame it does by a walk over all before it: 5 MB of WebP took 10 seconds."""
    many = 2 * MAX_FRAMES
    pages = tiff(*[page()] * many)
    frames = gif(8, 8, *[gif_frame(8, 8)] * many)
    for data in (pages, frames):
        assert check_header(data).frames == MAX_FRAMES
        assert sample_count(data) == 3
    points = webp_of_points(*["red"] * MAX_FRAMES, *["blue"] * MAX_FRAMES)
    samples = decode(points).whole.samples()
    assert (samples == samples[0]).all()


def test_directories_with_very_many_entries_end_the_pages():
    long_page = [*page(), *[(60_000, 3, 1, 0)] * 65_000]
    assert check_header(tiff(*[long_page] * 8)).frames == 4


def test_pages_of_more_than_8_bits_are_seen():
    def stack(*seeds: int) -> bytes:
        pages = [np.asarray(scene(seed, (160, 120)).convert("L")).astype(np.uint16) * 257 for seed in seeds]
        return animated("TIFF", *(Image.fromarray(it) for it in pages))

    assert compare(stack(1, 2, 3), stack(1, 4, 5)).kind is VerdictKind.ALTERED
    assert compare(stack(1, 2, 3), stack(1, 2, 3)).kind is not VerdictKind.ALTERED


def test_the_samples_of_a_turned_animation_are_upright():
    frames = [drawing(96, 64), drawing(96, 64).rotate(180)]
    exif = Image.Exif()
    exif[0x0112] = 6
    with io.BytesIO() as buffer:
        stored = [frame.transpose(Image.Transpose.ROTATE_90) for frame in frames]
        stored[0].save(buffer, "PNG", save_all=True, append_images=stored[1:], exif=exif)
        turned = decode(buffer.getvalue()).whole.samples().astype(int)
    upright = decode(animated("PNG", *frames)).whole.samples().astype(int)
    assert np.abs(turned - upright).max() <= 3


def test_a_tile_much_larger_than_its_picture_counts_as_memory():
    """4.7 MB of deflated zeros in one tile took 1 GB for a picture of 8 x 8 pixels."""
    tile = b"not looked at"
    picture = [it for it in page() if it[0] not in (273, 278, 279)]
    tiled = [(322, 4, 1, 32_768), (323, 4, 1, 32_768), (324, 4, 1, tile), (325, 4, 1, len(tile))]
    with pytest.raises(ImageTooLarge, match="decoding it takes 1,073,742,080 bytes"):
        decode(tiff([*picture, *tiled]))


@pytest.mark.parametrize("kind", [1, 4, 5])
def test_a_smaller_copy_or_a_mask_behind_a_page_is_no_other_page(kind: int):
    """A geographic TIFF with its mask was `altered` beside its JPEG copy."""
    rows = np.asarray(scene(1, (160, 120)).convert("L"))
    mask = np.zeros((120, 160), np.uint8)
    mask[20:100, 20:140] = 255
    first, behind = (page(160, 120, values.tobytes()) for values in (rows, mask))
    with_both = tiff(first, [*behind, (254, 4, 1, kind)])
    assert sample_count(with_both) == 0
    assert compare(with_both, encode(Image.fromarray(rows), "JPEG", quality=90)).kind is VerdictKind.DUPLICATE
    assert compare(with_both, tiff(first)).kind is VerdictKind.DUPLICATE
    assert compare(tiff(first, behind), tiff(first)).kind is VerdictKind.ALTERED
