"""One place that differs, of pictures that were made brighter, lit from a side, inverted or turned gray besides."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from dedup_core import VerdictKind
from tests.core.pictures import jpeg
from tests.core.verdicts import kind_of

DIFFERENT = {VerdictKind.ALTERED, VerdictKind.DISTINCT}


def counter(digit: int) -> Image.Image:
    """A round meter with six wheels of digits, the fourth of which is `digit`."""
    image = Image.new("RGB", (840, 640), (150, 150, 152))
    canvas = ImageDraw.Draw(image)
    canvas.ellipse((110, 40, 730, 600), fill=(226, 224, 218), outline=(78, 80, 84), width=12)
    canvas.text((420, 160), "WATER", fill=(45, 45, 45), font_size=44, anchor="mm")
    for place, shown in enumerate((2, 9, 0, digit, 5, 1)):
        x = 204 + 74 * place
        canvas.rectangle((x, 260, x + 62, 350), fill=(24, 24, 24) if place < 4 else (165, 25, 25))
        canvas.text((x + 31, 305), str(shown), fill="white", font_size=66, anchor="mm")
    canvas.text((420, 450), "No. 6120 884", fill=(70, 70, 70), font_size=34, anchor="mm")
    return image


def questions(ticked: int) -> Image.Image:
    """A form of twelve questions, of which one is answered by yes and all others by no."""
    image = Image.new("RGB", (720, 900), (250, 250, 246))
    canvas = ImageDraw.Draw(image)
    canvas.text((60, 40), "Questions before the visit", fill="black", font_size=36)
    for row in range(12):
        y = 130 + 62 * row
        canvas.text((60, y), f"Question {row + 1} of this sheet", fill=(30, 30, 30), font_size=28)
        for x in (500, 600):
            canvas.rectangle((x, y, x + 32, y + 32), outline="black", width=3)
        x = 500 if row == ticked else 600
        canvas.line((x + 4, y + 4, x + 28, y + 28), fill=(20, 20, 150), width=5)
        canvas.line((x + 28, y + 4, x + 4, y + 28), fill=(20, 20, 150), width=5)
    return image


def draughts(moved: int) -> Image.Image:
    """Black and white stones on a wooden grid; one black stone lies elsewhere for every number."""
    image = Image.new("RGB", (640, 640), (214, 172, 96))
    canvas = ImageDraw.Draw(image)
    for line in range(13):
        canvas.line((32 + 48 * line, 32, 32 + 48 * line, 608), fill=(60, 40, 20), width=2)
        canvas.line((32, 32 + 48 * line, 608, 32 + 48 * line), fill=(60, 40, 20), width=2)
    taken = np.random.default_rng(5).choice(np.arange(26, 169), 50, replace=False)
    stones = {int(place): "black" if number % 2 else "white" for number, place in enumerate(taken)}
    stones[3 + 5 * moved] = "black"
    for place, fill in stones.items():
        x, y = 32 + 48 * (place % 13), 32 + 48 * (place // 13)
        canvas.ellipse((x - 21, y - 21, x + 21, y + 21), fill=fill, outline=(40, 30, 20))
    return image


def brightened(image: Image.Image) -> Image.Image:
    return jpeg(ImageEnhance.Brightness(image).enhance(1.2), 85)


def gamma_changed(image: Image.Image) -> Image.Image:
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    return jpeg(half.point([round(255 * (level / 255) ** 0.7) for level in range(256)] * 3), 75)


def lit_from_a_side(image: Image.Image) -> Image.Image:
    light = np.linspace(0.7, 1.0, image.width, dtype=np.float32)[None, :, None]
    return jpeg(Image.fromarray((np.asarray(image) * light).astype(np.uint8)), 85)


def inverted(image: Image.Image) -> Image.Image:
    return jpeg(ImageOps.invert(image), 85)


def in_gray(image: Image.Image) -> Image.Image:
    return jpeg(image.convert("L").convert("RGB"), 85)


@pytest.mark.parametrize("relit", [brightened, gamma_changed, lit_from_a_side])
@pytest.mark.parametrize(("draw", "one", "other"), [(counter, 3, 8), (counter, 7, 4), (questions, 2, 8)])
def test_something_else_in_another_light_is_no_duplicate(
    draw: Callable[[int], Image.Image], one: int, other: int, relit: Callable[[Image.Image], Image.Image]
) -> None:
    assert kind_of(relit(draw(one)), draw(other)) in DIFFERENT


@pytest.mark.parametrize("relit", [brightened, gamma_changed, lit_from_a_side])
@pytest.mark.parametrize("draw", [counter, questions])
def test_copies_in_another_light_are_duplicates(
    draw: Callable[[int], Image.Image], relit: Callable[[Image.Image], Image.Image]
) -> None:
    assert kind_of(relit(draw(1)), draw(1)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("recolored", [in_gray, inverted])
def test_something_else_in_other_colors_is_no_color_variant(recolored: Callable[[Image.Image], Image.Image]) -> None:
    assert kind_of(recolored(draughts(0)), draughts(1)) in DIFFERENT


@pytest.mark.parametrize("recolored", [in_gray, inverted])
def test_a_copy_in_other_colors_is_a_color_variant(recolored: Callable[[Image.Image], Image.Image]) -> None:
    assert kind_of(recolored(draughts(0)), draughts(0)) is VerdictKind.COLOR_VARIANT
