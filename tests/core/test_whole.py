"""`identical` is said of all that a file holds, and animations are judged by more than their first frames."""

import gc
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from dedup_core import VerdictKind, compare
from dedup_core.decoding.decoder import decode
from dedup_core.decoding.working_image import FRAME_SIDE, MAX_SAMPLES
from tests.core.pictures import encoded, scene


def animated(file_format: str, *frames: Image.Image) -> bytes:
    with io.BytesIO() as buffer:
        first, *others = (frame.copy() for frame in frames)  # saving leaves traces on an image
        first.save(buffer, file_format, save_all=True, append_images=others, duration=100)
        gc.collect()  # Pillow's TIFF writer looks into the buffer once more when it goes
        return buffer.getvalue()


def small(seed: int) -> Image.Image:
    return scene(seed, (160, 120))


def transparent(ink: int) -> Image.Image:
    """The same opaque scene, with a half transparent corner of some ink."""
    image = small(1).convert("RGBA")
    image.paste((ink, ink, ink, 128), (100, 70, 160, 120))
    return image


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "TIFF", "PNG"])
def test_the_same_first_frame_with_other_later_ones_is_altered(file_format: str):
    left = animated(file_format, small(1), small(2), small(3))
    right = animated(file_format, small(1), small(4), small(5))
    verdict = compare(left, right)
    assert verdict.kind is VerdictKind.ALTERED
    assert verdict.reasons[0].startswith("later frames or pages differ")


def test_an_animation_saved_again_is_a_duplicate_and_not_identical():
    frames = [small(seed) for seed in (1, 2, 3)]
    assert compare(animated("PNG", *frames), animated("WEBP", *frames)).kind is VerdictKind.DUPLICATE


def test_a_moving_picture_is_no_duplicate_of_its_first_frame():
    assert compare(animated("PNG", small(1), small(2)), encoded(small(1))).kind is VerdictKind.ALTERED


def test_frames_are_sampled_over_the_whole_length_and_not_more_than_three():
    samples = decode(animated("TIFF", *(small(seed) for seed in range(20)))).whole.samples()
    assert samples.shape == (MAX_SAMPLES, FRAME_SIDE, FRAME_SIDE)


def test_the_same_values_in_another_format_have_one_digest_and_another_value_has_not():
    left, right = decode(encoded(small(1), "PNG")).whole, decode(encoded(small(1), "TIFF")).whole
    assert left.digest == right.digest != ""
    assert decode(encoded(small(2), "PNG")).whole.digest != left.digest


def test_low_bytes_and_transparency_count_and_large_pictures_have_no_digest():
    deep = [Image.fromarray(np.full((60, 80), value, np.uint16)) for value in (25_700, 25_701)]
    digests = [decode(encoded(image, "PNG")).whole.digest for image in (*deep, transparent(90), transparent(91))]
    assert len(set(digests)) == len(digests)
    assert decode(encoded(small(1).resize((640, 480)))).whole.digest == ""


def with_chunks(data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with further chunks behind its header."""
    packed = (struct.pack(">I", len(it)) + kind + it + struct.pack(">I", zlib.crc32(kind + it)) for kind, it in chunks)
    return data[:33] + b"".join(packed) + data[33:]


@pytest.mark.parametrize("colors", [(b"gAMA", (100_000).to_bytes(4, "big")), (b"cICP", b"\x09\x10\x00\x01")])
def test_the_same_values_that_are_shown_in_other_colors_are_not_identical(colors: tuple[bytes, bytes]):
    plain = encoded(small(1), "PNG")
    assert compare(plain, with_chunks(plain, colors)).kind is not VerdictKind.IDENTICAL
    damaged = with_chunks(plain, colors, (b"tEXt", b"a\0b")).replace(b"a\0b", b"a\0c")  # so is read without metadata
    assert compare(plain, damaged).kind is not VerdictKind.IDENTICAL


@pytest.mark.parametrize(("kind", "bytes_short"), [(b"gAMA", 3), (b"cHRM", 31), (b"sRGB", 0), (b"cICP", 3)])
def test_colors_of_a_png_that_are_too_short_are_left_out(kind: bytes, bytes_short: int):
    plain = encoded(small(1), "PNG")
    assert np.array_equal(decode(with_chunks(plain, (kind, bytes(bytes_short)))).pixels, decode(plain).pixels)


@pytest.mark.parametrize(
    "colors",
    [
        [(b"gAMA", (45_455).to_bytes(4, "big"))],
        [(b"sRGB", b"\0"), (b"gAMA", (100_000).to_bytes(4, "big"))],
        [(b"cICP", b"\x01\x0d\x00\x01"), (b"gAMA", (100_000).to_bytes(4, "big"))],
    ],
)
def test_the_same_values_in_what_is_srgb_all_the_same_are_identical(colors: list[tuple[bytes, bytes]]):
    plain = encoded(small(1), "PNG")
    assert compare(plain, with_chunks(plain, *colors)).kind is VerdictKind.IDENTICAL
