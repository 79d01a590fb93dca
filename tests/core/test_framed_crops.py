"""A crop with a frame, bars, filled or round corners is a copy: the scene goes on where it has them."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from dedup_core import VerdictKind
from dedup_core.comparison.alignment.filled_corners import filled_edges, on_near_side, rounded_edges
from dedup_core.comparison.measure import measure_images
from tests.core.pictures import cropped, jpeg, scene, working
from tests.core.test_provenance import photograph
from tests.core.verdicts import kind_of

BICUBIC = Image.Resampling.BICUBIC


def original(number: int) -> Image.Image:
    return photograph(number).crop((0, 30, 480, 390)) if number else scene(4)


def crop(number: int) -> Image.Image:
    return cropped(original(number), 0.06, 0.04, 0.95, 0.93)


def with_bars(picture: Image.Image) -> Image.Image:
    return ImageOps.pad(picture, (picture.width, picture.height * 13 // 10))


@pytest.mark.parametrize("number", [0, 3, 5])
@pytest.mark.parametrize("color", ["white", "black", "#204060"])
def test_a_crop_with_a_frame_is_a_copy(number: int, color: str):
    assert kind_of(original(number), jpeg(ImageOps.expand(crop(number), 30, color), 85)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("number", [0, 3, 5])
@pytest.mark.parametrize("times", [0.7, 1.3, 1.71])
def test_what_scaling_mixed_with_the_frame_is_no_change(number: int, times: float):
    framed = ImageOps.expand(crop(number), 31, "white")
    scaled = framed.resize((round(framed.width * times), round(framed.height * times)), BICUBIC)
    assert kind_of(original(number), jpeg(scaled, 85)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("number", [0, 3, 5])
def test_a_crop_with_bars_is_a_copy_in_a_frame_as_well(number: int):
    assert kind_of(original(number), jpeg(with_bars(crop(number)), 85)) is VerdictKind.DUPLICATE
    assert kind_of(original(number), jpeg(ImageOps.expand(with_bars(crop(number)), 24, "white"), 85)) is (
        VerdictKind.DUPLICATE
    )


@pytest.mark.parametrize("number", [0, 3, 5])
@pytest.mark.parametrize(("degrees", "is_whole"), [(1, False), (-2, False), (3, True), (8, True)])
@pytest.mark.parametrize("color", ["white", "black"])
def test_a_crop_that_was_turned_and_filled_at_its_corners_is_a_copy(number, degrees, is_whole, color):
    turned = crop(number).rotate(degrees, BICUBIC, expand=is_whole, fillcolor=color)
    assert kind_of(original(number), jpeg(turned, 85)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("number", [3, 5])
def test_what_is_written_on_such_a_crop_is_seen(number: int):
    written = crop(number)
    ImageDraw.Draw(written).text((150, 250), "SOLD OUT", "red", font_size=40)
    for framed in (ImageOps.expand(written, 30, "white"), written.rotate(2, BICUBIC, fillcolor="black")):
        assert kind_of(original(number), jpeg(framed, 85)) is VerdictKind.ALTERED


def test_filled_corners_are_no_part_of_what_is_shown():
    picture, turned = working(original(3)), working(crop(3).rotate(8, BICUBIC, expand=True, fillcolor="white"))
    measured = measure_images(picture, turned)
    assert measured.inner_coverage > 0.97
    assert 0.75 < measured.coverage < 0.85


@pytest.mark.parametrize("degrees", [1, -2, 3])
@pytest.mark.parametrize("is_whole", [False, True])
def test_edges_of_filled_corners_are_found_to_a_few_pixels(degrees: int, is_whole: bool):
    mask = Image.new("L", (480, 360), 255).rotate(degrees, BICUBIC, expand=is_whole)
    copy = original(3).rotate(degrees, BICUBIC, expand=is_whole, fillcolor="white")
    longer = max(copy.size)
    edges = filled_edges(np.asarray(copy), abs(degrees))
    near = on_near_side(edges, copy.size, (longer, longer))
    is_picture = np.asarray(mask) > 127
    assert not (near & ~is_picture).any()
    assert (is_picture & ~near).mean() < 0.04


@pytest.mark.parametrize("degrees", [1, -2, 3])
def test_margins_of_a_page_that_was_turned_are_no_filling(degrees: int):
    page = Image.new("RGB", (500, 700), "white")
    canvas = ImageDraw.Draw(page)
    for line in range(30):
        canvas.text((50, 40 + 20 * line), "a line of text that begins where all of them do", "black", font_size=15)
    turned = np.asarray(page.rotate(degrees, BICUBIC, fillcolor="white").crop((45, 35, 445, 640)))
    assert len(filled_edges(turned, abs(degrees))) == 0


def with_shadow(picture: Image.Image) -> Image.Image:
    size = picture.width * 6 // 5, picture.height * 6 // 5
    place = picture.width // 10, picture.height // 10
    shade = Image.new("L", size)
    shade.paste(160, (place[0] + 8, place[1] + 8, place[0] + 8 + picture.width, place[1] + 8 + picture.height))
    sheet = Image.new("RGB", size, "white")
    sheet.paste((60, 60, 60), (0, 0), shade.filter(ImageFilter.GaussianBlur(8)))
    sheet.paste(picture, place)
    return sheet


def with_passe_partout(picture: Image.Image) -> Image.Image:
    return ImageOps.expand(ImageOps.expand(ImageOps.expand(picture, 12, "white"), 3, "black"), 20, "#eeeeee")


@pytest.mark.parametrize(
    ("framed", "number"), [(with_shadow, 0), (with_passe_partout, 0), (with_passe_partout, 3), (with_passe_partout, 5)]
)
def test_a_crop_in_a_frame_that_is_no_plain_border_is_a_copy(framed: Callable[[Image.Image], Image.Image], number: int):
    assert kind_of(original(number), jpeg(framed(crop(number)), 85)) is VerdictKind.DUPLICATE
    assert kind_of(original(number), jpeg(framed(original(number)), 85)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("number", [3, 5])
def test_what_lies_along_a_side_is_no_frame(number: int):
    banner = original(number)
    other = photograph(8).crop((0, 100, 480, 180))
    banner.paste(other, (0, 280))
    assert kind_of(original(number), jpeg(banner, 85)) is not VerdictKind.DUPLICATE
    inset = original(number)
    inset.paste(photograph(8).resize((160, 120)), (300, 20))
    assert kind_of(original(number), jpeg(inset, 85)) is not VerdictKind.DUPLICATE


def with_round_corners(picture: Image.Image, radius: int, color: str) -> Image.Image:
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, picture.width - 1, picture.height - 1), radius, fill=255)
    return Image.composite(picture, Image.new("RGB", picture.size, color), mask)


@pytest.mark.parametrize("number", [0, 3, 5])
@pytest.mark.parametrize(("radius", "color"), [(20, "white"), (40, "black"), (60, "white")])
def test_round_corners_are_no_change(number: int, radius: int, color: str):
    whole = with_round_corners(original(number), radius, color)
    assert kind_of(original(number), jpeg(whole, 85)) is VerdictKind.DUPLICATE
    assert kind_of(original(number), jpeg(with_round_corners(crop(number), radius, color), 85)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("radius", [12, 30, 60])
def test_edges_of_round_corners_are_found_to_a_few_pixels(radius: int):
    mask = with_round_corners(Image.new("RGB", (480, 360), "white"), radius, "black").convert("L")
    edges = rounded_edges(np.asarray(with_round_corners(original(3), radius, "#204060")))
    near, is_picture = on_near_side(edges, (480, 360), (480, 480)), np.asarray(mask) > 127
    assert not (near & ~is_picture).any()
    assert (is_picture & ~near).mean() < 0.04


def test_a_disc_and_stickers_are_no_round_corners():
    disc = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(disc).ellipse((0, 0, 299, 299), fill="navy")
    stuck = original(3)
    for left, top in ((0, 0), (450, 0), (0, 330), (450, 330)):
        stuck.paste("white", (left, top, left + 30, top + 30))
    assert len(rounded_edges(np.asarray(disc))) == 0
    assert len(rounded_edges(np.asarray(stuck))) == 0
    assert kind_of(original(3), jpeg(stuck, 85)) is VerdictKind.ALTERED


@pytest.mark.parametrize("number", [0, 3, 5])
def test_round_corners_of_a_scene_that_is_dark_there_are_no_change(number: int):
    scenery = np.asarray(original(number)).astype(float)
    height, width = scenery.shape[:2]
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    dark = Image.fromarray(
        (scenery * np.clip(2.2 - 1.8 * np.hypot(across, down), 0.02, 1.0)[..., None]).astype(np.uint8)
    )
    mask = Image.new("L", dark.size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, *dark.size), 32, fill=255)
    rounded = Image.composite(dark, Image.new("RGB", dark.size, "white"), mask)
    assert kind_of(dark, jpeg(rounded, 85)) is VerdictKind.DUPLICATE


def test_a_round_button_is_no_square_one():
    square = Image.new("RGB", (320, 200), "#1450a0")
    ImageDraw.Draw(square).text((90, 70), "Stop", "white", font_size=60)
    mask = Image.new("L", square.size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, *square.size), 36, fill=255)
    rounded = Image.composite(square, Image.new("RGB", square.size, "white"), mask)
    assert kind_of(square, rounded) is not VerdictKind.DUPLICATE
