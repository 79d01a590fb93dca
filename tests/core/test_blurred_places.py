"""A face or a number plate that was blurred is seen where all else is exact: half as large, or in another light."""

from dataclasses import replace

import pytest
from PIL import Image, ImageEnhance, ImageFilter

from dedup_core import VerdictKind, decide, measure_images
from tests.core.drawings import photo
from tests.core.pictures import half, jpeg, working
from tests.core.verdicts import kind_of

PLACES = {"astronaut.png": (0.5, 0.2, 0.08), "coffee.png": (0.7, 0.2, 0.08), "chelsea.png": (0.5, 0.2, 0.08)}
"""Where something shows, and how large a place, in shares of the width and height."""


def blurred_in_a_place(image: Image.Image, across: float, down: float, size: float) -> Image.Image:
    left, top, side = int(across * image.width), int(down * image.height), int(size * image.width)
    box = left, top, left + side, top + side
    blurred = image.copy()
    blurred.paste(image.crop(box).filter(ImageFilter.GaussianBlur(side / 7)), box[:2])
    return blurred


@pytest.mark.parametrize("name", PLACES)
def test_a_place_that_was_blurred_makes_a_smaller_copy_altered(name):
    image = photo(name)
    verdict = decide(measure_images(working(image), working(half(blurred_in_a_place(image, *PLACES[name])))))
    assert verdict.kind is VerdictKind.ALTERED
    assert "a small part differs" in verdict.reasons[0]


@pytest.mark.parametrize("name", PLACES)
def test_the_same_copy_without_a_blurred_place_is_a_duplicate(name):
    image = photo(name)
    assert decide(measure_images(working(image), working(half(image)))).kind is VerdictKind.DUPLICATE


def brighter(image: Image.Image) -> Image.Image:
    return jpeg(ImageEnhance.Brightness(image).enhance(1.2), 85)


@pytest.mark.parametrize("place", [(0.5, 0.4, 0.08), (0.7, 0.2, 0.08), (0.6, 0.6, 0.1)])
def test_a_place_that_was_blurred_makes_a_brighter_copy_altered(place):
    cat = photo("chelsea.png")
    assert kind_of(cat, brighter(blurred_in_a_place(cat, *place))) is VerdictKind.ALTERED


@pytest.mark.parametrize("name", [*PLACES, "rocket.jpg"])
def test_the_same_brighter_copy_without_a_blurred_place_is_a_duplicate(name):
    assert kind_of(photo(name), brighter(photo(name))) is VerdictKind.DUPLICATE


def test_only_a_place_that_differs_in_the_tones_of_either_counts_against_tones_that_were_changed():
    measured = measure_images(working(photo("chelsea.png")), working(brighter(photo("chelsea.png"))))
    assert measured.detail is not None
    kinds = {None: VerdictKind.DUPLICATE, 0.05: VerdictKind.DUPLICATE, 0.2: VerdictKind.ALTERED}
    for evened, kind in kinds.items():
        detail = replace(measured.detail, worst=0.25, evened=evened)
        assert decide(replace(measured, detail=detail)).kind is kind


def test_in_other_tones_more_may_stand_out_than_where_they_are_as_they_were():
    measured = measure_images(working(photo("coffee.png")), working(half(photo("coffee.png"))))
    assert measured.detail is not None
    for retoned, kind in ((0.0, VerdictKind.ALTERED), (20.0, VerdictKind.DUPLICATE)):
        detail = replace(measured.detail, outlier=1.5, retoned=retoned)
        assert decide(replace(measured, detail=detail)).kind is kind
