"""Kinds of TIFF that Pillow reads wrongly or for something else than they are."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from dedup_core.arrays import Pixels
from dedup_core.decoding.decoder import decode
from dedup_core.errors import UnreadableImage
from tests.core.odd_files import drawing
from tests.core.test_later_frames import Entry, tiff

WIDTH, HEIGHT = 48, 32


def shorts(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def picture(pixels: bytes, bits: int, photometric: int, *more: Entry, compression: int = 1) -> bytes:
    """One strip of pixels; what is said further counts before what is said here."""
    usual: list[Entry] = [
        (256, 4, 1, WIDTH),
        (257, 4, 1, HEIGHT),
        (258, 3, 1, bits),
        (259, 3, 1, compression),
        (262, 3, 1, photometric),
        (273, 4, 1, pixels),
        (278, 4, 1, HEIGHT),
        (279, 4, 1, len(pixels)),
    ]
    others = {entry[0] for entry in more}
    return tiff([*(entry for entry in usual if entry[0] not in others), *more])


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


def planes(values: Pixels, photometric: int, *more: Entry) -> bytes:
    """Planes of 8 bits, one behind the other, of values (h, w, planes)."""
    separate = np.moveaxis(values, -1, 0)
    count, plane = len(separate), WIDTH * HEIGHT
    offsets = struct.pack(f"<{count}I", *range(count))  # from the first one on, see below
    entries: list[Entry] = [
        (258, 3, count, shorts(*[8] * count) if count > 2 else 8 | 8 << 16),
        (273, 4, count, offsets),
        (277, 3, 1, count),
        (279, 4, count, struct.pack(f"<{count}I", *[plane] * count)),
        (284, 3, 1, 2),
        (60_000, 7, separate.size, separate.tobytes()),
    ]
    data = picture(b"", 8, photometric, *entries, *more)
    at = data.index(separate.tobytes())
    return data.replace(offsets, struct.pack(f"<{count}I", *(at + plane * number for number in range(count))))


def with_alpha() -> tuple[Pixels, Pixels]:
    """Colors with their alpha, (h, w, 4), and how they look on white."""
    colors = np.asarray(drawing(WIDTH, HEIGHT))
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[8:16], alpha[20:] = 128, 0
    seen = colors * (alpha / 255) + 255 * (1 - alpha / 255)
    return np.dstack([colors, alpha]), seen.round().astype(np.uint8)


def test_planes_of_which_one_is_alpha_or_nothing_are_read():
    """They were called damaged."""
    values, expected = with_alpha()
    multiplied = values.copy()
    multiplied[..., :3] = (values[..., :3] * (values[..., 3:] / 255)).round()
    associated = decode(planes(multiplied, 2, (338, 3, 1, 1))).pixels
    assert np.abs(associated.astype(int) - expected).max() <= 2
    assert np.array_equal(decode(planes(values, 2, (338, 3, 1, 2))).pixels, expected)
    assert np.array_equal(decode(planes(values, 2, (338, 3, 1, 0))).pixels, values[..., :3])


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [1, 4, 8, 16])
def test_a_single_plane_is_read_whatever_its_file_says_of_planes(photometric: int, bits: int):
    """Where white is zero it came out as its negative, and 4 and 16 bits were called damaged."""
    values = np.random.default_rng(bits).integers(0, 1 << bits, (HEIGHT, WIDTH))
    values[0, 0] = (1 << bits) - 1
    places = np.arange(bits - 1, -1, -1)
    packed = [np.packbits((row[:, None] >> places & 1).astype(np.uint8).ravel()) for row in values]
    pixels = values.astype("<u2").tobytes() if bits == 16 else b"".join(row.tobytes() for row in packed)
    expected = np.repeat((values * 255 / ((1 << bits) - 1))[..., None], 3, axis=2)
    expected = expected if photometric else 255 - expected
    assert np.abs(decode(picture(pixels, bits, photometric, (284, 3, 1, 2))).pixels - expected).max() <= 1


@pytest.mark.parametrize("shared", [(2, 1), (2, 2), (4, 1), None])
def test_colors_that_several_pixels_share_are_read_without_compression(shared: tuple[int, int] | None):
    """They were called cut off; where the file says nothing, two by two pixels share them."""
    across, down = shared or (2, 2)
    image = Image.fromarray(np.asarray(drawing(WIDTH, HEIGHT)).repeat(4, axis=0)[:HEIGHT].repeat(4, axis=1)[:, :WIDTH])
    values = np.asarray(image.convert("YCbCr"))
    units = bytearray()
    for y in range(0, HEIGHT, down):
        for x in range(0, WIDTH, across):
            units += values[y : y + down, x : x + across, 0].tobytes() + values[y, x, 1:].tobytes()
    more: list[Entry] = [(258, 3, 3, shorts(8, 8, 8)), (277, 3, 1, 3)]
    more += [(530, 3, 2, across | down << 16)] if shared else []
    pixels = decode(picture(bytes(units), 8, 6, *more)).pixels
    assert np.abs(pixels.astype(int) - np.asarray(image)).max() <= 4


@pytest.mark.parametrize(
    ("kind", "values"), [(">f4", (0.0, 0.9)), (">i4", (-9_000, 240_000)), (">i2", (-9_000, 9_000))]
)
def test_deep_values_with_the_highest_byte_first_are_read_from_a_compressed_file(
    kind: str, values: tuple[float, float]
):
    """As ImageJ and its like write them; their bytes were taken the other way round."""
    gray = np.asarray(drawing(WIDTH, HEIGHT).convert("L")).astype(float)
    low, high = values
    deep = (low + (high - low) * (gray - gray.min()) / np.ptp(gray)).astype(kind)
    strip = zlib.compress(deep.tobytes())
    numbers = {256: WIDTH, 257: HEIGHT, 258: 8 * deep.itemsize, 259: 8, 262: 1, 273: 8, 277: 1, 278: HEIGHT}
    numbers |= {279: len(strip), 339: 3 if "f" in kind else 2}
    entries = [struct.pack(">HHII", tag, 4, 1, number) for tag, number in numbers.items()]
    head = b"MM\0*" + struct.pack(">I", 8 + len(strip)) + strip
    pixels = decode(head + struct.pack(">H", len(entries)) + b"".join(entries) + bytes(4)).pixels
    expected = 255 * (gray - gray.min()) / np.ptp(gray)
    assert np.abs(pixels[..., 0] - expected).max() <= 1


def test_values_of_32_bits_without_a_sign_are_read_up_to_the_largest():
    """The upper half of them was darker than the lower one."""
    ramp = np.linspace(0, 2**32 - 1, WIDTH)[None, :].repeat(HEIGHT, axis=0)
    pixels = decode(picture(ramp.astype("<u4").tobytes(), 32, 1)).pixels
    assert np.abs(pixels[..., 0] - ramp / (2**32 - 1) * 255).max() <= 1


def test_gray_that_is_multiplied_by_its_alpha_is_read():
    """It was called damaged."""
    values, expected = with_alpha()
    gray = values[..., 0] * (values[..., 3] / 255)
    pixels = np.dstack([gray.round().astype(np.uint8), values[..., 3]]).tobytes()
    more: list[Entry] = [(258, 3, 2, 8 | 8 << 16), (277, 3, 1, 2), (338, 3, 1, 1)]
    assert np.abs(decode(picture(pixels, 8, 1, *more)).pixels[..., 0] - expected[..., 0].astype(int)).max() <= 2


def test_planes_that_would_be_taken_for_something_else_are_refused_and_not_called_damaged():
    values, _ = with_alpha()
    for refused in (planes(values[..., 2:], 1, (338, 3, 1, 2)), planes(values[..., :3], 8)):
        with pytest.raises(UnreadableImage, match="in planes: save it") as refusal:
            decode(refused)
        assert refusal.value.reason == "unsupported-variant"


def test_a_big_tiff_in_the_other_order_is_refused_and_not_called_damaged():
    with pytest.raises(UnreadableImage, match="highest byte first is not read here") as refusal:
        decode(b"MM\0+\0\x08\0\0" + struct.pack(">Q", 16) + bytes(100))
    assert refusal.value.reason == "unsupported-variant"


@pytest.mark.parametrize("strips", [1, 2, 3, 4])
def test_a_list_of_strips_that_ends_early_is_no_whole_picture(strips: int):
    """What they did not cover was black."""
    rows = HEIGHT // 4
    pixels = np.asarray(drawing(WIDTH, HEIGHT).convert("L")).tobytes()
    first = tiff([(250, 7, len(pixels), pixels)]).index(pixels)
    starts = [first + WIDTH * rows * number for number in range(strips)]
    offsets: Entry = (273, 4, strips, struct.pack(f"<{strips}I", *starts) if strips > 1 else first)
    lengths: Entry = (279, 4, strips, struct.pack("<I", WIDTH * rows) * strips if strips > 1 else WIDTH * rows)
    listed = picture(b"", 8, 1, (250, 7, len(pixels), pixels), (278, 4, 1, rows), offsets, lengths)
    if strips == 4:
        assert np.array_equal(decode(listed).pixels, decode(picture(pixels, 8, 1)).pixels)
        return
    with pytest.raises(UnreadableImage, match="lists fewer strips or tiles") as refusal:
        decode(listed)
    assert refusal.value.reason == "truncated"


@pytest.mark.parametrize("largest", [255, 65_535])
def test_a_palette_of_8_bits_is_read_as_one_of_16_is(largest: int):
    """Some programs write it so, and every color was black."""
    colors = np.random.default_rng(5).integers(0, 256, (3, 256), dtype=np.uint16)
    colors[0, 0] = 255
    indexes = np.arange(WIDTH * HEIGHT).astype(np.uint8).reshape(HEIGHT, WIDTH)
    data = picture(indexes.tobytes(), 8, 3, (320, 3, 768, (colors * (largest // 255)).astype("<u2").tobytes()))
    assert np.array_equal(decode(data).pixels, np.moveaxis(colors, 0, -1)[indexes])
