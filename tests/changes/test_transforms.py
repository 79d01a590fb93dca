"""Every change of a picture makes a copy that its name describes, the same one every time."""

import io

import numpy as np
import pytest
from PIL import Image

from dedup_changes.transforms import TRANSFORMS

SIZE = (80, 60)


@pytest.fixture(scope="module")
def photo() -> bytes:
    rows, columns = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    waves = [127 + 120 * np.sin(columns / (3 + band) + rows / (6 - band)) for band in range(3)]
    stream = io.BytesIO()
    Image.fromarray(np.stack(waves, axis=2).astype(np.uint8)).save(stream, "JPEG", quality=95)
    return stream.getvalue()


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_copy_is_the_same_bytes_every_time(name: str, photo: bytes) -> None:
    assert TRANSFORMS[name].apply(photo, "a.jpg") == TRANSFORMS[name].apply(photo, "a.jpg")


@pytest.mark.parametrize("size", [(512, 8), (2, 512), (1, 300)])
def test_a_narrow_picture_is_changed_like_any_other(size: tuple[int, int]) -> None:
    """What is smaller than the app takes can be left in a working picture: 2048 x 32 becomes 512 x 8."""
    stream = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(stream, "PNG")
    for name, transform in TRANSFORMS.items():
        assert _opened(transform.apply(stream.getvalue(), "a.png")).size > (0, 0), name


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_copy_differs_from_its_original(name: str, photo: bytes) -> None:
    copy = _opened(TRANSFORMS[name].apply(photo, "a.jpg"))
    original = _opened(photo)
    assert copy.size != original.size or np.any(np.asarray(copy) != np.asarray(original))


def test_color_is_taken_from_pictures_that_have_some() -> None:
    gray = Image.linear_gradient("L").convert("RGB")
    stained = gray.copy()
    stained.paste((200, 40, 40), (0, 0, 40, 40))
    assert [TRANSFORMS["gray-contrast"].changes(it) for it in (gray, stained)] == [False, True]
    assert TRANSFORMS["sepia"].changes(gray)  # a tint is a color that it did not have


@pytest.mark.parametrize(
    "name",
    ["crop-random-85", "crop-10-one-side", "hue-shift", "noise-0.2", "rotate-4", "pad-20-white", "watermark-small"],
)
def test_what_is_random_differs_from_photo_to_photo(name: str, photo: bytes) -> None:
    copies = {TRANSFORMS[name].apply(photo, f"{letter}.jpg") for letter in "abcdefgh"}
    assert len(copies) > 1


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resize-0.5", (40, 30)),
        ("resize-0.2", (16, 12)),
        ("resize-2", (160, 120)),
        ("crop-5-each-side", (72, 54)),
        ("crop-random-85", (68, 51)),
        ("crop-random-70", (56, 42)),
        ("turned-90", (60, 80)),
        ("turned-180", SIZE),
        ("rotate-4", SIZE),
        ("jpeg-10", SIZE),
    ],
)
def test_a_copy_has_the_size_that_its_name_says(name: str, size: tuple[int, int], photo: bytes) -> None:
    assert _opened(TRANSFORMS[name].apply(photo, "a.jpg")).size == size


def test_a_crop_of_one_side_takes_every_side_in_turn(photo: bytes) -> None:
    sizes = {_opened(TRANSFORMS["crop-10-one-side"].apply(photo, f"{number}.jpg")).size for number in range(12)}
    assert sizes == {(72, 60), (80, 54)}


def test_padding_is_a_fifth_of_the_side_and_of_its_color(photo: bytes) -> None:
    padded = np.asarray(_opened(TRANSFORMS["pad-20-white"].apply(photo, "a.jpg")))  # (h, w, 3)
    assert padded.shape[:2] in {(84, 112), (60, 112), (84, 80)}
    assert padded[0, 0].min() > 240


def test_a_large_watermark_takes_more_than_15_percent_of_the_picture() -> None:
    grey = Image.new("RGB", (320, 240), (127, 127, 127))
    stream = io.BytesIO()
    grey.save(stream, "PNG")
    marked = np.asarray(_opened(TRANSFORMS["watermark-large"].apply(stream.getvalue(), "a.jpg")).convert("L"), int)
    rows, columns = np.nonzero(np.abs(marked - 127) > 20)
    assert np.ptp(rows) * np.ptp(columns) > 0.15 * 320 * 240


@pytest.mark.parametrize(
    ("name", "format_name"), [("webp", "WEBP"), ("avif", "AVIF"), ("jpeg-50", "JPEG"), ("gif", "GIF")]
)
def test_a_copy_is_really_encoded(name: str, format_name: str, photo: bytes) -> None:
    assert Image.open(io.BytesIO(TRANSFORMS[name].apply(photo, "a.jpg"))).format == format_name


def test_the_transforms_of_the_published_protocol_are_there() -> None:
    published = {"watermark-small", "blur", "vignette", "gamma-2", "jpeg-95", "pad-20-black", "crop-5-each-side"}
    assert published | {"noise-0.2", "rotate-4", "resize-0.5"} <= set(TRANSFORMS)


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")
