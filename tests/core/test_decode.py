"""What decoding promises for ordinary pictures of every format and mode."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dedup_core.decode import WORKING_SIZE, DecodeLimits, decode
from dedup_core.errors import ImageTooLarge, UnreadableImage


def colorful(width: int, height: int) -> Image.Image:
    """A smooth picture in which every corner has another color."""
    x = np.linspace(0, 255, width)[None, :]
    y = np.linspace(0, 255, height)[:, None]
    planes = np.broadcast_arrays(x, y, 255 - (x + y) / 2)
    return Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8))


def encode(picture: Image.Image, format_name: str, **options: object) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"])
def test_every_format_on_the_list_is_decoded_to_the_same_colors(format_name: str) -> None:
    picture = colorful(300, 200)
    image = decode(encode(picture, format_name))
    assert (image.format, image.width, image.height) == (format_name, 300, 200)
    assert image.pixels.shape == (200, 300, 3)
    assert np.abs(image.pixels.astype(int) - np.asarray(picture)).mean() < 9


def test_a_large_picture_keeps_its_proportions_at_working_size() -> None:
    image = decode(encode(colorful(1600, 900), "JPEG"))
    assert image.pixels.shape == (WORKING_SIZE * 900 // 1600, WORKING_SIZE, 3)
    assert (image.width, image.height) == (1600, 900)


def test_a_small_picture_is_never_enlarged() -> None:
    assert decode(encode(colorful(7, 3), "PNG")).pixels.shape == (3, 7, 3)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_picture_turned_by_exif_comes_out_upright(format_name: str) -> None:
    upright = colorful(300, 200)
    exif = Image.Exif()
    exif[0x0112] = 6
    image = decode(encode(upright.transpose(Image.Transpose.ROTATE_90), format_name, exif=exif))
    assert (image.width, image.height) == (300, 200)
    assert np.abs(image.pixels.astype(int) - np.asarray(upright)).mean() < 9


def test_transparent_pixels_lie_over_white() -> None:
    picture = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    assert (decode(encode(picture, "PNG")).pixels == 255).all()


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16)[None, :].repeat(8, axis=0)
    image = decode(encode(Image.fromarray(ramp), "PNG"))
    assert np.abs(image.pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_a_file_above_the_byte_limit_is_refused_by_its_length() -> None:
    with pytest.raises(ImageTooLarge) as caught:
        decode(b"\xff\xd8\xff" + bytes(100), DecodeLimits(max_bytes=50))
    assert caught.value.reason == "too-many-bytes"


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"])
def test_a_picture_above_the_pixel_limit_is_refused_by_its_header(format_name: str) -> None:
    with pytest.raises(ImageTooLarge) as caught:
        decode(encode(colorful(40, 30), format_name), DecodeLimits(max_pixels=1199))
    assert caught.value.reason == "too-many-pixels"


def test_text_is_an_unsupported_format() -> None:
    with pytest.raises(UnreadableImage) as caught:
        decode(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert caught.value.reason == "unsupported-format"


def test_half_a_jpeg_is_refused_as_truncated() -> None:
    data = encode(colorful(300, 200), "JPEG")
    with pytest.raises(UnreadableImage) as caught:
        decode(data[: len(data) // 2])
    assert caught.value.reason == "truncated"
