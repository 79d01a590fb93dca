"""Drawn pages in a warmer or colder light: thin lines, pale things and strong colors, some channels of them clipped."""

import random

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from dedup_changes.edits import white_balance
from dedup_changes.tones import duotone, sepia
from dedup_core import VerdictKind
from dedup_core.comparison.tones.exposure import Blocks
from dedup_core.comparison.tones.white_balance import off_balance
from tests.core.pictures import jpeg
from tests.core.test_other_dyes import swatch, through
from tests.core.verdicts import kind_of

WARMER, COLDER = 1, 3  # seeds


def staves() -> Image.Image:
    """Thin black lines and dots on white, a few of them in each place."""
    drawn, chance = Image.new("RGB", (480, 640), "white"), random.Random(3)
    pen = ImageDraw.Draw(drawn)
    for top in range(50, 600, 90):
        for line in range(5):
            pen.line((30, top + 9 * line, 450, top + 9 * line), "black")
        for left in range(50, 440, 26):
            y = top + chance.randint(-4, 36)
            pen.ellipse((left, y, left + 8, y + 6), "black")
            pen.line((left + 8, y + 3, left + 8, y - 26), "black")
    return drawn


def squares() -> Image.Image:
    """Pale squares of one color on paper that is not quite white."""
    drawn, chance = Image.new("RGB", (420, 420), (241, 241, 241)), random.Random(8)
    pen = ImageDraw.Draw(drawn)
    for row in range(6):
        for column in range(6):
            if chance.random() < 0.5:
                pen.rectangle((column * 70, row * 70, column * 70 + 69, row * 70 + 69), (120, 190, 205))
    return drawn


def chat() -> Image.Image:
    """Bubbles in green and white with words, on beige, below a dark bar."""
    drawn, chance = Image.new("RGB", (420, 640), (236, 229, 221)), random.Random(2)
    pen = ImageDraw.Draw(drawn)
    pen.rectangle((0, 0, 420, 70), (7, 94, 84))
    for number, top in enumerate(range(90, 590, 72)):
        left, color = ((16, "white"), (140, (220, 248, 198)))[number % 2]
        pen.rounded_rectangle((left, top, left + 264, top + 58), 10, color)
        pen.rectangle((left + 14, top + 40, left + chance.randint(90, 240), top + 47), (40, 40, 40))
    return drawn


PAGES = {"staves": staves, "squares": squares, "chat": chat}


def blocks_of(left: Image.Image, right: Image.Image) -> Blocks:
    ours, theirs = (np.asarray(it.resize((144, 192))) for it in (left, right))
    return Blocks.of(ours, theirs, np.ones(ours.shape[:2], dtype=np.float32))


@pytest.mark.parametrize("seed", [WARMER, COLDER])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_another_light_is_a_duplicate(name: str, seed: int) -> None:
    page = PAGES[name]()
    assert kind_of(page, jpeg(white_balance(page, random.Random(seed)), 88)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("seed", [WARMER, COLDER])
def test_so_it_is_with_more_contrast_besides(seed: int) -> None:
    lit = white_balance(ImageEnhance.Contrast(staves()).enhance(1.25), random.Random(seed))
    assert kind_of(staves(), jpeg(lit, 80)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("name", PAGES)
def test_sepia_and_two_inks_are_color_variants(name: str) -> None:
    page = PAGES[name]()
    toned = [sepia(page, random.Random(1)), *(duotone(page, random.Random(seed)) for seed in range(4))]
    assert {kind_of(page, jpeg(it, 90)) for it in toned} == {VerdictKind.COLOR_VARIANT}


def test_white_cloth_and_cream_are_color_variants() -> None:
    white, cream = swatch((244, 242, 240)), swatch((240, 230, 200))
    assert kind_of(white, jpeg(cream, 90)) is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize("name", PAGES)
def test_light_is_warmer_or_colder(name: str) -> None:
    page = PAGES[name]()
    for gains in ((0.88, 1.0, 1.0), (1.0, 0.95, 0.86), (0.9, 0.95, 1.0)):
        for left, right in ((page, through(gains, page)), (through(gains, page), page)):
            off = off_balance(blocks_of(left, right))
            assert off is not None, gains
            assert off < 1, gains
    for gains in ((0.86, 1.0, 0.86), (1.0, 0.85, 1.0), (1.0, 0.95, 0.7), (0.7, 0.9, 1.0)):
        assert off_balance(blocks_of(page, through(gains, page))) is None, gains


def test_one_thing_in_another_color_is_no_light() -> None:
    page, other = chat(), chat()
    ImageDraw.Draw(other).rectangle((0, 0, 420, 70), (120, 30, 84))
    assert off_balance(blocks_of(page, other)) is None


def test_no_light_is_told_of_a_dark_picture_or_one_without_anything_on_white() -> None:
    for picture in (swatch((120, 90, 60)), Image.new("RGB", (420, 640), "white")):
        assert off_balance(blocks_of(picture, through((1.0, 0.95, 0.9), picture))) is None
