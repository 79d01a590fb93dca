"""JPEG files whose header and end marker are in order, and whose coded picture in between is not."""

import io
import random
import struct

import numpy as np
import pytest
from PIL import Image

from dedup_core import UnreadableImage, decode
from tests.core.pictures import encoded, scene

SIZES = ((480, 360), (1700, 1300))  # as it is, and halved on the way


def coded(data: bytes) -> tuple[int, int]:
    """From where to where a file of one scan holds its picture."""
    at = data.index(b"\xff\xda")
    return at + 2 + int.from_bytes(data[at + 2 : at + 4]), data.rindex(b"\xff\xd9")


def zeroed(data: bytes, share: float, length: int | None = None) -> bytes:
    """The file with zeros from that share of its scan on: so many, or all to the end marker."""
    start, end = coded(data)
    first = start + int(share * (end - start))
    last = end if length is None else first + length
    return data[:first] + bytes(last - first) + data[last:]


def flipped(data: bytes, bits: int) -> bytes:
    chance, damaged, (start, end) = random.Random(bits), bytearray(data), coded(data)
    for _ in range(bits):
        damaged[chance.randrange(start, end - 1)] ^= 1 << chance.randrange(8)
    return bytes(damaged)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("size", SIZES)
def test_a_scan_that_was_zeroed_is_damaged(mode: str, size: tuple[int, int]) -> None:
    data = encoded(scene(1, size).convert(mode), "JPEG", quality=85)
    for damaged in (zeroed(data, 0.3), zeroed(data, 0.95), zeroed(data, 0.5, 4096), zeroed(data, 0.2, 512)):
        with pytest.raises(UnreadableImage, match="damaged") as caught:
            decode(damaged)
        assert caught.value.reason == "corrupt"


@pytest.mark.parametrize("size", SIZES)
def test_a_scan_with_many_flipped_bits_is_damaged(size: tuple[int, int]) -> None:
    with pytest.raises(UnreadableImage, match="damaged"):
        decode(flipped(encoded(scene(2, size), "JPEG", quality=85), 100))


def test_a_progressive_file_whose_scans_are_zeroed_is_damaged() -> None:
    with pytest.raises(UnreadableImage, match="hole"):
        decode(zeroed(encoded(scene(3), "JPEG", quality=90, progressive=True), 0.3))


@pytest.mark.parametrize("progressive", [False, True])
def test_zeros_after_the_end_are_no_hole_in_the_picture(*, progressive: bool) -> None:
    """Recovered files, and those that were stored in whole blocks, end so."""
    data = encoded(scene(3), "JPEG", quality=90, progressive=progressive)
    assert (decode(data + bytes(50_000)).pixels == decode(data).pixels).all()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [(900, 700), (40, 3000), (3000, 9), (16, 16), (1, 1)])
def test_blank_pages_are_not_damaged_though_their_scans_are_full_of_zeros(
    size: tuple[int, int], *, progressive: bool
) -> None:
    """With tables of their own a flat block takes two bits, both zero."""
    for color in ("white", "black", "teal"):
        data = encoded(Image.new("RGB", size, color), "JPEG", optimize=True, progressive=progressive)
        assert (decode(data).width, decode(data).height) == size


@pytest.mark.parametrize("quality", [5, 60, 100])
@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("restart", [0, 1])
def test_sound_files_are_read_however_they_are_coded(quality: int, subsampling: int, restart: int) -> None:
    options = {"quality": quality, "subsampling": subsampling, "restart_marker_rows": restart}
    for size in ((480, 360), (97, 61), (15, 200), (1700, 1300)):
        data = encoded(scene(4, size), "JPEG", **options)
        assert (decode(data).width, decode(data).height) == size
        assert (decode(data + b"whatever follows").pixels == decode(data).pixels).all()


def test_fill_bytes_before_the_end_marker_are_no_part_of_the_picture() -> None:
    data = encoded(scene(4), "JPEG", quality=75)
    assert (decode(data[:-2] + b"\xff" * 9 + data[-2:]).pixels == decode(data).pixels).all()


def test_watching_a_scan_changes_no_pixel() -> None:
    data = encoded(scene(5), "JPEG", quality=75)
    assert decode(data).pixels.tobytes() == Image.open(io.BytesIO(data)).convert("RGB").tobytes()


def test_the_end_of_a_preview_is_not_the_end_of_the_picture() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a preview: \xff\xd9".encode("latin-1") * 20  # as thumbnails in EXIF have
    data = encoded(scene(6), "JPEG", quality=75, exif=exif.tobytes())  # type: ignore[arg-type]
    assert decode(data).width == scene(6).width


def in_scans(image: Image.Image, components: str) -> bytes:
    """A file with a scan for each of these components of Y, B and R, made of gray files."""
    planes = dict(zip("YBR", image.convert("YCbCr").split(), strict=True))
    grays = {name: encoded(plane, "JPEG", quality=90) for name, plane in planes.items()}
    head = grays["Y"][: grays["Y"].index(b"\xff\xda")]
    at = head.index(b"\xff\xc0")
    end = at + 2 + int.from_bytes(head[at + 2 : at + 4])
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, image.height, image.width, 3)
    frame += b"".join(bytes((ord(name), 0x11, 0)) for name in "YBR")
    data = head[:at] + frame + head[end:]
    for name in components:
        first, last = coded(grays[name])
        data += b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, ord(name), 0, 0, 63, 0) + grays[name][first:last]
    return data + b"\xff\xd9"


@pytest.mark.parametrize("components", ["YBR", "RYB"])
def test_components_may_come_in_scans_of_their_own(components: str) -> None:
    image = scene(3, (160, 120))
    assert abs(decode(in_scans(image, components)).pixels.mean(axis=(0, 1)) - np.asarray(image).mean((0, 1))).max() < 2


@pytest.mark.parametrize("components", ["Y", "YB", "BR"])
def test_a_picture_without_one_of_its_components_is_damaged(components: str) -> None:
    """It was compared in gray or in two colors."""
    with pytest.raises(UnreadableImage, match="a component of its picture is in none of its scans") as refusal:
        decode(in_scans(scene(3, (160, 120)), components))
    assert refusal.value.reason == "corrupt"
