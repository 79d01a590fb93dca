"""Pages of text and tables, whose lines fit each other in many places, are laid on their crops and turned copies."""

from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from dedup_core import decide, measure_images
from dedup_core.comparison.alignment.align import align
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.decoding.given import working_image_of
from dedup_core.views import View, turned
from tests.core.pictures import encoded

LETTERS = list("abcdefghijklmnoprstuvw0123456789")


@cache
def page(number: int) -> Image.Image:
    """Words of random letters in lines that are as far apart, with a few gaps."""
    random = np.random.default_rng(number)
    image = Image.new("RGB", (600, 800), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    y = 40
    while y < 750:
        x = 46.0
        while x < 520:
            word = "".join(random.choice(LETTERS, random.integers(2, 9)))
            pen.text((x, y), word, "black", font)
            x += pen.textlength(word, font) + 6
        y += 23 if random.random() < 0.9 else 46
    return image


@cache
def table(number: int) -> Image.Image:
    random = np.random.default_rng(number)
    image = Image.new("RGB", (700, 560), (250, 250, 248))
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    for y in range(28, 532, 25):
        pen.line((28, y, 672, y), (120, 120, 120))
        for x in range(35, 620, 84):
            pen.text((x, y + 4), f"{random.integers(100, 99999)}", (20, 20, 60), font)
    for x in range(28, 680, 84):
        pen.line((x, 28, x, 528), (120, 120, 120))
    return image


DRAWN = {"page": page, "table": table}
CROPS = [(0.1, 0.05, 0.95, 0.82), (0.02, 0.19, 0.83, 0.97), (0.17, 0.12, 0.84, 0.88)]


def cut(image: Image.Image, shares: tuple[float, float, float, float]) -> Image.Image:
    sides = (*image.size, *image.size)
    left, top, right, bottom = (round(side * share) for side, share in zip(sides, shares, strict=True))
    return image.crop((left, top, right, bottom))


def error_of_crop(whole: Image.Image, shares: tuple[float, float, float, float], view: View = View.UPRIGHT) -> float:
    """How far a corner of the crop, turned by a view, is laid from where it was cut, in shares of the longer side."""
    part = np.ascontiguousarray(turned(np.asarray(cut(whole, shares)), view))
    found = align(np.asarray(whole), part)
    assert found.view is view
    upright = turned(np.asarray(whole), view)
    marked = np.zeros(whole.size[::-1], np.uint8)
    left, top, right, bottom = (
        round(side * share) for side, share in zip((*whole.size, *whole.size), shares, strict=True)
    )
    marked[top:bottom, left:right] = 1
    rows, columns = (np.flatnonzero(turned(marked, view).any(axis=axis)) for axis in (1, 0))
    corners = np.array([[columns[0], rows[0], 1.0], [columns[-1] + 1, rows[-1] + 1, 1.0]])
    corners[:, :2] /= max(upright.shape[:2])
    there = np.array([[0, 0], [part.shape[1], part.shape[0]]]) / max(part.shape[:2])
    return float(np.abs(corners @ found.matrix.T - there).max())


@pytest.mark.parametrize("shares", CROPS)
@pytest.mark.parametrize("number", [0, 4])
@pytest.mark.parametrize("kind", DRAWN)
def test_a_crop_of_what_repeats_itself_lies_on_its_own_line(kind, number, shares):
    assert error_of_crop(DRAWN[kind](number), shares) < 1 / 160


@pytest.mark.parametrize("view", list(View))
def test_a_crop_of_a_page_is_found_in_every_view(view):
    assert error_of_crop(page(1), CROPS[0], view) < 1 / 160


@pytest.mark.parametrize("degrees", [3, -12])
def test_a_crop_of_a_page_is_found_at_an_angle(degrees):
    whole = page(2)
    part = cut(whole.rotate(degrees, Image.Resampling.BICUBIC, fillcolor="white"), CROPS[2])
    placed = Placed.aligned(np.asarray(whole), np.asarray(part), None)
    assert placed.view is View.UPRIGHT
    assert placed.turn == pytest.approx(abs(degrees), abs=0.3)


@pytest.mark.parametrize("shares", CROPS)
@pytest.mark.parametrize("kind", DRAWN)
def test_a_crop_is_a_duplicate_until_a_digit_is_another(kind, shares):
    whole = DRAWN[kind](3)
    changed = whole.copy()
    x, y = (side // 2 for side in whole.size)
    ImageDraw.Draw(changed).rectangle((x, y, x + 9, y + 12), "white")
    ImageDraw.Draw(changed).text((x + 1, y - 1), "8", "black", ImageFont.load_default(15))
    ours = working_image_of(encoded(whole))
    copy, other = (working_image_of(encoded(cut(it, shares), "JPEG", quality=88)) for it in (whole, changed))
    assert decide(measure_images(ours, copy)).kind == "duplicate"
    assert decide(measure_images(ours, other)).kind == "altered"
