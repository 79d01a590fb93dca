"""What decoding promises for ordinary pictures of every format and mode."""

import gzip
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from dedup_core.decoding.decoder import decode
from dedup_core.decoding.formats import ALL_FORMATS
from dedup_core.decoding.header_check import check_header
from dedup_core.decoding.headers.jpeg2000 import TILE_BYTES
from dedup_core.errors import ImageTooLarge, UnreadableImage
from dedup_core.limits import WORKING_SIZE, DecodeLimits
from tests.core.odd_files import encode, sound_files, srgb_profile
from tests.core.pictures import scene

EVERY_FORMAT = DecodeLimits(formats=ALL_FORMATS)


def colorful(width: int, height: int) -> Image.Image:
    """A smooth picture in which every corner has another color."""
    x = np.linspace(0, 255, width)[None, :]
    y = np.linspace(0, 255, height)[:, None]
    planes = np.broadcast_arrays(x, y, 255 - (x + y) / 2)
    return Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8))


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"])
def test_every_format_on_the_list_is_decoded_to_the_same_colors(format_name: str) -> None:
    picture = colorful(300, 200)
    image = decode(encode(picture, format_name), EVERY_FORMAT)
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
        decode(encode(colorful(40, 30), format_name), DecodeLimits(max_pixels=1199, formats=ALL_FORMATS))
    assert caught.value.reason == "too-many-pixels"


def test_text_is_an_unsupported_format() -> None:
    with pytest.raises(UnreadableImage) as caught:
        decode(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert caught.value.reason == "unsupported-format"


def test_a_compressed_file_is_refused_by_the_name_of_its_compression() -> None:
    with pytest.raises(UnreadableImage, match="compressed with gzip") as caught:
        decode(gzip.compress(encode(Image.new("RGB", (9, 9)), "PNG")))
    assert caught.value.reason == "unsupported-format"


def test_colors_in_floating_point_are_refused_and_not_called_damaged() -> None:
    entries = [(256, 3, 8), (257, 3, 8), (258, 3, 0), (259, 3, 1), (262, 3, 2), (273, 4, 0), (277, 3, 3), (278, 3, 8)]
    entries += [(279, 4, 768), (339, 3, 0)]
    end = 8 + 2 + 12 * len(entries) + 4
    places = {258: end, 339: end + 6, 273: end + 12}
    rows = [
        struct.pack("<HHII", tag, kind, 3 if tag in (258, 339) else 1, places.get(tag, value))
        for tag, kind, value in entries
    ]
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(rows) + bytes(4)
    samples = struct.pack("<6H", 32, 32, 32, 3, 3, 3) + np.linspace(0, 1, 192, dtype="<f4").tobytes()
    with pytest.raises(UnreadableImage, match="floating point") as caught:
        decode(head + samples)
    assert caught.value.reason == "unsupported-format"


def test_half_a_jpeg_is_refused_as_truncated() -> None:
    data = encode(colorful(300, 200), "JPEG")
    with pytest.raises(UnreadableImage) as caught:
        decode(data[: len(data) // 2])
    assert caught.value.reason == "truncated"


def test_a_profile_says_what_the_numbers_mean() -> None:
    """In this profile red and blue have changed places, so a red file shows a blue picture."""
    swapped = srgb_profile().replace(b"rXYZ", b"tmp0").replace(b"bXYZ", b"rXYZ").replace(b"tmp0", b"bXYZ")
    red = Image.new("RGB", (40, 30), (255, 0, 0))
    for format_name in ("JPEG", "PNG", "WEBP", "TIFF"):
        image = decode(encode(red, format_name, icc_profile=swapped))
        mean = image.pixels.mean(axis=(0, 1))
        assert mean[2] > 250, format_name
        assert mean[0] < 10, format_name


def test_the_profile_of_ordinary_photos_changes_nothing_visible() -> None:
    picture = colorful(120, 80)
    plain = decode(encode(picture, "PNG")).pixels.astype(int)
    with_profile = decode(encode(picture, "PNG", icc_profile=srgb_profile())).pixels.astype(int)
    assert np.abs(plain - with_profile).max() <= 2


def test_a_profile_for_other_pixels_counts_as_none() -> None:
    grey = colorful(120, 80).convert("L")
    image = decode(encode(grey, "PNG", icc_profile=srgb_profile()))
    assert np.array_equal(image.pixels[..., 0], np.asarray(grey))


def gray_profile(gamma: float) -> bytes:
    """The least that an ICC profile of grays may be: white, and what their numbers mean."""
    white = struct.pack(">iii", 63_190, 65_536, 54_061)
    curve = b"curv" + bytes(4) + struct.pack(">IHH", 1, round(gamma * 256), 0)
    tags = {b"wtpt": b"XYZ " + bytes(4) + white, b"kTRC": curve}
    start = 128 + 4 + 12 * len(tags)
    entries, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        entries += struct.pack(">4sII", name, start + len(body), len(content))
        body += content
    head = struct.pack(">I4sI", start + len(body), b"lcms", 0x0210_0000) + b"mntrGRAYXYZ " + bytes(12) + b"acsp"
    return (head + bytes(28) + white).ljust(128, b"\0") + entries + body


@pytest.mark.parametrize("mode", ["L", "LA"])
@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_a_gray_profile_says_what_the_numbers_mean_beside_transparency_too(format_name: str, mode: str) -> None:
    """With transparency it counted as one for other pixels."""
    linear = colorful(120, 80).convert("L")
    shares = np.asarray(linear) / 255
    expected = 255 * np.where(shares < 0.0031308, 12.92 * shares, 1.055 * shares ** (1 / 2.4) - 0.055)
    pixels = decode(encode(linear.convert(mode), format_name, icc_profile=gray_profile(1.0))).pixels
    assert np.abs(pixels[..., 0] - expected)[expected > 32].max() <= 2


def test_press_colors_come_out_as_colors() -> None:
    ink = Image.new("CMYK", (40, 30), (0, 255, 255, 0))  # magenta and yellow over each other
    for format_name in ("JPEG", "TIFF"):
        red, green, blue = decode(encode(ink, format_name)).pixels.mean(axis=(0, 1))
        assert red > 200, format_name
        assert max(green, blue) < 80, format_name


def test_lab_comes_out_as_the_colors_it_was_made_from() -> None:
    data = dict(sound_files())
    lab, rgb = decode(data["tiff-lab"]).pixels.astype(int), decode(data["tiff-plain"]).pixels.astype(int)
    assert np.abs(lab - rgb).mean() < 3


@pytest.mark.parametrize("kind", ["int32", "float32"])
def test_deeper_values_stretch_from_black_to_white(kind: str) -> None:
    ramp = np.linspace(-1000, 70_000, 256).astype(kind)[None, :].repeat(8, axis=0)
    image = decode(encode(Image.fromarray(ramp), "TIFF"))
    assert np.abs(image.pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_fewer_bits_in_16_stretch_from_black_to_white(bits: int) -> None:
    ramp = np.linspace(0, (1 << bits) - 1, 256).round().astype(np.uint16)[None, :].repeat(64, axis=0)
    ramp[3, 5] = 65535  # a hot pixel
    image = decode(encode(Image.fromarray(ramp), "PNG"))
    assert np.abs(image.pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_a_hot_pixel_does_not_leave_float_values_in_the_dark() -> None:
    ramp = np.linspace(-1, 3, 256, dtype=np.float32)[None, :].repeat(64, axis=0)
    ramp[9, 9] = 1e9
    image = decode(encode(Image.fromarray(ramp), "TIFF"))
    assert np.abs(image.pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 2


def test_values_that_are_no_numbers_do_not_spread() -> None:
    values = np.full((8, 256), np.nan, np.float32)
    values[:, 128:] = np.linspace(0, 1, 128)
    image = decode(encode(Image.fromarray(values), "TIFF"))
    assert (image.pixels[:, :128] == 0).all()
    assert image.pixels[0, -1, 0] == 255


def test_half_transparent_edges_are_not_darkened_by_what_lies_under_them() -> None:
    pixels = np.zeros((1600, 1600, 4), np.uint8)  # clear black
    pixels[::2, :] = (255, 0, 0, 255)  # every other row opaque red
    image = decode(encode(Image.fromarray(pixels), "PNG"))
    assert np.abs(image.pixels.mean(axis=(0, 1)) - (255, 127.5, 127.5)).max() < 1


def test_transparency_lies_over_white_in_every_format_that_has_it() -> None:
    picture = Image.new("RGBA", (64, 64), (0, 0, 255, 0))
    picture.paste((0, 0, 255, 255), (0, 0, 32, 64))
    for format_name in ("PNG", "WEBP", "AVIF", "TIFF", "JPEG2000", "GIF"):
        image = decode(encode(picture, format_name), EVERY_FORMAT)
        assert np.abs(image.pixels[:, 40:].astype(int) - 255).max() <= 3, format_name
        assert image.pixels[:, :24, 0].max() < 30, format_name


def test_the_size_at_which_a_picture_was_stored_hardly_matters() -> None:
    original = colorful(1600, 1200)
    noise = np.random.default_rng(0).integers(-20, 20, (40, 53, 3)).astype(np.int16)
    texture = Image.fromarray((noise + 128).astype(np.uint8)).resize(original.size, Image.Resampling.BICUBIC)
    original = Image.blend(original, texture, 0.4)
    reference = decode(encode(original, "PNG")).pixels.astype(int)
    for width in (1300, 1024, 700):
        stored = original.resize((width, width * 3 // 4), Image.Resampling.LANCZOS)
        for options in ({"quality": 95}, {"quality": 95, "progressive": True}):
            difference = np.abs(decode(encode(stored, "JPEG", **options)).pixels.astype(int) - reference)
            assert difference.mean() < 1.5, width


@pytest.mark.parametrize("size", [(1537, 3), (3, 1537), (5000, 1), (1, 5000), (1023, 1025), (1601, 801)])
def test_awkward_sizes_come_out_whole(size: tuple[int, int]) -> None:
    for format_name in ("JPEG", "PNG", "JPEG2000"):
        image = decode(encode(colorful(*size), format_name), EVERY_FORMAT)
        height, width = image.pixels.shape[:2]
        assert (image.width, image.height) == size
        assert max(width, height) == 512
        assert min(width, height) == max(1, round(512 * min(size) / max(size)))


def test_decoded_bytes_tell_that_a_large_jpeg_is_shrunk_on_the_way() -> None:
    picture = colorful(3200, 2400)
    assert decode(encode(picture, "JPEG")).decoded_bytes == 800 * 600 * 4
    assert decode(encode(picture, "PNG", compress_level=1)).decoded_bytes == 3200 * 2400 * 4


def test_many_threads_decode_what_one_decodes() -> None:
    files = [data for _, data in sound_files()]
    alone = [decode(data, EVERY_FORMAT).pixels for data in files]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda data: decode(data, EVERY_FORMAT).pixels, files * 3))
    assert all(np.array_equal(one, other) for one, other in zip(alone * 3, together, strict=True))


def test_a_refusal_spells_a_format_as_the_documentation_does() -> None:
    with pytest.raises(ImageTooLarge, match=r"the WebP picture has 40 x 30 pixels"):
        decode(encode(colorful(40, 30), "WEBP"), DecodeLimits(max_pixels=100))
    with pytest.raises(UnreadableImage, match=r"^JPEG 2000 files are not read here"):
        decode(encode(colorful(40, 30), "JPEG2000"))


def test_a_refusal_says_what_is_wrong_and_what_the_limit_is() -> None:
    with pytest.raises(ImageTooLarge, match=r"the PNG picture has 40 x 30 pixels, the limit is 100$"):
        decode(encode(colorful(40, 30), "PNG"), DecodeLimits(max_pixels=100))
    with pytest.raises(ImageTooLarge, match=r"the limit is 90 for a file that cannot be shrunk .* MAX_IMAGE_PIXELS"):
        decode(encode(colorful(40, 30), "PNG"), DecodeLimits(max_pixels=5000, max_unshrunk_pixels=90))
    with pytest.raises(ImageTooLarge, match=r"the JPEG picture has 2,000 x 1,500 pixels, the limit is 100$"):
        decode(encode(colorful(2000, 1500), "JPEG"), DecodeLimits(max_pixels=100, max_unshrunk_pixels=90))
    with pytest.raises(UnreadableImage, match=r"the PNG file ends before its picture does .* probably cut off"):
        decode(encode(colorful(90, 90), "PNG")[:300])


def test_every_tile_of_a_jpeg_2000_counts_for_the_memory_that_its_decoder_takes():
    picture = scene(1, (256, 256))
    files = (encode(picture, "JPEG2000", **options) for options in ({}, {"tile_size": (32, 32)}))
    whole, tiled = (check_header(data, DecodeLimits(formats=ALL_FORMATS)).memory_bytes for data in files)
    assert tiled == whole + 63 * TILE_BYTES


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tile_size": (333, 333)},
        {"tile_size": (8192, 8192), "tile_offset": (0, 0), "offset": (3, 5)},
    ],
    ids=["whole", "in odd tiles", "away from the corner"],
)
def test_a_jpeg_2000_is_shrunk_or_read_whole_whatever_its_size_is(options: dict[str, tuple[int, int]]):
    """Two of three such files were called damaged: Pillow rounds a quarter of 4,097 pixels to 1,024."""
    picture = colorful(4097, 801)
    image = decode(encode(picture, "JPEG2000", **options), EVERY_FORMAT)
    expected = decode(encode(picture, "PNG", compress_level=1))
    assert (image.width, image.height) == picture.size
    assert np.abs(image.pixels.astype(int) - expected.pixels).mean() < 1
