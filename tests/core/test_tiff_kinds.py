"""Kinds of TIFF that Pillow reads wrongly or for something else than they are."""

import struct

import numpy as np
import pytest
from PIL import Image

from dedup_core.decoding.decoder import decode
from dedup_core.errors import UnreadableImage
from tests.core.odd_files import drawing
from tests.core.test_later_frames import Entry, tiff

WIDTH, HEIGHT = 48, 32


def shorts(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def picture(pixels: bytes, bits: int, photometric: int, *more: Entry, compression: int = 1) -> bytes:
    """One strip of pixels."""
    return tiff(
        [
            (256, 4, 1, WIDTH),
            (257, 4, 1, HEIGHT),
            (258, 3, 1, bits),
            (259, 3, 1, compression),
            (262, 3, 1, photometric),
            (278, 4, 1, HEIGHT),
            *([] if any(entry[0] == 273 for entry in more) else [(273, 4, 1, pixels), (279, 4, 1, len(pixels))]),
            *more,
        ]
    )


def planes_of_16_bits(image: Image.Image, photometric: int, *more: Entry) -> bytes:
    values = np.moveaxis(np.asarray(image), -1, 0).astype("<u2") * 257  # (planes, h, w)
    count, plane = len(values), values[0].nbytes
    offsets = struct.pack(f"<{count}I", *(8 + plane * number for number in range(count)))
    layout: list[Entry] = [
        (258, 3, count, shorts(*[16] * count)),
        (273, 4, count, offsets),
        (277, 3, 1, count),
        (279, 4, count, struct.pack(f"<{count}I", *[plane] * count)),
        (284, 3, 1, 2),
    ]
    entries = [(256, 4, 1, WIDTH), (257, 4, 1, HEIGHT), (259, 3, 1, 1), (262, 3, 1, photometric), (278, 4, 1, HEIGHT)]
    data = tiff([(60_000, 7, values.nbytes, values.tobytes()), *entries, *layout, *more])
    at = data.index(values.tobytes())
    return data.replace(offsets, struct.pack(f"<{count}I", *(at + plane * number for number in range(count))))


@pytest.mark.parametrize(
    ("mode", "photometric", "more"), [("RGB", 2, []), ("RGBA", 2, [(338, 3, 1, 2)]), ("CMYK", 5, [])]
)
def test_planes_of_16_bits_without_compression_are_read_as_such(mode: str, photometric: int, more: list[Entry]):
    """Of each plane the upper half was shown, stretched, with its low bytes as pixels."""
    image = drawing(WIDTH, HEIGHT).convert(mode)
    pixels = decode(planes_of_16_bits(image, photometric, *more)).pixels
    assert np.abs(pixels.astype(int) - np.asarray(drawing(WIDTH, HEIGHT))).max() <= 1


def test_where_white_is_zero_deep_values_are_turned_as_those_of_8_bits_are():
    gray = np.asarray(drawing(WIDTH, HEIGHT).convert("L"))
    expected = np.repeat(gray[..., None], 3, axis=2)
    inverted = 255 - gray
    of_8_bits = decode(picture(inverted.tobytes(), 8, 0)).pixels
    of_16_bits = decode(picture((inverted.astype("<u2") * 257).tobytes(), 16, 0)).pixels
    assert np.array_equal(of_8_bits, expected)
    assert np.abs(of_16_bits.astype(int) - expected).max() <= 1
    real = decode(picture((inverted / 255).astype("<f4").tobytes(), 32, 0, (339, 3, 1, 3))).pixels
    assert np.corrcoef(real[..., 0].ravel(), gray.ravel())[0, 1] > 0.99


def test_a_file_that_begins_with_a_small_copy_is_refused_as_the_raw_file_it_is():
    """The picture of a raw file was its thumbnail of 160 x 120 pixels."""
    with pytest.raises(UnreadableImage, match="small copy of its picture, as raw camera files do") as refusal:
        decode(picture(bytes(WIDTH * HEIGHT), 8, 1, (254, 4, 1, 1), (330, 4, 1, 8)))
    assert refusal.value.reason == "unsupported-format"
    decode(picture(bytes(WIDTH * HEIGHT), 8, 1, (254, 4, 1, 2)))  # a page of several


def test_a_small_copy_that_is_alone_in_its_file_is_a_picture_like_any_other():
    assert decode(picture(bytes(WIDTH * HEIGHT), 8, 1, (254, 4, 1, 1))).width == WIDTH


@pytest.mark.parametrize("compression", [34712, 34887, 50001, 50002])
def test_a_compression_that_is_not_read_is_not_called_damage(compression: int):
    with pytest.raises(UnreadableImage, match=f"not read here .number {compression}.") as refusal:
        decode(picture(bytes(100), 8, 1, compression=compression))
    assert refusal.value.reason == "unsupported-variant"


@pytest.mark.parametrize(
    "entry",
    [
        (700, 2, 3, b"ab\0"),  # XMP as text
        (34675, 3, 1, 7),  # a profile that is a number
        (34665, 2, 1, 0),  # EXIF that is a text
        (34853, 4, 1, 8),  # GPS among the pixels
    ],
)
def test_metadata_of_another_kind_than_it_should_be_is_left_out(entry: Entry):
    pixels = b"\xff" * (WIDTH * HEIGHT)
    assert np.array_equal(decode(picture(pixels, 8, 1, entry)).pixels, decode(picture(pixels, 8, 1)).pixels)
