"""Displays and panels of lamps: what is lit changes nothing but the light of shapes that are there anyway."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from dedup_core import VerdictKind
from tests.core.pictures import jpeg
from tests.core.verdicts import kind_of

type Color = tuple[int, int, int]
LIT_OF_DIGITS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
SEGMENTS = {
    "a": (8, 0, 52, 10),
    "b": (50, 8, 60, 56),
    "c": (50, 64, 60, 112),
    "d": (8, 110, 52, 120),
    "e": (0, 64, 10, 112),
    "f": (0, 8, 10, 56),
    "g": (8, 55, 52, 65),
}
RED = ((255, 60, 40), (40, 34, 30), (20, 24, 20))
LIQUID_CRYSTAL = ((30, 30, 30), (185, 196, 170), (198, 208, 182))


@cache
def display(digits: str, colors: tuple[Color, Color, Color]) -> Image.Image:
    """A row of digits of seven segments, lit or not, on their ground. Do not draw on it."""
    lit, unlit, ground = colors
    image = Image.new("RGB", (20 + 80 * len(digits), 160), ground)
    canvas = ImageDraw.Draw(image)
    for place, digit in enumerate(digits):
        for name, (left, top, right, bottom) in SEGMENTS.items():
            color = lit if name in LIT_OF_DIGITS[int(digit)] else unlit
            canvas.rectangle((20 + 80 * place + left, 20 + top, 20 + 80 * place + right, 20 + bottom), fill=color)
    return image


def sepia(image: Image.Image) -> Image.Image:
    toned = np.asarray(ImageOps.grayscale(image), np.float32)[..., None] * np.array([1.0, 0.86, 0.68], np.float32)
    return Image.fromarray(toned.astype(np.uint8))


TONED = {"gray": ImageOps.grayscale, "sepia": sepia}
OTHERS = [("66195718", "71862039", RED), ("39460275", "66195718", RED), ("71862039", "39460275", LIQUID_CRYSTAL)]


@pytest.mark.parametrize("toned", TONED.values(), ids=TONED)
@pytest.mark.parametrize(("digits", "others", "colors"), OTHERS)
def test_another_number_on_a_display_is_no_color_variant_in_gray_either(
    digits: str, others: str, colors: tuple[Color, Color, Color], toned: Callable[[Image.Image], Image.Image]
) -> None:
    other = jpeg(toned(display(others, colors)).convert("RGB"), 85)
    assert kind_of(display(digits, colors), other) in {VerdictKind.ALTERED, VerdictKind.DISTINCT}


@pytest.mark.parametrize("toned", TONED.values(), ids=TONED)
def test_the_same_number_in_gray_is_a_color_variant(toned: Callable[[Image.Image], Image.Image]) -> None:
    digits = display("66195718", RED)
    assert kind_of(digits, jpeg(toned(digits).convert("RGB"), 85)) is VerdictKind.COLOR_VARIANT
