"""Margins are looked at where they have about one color, and tell what is a ground and what one picture was cut to."""

import itertools
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_core import VerdictKind
from dedup_core.comparison.overlap.margins import are_alike
from tests.core.pictures import half, jpeg
from tests.core.verdicts import kind_of


@pytest.mark.parametrize("grays", list(itertools.permutations((40, 100, 160))))
def test_margins_of_which_two_are_far_apart_are_not_alike_in_any_order(grays):
    assert not are_alike([np.full((5, 3), gray, np.uint8) for gray in grays])


@pytest.mark.parametrize("grays", list(itertools.permutations((100, 130, 160))))
def test_margins_of_one_paper_in_another_light_are_alike_and_empty_ones_say_nothing(grays):
    empty = np.empty((0, 3), np.uint8)
    assert are_alike([empty, *(np.full((5, 3), gray, np.uint8) for gray in grays)])
    assert are_alike([empty, empty])


def shoe(color: tuple[int, int, int]) -> Image.Image:
    """A shoe of one hue on white: what is cut out along its outline has little of the ground at its edge."""
    image = Image.new("RGB", (1100, 760), (248, 248, 248))
    canvas = ImageDraw.Draw(image)
    canvas.polygon([(120, 300), (330, 300), (560, 430), (860, 470), (980, 560), (980, 600), (120, 600)], fill=color)
    canvas.rounded_rectangle((110, 590, 990, 660), 30, fill=(240, 240, 235), outline=(180, 180, 180), width=3)
    canvas.polygon([(430, 520), (760, 490), (560, 570)], fill="white")
    for lace in range(5):
        canvas.line((370 + 45 * lace, 330 + 27 * lace, 340 + 45 * lace, 390 + 27 * lace), fill="white", width=8)
    grain = np.random.default_rng(sum(color)).normal(0, 3, (760, 1100, 3))
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("other", [(129, 191, 67), (67, 191, 67)])
@pytest.mark.parametrize("copied", [Image.Image.copy, half])
def test_a_shoe_in_another_color_is_a_color_variant_although_its_margins_are_trimmed(other, copied):
    assert kind_of(shoe((191, 191, 67)), copied(shoe(other))) is VerdictKind.COLOR_VARIANT
    assert kind_of(shoe(other), half(shoe(other))) is VerdictKind.DUPLICATE


def glass(level: int = 300) -> Image.Image:
    """A thermometer in the middle of a gray card."""
    image = Image.new("RGB", (700, 1200), (232, 236, 240))
    canvas = ImageDraw.Draw(image)
    canvas.rounded_rectangle((250, 60, 450, 1100), 90, fill="white", outline=(150, 150, 150), width=5)
    canvas.ellipse((270, 920, 430, 1080), fill=(210, 30, 30))
    canvas.rectangle((325, level, 375, 1000), fill=(210, 30, 30))
    for mark in range(14):
        canvas.line((385, 940 - 60 * mark, 435, 940 - 60 * mark), fill="black", width=3)
    return image


def scanned(image: Image.Image, degrees: float) -> Image.Image:
    """Askew on rough white paper, from which nothing can be trimmed."""
    paper = Image.new("RGB", (image.width + 50, image.height + 50), "white")
    paper.paste(image, (25, 25))
    turned = paper.rotate(degrees, Image.Resampling.BICUBIC, fillcolor="white")
    grain = np.random.default_rng(3).normal(0, 4, (turned.height, turned.width, 3))
    return Image.fromarray((np.asarray(turned) * (0.97, 0.955, 0.92) + grain).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("degrees", [1.5, 3.0])
def test_a_card_is_a_duplicate_of_its_scan_of_which_no_margins_could_be_trimmed(degrees):
    assert kind_of(glass(), scanned(glass(), degrees)) is VerdictKind.DUPLICATE
    assert kind_of(glass(), scanned(glass(460), degrees)) in {VerdictKind.ALTERED, VerdictKind.DISTINCT}


@cache
def desktop(*, stamped: bool) -> Image.Image:
    """A dialog on a blue desktop, which is cut off above it as a margin, and a red stamp on that. Do not draw on it."""
    image = Image.new("RGB", (800, 600), (0, 120, 215))
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, 565, 800, 600), fill=(30, 30, 30))
    canvas.rectangle((180, 190, 620, 400), fill=(240, 240, 240))
    canvas.rectangle((180, 190, 620, 222), fill="white")
    canvas.text((192, 196), "Statue", fill="black", font_size=16)
    for line, words in enumerate(("window valley bridge basket", "yellow quarter letter", "forest garden cotton")):
        canvas.text((250, 250 + 28 * line), words, fill="black", font_size=16)
    canvas.rectangle((520, 360, 600, 388), fill=(225, 225, 225), outline=(0, 120, 215))
    if stamped:  # as dark as the desktop: color alone tells it
        canvas.rounded_rectangle((524, 84, 690, 160), 8, outline=(200, 45, 60), width=5)
        canvas.text((552, 96), "PAID", fill=(200, 45, 60), font_size=44)
    return image


def laid_askew(image: Image.Image) -> Image.Image:
    return jpeg(image.rotate(0.7, Image.Resampling.BICUBIC, fillcolor=(250, 250, 248)), 80)


def test_a_mark_that_color_alone_tells_is_seen_in_the_margin_of_a_scan_too():
    assert kind_of(desktop(stamped=False), laid_askew(desktop(stamped=True))) is VerdictKind.ALTERED
    assert kind_of(desktop(stamped=True), laid_askew(desktop(stamped=True))) is VerdictKind.DUPLICATE
    assert kind_of(desktop(stamped=False), laid_askew(desktop(stamped=False))) is VerdictKind.DUPLICATE
