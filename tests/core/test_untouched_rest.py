"""Where nearly all of two pictures is the very same, no copying explains the rest: it was edited, however small."""

import random
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from dedup_core import VerdictKind, compare
from tests.core.drawings import photo
from tests.core.pictures import encoded, jpeg
from tests.core.verdicts import kind_of

ROWS, COLUMNS, CELL = 22, 10, (96, 36)


def sheet_of_numbers(value: int) -> Image.Image:
    """A table of numbers of three digits, with this one in the middle."""
    drawn = Image.new("RGB", (COLUMNS * CELL[0], ROWS * CELL[1]), "white")
    pen, chance, font = ImageDraw.Draw(drawn), random.Random(3), ImageFont.load_default(size=15)
    for row in range(ROWS):
        for column in range(COLUMNS):
            left, top, number = column * CELL[0], row * CELL[1], chance.randint(100, 999)
            pen.rectangle((left, top, left + CELL[0], top + CELL[1]), outline=(212, 212, 212))
            pen.text((left + 50, top + 9), str(value if (row, column) == (11, 5) else number), "black", font)
    return drawn


SAVED = {
    "PNG": encoded,
    "JPEG": lambda it: encoded(it, "JPEG", quality=85),
    "half as large": lambda it: encoded(it.resize((it.width // 2, it.height // 2)), "JPEG", quality=80),
}


@pytest.mark.parametrize("how", SAVED)
@pytest.mark.parametrize("other", [477, 471, 441])
def test_a_digit_that_differs_in_two_sheets_saved_alike_makes_them_altered(how, other):
    verdict = compare(SAVED[how](sheet_of_numbers(411)), SAVED[how](sheet_of_numbers(other)))
    assert verdict.kind is VerdictKind.ALTERED, verdict.reasons


@pytest.mark.parametrize("picture", [sheet_of_numbers(411), photo("chelsea.png")], ids=["sheet", "photograph"])
@pytest.mark.parametrize("quality", [30, 60, 75, 85, 92, 95])
def test_a_file_saved_again_as_it_was_is_a_duplicate(picture, quality):
    once = encoded(picture, "JPEG", quality=quality)
    again = encoded(jpeg(picture, quality), "JPEG", quality=quality)
    assert compare(once, again).kind in {VerdictKind.DUPLICATE, VerdictKind.IDENTICAL}


@pytest.mark.parametrize("colors", [16, 64, 256])
def test_a_sheet_in_few_colors_is_a_duplicate(colors):
    sheet = sheet_of_numbers(411)
    assert compare(encoded(sheet), encoded(sheet.quantize(colors), "GIF")).kind in {
        VerdictKind.DUPLICATE,
        VerdictKind.IDENTICAL,
    }


@cache
def fog(*, dated: bool) -> Image.Image:
    """Hills in fog, which show next to nothing, and a date over them. Do not draw on it."""
    noise = np.random.default_rng(3)
    hills = np.interp(np.arange(640), np.linspace(0, 640, 14), 300 + noise.normal(0, 18, 14))
    gray = np.linspace(215, 175, 480)[:, None] - 12 * (np.arange(480)[:, None] > hills)
    soft = Image.fromarray(gray.astype(np.uint8)).filter(ImageFilter.GaussianBlur(5))
    image = Image.fromarray((np.asarray(soft) + noise.normal(0, 1.2, (480, 640))).clip(0, 255).astype(np.uint8))
    if dated:
        ImageDraw.Draw(image).text((515, 61), "2031-05", fill=255, font_size=20)
    return image.convert("RGB")


def test_a_word_over_fog_is_seen_although_it_is_sharper_than_all_of_the_rest():
    assert kind_of(fog(dated=False), fog(dated=True)) is VerdictKind.ALTERED
    assert kind_of(fog(dated=False), jpeg(fog(dated=False), 85)) is VerdictKind.DUPLICATE
