"""Dense pages that differ in one small place, by less than copying may leave: the rest of the page tells."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from dedup_core import VerdictKind, decide, measure_images
from dedup_core.comparison.regions import RegionKind
from dedup_core.decoding.given import working_image_of
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.limits import DEFAULT_LIMITS
from tests.core.pictures import encoded, half, jpeg, working
from tests.core.verdicts import kind_of

DIFFERENT = {VerdictKind.ALTERED, VerdictKind.DISTINCT}


def cropped(image: Image.Image) -> Image.Image:
    margins = image.width // 40, image.height // 40
    return jpeg(image.crop((*margins, image.width - margins[0], image.height - margins[1])), 90)


def accounts(number: int) -> Image.Image:
    """A sheet of figures in cells, of which one is another for every number."""
    figures = np.random.default_rng(8).integers(100, 9999, (24, 8))
    figures[5 + 4 * number, 2 + number] = (4417, 8250, 6693)[number]
    image = Image.new("RGB", (1080, 780), "white")
    canvas = ImageDraw.Draw(image)
    for row in range(25):
        canvas.line((0, 30 * row, 1080, 30 * row), fill=(205, 205, 205))
    for column in range(9):
        canvas.line((135 * column, 0, 135 * column, 780), fill=(205, 205, 205))
    for row, column in np.ndindex(figures.shape):
        place = 135 * column + 122, 30 * row + 22
        canvas.text(place, str(figures[row, column]), fill="black", font_size=14, anchor="rs")
    return image


def puzzle(number: int) -> Image.Image:
    """A grid of letters between black squares; every number has three other letters."""
    chance = np.random.default_rng(2)
    letters, black = chance.integers(65, 91, (12, 12)), chance.random((12, 12)) < 0.2
    for row, column in np.random.default_rng(50 + number).integers(0, 12, (5, 2)):
        letters[row, column] = 65 + (letters[row, column] - 65 + 7) % 26
    image = Image.new("RGB", (600, 600), "white")
    canvas = ImageDraw.Draw(image)
    for row, column in np.ndindex(letters.shape):
        x, y = 12 + 48 * column, 12 + 48 * row
        fill = "black" if black[row, column] else "white"
        canvas.rectangle((x, y, x + 48, y + 48), outline="black", fill=fill, width=2)
        if not black[row, column]:
            canvas.text((x + 24, y + 25), chr(letters[row, column]), fill=(25, 35, 130), font_size=27, anchor="mm")
    return image


def findings(number: int) -> Image.Image:
    """A report of one patient, in which one value is another for every number."""
    values = np.random.default_rng(4).integers(100, 999, 28)
    values[6 + 7 * number] = (274, 618, 935)[number]
    image = Image.new("RGB", (1100, 1500), "white")
    canvas = ImageDraw.Draw(image)
    canvas.text((90, 60), "Findings", fill="black", font_size=44)
    for row, value in enumerate(values):
        y = 180 + 45 * row
        canvas.text((90, y), f"Measured substance {row + 1}", fill="black", font_size=24)
        canvas.text((560, y), f"{value / 10}", fill="black", font_size=24)
        canvas.text((730, y), ("g/dl", "mmol/l", "U/l")[row % 3], fill="black", font_size=24)
        canvas.line((90, y + 34, 1010, y + 34), fill=(185, 185, 185))
    return image


def garment(word: str) -> Image.Image:
    """A white shirt before light gray, with one short word on it and nothing else."""
    image = Image.new("RGB", (700, 760), (238, 238, 238))
    canvas = ImageDraw.Draw(image)
    outline = [(200, 90), (300, 70), (400, 70), (500, 90), (640, 220), (570, 300), (510, 250), (510, 700), (190, 700)]
    canvas.polygon([*outline, (190, 250), (130, 300), (60, 220)], fill=(250, 250, 250), outline=(185, 185, 185))
    canvas.text((425, 230), word, fill=(30, 30, 30), font_size=28, stroke_width=1)
    return image.filter(ImageFilter.GaussianBlur(0.8))


DRAWN: dict[str, Callable[[int], Image.Image]] = {"accounts": accounts, "puzzle": puzzle, "findings": findings}


@pytest.mark.parametrize(("one", "other"), [(0, 1), (2, 1)])
@pytest.mark.parametrize(
    ("draw", "copied"),
    [
        pytest.param(accounts, Image.Image.copy, id="one cell"),
        pytest.param(findings, Image.Image.copy, id="one value"),
        pytest.param(puzzle, half, id="a few letters at half the size"),
    ],
)
def test_something_else_in_one_place_is_no_duplicate(draw, copied, one, other):
    assert kind_of(draw(one), copied(draw(other))) in DIFFERENT


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN.keys())
@pytest.mark.parametrize("copied", [half, cropped, lambda image: jpeg(image, 60)], ids=["half", "cropped", "saved"])
def test_copies_of_such_pages_are_duplicates(draw, copied):
    assert kind_of(draw(0), copied(draw(0))) is VerdictKind.DUPLICATE


@pytest.mark.parametrize(
    ("one", "other", "copied"),
    [("RUN", "FUN", Image.Image.copy), ("SUN", "RUN", Image.Image.copy), ("SKY", "SEA", half)],
    ids=["a letter", "another letter", "two letters at half the size"],
)
def test_a_print_that_is_all_there_is_and_differs_makes_no_duplicate(one, other, copied):
    assert kind_of(garment(one), copied(garment(other))) in DIFFERENT


def test_a_copy_of_a_garment_with_a_small_print_is_a_duplicate():
    assert kind_of(garment("RUN"), half(garment("RUN"))) is VerdictKind.DUPLICATE


def test_the_place_is_told():
    verdict = decide(measure_images(working(findings(0)), working(findings(2))))
    places = [region.left for region in verdict.regions if region.kind is RegionKind.CHANGED]
    for row in (6, 20):
        x, y = 590 / 1100, (192 + 45 * row) / 1500
        assert any(box.left <= x <= box.right and box.top <= y <= box.bottom for box in places)


def notice(page: str) -> Image.Image:
    """A sheet of text with the number of the page alone in its lower margin, less than a border's specks wide."""
    image = Image.new("RGB", (850, 1100), "white")
    canvas = ImageDraw.Draw(image)
    lengths = np.random.default_rng(6).integers(30, 64, 22)
    for row, length in enumerate(lengths):
        canvas.text(
            (90, 110 + 38 * row), ("quarterly results of the branch office " * 2)[:length], fill="black", font_size=24
        )
    canvas.text((420, 1040), page, fill="black", font_size=36)
    return image


def decoded(image: Image.Image) -> WorkingImage:
    return working_image_of(encoded(image), DEFAULT_LIMITS)


def without_its_left_edge(image: Image.Image) -> Image.Image:
    return jpeg(image.crop((40, 0, image.width, image.height)), 85)


def test_a_page_number_in_the_margin_is_seen_where_one_picture_was_cropped():
    assert kind_of(without_its_left_edge(notice("3")), notice("8")) in DIFFERENT
    assert kind_of(without_its_left_edge(notice("3")), notice("3")) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("color", ["black", "white", "brown"])
@pytest.mark.parametrize("width", [12, 30, 100])
def test_a_page_number_in_the_margin_is_seen_where_one_picture_got_a_border(width, color):
    """As the decoder shrinks both: boxes of whole pixels, as in `working`, hide a digit that has fifteen of them."""
    three, eight = decoded(notice("3")), decoded(notice("8"))
    bordered = decoded(jpeg(ImageOps.expand(notice("3"), width, color), 85))
    assert decide(measure_images(bordered, eight)).kind in DIFFERENT
    assert decide(measure_images(bordered, three)).kind is VerdictKind.DUPLICATE


@pytest.mark.parametrize("copied", [Image.Image.copy, half])
def test_a_page_number_in_the_margin_is_seen(copied):
    assert kind_of(copied(notice("3")), notice("4")) in DIFFERENT
    assert kind_of(copied(notice("3")), notice("3")) is VerdictKind.DUPLICATE


def test_margins_of_another_color_are_no_difference():
    in_black = Image.new("RGB", (850, 1100), "black")
    in_black.paste(notice("").crop((80, 100, 770, 950)), (80, 100))
    assert kind_of(in_black, notice("")) is VerdictKind.DUPLICATE


def emblem(*, dotted: bool) -> Image.Image:
    """Four arrows of a logo, with a blue dot beside them or without."""
    image = Image.new("RGB", (512, 512), "white")
    pen = ImageDraw.Draw(image)
    pen.polygon([(60, 10), (180, 10), (180, 120), (250, 250), (170, 320), (10, 170), (60, 170)], fill=(220, 130, 30))
    pen.polygon([(190, 10), (270, 10), (270, 160), (320, 170), (250, 240), (200, 150)], fill=(60, 10, 15))
    pen.polygon([(190, 340), (250, 270), (320, 400), (320, 500), (240, 500), (240, 340)], fill=(170, 30, 35))
    pen.polygon([(270, 250), (340, 190), (500, 340), (440, 340), (440, 500), (340, 500), (340, 400)], fill=(50, 8, 12))
    if dotted:
        pen.ellipse((440, 40, 500, 100), fill=(90, 150, 210))
    return image


@pytest.mark.parametrize("side", [32, 40, 56])
def test_in_a_small_logo_a_tenth_of_a_side_is_no_speck(side):
    large, copy, other = (
        working_image_of(encoded(emblem(dotted=dotted).resize((size, size), Image.Resampling.LANCZOS)))
        for dotted, size in ((True, 128), (True, side), (False, side))
    )
    assert decide(measure_images(large, copy)).kind == "duplicate"
    assert decide(measure_images(large, other)).kind == "altered"
