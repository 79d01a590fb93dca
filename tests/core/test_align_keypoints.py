"""A picture is laid on its copy at any angle, and on a part of another one."""

import math

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_changes.transforms import TRANSFORMS
from dedup_core import VerdictKind, compare
from dedup_core.comparison.alignment.align import align
from dedup_core.comparison.alignment.keypoints import KeypointSearch
from dedup_core.views import View
from tests.core.drawings import beside, drawn, photo
from tests.core.pictures import encoded


def lies_at(alignment, left, right, point):
    """Where a point of the left picture, in shares of its sides, comes to lie in the right one, in pixels."""
    across, down = point
    x, y = across * left.width / max(left.size), down * left.height / max(left.size)
    return alignment.matrix @ np.array([x, y, 1.0]) * max(right.size)


def page_with(picture, size, place):
    page = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(page)
    for line in range(0, size[1], 14):
        pen.line((10, line, size[0] - 10 - line % 90, line), "black", 4)
    page.paste(picture, place)
    return page


def clock(seed):
    """Few and large things, all on white: beside a photograph hardly any of its keypoints is among the strongest."""
    face = Image.new("RGB", (400, 400), "white")
    pen = ImageDraw.Draw(face)
    pen.ellipse((20, 20, 380, 380), outline="black", width=8)
    hands = np.random.default_rng(seed).uniform(0, 360, 2)
    for degrees, start, end, width in [(hands[0], 0, 90, 10), (hands[1], 0, 150, 6)]:
        pen.line([*from_the_middle(degrees, start), *from_the_middle(degrees, end)], "black", width)
    for hour in range(12):
        pen.line([*from_the_middle(30 * hour, 150), *from_the_middle(30 * hour, 170)], "black", 4)
    return face


def from_the_middle(degrees, length):
    return 200 + length * math.cos(math.radians(degrees)), 200 + length * math.sin(math.radians(degrees))


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "coffee.png"])
def test_a_drawing_is_found_beside_a_photograph(name):
    found = [align(np.asarray(it), np.asarray(beside(it, photo(name)))) for it in map(clock, range(10))]
    assert sum(it.agreement > 0.8 for it in found) >= 8


@pytest.mark.parametrize("degrees", [7, 20, 40, -30])
@pytest.mark.parametrize("name", ["coffee.png", "astronaut.png"])
def test_a_picture_is_found_at_any_angle(name, degrees):
    picture = photo(name)
    turned = picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    alignment = align(np.asarray(picture), np.asarray(turned))
    assert alignment.view is View.UPRIGHT
    assert alignment.agreement > 0.6
    for point, offset in (((0.5, 0.5), (0, 0)), ((0.75, 0.5), (picture.width / 4, 0))):
        angle = np.radians(-degrees)
        x = turned.width / 2 + offset[0] * np.cos(angle)
        y = turned.height / 2 + offset[0] * np.sin(angle)
        assert lies_at(alignment, picture, turned, point) == pytest.approx((x, y), abs=4)


@pytest.mark.parametrize("share", [0.42, 0.6])
def test_a_picture_is_found_on_a_page_and_the_page_around_the_picture(share):
    picture = photo("coffee.png")
    width = round(share * 480)
    small = picture.resize((width, round(width * picture.height / picture.width)))
    page = page_with(small, (480, 512), (60, 120))
    there = align(np.asarray(picture), np.asarray(page))
    assert there.agreement > 0.7
    assert lies_at(there, picture, page, (0, 0)) == pytest.approx((60, 120), abs=3)
    assert lies_at(there, picture, page, (1, 1)) == pytest.approx((60 + small.width, 120 + small.height), abs=3)
    back = align(np.asarray(page), np.asarray(picture))
    assert back.agreement > 0.7
    assert lies_at(back, page, picture, (60 / 480, 120 / 512)) == pytest.approx((0, 0), abs=6)


@pytest.mark.parametrize(
    ("transpose", "view"),
    [(Image.Transpose.FLIP_LEFT_RIGHT, View.MIRRORED), (Image.Transpose.ROTATE_90, View.TURNED_90)],
)
def test_a_part_is_found_in_its_view(transpose, view):
    picture = photo("chelsea.png")
    small = picture.transpose(transpose)
    small.thumbnail((230, 230))
    page = page_with(small, (500, 480), (200, 90))
    alignment = align(np.asarray(picture), np.asarray(page))
    assert alignment.view is view
    assert alignment.agreement > 0.7


def test_different_pictures_have_no_start():
    assert KeypointSearch(np.asarray(photo("coffee.png")), np.asarray(photo("chelsea.png"))).starts() == []


def test_a_picture_without_keypoints_has_no_start():
    assert KeypointSearch(np.asarray(drawn(1)), np.zeros((40, 60, 3), np.uint8)).starts() == []


@pytest.mark.parametrize("part", [(0, 0, 427, 427), (213, 0, 640, 427)])
def test_a_picture_of_few_and_small_things_is_laid_on_a_page(part):
    picture = photo("rocket.jpg").crop(part)
    page = TRANSFORMS["page"].apply(encoded(picture), f"rocket {part}")
    assert compare(encoded(picture), page).kind in {VerdictKind.DUPLICATE, VerdictKind.ALTERED}
