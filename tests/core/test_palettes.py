"""Pictures saved with a palette: a GIF has 256 colors, and a photograph's small berry may be none of them."""

import io
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_changes.transforms import TRANSFORMS
from dedup_core import VerdictKind, compare, decode
from dedup_core.decoding.given import working_image_of
from tests.core.drawings import photo_bytes
from tests.core.pictures import encoded, scene

NAMES = ["chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png", "retina.jpg"]
WAYS = ["gif", "png-8"]


@cache
def photo(name: str) -> Image.Image:
    """Do not draw on it."""
    picture = Image.open(io.BytesIO(photo_bytes(name))).convert("RGB")
    picture.thumbnail((640, 640))
    return picture


def saved(picture: Image.Image, way: str) -> bytes:
    return TRANSFORMS[way].copy_of(picture, "a.png")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_a_copy_with_a_palette_is_a_duplicate(name: str, way: str) -> None:
    verdict = compare(photo(name), saved(photo(name), way))
    assert verdict.kind is VerdictKind.DUPLICATE


def test_the_reasons_name_the_palette_whichever_picture_has_it() -> None:
    told = "one picture has no more than 256 colors; the other was given the same ones"
    picture, copy = photo("coffee.png"), saved(photo("coffee.png"), "gif")
    assert told in compare(picture, copy).reasons
    assert told in compare(copy, picture).reasons
    assert told not in compare(picture, picture.resize((320, 213))).reasons


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ink", ["red", (40, 90, 200), "white", "black"])
def test_what_was_drawn_on_it_is_told(way: str, ink: str) -> None:
    edited = photo("coffee.png").copy()
    ImageDraw.Draw(edited).ellipse((300, 60, 340, 100), outline=ink, width=5)
    assert compare(photo("coffee.png"), saved(edited, way)).kind is VerdictKind.ALTERED


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png", "astronaut.png"])
def test_a_gray_copy_stays_a_variant(name: str, way: str) -> None:
    gray = photo(name).convert("L").convert("RGB")
    assert compare(photo(name), saved(gray, way)).kind is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize("way", WAYS)
def test_another_picture_stays_another(way: str) -> None:
    assert compare(scene(1), saved(scene(2), way)).kind is VerdictKind.DISTINCT


def test_a_drawing_of_few_colors_is_compared_as_it_is() -> None:
    """A dot of a shade that its palette lacks is no loss of that palette."""
    drawings = []
    for shade in (200, 225):
        drawing = Image.new("RGB", (400, 300), "white")
        ImageDraw.Draw(drawing).rectangle((100, 80, 300, 220), fill=(shade, 40, 40))
        drawings.append(drawing)
    left, right = drawings
    assert compare(left, encoded(right.quantize(16), "GIF")).kind is compare(left, right).kind


def test_the_palette_holds_the_colors_that_are_shown() -> None:
    picture = Image.new("P", (4, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    picture.putdata([0, 1, 1, 2])
    assert working_image_of(picture).whole.palette == bytes([255, 0, 0, 0, 255, 0, 0, 0, 255])
    without = encoded(picture, "GIF", transparency=1)
    assert decode(without).whole.palette == bytes([255, 0, 0, 0, 0, 255])
    stream = io.BytesIO()
    picture.save(stream, "PNG", transparency=bytes([255, 255, 30]))
    assert decode(stream.getvalue()).whole.palette == bytes([255, 0, 0, 0, 255, 0])


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "1"])
def test_other_pictures_have_none(mode: str) -> None:
    assert decode(encoded(scene(3).convert(mode))).whole.palette == b""


def test_a_palette_that_is_too_short_ends_where_it_ends() -> None:
    picture = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4), "L").convert("P")
    picture.putpalette([1, 2, 3, 4, 5, 6])
    assert working_image_of(picture).whole.palette == bytes([1, 2, 3, 4, 5, 6])
