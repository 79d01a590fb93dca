"""Things of which one is light where the other is dark: no change of light, contrast or hue does that."""

import random
from functools import cache

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageOps

from dedup_core import VerdictKind
from tests.core.pictures import half, jpeg
from tests.core.verdicts import kind_of

BOARD = (220, 179, 92)
BLACK, WHITE = (20, 20, 20), (245, 245, 245)


@cache
def go_board(middle: tuple[int, int, int]) -> Image.Image:
    """A game of Go with a stone of this color in the middle. Do not draw on it."""
    chance = random.Random(1)
    image = Image.new("RGB", (900, 900), BOARD)
    canvas = ImageDraw.Draw(image)
    for line in range(45, 856, 45):
        canvas.line((line, 45, line, 855), fill="black", width=2)
        canvas.line((45, line, 855, line), fill="black", width=2)
    stones = {(chance.randrange(19), chance.randrange(19)): chance.choice([BLACK, WHITE]) for _ in range(110)}
    for (column, row), color in (stones | {(9, 9): middle}).items():
        x, y = 45 + 45 * column, 45 + 45 * row
        canvas.ellipse((x - 20, y - 20, x + 20, y + 20), fill=color, outline=(60, 60, 60))
    return image


def saved(image: Image.Image) -> Image.Image:
    return jpeg(image, 75)


def brighter(image: Image.Image) -> Image.Image:
    return jpeg(ImageEnhance.Brightness(image).enhance(1.15), 85)


def darker(image: Image.Image) -> Image.Image:
    return jpeg(ImageEnhance.Brightness(image).enhance(0.7), 85)


def smaller_and_brighter(image: Image.Image) -> Image.Image:
    return brighter(half(image))


@pytest.mark.parametrize("copied", [saved, brighter, darker, smaller_and_brighter])
def test_a_black_stone_in_place_of_a_white_one_is_seen_in_any_light(copied):
    assert kind_of(go_board(WHITE), copied(go_board(BLACK))) is VerdictKind.ALTERED


@pytest.mark.parametrize("copied", [saved, brighter, darker, smaller_and_brighter])
def test_the_same_stones_in_another_light_are_a_copy(copied):
    assert kind_of(go_board(WHITE), copied(go_board(WHITE))) is VerdictKind.DUPLICATE


def test_turned_hues_that_make_a_color_lighter_than_its_ground_are_a_color_variant():
    """Yellow letters on blue become blue ones on yellow, as light as these were dark."""
    image = Image.new("RGB", (640, 420), (30, 60, 200))
    canvas = ImageDraw.Draw(image)
    for row in range(6):
        canvas.text((40, 30 + 62 * row), f"number {row + 1} of six", fill=(230, 220, 40), font_size=44)
    red, green, blue = image.split()
    turned = Image.merge("RGB", (blue, ImageChops.add(red, green, 2), red))
    assert kind_of(image, turned) is VerdictKind.COLOR_VARIANT


def test_a_negative_is_a_color_variant():
    assert kind_of(go_board(WHITE), ImageOps.invert(go_board(WHITE))) is VerdictKind.COLOR_VARIANT
