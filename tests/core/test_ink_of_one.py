"""What is written or drawn on one of two pages, where the other has nothing: a page number, a thin line by a pen."""

from functools import cache
from io import BytesIO

import pytest
from PIL import Image, ImageDraw, ImageFont

from dedup_core import compare
from dedup_core.comparison.verdict import VerdictKind
from tests.core.pictures import half, jpeg
from tests.core.verdicts import kind_of

PAGE = (850, 1100)  # a letter at 100 dots an inch
TEXT = "The goods named in this agreement remain ours until all of them were paid in full within thirty days"
PAPER = (255, 255, 255)


def page() -> Image.Image:
    sheet = Image.new("RGB", PAGE, PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((60, 60, 790, 130), fill=(30, 70, 140))
    pen.text((80, 80), "Northern Traders", fill="white", font=ImageFont.load_default(size=30))
    for row in range(22):
        pen.text((80, 180 + 36 * row), TEXT[row : row + 78], fill=(20, 20, 20), font=ImageFont.load_default(size=17))
    return sheet


def with_page_number(sheet: Image.Image) -> Image.Image:
    ImageDraw.Draw(sheet).text((425, 1070), "17", fill=(20, 20, 20), font=ImageFont.load_default(size=15), anchor="mm")
    return sheet


def with_pen_line(sheet: Image.Image) -> Image.Image:
    ImageDraw.Draw(sheet).line((150, 118, 290, 119), fill=(20, 20, 20), width=2)  # on the band, as dark as it nearly
    return sheet


def with_moved_word(sheet: Image.Image) -> Image.Image:
    word = sheet.crop((80, 180, 170, 200))
    sheet.paste(PAPER, (80, 180, 170, 200))
    sheet.paste(word, (82, 181))
    return sheet


def written(sheet: Image.Image, kind: str, scale: float = 1.0, **options: int) -> bytes:
    file = BytesIO()
    size = round(sheet.width * scale), round(sheet.height * scale)
    sheet.resize(size, Image.Resampling.LANCZOS).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("edited", [with_page_number, with_pen_line, with_moved_word])
def test_what_only_one_of_two_pages_of_one_program_shows_is_seen(edited):
    ours, theirs = written(page(), "PNG"), written(edited(page()), "PNG")
    for verdict in (compare(ours, theirs), compare(theirs, ours)):
        assert verdict.kind is VerdictKind.ALTERED, verdict.reasons


@pytest.mark.parametrize(("scale", "quality"), [(1.0, 85), (0.75, 80), (0.6, 80)])
def test_a_page_number_on_one_of_two_pages_is_seen_in_a_copy(scale, quality):
    verdict = compare(written(page(), "PNG"), written(with_page_number(page()), "JPEG", scale, quality=quality))
    assert verdict.kind is VerdictKind.ALTERED, verdict.reasons


@pytest.mark.parametrize(("scale", "quality"), [(1.0, 60), (0.75, 80), (0.5, 75), (1.0, 30), (0.35, 60)])
@pytest.mark.parametrize("drawn", [page, lambda: with_page_number(page()), lambda: with_pen_line(page())])
def test_a_copy_that_shows_it_as_well_is_a_duplicate(drawn, scale, quality):
    verdict = compare(written(drawn(), "PNG"), written(drawn(), "JPEG", scale, quality=quality))
    assert verdict.kind is VerdictKind.DUPLICATE, verdict.reasons


@cache
def slide(*, covered: bool) -> Image.Image:
    """A page with a dark heading, of which no other place is as dark as a bar over it. Do not draw on it."""
    image = Image.new("RGB", (960, 540), (250, 250, 250))
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, 0, 960, 90), fill=(0, 90, 115))
    canvas.text((40, 22), "Signal pepper delivery", fill="white", font_size=36)
    for line, words in enumerate(("statue filter bridge", "ladder invoice harbor", "monday candle", "valley customer")):
        canvas.text((80, 150 + 80 * line), words, fill=(40, 40, 40), font_size=26)
    if covered:
        canvas.rectangle((650, 20, 770, 44), fill="black")
    return image


@pytest.mark.parametrize("copied", [half, lambda image: jpeg(image, 80)], ids=["half", "JPEG"])
def test_a_bar_darker_than_all_of_the_rest_is_no_change_of_tone(copied):
    assert kind_of(slide(covered=False), copied(slide(covered=True))) is VerdictKind.ALTERED
    assert kind_of(slide(covered=True), copied(slide(covered=True))) is VerdictKind.DUPLICATE
