"""Codes, displays, flags and other drawings of few colors, in which a small difference is all the difference."""

import math
import random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_core import VerdictKind
from tests.core.pictures import half, jpeg
from tests.core.verdicts import kind_of

RED, WHITE, BLUE, NAVY = (190, 30, 45), (255, 255, 255), (35, 75, 145), (5, 35, 85)


def stripes(seed: int) -> Image.Image:
    chance, image, x = np.random.default_rng(seed), Image.new("RGB", (420, 240), "white"), 0
    while x < 420:
        black, white = (int(width) for width in chance.integers(3, 16, 2))
        ImageDraw.Draw(image).rectangle((x, 0, x + black, 240), fill="black")
        x += black + white
    return image


def code_of_cells(seed: int) -> Image.Image:
    """Black and white cells, of which every seed has 12 of 400 otherwise: a serial number of one series."""
    cells, chance = np.random.default_rng(3).integers(0, 2, 400), np.random.default_rng(seed)
    cells[chance.choice(400, 12, replace=False)] ^= 1
    grid = np.pad(cells.reshape(20, 20), 2)
    return Image.fromarray(np.kron(1 - grid, np.ones((16, 16))).astype(np.uint8) * 255).convert("RGB")


def display(lit: str) -> Image.Image:
    """Lamps in a row; those that are not lit are seen as well."""
    image = Image.new("RGB", (480, 160), (30, 8, 8))
    for place, state in enumerate(lit):
        color = (255, 40, 30) if state == "1" else (75, 22, 20)
        ImageDraw.Draw(image).rectangle((20 + 56 * place, 30, 54 + 56 * place, 130), fill=color)
    return image


def swatches(seed: int) -> Image.Image:
    colors, image = np.random.default_rng(seed).integers(20, 240, (24, 3)), Image.new("RGB", (480, 320), "white")
    for place, color in enumerate(colors):
        x, y = 10 + place % 6 * 78, 10 + place // 6 * 76
        ImageDraw.Draw(image).rectangle((x, y, x + 66, y + 64), fill=tuple(int(value) for value in color))
    return image


def page(number: int) -> Image.Image:
    image = Image.new("RGB", (420, 594), "white")
    ImageDraw.Draw(image).text((204, 560), str(number), fill="black", font_size=16)
    return image


def tricolor(*colors: tuple[int, int, int], upright: bool) -> Image.Image:
    image = Image.new("RGB", (450, 300))
    for place, color in enumerate(colors):
        box = (150 * place, 0, 150 * place + 149, 300) if upright else (0, 100 * place, 450, 100 * place + 99)
        ImageDraw.Draw(image).rectangle(box, fill=color)
    return image


def named_mark(name: str) -> Image.Image:
    """A ring with a large name beside it."""
    image = Image.new("RGB", (500, 180), "white")
    ImageDraw.Draw(image).ellipse((20, 30, 140, 150), outline=(220, 120, 0), width=22)
    ImageDraw.Draw(image).text((165, 55), name, fill=(30, 30, 60), font_size=64)
    return image


def arrow(degrees: float) -> Image.Image:
    image, turn = Image.new("RGB", (300, 300), "white"), math.radians(degrees)
    cosine, sine = math.cos(turn), math.sin(turn)
    outline = [(-100, -20), (20, -20), (20, -70), (110, 0), (20, 70), (20, 20), (-100, 20)]
    points = [(150 + cosine * x - sine * y, 150 + sine * x + cosine * y) for x, y in outline]
    ImageDraw.Draw(image).polygon(points, fill="black")
    return image


def battery(bars: int) -> Image.Image:
    """Nearly the same upside down."""
    image = Image.new("RGB", (400, 240), "white")
    ImageDraw.Draw(image).rounded_rectangle((40, 50, 340, 190), 20, outline="black", width=10)
    ImageDraw.Draw(image).rectangle((345, 95, 365, 145), fill="black")
    for bar in range(bars):
        ImageDraw.Draw(image).rectangle((60 + bar * 26, 70, 78 + bar * 26, 170), fill=(40, 180, 60))
    return image


def pinned_map(x: int, y: int) -> Image.Image:
    chance, image = np.random.default_rng(9), Image.new("RGB", (520, 380), (230, 226, 214))
    for ends in chance.integers(0, 520, (30, 4)):
        ImageDraw.Draw(image).line([int(end) for end in ends], fill="white", width=8)
    ImageDraw.Draw(image).ellipse((300, 200, 470, 320), fill=(170, 210, 240))
    ImageDraw.Draw(image).polygon([(x, y), (x - 16, y - 44), (x + 16, y - 44)], fill=(220, 40, 40))
    return image


def flask(name: str, label: str, seal: str = "black") -> Image.Image:
    """A bottle before a plain ground, with its name in black on a label of some color, and a seal below it."""
    image = Image.new("RGB", (400, 560), "white")
    ImageDraw.Draw(image).rectangle((160, 30, 240, 140), fill=(60, 50, 110))
    ImageDraw.Draw(image).rounded_rectangle((110, 130, 290, 540), 36, fill=(60, 50, 110))
    ImageDraw.Draw(image).rectangle((110, 250, 290, 440), fill=label)
    ImageDraw.Draw(image).text((200, 300), name, fill="black", font_size=26, anchor="mm")
    ImageDraw.Draw(image).ellipse((170, 360, 230, 420), fill=seal)
    return image


def signal(*lamps: str) -> Image.Image:
    """A box with three lamps before the sky."""
    image = Image.new("RGB", (240, 460), (140, 175, 225))
    ImageDraw.Draw(image).rounded_rectangle((60, 30, 180, 430), 24, fill=(45, 45, 45))
    for place, color in enumerate(lamps):
        ImageDraw.Draw(image).ellipse((72, 45 + 130 * place, 168, 141 + 130 * place), fill=color)
    return image


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            flask("HARBOR", "gold", "navy"),
            half(flask("MEADOW", "plum", "maroon")),
            id="labels of other colors and names",
        ),
        pytest.param(
            flask("HARBOR", "khaki", "teal"),
            half(flask("COPPER", "skyblue", "red")),
            id="labels that lie on one bottle",
        ),
        pytest.param(signal("red", "#443300", "#0b3b1d"), signal("#521414", "#443300", "#0b3b1d"), id="a lamp is lit"),
        pytest.param(pinned_map(90, 120), half(pinned_map(380, 140)), id="a pin on a map at half the size"),
    ],
)
def test_other_colors_in_a_part_are_neither_the_same_nor_another_color(one, other):
    assert kind_of(one, other) in {VerdictKind.ALTERED, VerdictKind.DISTINCT}


def test_a_bottle_whose_glass_and_label_have_other_colors_is_a_color_variant():
    one = flask("HARBOR", "gold")
    other = Image.merge("RGB", [one.split()[channel] for channel in (2, 0, 1)])
    assert kind_of(one, other) is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(stripes(1), stripes(2), id="bars"),
        pytest.param(code_of_cells(1), code_of_cells(2), id="codes of one series"),
        pytest.param(code_of_cells(1), half(code_of_cells(2)), id="codes of one series, one at half the size"),
        pytest.param(swatches(1), swatches(2), id="charts of colors"),
        pytest.param(named_mark("RIVER"), named_mark("SILVER"), id="names beside one mark"),
        pytest.param(
            tricolor(NAVY, WHITE, RED, upright=True), tricolor(RED, WHITE, BLUE, upright=False), id="flags of two lands"
        ),
    ],
)
def test_what_shares_a_template_only_is_distinct(one, other):
    assert kind_of(one, other) is VerdictKind.DISTINCT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(page(3), page(6), id="page numbers"),
        pytest.param(page(1), page(7), id="other page numbers"),
        pytest.param(display("10110100"), display("11010010"), id="lamps that are lit"),
        pytest.param(arrow(0), arrow(45), id="an arrow turned by 45 degrees"),
        pytest.param(pinned_map(90, 120), pinned_map(380, 140), id="a pin on a map"),
    ],
)
def test_what_shows_something_else_in_a_part_or_another_way_is_altered(one, other):
    assert kind_of(one, other) is VerdictKind.ALTERED


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(stripes(1), id="bars"),
        pytest.param(code_of_cells(1), id="code"),
        pytest.param(swatches(1), id="chart of colors"),
        pytest.param(named_mark("SILVER"), id="name beside a mark"),
        pytest.param(tricolor(RED, WHITE, BLUE, upright=False), id="stripes across"),
        pytest.param(tricolor(NAVY, WHITE, RED, upright=True), id="stripes down"),
        pytest.param(page(3), id="page number"),
        pytest.param(display("10110100"), id="lamps"),
        pytest.param(pinned_map(90, 120), id="map"),
        pytest.param(battery(3), id="a mark that is nearly the same upside down"),
    ],
)
def test_its_copy_at_half_the_size_is_a_duplicate(image):
    assert kind_of(image, half(image)) is VerdictKind.DUPLICATE


def written(lines: int) -> Image.Image:
    """A page with a few lines at its top, each word in letters of its own."""
    chance = random.Random(3)
    image = Image.new("RGB", (900, 1200), "white")
    canvas = ImageDraw.Draw(image)
    for line in range(lines):
        words = ["".join(chance.choices("abcdefghiklmnoprstu", k=chance.randint(2, 9))) for _ in range(9)]
        canvas.text((90, 100 + 34 * line), " ".join(words), fill="black", font_size=22)
    return image


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_90])
@pytest.mark.parametrize("lines", [5, 14])
def test_a_page_that_was_scanned_upside_down_is_a_duplicate(lines: int, turn: Image.Transpose):
    assert kind_of(written(lines), jpeg(written(lines).transpose(turn), 85)) is VerdictKind.DUPLICATE


def test_a_word_that_is_upside_down_may_be_another_one():
    word = Image.new("RGB", (600, 300), "white")
    ImageDraw.Draw(word).text((60, 60), "9861", fill="black", font_size=180)
    assert kind_of(word, word.transpose(Image.Transpose.ROTATE_180)) is VerdictKind.ALTERED


@pytest.mark.parametrize("matrix", [None, (0.2126, 0.7152, 0.0722, 0)], ids=["BT.601", "BT.709"])
@pytest.mark.parametrize("ink", [(20, 60, 200), (210, 40, 30)])
def test_a_page_with_a_line_in_color_has_a_gray_copy_that_is_a_color_variant(ink, matrix):
    page = written(14)
    ImageDraw.Draw(page).text((90, 640), "See the terms on page three", fill=ink, font_size=22)
    gray = page.convert("L") if matrix is None else page.convert("L", matrix)
    assert kind_of(page, jpeg(gray.convert("RGB"), 85)) is VerdictKind.COLOR_VARIANT
    black = written(14)
    ImageDraw.Draw(black).text((90, 640), "See the terms on page three", fill="black", font_size=22)
    assert kind_of(page, jpeg(black, 85)) is VerdictKind.ALTERED
