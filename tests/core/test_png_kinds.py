"""Kinds of PNG that Pillow takes for something else than they are."""

import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray

from dedup_core import VerdictKind, compare
from dedup_core.decoding.decoder import decode
from dedup_core.errors import UnreadableImage
from tests.core.odd_files import drawing, encode, srgb_profile

WIDTH, HEIGHT = 61, 40


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def gray_png(values: NDArray[np.uint16], bits: int, *more: bytes) -> bytes:
    """Of gray values (h, w), with further chunks before its pixels."""
    height, width = values.shape
    places = np.arange(bits - 1, -1, -1)
    rows = b"".join(b"\0" + np.packbits((row[:, None] >> places & 1).ravel()).tobytes() for row in values)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    end = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + end


def interlaced_png(values: NDArray[np.uint16], passes: int) -> bytes:
    """Of gray values of 8 bits, of which so many of the seven passes are in a stream that ends well."""
    parts = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    shown = (values[top::down, left::across] for left, top, across, down in parts[:passes])
    rows = b"".join(b"\0" + row.astype(np.uint8).tobytes() for part in shown if part.size for row in part)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 8, 0, 0, 0, 1))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def key(value: int) -> bytes:
    return chunk(b"tRNS", struct.pack(">H", value))


def ramp(bits: int) -> NDArray[np.uint16]:
    most = (1 << bits) - 1
    return np.linspace(0, most, WIDTH).round().astype(np.uint16)[None, :].repeat(HEIGHT, axis=0)


def shown(values: NDArray[np.uint16], bits: int) -> NDArray[np.float64]:
    return np.repeat(values[..., None] * 255.0 / ((1 << bits) - 1), 3, axis=2).round()


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_the_color_key_of_a_gray_picture_is_transparent_whatever_its_bits_are(bits: int):
    """Of 2 and 4 bits another shade was, or none; of 16 the key was not looked at."""
    values = ramp(bits)
    transparent = int(values[0, WIDTH * 2 // 5]) if bits > 1 else 1
    expected = shown(values, bits)
    expected[values == transparent] = 255
    assert np.abs(decode(gray_png(values, bits, key(transparent))).pixels - expected).max() <= 1


@pytest.mark.parametrize("bits", [2, 4])
def test_of_a_color_key_with_more_bits_than_the_picture_only_the_last_count(bits: int):
    values = ramp(bits)
    left, right = gray_png(values, bits, key(1)), gray_png(values, bits, key(1 + (1 << bits)))
    assert np.array_equal(decode(left).pixels, decode(right).pixels)


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_the_same_values_of_which_one_is_transparent_are_not_identical(bits: int):
    values = np.random.default_rng(1).integers(0, 1 << bits, (HEIGHT, WIDTH)).astype(np.uint16)
    opaque, keyed = gray_png(values, bits), gray_png(values, bits, key(int(values[3, 3])))
    assert compare(opaque, keyed).kind is not VerdictKind.IDENTICAL
    assert compare(opaque, opaque + b"\0").kind is VerdictKind.IDENTICAL


def test_a_deep_picture_with_a_color_key_that_has_to_be_reduced_is_still_transparent_there():
    values = np.full((1500, 1200), 20_000, np.uint16)
    values[500:1000] = 45_000
    values[:, 600:] = 1
    pixels = decode(gray_png(values, 16, key(1))).pixels
    assert (pixels[:, 210:] == 255).all()
    assert abs(int(pixels[20, 20, 0]) - 78) <= 1


@pytest.mark.parametrize("height", [40, 41])
def test_an_interlaced_picture_without_its_last_pass_is_no_whole_one(height: int):
    """Of an odd height the last row is in an earlier pass, and every other row was black."""
    values = np.random.default_rng(2).integers(0, 256, (height, WIDTH)).astype(np.uint16)
    assert np.array_equal(decode(interlaced_png(values, 7)).pixels[..., 0], values)
    with pytest.raises(UnreadableImage, match="its last rows are not there") as refusal:
        decode(interlaced_png(values, 6))
    assert refusal.value.reason == "truncated"


@pytest.mark.parametrize("height", [1, 2, 3])
def test_an_interlaced_picture_of_few_rows_is_read(height: int):
    values = np.random.default_rng(3).integers(0, 256, (height, WIDTH)).astype(np.uint16)
    assert np.array_equal(decode(interlaced_png(values, 7)).pixels[..., 0], values)


@pytest.mark.parametrize("name", [b"icc_profile", b"transparency"])
@pytest.mark.parametrize("behind", [False, True])
def test_a_text_may_have_the_name_that_pillow_has_for_something_else(name: bytes, *, behind: bool):
    """Programs that copy `Image.info` into texts write such files, which were called damaged."""
    plain = encode(drawing(WIDTH, HEIGHT), "PNG", icc_profile=srgb_profile())
    at = plain.index(b"IEND") - 4 if behind else 33
    written = plain[:at] + chunk(b"tEXt", name + b"\0b'12'") + plain[at:]
    assert compare(written, plain).kind is VerdictKind.IDENTICAL
