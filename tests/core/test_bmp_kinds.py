"""Kinds of BMP that Pillow takes for something else than they are."""

import struct

import numpy as np
import pytest
from numpy.typing import NDArray

from dedup_core import VerdictKind, compare
from dedup_core.arrays import Pixels
from dedup_core.decoding.decoder import decode
from tests.core.odd_files import drawing, encode, srgb_profile

WIDTH, HEIGHT = 63, 40


def bmp(indexes: NDArray[np.uint8], bits: int, colors: list[tuple[int, int, int]], header_bytes: int = 40) -> bytes:
    """One of these indexes, (h, w); a short palette is followed by the pixels at once."""
    places = np.arange(bits - 1, -1, -1)
    rows = [np.packbits((row[:, None] >> places & 1).ravel()).tobytes() for row in indexes[::-1]]
    pixels = b"".join(row + bytes(-len(row) % 4) for row in rows)
    height, width = indexes.shape
    if header_bytes == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
        palette = b"".join(bytes(color[::-1]) for color in colors)
    else:
        info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, len(pixels), 0, 0, len(colors), 0)
        palette = b"".join(bytes((*color[::-1], 0)) for color in colors)
    start = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + palette + pixels


def expected(indexes: NDArray[np.uint8], colors: list[tuple[int, int, int]]) -> Pixels:
    return np.array(colors, np.uint8)[indexes]


def dots(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, count, (HEIGHT, WIDTH), dtype=np.uint8)


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_black_and_white_is_seen_whatever_the_bits_of_an_index_are(bits: int):
    """Of 4 and 8 bits each index was taken for as many pixels, and what came out was noise."""
    colors = [(0, 0, 0), (255, 255, 255)]
    assert np.array_equal(decode(bmp(dots(2), bits, colors)).pixels, expected(dots(2), colors))


@pytest.mark.parametrize("count", [5, 16])
def test_a_palette_of_dark_grays_is_one_like_any_other(count: int):
    """It was called damaged."""
    colors = [(gray, gray, gray) for gray in range(count)]
    assert np.array_equal(decode(bmp(dots(count), 4, colors)).pixels, expected(dots(count), colors))


def test_the_short_header_of_os_2_has_its_bits_elsewhere():
    colors = [(gray, gray, gray) for gray in range(16)]
    assert np.array_equal(decode(bmp(dots(16), 4, colors, header_bytes=12)).pixels, expected(dots(16), colors))


def with_profile(pixels: Pixels, profile: bytes, kind: bytes = b"DEBM", begin: int = 0) -> bytes:
    """A picture of 24 bits, its profile behind the pixels or where it is told to begin."""
    height, width, _ = pixels.shape
    rows = b"".join(row[:, ::-1].tobytes() + bytes(-3 * width % 4) for row in pixels[::-1])
    info = struct.pack("<IiiHHIIiiII", 124, width, height, 1, 24, 0, len(rows), 0, 0, 0, 0) + bytes(16) + kind
    info += bytes(48) + struct.pack("<IIII", 4, begin or 124 + len(rows), len(profile), 0)
    start = 14 + len(info)
    return b"BM" + struct.pack("<IHHI", start + len(rows) + len(profile), 0, 0, start) + info + rows + profile


def test_the_profile_in_a_bmp_says_what_its_numbers_mean():
    """It was not read, and files that look different were identical. In this one red and blue have changed places."""
    pixels = np.asarray(drawing(WIDTH, HEIGHT))
    swapped = srgb_profile().replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
    data = with_profile(pixels, swapped)
    assert np.abs(decode(data).pixels.astype(int) - pixels[..., ::-1]).max() <= 2
    assert compare(data, encode(drawing(WIDTH, HEIGHT), "PNG")).kind is not VerdictKind.IDENTICAL


@pytest.mark.parametrize(("kind", "begin"), [(b"BGRs", 0), (b"DEBM", 2**32 - 1), (b"DEBM", 1)])
def test_a_profile_that_is_none_or_leads_nowhere_changes_nothing(kind: bytes, begin: int):
    pixels = np.asarray(drawing(WIDTH, HEIGHT))
    assert np.array_equal(decode(with_profile(pixels, srgb_profile(), kind, begin)).pixels, pixels)
