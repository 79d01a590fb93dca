"""What is written around a picture is content: a meme's caption, a shop's banner."""

import pytest
from PIL import Image, ImageDraw, ImageOps

from dedup_core import VerdictKind, decide, measure_images
from dedup_core.comparison.sides import Side, Sides
from tests.core.pictures import cropped, jpeg, scene, working

HIGH = 60


def with_bar(ground: str, ink: str, words: str, *, below: bool = False, size: int = 32) -> Image.Image:
    """A scene with a bar above it, or below."""
    image = scene(3)
    sheet = Image.new("RGB", (image.width, image.height + HIGH), ground)
    sheet.paste(image, (0, 0 if below else HIGH))
    place = image.width // 2, HIGH // 2 + (image.height if below else 0)
    ImageDraw.Draw(sheet).text(place, words, ink, font_size=size, anchor="mm")
    return jpeg(sheet, 85)


@pytest.mark.parametrize(
    "marked",
    [
        pytest.param(with_bar("white", "black", "WHEN IT FINALLY WORKS"), id="caption above"),
        pytest.param(with_bar("black", "white", "SUMMER SALE 30 % OFF", below=True), id="banner below"),
        pytest.param(with_bar("white", "black", "WHEN IT FINALLY WORKS").resize((240, 210)), id="half as large"),
        pytest.param(with_bar("white", "black", "LOL", size=64), id="as high as the bar"),
    ],
)
def test_a_picture_with_a_caption_beside_it_is_altered(marked):
    verdict = decide(measure_images(working(scene(3)), working(marked)))
    assert verdict.kind is VerdictKind.ALTERED, verdict.reasons
    assert verdict.reasons[0].startswith("the whole of one is shown inside the other, and something is written")
    assert verdict.sides.right.is_written
    assert verdict.sides.right.shared == 1.0, "what is written shows no more of the scene"


@pytest.mark.parametrize(
    "framed",
    [
        pytest.param(with_bar("white", "black", ""), id="empty bar"),
        pytest.param(ImageOps.expand(ImageOps.expand(scene(3), 12, "#aa8833"), 6, "#222"), id="two frames"),
        pytest.param(cropped(scene(3), 0.1, 0.1, 0.9, 0.9), id="crop"),
    ],
)
def test_a_frame_without_words_leaves_a_duplicate(framed):
    verdict = decide(measure_images(working(scene(3)), working(framed)))
    assert verdict.kind is VerdictKind.DUPLICATE, verdict.reasons


def test_a_page_cropped_at_a_ruled_line_is_no_page_with_something_written_around_it():
    page = Image.new("RGB", (600, 800), "white")
    pen = ImageDraw.Draw(page)
    for row in range(60, 780, 36):
        pen.text((50, row), f"{row} of what was sold, and to whom, on this day", "black", font_size=22)
    pen.rectangle((0, 160, 600, 168), fill="black")
    below = page.crop((0, 170, 600, 800))
    assert not decide(measure_images(working(page), working(below))).sides.left.is_written


def test_a_gray_copy_with_a_caption_is_altered():
    marked = with_bar("white", "black", "WHEN IT FINALLY WORKS").convert("L").convert("RGB")
    verdict = decide(measure_images(working(scene(3)), working(marked)))
    assert verdict.kind is VerdictKind.ALTERED, verdict.reasons


def test_what_is_written_is_stored_with_a_pair():
    sides = Sides(Side(), Side(1.0, is_framed=True, is_written=True))
    assert Sides.from_text(sides.as_text()) == sides
