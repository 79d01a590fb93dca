"""A page that is scanned askew, or that a phone took on a desk, is found by its hash as one that is upright."""

import random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_core import measure_images
from dedup_core.fingerprinting.hashes import hash_distance, hashes_of
from dedup_core.fingerprinting.luma import LumaPicture
from dedup_core.search.hit import MAX_DISTANCE_BITS
from dedup_core.views import View
from tests.core.drawings import drawn, photo
from tests.core.pictures import in_perspective, jpeg, working

WHITE = (255, 255, 255)
BLACK = (0, 0, 0)
DESK = (112, 84, 60)


def page(seed: int) -> Image.Image:
    """A page of ruled boxes with lines of words, another one for each seed."""
    chance = random.Random(seed)
    sheet = Image.new("RGB", (620, 800), WHITE)
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((60, 50, chance.randint(260, 540), 84), (30, 40, 120))
    top = 130
    while top < 700:
        height = chance.choice([24, 40, 90])
        if chance.random() < 0.4:
            pen.rectangle((60, top, chance.randint(300, 560), top + height), outline=BLACK, width=2)
        for line in range(top + 8, top + height, 14):
            left = 70
            while left < chance.randint(200, 540):
                right = left + chance.randint(12, 60)
                pen.rectangle((left, line, right, line + 6), (40, 40, 40))
                left = right + 8
        top += height + chance.choice([10, 34])
    return sheet


def on_a_desk(sheet: Image.Image) -> Image.Image:
    """The sheet on a wooden desk, as a phone sees it from one side."""
    grain = np.random.Generator(np.random.PCG64(3)).normal(0, 3, (980, 800, 3)) + DESK
    desk = Image.fromarray(grain.clip(0, 255).astype(np.uint8))
    seen = [(110, 80), (690, 120), (740, 900), (70, 880)]
    laid, shown = (in_perspective(it, seen, desk.size, 0) for it in (sheet, Image.new("L", sheet.size, 255)))
    desk.paste(laid, mask=shown)
    return desk


def bits_between(one: Image.Image, other: Image.Image) -> int:
    distance = hash_distance(hashes_of(working(one)), hashes_of(working(other)), View.UPRIGHT)
    assert distance is not None
    return distance


def straightened(picture: Image.Image) -> LumaPicture | None:
    return LumaPicture(working(picture)).straightened()


@pytest.mark.parametrize("degrees", [-30, -7, 3, 12])
@pytest.mark.parametrize("ground", [WHITE, BLACK])
def test_a_page_scanned_askew(degrees, ground):
    for seed in (1, 2):
        askew = page(seed).rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=ground)
        assert bits_between(page(seed), jpeg(askew, 80)) <= MAX_DISTANCE_BITS / 2


@pytest.mark.parametrize("degrees", [-5, 4])
def test_a_page_of_which_the_scanner_took_no_more_than_its_size(degrees):
    for seed in (1, 2):
        askew = page(seed).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=WHITE)
        assert bits_between(page(seed), jpeg(askew, 80)) <= MAX_DISTANCE_BITS


def test_a_sheet_that_a_phone_took_on_a_desk():
    for seed in (1, 2):
        assert bits_between(page(seed), jpeg(on_a_desk(page(seed)), 80)) <= MAX_DISTANCE_BITS / 2


@pytest.mark.parametrize("laid", [lambda sheet: sheet.rotate(6, expand=True, fillcolor=WHITE), on_a_desk])
def test_other_pages_at_the_same_angle_stay_others(laid):
    (_, one), (_, other) = (hashes_of(working(laid(page(seed)))) for seed in (1, 2))
    assert np.bitwise_count(one ^ other).sum() > 0.8 * MAX_DISTANCE_BITS  # copies: half of it


def test_pages_that_are_upright_are_taken_as_they_are():
    framed = Image.new("RGB", (760, 960), DESK)
    framed.paste(page(1), (70, 80))
    for picture in (page(1), framed, page(1).rotate(90, expand=True)):
        assert straightened(picture) is None


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"])
def test_photographs_are_taken_as_they_are(name):
    assert straightened(photo(name)) is None
    assert straightened(photo(name).rotate(8).crop((80, 80, 320, 320))) is None


def test_what_shows_no_lines_is_taken_as_it_is():
    for picture in (Image.new("RGB", (300, 200), DESK), drawn(4), Image.new("RGB", (600, 9), BLACK)):
        assert straightened(picture) is None


def test_of_an_empty_sheet_on_a_desk_the_whole_is_hashed():
    desk = on_a_desk(Image.new("RGB", (620, 800), WHITE))
    assert straightened(desk) is not None
    whole, inner = hashes_of(working(desk))
    assert whole.any()
    assert inner.any()


def test_a_comparison_tells_how_near_two_pages_are_once_one_is_upright():
    askew = jpeg(page(1).rotate(12, Image.Resampling.BICUBIC, expand=True, fillcolor=BLACK), 80)
    measured = measure_images(working(page(1)), working(askew))
    assert measured.distance_bits is not None
    assert measured.distance_bits <= MAX_DISTANCE_BITS / 2
