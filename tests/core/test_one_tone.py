"""Things of which one has another color, in a picture that was made brighter besides, and copies that were clipped."""

import random
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw, ImageEnhance

from dedup_core import VerdictKind
from tests.core.pictures import half, hue_shifted, jpeg
from tests.core.verdicts import kind_of

type Color = tuple[int, int, int]
type Change = Callable[[Image.Image], Image.Image]

STRONG: tuple[Color, ...] = ((214, 40, 40), (240, 140, 20), (60, 160, 70), (40, 110, 200), (120, 60, 160))
PALE: tuple[Color, ...] = (
    *((245, 190, 190), (250, 220, 180), (250, 245, 190), (195, 230, 195)),
    *((190, 210, 245), (220, 200, 240), (250, 205, 230), (190, 235, 235)),
)


def crayons(fourth: Color | None = None) -> Image.Image:
    """Twelve of them in a row on cream paper."""
    chance, image = random.Random(3), Image.new("RGB", (720, 540), (245, 240, 230))
    pen = ImageDraw.Draw(image)
    for number in range(12):
        color, left = chance.choice(STRONG), 40 + 54 * number
        color = fourth if number == 3 and fourth else color
        pen.rectangle((left, 160, left + 32, 420), fill=color)
        pen.polygon([(left, 160), (left + 32, 160), (left + 16, 100)], fill=(230, 200, 160))
    return image


def swatches(colors: tuple[Color, ...], middle: Color | None = None) -> Image.Image:
    """Squares of a few colors on white."""
    chance, image = random.Random(5), Image.new("RGB", (720, 540), "white")
    pen = ImageDraw.Draw(image)
    for row in range(6):
        for column in range(8):
            color = chance.choice(colors)
            color = middle if (row, column) == (3, 4) and middle else color
            left, top = 34 + 84 * column, 24 + 84 * row
            pen.rectangle((left, top, left + 66, top + 66), fill=color)
    return image


def lights(middle: Color | None = None) -> Image.Image:
    """Small lamps on black."""
    chance, image = random.Random(1), Image.new("RGB", (480, 360), (15, 15, 18))
    pen = ImageDraw.Draw(image)
    for row in range(8):
        for column in range(12):
            color = chance.choice(((255, 60, 50), (60, 255, 90), (70, 120, 255), (255, 230, 80)))
            color = middle if (row, column) == (4, 6) and middle else color
            x, y = 55 + 33 * column, 50 + 36 * row
            pen.ellipse((x - 7, y - 7, x + 7, y + 7), fill=color)
    return image


def clipped(factor: float) -> Change:
    return lambda image: ImageEnhance.Brightness(image).enhance(factor)


def gamma(power: float) -> Change:
    return lambda image: image.point([round(255 * (level / 255) ** power) for level in range(256)] * 3)


TONES = {
    "brighter": clipped(1.2),
    "paler": gamma(0.7),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.3),
}


@pytest.mark.parametrize("changed", TONES)
def test_one_thing_in_another_color_in_a_picture_in_another_tone_is_a_part_that_differs(changed: str):
    assert kind_of(crayons(), TONES[changed](crayons((90, 200, 200)))) is VerdictKind.ALTERED


@pytest.mark.parametrize("saved", [half, lambda image: jpeg(image, 75)], ids=["half", "JPEG"])
def test_the_same_where_the_picture_was_saved_as_well(saved: Change):
    assert kind_of(crayons(), saved(gamma(0.8)(crayons((90, 200, 200))))) is VerdictKind.ALTERED


@pytest.mark.parametrize("changed", [gamma(1.4), TONES["contrast"]], ids=["gamma", "contrast"])
def test_a_small_thing_in_another_color_is_seen_in_another_tone_as_well(changed: Change):
    assert kind_of(lights(), changed(lights((70, 120, 255)))) is VerdictKind.ALTERED


@pytest.mark.parametrize("changed", ["brighter", "paler"])
def test_one_of_several_pale_things_in_another_color_is_seen_in_another_tone_as_well(changed: str):
    assert kind_of(swatches(PALE), TONES[changed](swatches(PALE, (190, 235, 235)))) is VerdictKind.ALTERED


@pytest.mark.parametrize("picture", [swatches(PALE + STRONG), crayons()], ids=["swatches", "crayons"])
def test_a_copy_so_bright_that_its_channels_are_clipped_is_a_duplicate(picture: Image.Image):
    assert kind_of(picture, clipped(1.3)(picture)) is VerdictKind.DUPLICATE


def test_things_of_which_all_have_other_colors_are_no_part():
    assert kind_of(crayons(), clipped(1.2)(hue_shifted(crayons(), 120))) is VerdictKind.COLOR_VARIANT
