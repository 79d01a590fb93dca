"""A page under another lamp is a copy, and marks of one hue in another tone; a page that was toned is not."""

import random

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from dedup_changes.edits import white_balance
from dedup_changes.tones import duotone, sepia
from dedup_core import VerdictKind, compare, decide, measure_images
from tests.core.pictures import encoded, jpeg, working

SHEETS = ["text", "shades"]


def sheet(kind: str) -> Image.Image:
    """A page without color: lines of words, or shades of gray all over."""
    drawn = Image.new("RGB", (480, 600), (255, 255, 255) if kind != "shades" else (120, 120, 120))
    pen, chance = ImageDraw.Draw(drawn), random.Random(kind)
    if kind == "text":
        for top in range(50, 560, 22):
            left = 40
            while left < 420:
                right = left + chance.randint(12, 50)
                pen.rectangle((left, top, right, top + 9), (20, 20, 20))
                left = right + 10
    else:
        for _ in range(60):
            left, top, level = chance.randint(0, 420), chance.randint(0, 540), chance.randint(10, 245)
            pen.ellipse((left, top, left + chance.randint(30, 90), top + chance.randint(30, 90)), (level,) * 3)
    return drawn


def pattern(color: tuple[int, int, int]) -> Image.Image:
    """Marks of one hue all over a paler one."""
    drawn = Image.new("RGB", (400, 400), tuple(round(level * 0.4 + 150) for level in color))
    pen, chance = ImageDraw.Draw(drawn), random.Random(5)
    for _ in range(40):
        left, top = chance.randint(-20, 380), chance.randint(-20, 380)
        pen.ellipse((left, top, left + chance.randint(30, 80), top + chance.randint(30, 80)), color)
    return drawn


def shirt(color: tuple[int, int, int], folds: float = 0.0) -> Image.Image:
    """A shirt before white, with folds as deep as a share of its light."""
    drawn = Image.new("RGB", (400, 400), (255, 255, 255))
    outline = [(120, 80), (280, 80), (350, 140), (310, 180), (280, 150), (280, 340), (120, 340), (120, 150), (90, 180)]
    ImageDraw.Draw(drawn).polygon([*outline, (50, 140)], color)
    down, across = np.mgrid[:400, :400]
    light = 1 + folds * np.sin(across / 17 + down / 31)
    pixels = np.asarray(drawn, np.float64)
    cloth = pixels.sum(axis=2) < 3 * 255
    return Image.fromarray(np.where(cloth[..., None], pixels * light[..., None], 255).clip(0, 255).astype(np.uint8))


def shelf_label(paper: tuple[int, int, int]) -> Image.Image:
    """A bold price on strongly colored paper, and bars."""
    drawn = Image.new("RGB", (1000, 600), paper)
    pen = ImageDraw.Draw(drawn)
    pen.text((40, 30), "Candle lantern", "black", ImageFont.load_default(size=60), stroke_width=2)
    pen.text((40, 110), "500 g", "black", ImageFont.load_default(size=36))
    pen.text((520, 330), "4.29", (17, 17, 17), ImageFont.load_default(size=210), stroke_width=8)
    for bar in range(24):
        pen.rectangle((40 + 13 * bar, 460, 40 + 13 * bar + (3, 6, 9)[bar * bar % 3], 560), "black")
    return drawn


def kind_of(left: Image.Image, right: Image.Image) -> VerdictKind:
    return decide(measure_images(working(left), working(jpeg(right, 90)))).kind


@pytest.mark.parametrize("kind", SHEETS)
@pytest.mark.parametrize("seed", [1, 3])  # warmer and colder
def test_a_page_under_another_lamp_is_a_duplicate(kind, seed):
    assert kind_of(sheet(kind), white_balance(sheet(kind), random.Random(seed))) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("kind", SHEETS)
def test_a_page_in_sepia_or_two_inks_is_a_color_variant(kind):
    assert kind_of(sheet(kind), sepia(sheet(kind), random.Random(1))) is VerdictKind.COLOR_VARIANT
    for seed in range(4):
        assert kind_of(sheet(kind), duotone(sheet(kind), random.Random(seed))) is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize("color", [(30, 60, 150), (150, 30, 40), (20, 110, 90)])
def test_marks_of_one_hue_are_duplicates_in_another_tone_and_no_gray_ones(color):
    for strength in (0.8, 1.2):
        for changed in (ImageEnhance.Contrast, ImageEnhance.Brightness):
            assert kind_of(pattern(color), changed(pattern(color)).enhance(strength)) is VerdictKind.DUPLICATE
    assert kind_of(pattern(color), ImageOps.grayscale(pattern(color)).convert("RGB")) is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize(
    ("color", "other"),
    [((180, 150, 128), (152, 152, 152)), ((200, 180, 160), (180, 180, 180)), ((60, 60, 60), (50, 60, 75))],
)
def test_a_shirt_in_nearly_another_gray_before_the_same_white_is_a_color_variant(color, other):
    assert kind_of(shirt(color), shirt(other)) is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize(
    ("color", "other"),
    [
        ((60, 60, 60), (150, 150, 150)),
        ((20, 30, 80), (120, 150, 220)),
        ((229, 183, 183), (153, 30, 30)),
        ((120, 60, 30), (200, 160, 110)),
    ],
)
@pytest.mark.parametrize("folds", [0.0, 0.12])
def test_a_shirt_in_quite_another_shade_before_the_same_white_is_a_color_variant(color, other, folds):
    assert kind_of(shirt(color, folds), shirt(other, folds)) is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize("color", [(60, 60, 60), (120, 150, 220), (153, 30, 30)])
def test_a_shirt_in_another_light_is_a_duplicate(color):
    worn = shirt(color, 0.12)
    for gamma in (0.6, 1.6):
        brightened = worn.point([round(255 * (level / 255) ** gamma) for level in range(256)] * 3)
        assert kind_of(worn, brightened) is VerdictKind.DUPLICATE
    assert kind_of(worn, ImageEnhance.Brightness(worn).enhance(0.8)) is VerdictKind.DUPLICATE


def test_a_table_in_negative_is_the_same_table_in_other_colors():
    table = Image.new("RGB", (480, 600), (255, 255, 255))
    pen, chance = ImageDraw.Draw(table), random.Random(8)
    for top in range(40, 580, 24):
        pen.line((20, top, 460, top), (60, 60, 60), 2)
        pen.line((20, top + 12, chance.randint(60, 400), top + 12), (140, 140, 140), 6)
    assert kind_of(table, ImageOps.invert(table)) is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize("paper", [(255, 236, 80), (255, 243, 107), (255, 220, 60)])
@pytest.mark.parametrize("light", [0.7, 0.8, 0.85, 0.9])
def test_a_dimmed_label_on_yellow_paper_has_not_lost_its_color(paper, light):
    label = shelf_label(paper)
    dimmed = ImageEnhance.Brightness(label).enhance(light)
    assert compare(encoded(label), encoded(dimmed, "JPEG", quality=85)).kind is VerdictKind.DUPLICATE


def test_a_label_on_other_paper_or_in_gray_has_other_colors():
    label = shelf_label((255, 236, 80))
    for other in (shelf_label((255, 160, 107)), shelf_label((235, 225, 150)), label.convert("L").convert("RGB")):
        assert kind_of(label, other) is VerdictKind.COLOR_VARIANT


def button(words: str) -> Image.Image:
    """A small blue one with white letters."""
    drawn = Image.new("RGB", (384, 120), "white")
    pen = ImageDraw.Draw(drawn)
    pen.rounded_rectangle((6, 6, 378, 114), 30, (20, 120, 220))
    pen.text((192, 60), words, "white", ImageFont.load_default(size=38), anchor="mm")
    return drawn


@pytest.mark.parametrize("words", ["Buy now", "Sign up", "Learn more"])
def test_a_small_button_in_a_jpeg_of_half_its_size_has_lost_no_color(words: str):
    half = jpeg(button(words).resize((192, 60), Image.Resampling.LANCZOS), 75)
    assert decide(measure_images(working(button(words)), working(half))).kind is VerdictKind.DUPLICATE


def test_a_gray_copy_of_a_small_button_has_lost_its_color():
    gray = jpeg(button("Buy now").convert("L").convert("RGB"), 85)
    assert decide(measure_images(working(button("Buy now")), working(gray))).kind is VerdictKind.COLOR_VARIANT
