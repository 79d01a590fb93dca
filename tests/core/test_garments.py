"""Shirts before white: in another color, in another tone, with parts of which one lies between."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from dedup_core import VerdictKind
from tests.core.pictures import jpeg
from tests.core.test_one_tone import gamma
from tests.core.verdicts import kind_of

type Color = tuple[int, int, int]
type Change = Callable[[Image.Image], Image.Image]
GRAY = (110, 105, 115)
BODY = [(190, 90), (410, 90), (440, 660), (160, 660)]
SLEEVES = ([(190, 90), (80, 560), (150, 580), (200, 300)], [(410, 90), (520, 560), (450, 580), (400, 300)])


@cache
def shirt(color: Color, *, with_gray: bool = False) -> Image.Image:
    """One of this color, with folds; `with_gray` its sleeves and a pocket are gray. Do not draw on it."""
    folds, image = np.random.default_rng(4).normal(0, 1, (18, 15)), Image.new("RGB", (600, 720), "white")
    canvas = ImageDraw.Draw(image)
    canvas.polygon(BODY, fill=color)
    for sleeve in SLEEVES:
        canvas.polygon(sleeve, fill=GRAY if with_gray else color)
    if with_gray:
        canvas.rectangle((320, 200, 390, 290), fill=GRAY)
    light = np.asarray(Image.fromarray(folds.astype(np.float32)).resize(image.size, Image.Resampling.BICUBIC))
    light = (light * (np.asarray(image).min(axis=2) < 250))[..., None]
    return Image.fromarray((np.asarray(image) * (1 + 0.18 * light)).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    ("dark", "light"),
    [((30, 40, 90), (240, 230, 120)), ((40, 38, 42), (230, 160, 80)), ((30, 30, 30), (220, 60, 60))],
    ids=["navy and yellow", "black and orange", "black and red"],
)
def test_a_shirt_lighter_than_its_pocket_is_a_color_variant_of_a_darker_one(dark: Color, light: Color) -> None:
    left, right = shirt(dark, with_gray=True), jpeg(shirt(light, with_gray=True), 90)
    assert kind_of(left, right) is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize(
    ("one", "other"),
    [((40, 70, 170), (30, 35, 80)), ((160, 115, 75), (100, 70, 60))],
    ids=["blue and navy", "two browns"],
)
def test_shades_that_no_one_tone_makes_of_each_other_are_a_color_variant(one: Color, other: Color) -> None:
    assert kind_of(shirt(one), jpeg(shirt(other), 90)) is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize("color", [(40, 70, 170), (160, 115, 75), (200, 40, 50)])
@pytest.mark.parametrize(
    "change",
    [gamma(1.5), gamma(0.7), lambda image: ImageEnhance.Color(image).enhance(0.6)],
    ids=["darker", "lighter", "paler"],
)
def test_a_shirt_in_another_tone_is_a_copy(color: Color, change: Change) -> None:
    assert kind_of(shirt(color), jpeg(change(shirt(color)), 90)) is VerdictKind.DUPLICATE
