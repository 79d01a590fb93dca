"""Areas between lines that are the same: bricks of another wall, another map of one country, another region shaded."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from dedup_core import VerdictKind, decide, measure_images
from tests.core.drawings import photo
from tests.core.pictures import half, hue_shifted, jpeg, working
from tests.core.verdicts import kind_of

type Color = tuple[int, int, int]
type Change = Callable[[Image.Image], Image.Image]


def wall(seed: int, middle: float | None = None) -> Image.Image:
    """A wall of bricks of which each is burnt a little lighter or darker, the one in the middle as much as that."""
    chance, image = random.Random(seed), Image.new("RGB", (960, 640), (200, 195, 185))
    pen = ImageDraw.Draw(image)
    for row in range(11):
        for column in range(-1, 9):
            left, top, light = column * 120 + row % 2 * 60, row * 58, chance.uniform(0.75, 1.1)
            if middle is not None and (row, column) == (5, 4):
                light = middle
            brick = (round(160 * light), round(75 * light), round(55 * light))
            pen.rectangle((left + 4, top + 4, left + 116, top + 54), fill=brick)
    return image


def statistics(seed: int, hue: Color = (10, 110, 40), middle: float | None = None) -> Image.Image:
    """One country with the same borders, and other values of its districts in four shades of a hue."""
    chance, image = random.Random(seed), Image.new("RGB", (900, 720), "white")
    pen = ImageDraw.Draw(image)
    for row in range(8):
        for column in range(9):
            share = chance.choice([0.1, 0.2, 0.3, 0.4])
            if middle is not None and (row, column) == (4, 4):
                share = middle
            left, top = 40 + column * 90 + row % 3 * 12, 30 + row * 82
            shade = tuple(round(255 - (255 - level) * share) for level in hue)
            pen.rectangle((left, top, left + 90, top + 82), fill=shade, outline=(90, 90, 90), width=3)
    return image


def sets(shaded: int) -> Image.Image:
    """Four squares of which one is shaded."""
    image = Image.new("RGB", (700, 700), "white")
    pen = ImageDraw.Draw(image)
    for number in range(4):
        left, top = 100 + number % 2 * 250, 100 + number // 2 * 250
        pen.rectangle((left, top, left + 250, top + 250), (150, 190, 230) if number == shaded else "white", "black", 4)
        pen.text((left + 20, top + 10), "ABCD"[number], "black", font_size=60)
    return image


@pytest.mark.parametrize("changed", [lambda it: it, half, lambda it: jpeg(it, 75)], ids=["as it is", "half", "JPEG"])
@pytest.mark.parametrize("thing", [wall, statistics, sets])
def test_areas_with_other_values_between_the_same_lines_are_neither_a_copy_nor_other_colors_of_it(thing, changed):
    assert kind_of(thing(1), changed(thing(2))) in {VerdictKind.ALTERED, VerdictKind.DISTINCT}


def brighter(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.15)


def darker(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(0.7)


def with_more_contrast(image: Image.Image) -> Image.Image:
    return ImageEnhance.Contrast(image).enhance(1.3)


PICTURES = {"wall": wall(1), "map": statistics(1), "sets": sets(1), "photograph": photo("chelsea.png")}


@pytest.mark.parametrize("changed", [half, brighter, darker, with_more_contrast])
@pytest.mark.parametrize("name", PICTURES)
def test_the_same_areas_in_another_light_are_a_copy(name: str, changed: Change):
    assert kind_of(PICTURES[name], jpeg(changed(PICTURES[name]), 85)) is VerdictKind.DUPLICATE


def test_a_wall_in_another_hue_is_a_color_variant():
    assert kind_of(wall(1), hue_shifted(wall(1), 120)) is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize("hue", [(40, 60, 200), (200, 60, 40)], ids=["blue", "red"])
def test_a_map_in_shades_of_another_hue_is_a_color_variant(hue: Color):
    assert kind_of(statistics(1), statistics(1, hue)) is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize("changed", [lambda it: it, half, lambda it: jpeg(it, 75)], ids=["as it is", "half", "JPEG"])
@pytest.mark.parametrize(
    "pair",
    [
        pytest.param((wall(1, middle=0.8), wall(1, middle=1.05)), id="brick"),
        pytest.param((statistics(1, middle=0.1), statistics(1, middle=0.3)), id="district"),
    ],
)
def test_one_area_in_another_shade_makes_them_altered(pair: tuple[Image.Image, Image.Image], changed: Change):
    assert kind_of(pair[0], changed(pair[1])) is VerdictKind.ALTERED


def test_pale_areas_that_are_clipped_and_shadows_that_are_lifted_are_not_painted():
    """A few areas differ and all else does not, but so does all that has their color."""
    page = statistics(1)
    lifted = page.point([min(255, level + max(0, 40 - level // 2)) for level in range(256)] * 3)
    assert kind_of(page, lifted) is VerdictKind.DUPLICATE
    pale = Image.new("RGB", (640, 480), "white")
    pen = ImageDraw.Draw(pale)
    for row in range(12):
        pen.text((40, 20 + row * 37), f"line {row} of what was written on this page", "black", font_size=24)
    pen.rectangle((500, 40, 600, 120), fill=(242, 242, 242), outline="black", width=2)
    clipped = pale.point([min(255, round(level * 1.1)) for level in range(256)] * 3)
    assert decide(measure_images(working(pale), working(clipped))).kind is not VerdictKind.DISTINCT
    assert measure_images(working(pale), working(clipped)).tones.painted == 0.0


def lipstick(shade: Color) -> Image.Image:
    """A product on white: a black case, a ring of gold and the tip."""
    sheet = Image.new("RGB", (320, 560), (252, 252, 252))
    for (width, height), place, color in (
        ((110, 200), (105, 320), (40, 40, 44)),
        ((96, 90), (112, 230), (210, 180, 110)),
        ((70, 140), (125, 90), shade),
    ):
        light = 0.55 + 0.55 * np.sin(np.linspace(0.2, 2.9, width))
        shaded = np.clip(light[:, None] * np.full((height, 1, 3), color), 0, 255).astype(np.uint8)
        sheet.paste(Image.fromarray(shaded), place)
    return sheet


def test_a_product_of_which_a_part_has_another_shade_is_no_duplicate():
    assert kind_of(lipstick((190, 30, 50)), jpeg(lipstick((150, 25, 40)), 85)) is VerdictKind.ALTERED


def test_a_product_with_less_saturation_or_lifted_shadows_has_no_part_in_another_shade():
    product = lipstick((190, 30, 50))
    lifted = product.point([min(255, level + max(0, 40 - level // 2)) for level in range(256)] * 3)
    for copy in (ImageEnhance.Color(product).enhance(0.7), lifted):
        assert measure_images(working(product), working(jpeg(copy, 85))).tones.painted == 0.0


def painted_nails(shade: Color) -> Image.Image:
    """Four nails before skin, which is most of the picture, and no border that could be trimmed."""
    pores = np.random.default_rng(5).normal(0, 4, (105, 140)).astype(np.float32)
    grain = np.asarray(Image.fromarray(pores).resize((560, 420), Image.Resampling.BICUBIC))
    sheet = Image.fromarray(np.clip(grain[..., None] + (226, 186, 164), 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(sheet)
    for place in range(4):
        pen.rounded_rectangle((60 + 120 * place, 110, 118 + 120 * place, 220), 28, shade)
    return sheet


@pytest.mark.parametrize("shade", [(170, 20, 40), (196, 40, 84)])
def test_a_part_in_another_shade_is_in_no_tone_that_would_change_the_ground(shade):
    darker, copy = working(painted_nails((120, 16, 44))), working(jpeg(painted_nails(shade), 88))
    assert measure_images(darker, copy).tones.painted > 0.0
