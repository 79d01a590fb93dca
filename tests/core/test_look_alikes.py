"""Different things that are nearly one picture: never the same thing, while a small and compressed copy is."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_core import VerdictKind, decide, measure_images
from dedup_core.comparison.regions import RegionKind
from tests.core.pictures import jpeg, scene, working
from tests.core.verdicts import kind_of

THE_SAME = {VerdictKind.IDENTICAL, VerdictKind.DUPLICATE}


def dotted_numeral(number: int) -> Image.Image:
    """A chart for color vision: the same dots for every number, which shows by the hue of some of them alone."""
    chance = np.random.default_rng(5)
    image, shape = Image.new("RGB", (420, 420), "white"), Image.new("L", (420, 420))
    ImageDraw.Draw(shape).text((90, 80), str(number), fill=255, font_size=210)
    canvas = ImageDraw.Draw(image)
    for x, y, radius in zip(
        chance.integers(20, 400, 1800), chance.integers(20, 400, 1800), chance.integers(4, 9, 1800), strict=True
    ):
        color = (205, 110, 80) if shape.getpixel((int(x), int(y))) else (130, 150, 75)
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)
    return image


def stamped_sheet(number: int) -> Image.Image:
    """An empty sheet with a short word at its foot."""
    image = Image.new("RGB", (480, 640), (250, 250, 246))
    words = ("paid", "void", "copy", "urgent")
    ImageDraw.Draw(image).text((60 + 90 * number, 600), words[number], fill=(30, 30, 30), font_size=16)
    return image


def ball_before_a_sky(number: int) -> Image.Image:
    """A ball somewhere in a sky that is the same at any height and a ramp from left to right."""
    ramp = np.tile(np.linspace(60, 200, 480), (360, 1)).astype(np.uint8)
    image = Image.fromarray(np.stack([ramp] * 3, axis=2))
    x, y = ((60, 300), (150, 40), (330, 250), (390, 90))[number]
    ImageDraw.Draw(image).ellipse((x, y, x + 26, y + 26), fill=(230, 60, 60))
    return image


def message_window(number: int) -> Image.Image:
    """A window with a light frame in the middle of a screen, with one message or another."""
    image = Image.new("RGB", (800, 600), (0, 120, 215))
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((180, 190, 620, 400), fill=(240, 240, 240))
    canvas.rectangle((180, 190, 620, 222), fill="white")
    canvas.text((192, 196), "Planet", fill="black", font_size=14)
    word = ("printer", "scanner", "network", "account")[number]
    canvas.text((210, 250), f"The {word} is not ready.", fill="black", font_size=30)
    canvas.rectangle((520, 360, 600, 388), fill=(225, 225, 225), outline=(0, 120, 215))
    return image


def boarding_pass(number: int) -> Image.Image:
    """One passenger's pass for one flight, in one seat or another."""
    image = Image.new("RGB", (900, 380), (244, 248, 252))
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, 0, 900, 64), fill=(20, 60, 110))
    canvas.text((24, 10), "NORTHERN AIR  boarding pass", fill="white", font_size=36)
    for row, line in enumerate(("Passenger  R. Halvorsen", "Flight  NA 417   Gate  B 12", "Oslo to Bergen")):
        canvas.text((24, 90 + 56 * row), line, fill=(20, 20, 20), font_size=30)
    canvas.text((24, 280), f"Seat {number}", fill=(20, 20, 20), font_size=36)
    return image


def bars_of_areas(number: int) -> Image.Image:
    """Gray bars of which one has another hue: some curve for each channel makes any other of it."""
    image = Image.new("RGB", (600, 400), "white")
    canvas = ImageDraw.Draw(image)
    for row in range(6):
        canvas.line((50, 40 + 60 * row, 580, 40 + 60 * row), fill=(225, 225, 225))
        canvas.text((12, 30 + 60 * row), str(100 - 20 * row), fill="black", font_size=16)
    for place, height in enumerate((180, 260, 120, 280, 220, 150, 90)):
        hue = ((216, 54, 54), (216, 135, 54), (135, 216, 54), (54, 216, 54))[number]
        left = 70 + 72 * place
        canvas.rectangle((left, 340 - height, left + 48, 340), fill=hue if place == 3 else (150, 160, 175))
        canvas.text((left, 350), f"area {place}", fill="black", font_size=16)
    return image


DRAWN: dict[str, Callable[[int], Image.Image]] = {
    "numeral": lambda number: dotted_numeral((12, 29, 45, 74)[number]),
    "sheet": stamped_sheet,
    "ball": ball_before_a_sky,
    "window": message_window,
    "bars": bars_of_areas,
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN.keys())
@pytest.mark.parametrize(("one", "other"), [(0, 1), (0, 2), (1, 3), (2, 3)])
def test_what_differs_in_one_small_place_is_not_the_same_thing(draw, one, other):
    assert kind_of(draw(one), draw(other)) not in THE_SAME


def test_the_place_of_another_color_is_told():
    verdict = decide(measure_images(working(dotted_numeral(12)), working(dotted_numeral(74))))
    assert verdict.kind is VerdictKind.ALTERED
    changed = [region.left for region in verdict.regions if region.kind is RegionKind.CHANGED]
    assert max(box.area for box in changed) > 0.1
    assert all(0.15 < (box.left + box.right) / 2 < 0.85 for box in changed)


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN.keys())
@pytest.mark.parametrize("number", range(4))
def test_its_copy_at_half_the_size_is_a_duplicate(draw, number):
    image = draw(number)
    copy = jpeg(image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS), 75)
    assert kind_of(image, copy) is VerdictKind.DUPLICATE


def test_a_word_that_only_one_of_two_empty_sheets_has_makes_it_altered():
    empty = Image.new("RGB", (480, 640), (250, 250, 246))
    assert kind_of(stamped_sheet(1), empty) is VerdictKind.ALTERED


@pytest.mark.parametrize(("one", "other"), [(16, 10), (18, 19)])
def test_one_large_digit_that_differs_between_clean_files_is_seen(one, other):
    assert kind_of(boarding_pass(one), boarding_pass(other)) is VerdictKind.ALTERED


def seen_from(seed: int, step: float) -> Image.Image:
    """A scene with five things before it, from a camera that moved by a part of the width: the near moves further."""
    picture, texture = scene(seed, (640, 480)), scene(seed + 100, (640, 480))
    random = np.random.default_rng(seed)
    moved = picture.transform(picture.size, Image.Transform.AFFINE, (1, 0, 0.5 * step * 640, 0, 1, 0))
    for nearness in np.linspace(1.5, 3, 5):
        x, y, radius = random.uniform(120, 520), random.uniform(120, 360), random.uniform(40, 80)
        outline = Image.new("L", picture.size)
        ImageDraw.Draw(outline).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        moved.paste(texture, (round(-nearness * step * 640), 0), outline)
    return moved.crop((32, 24, 608, 456))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("step", [0.002, 0.015, 0.03])
def test_one_scene_from_a_moved_camera_is_no_duplicate(seed, step):
    assert kind_of(seen_from(seed, 0.0), jpeg(seen_from(seed, step), 88)) in (VerdictKind.ALTERED, VerdictKind.DISTINCT)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_one_where_the_camera_stood_still(seed):
    assert kind_of(seen_from(seed, 0.0), jpeg(seen_from(seed, 0.0), 88)) is VerdictKind.DUPLICATE
