"""What has faded or got darker in one place, is blank beside the rest, or is other print all over, is no copy."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.measurement import STANDS_OUT, PairMeasurement
from dedup_core.comparison.overlap.blank_sides import shows_beside_blank
from dedup_core.comparison.regions import changed
from dedup_core.comparison.verdict import VerdictKind, decide
from dedup_core.decoding.decoder import decode
from tests.core.drawings import photo
from tests.core.test_fine_print import encoded
from tests.core.test_one_tone import gamma

LABELS = ("Settings", "Network", "Display", "Sound", "Storage", "Privacy", "Accounts", "Language", "Updates", "About")
GRAYED = 3
type Copying = Callable[[Image.Image], bytes]


def menu(ink: int = 0) -> Image.Image:
    """Labels and boxes; one label in that gray."""
    sheet = Image.new("RGB", (900, 1100), (245, 245, 245))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=30)
    for number, label in enumerate(LABELS):
        top = 60 + number * 100
        pen.text((60, top), label, font=font, fill=(ink,) * 3 if number == GRAYED else (0, 0, 0))
        pen.rectangle((760, top, 830, top + 35), fill=(200, 200, 200), outline=(90, 90, 90))
    return sheet


def palette(factor: float = 1.0) -> Image.Image:
    """Pans of powder with some grain, one of them so many times as bright."""
    chance = np.random.default_rng(5)
    sheet = np.full((800, 1200, 3), 235.0)
    for row in range(2):
        for column in range(4):
            color = chance.integers(90, 200, 3)
            dimmed = color * (factor if (row, column) == (1, 2) else 1.0)
            place = slice(80 + row * 340, 380 + row * 340), slice(60 + column * 280, 300 + column * 280)
            sheet[place] = dimmed + chance.normal(0, 4, (300, 240, 1))
    return Image.fromarray(sheet.clip(0, 255).astype(np.uint8))


def pattern(motif: str) -> Image.Image:
    """Small dots, or small diamonds, all over."""
    sheet = Image.new("RGB", (1200, 1200), (228, 222, 205))
    pen = ImageDraw.Draw(sheet)
    for row in range(19):
        for column in range(19):
            x, y = 32 + column * 64 + 32 * (row % 2), 32 + row * 64
            if motif == "dots":
                pen.ellipse((x - 20, y - 20, x + 20, y + 20), fill=(40, 80, 120))
            else:
                pen.polygon([(x, y - 26), (x + 26, y), (x, y + 26), (x - 26, y)], fill=(40, 80, 120))
    return sheet


def page(lines: int) -> Image.Image:
    sheet = Image.new("RGB", (1000, 1400), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=24)
    for number in range(lines):
        pen.text(
            (80, 90 + number * 40),
            f"{number + 1}. item {number * 7919 % 1000} of the list, at {number * 31 % 97}.50",
            font=font,
            fill=0,
        )
    return sheet


COPIES: dict[str, Copying] = {
    "again": lambda picture: encoded(picture, 60),
    "half": lambda picture: encoded(picture, 80, 0.5),
    "smaller": lambda picture: encoded(picture, 75, 0.7),
    "brighter": lambda picture: encoded(gamma(0.75)(picture), 90),
}


def measured(left: Image.Image, right: bytes) -> PairMeasurement:
    return measure_images(decode(encoded(left, 92)), decode(right))


@pytest.mark.parametrize("how", ["again", "smaller", "half"])
@pytest.mark.parametrize("ink", [150, 200])
def test_a_label_that_is_grayed_out_makes_no_duplicate(how, ink):
    found = measured(menu(), COPIES[how](menu(ink)))
    assert decide(found).kind is VerdictKind.ALTERED
    assert found.detail is not None
    assert found.detail.faded > 2 * STANDS_OUT


def test_the_place_that_faded_is_told():
    found = measured(menu(), COPIES["smaller"](menu(200)))
    assert "paler" in decide(found).reasons[0]
    (region,) = changed(found.regions)
    top, bottom = (60 + GRAYED * 100) / 1100, (95 + GRAYED * 100) / 1100
    assert region.left.top < top < bottom < region.left.bottom + 0.01
    assert region.left.bottom - region.left.top < 0.15


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("draw", [menu, palette, lambda: menu(150), lambda: page(30), lambda: pattern("dots")])
def test_copies_of_the_same_stay_duplicates(draw, how):
    picture = draw()
    found = measured(picture, COPIES[how](picture))
    assert decide(found).kind is VerdictKind.DUPLICATE, decide(found).reasons


@pytest.mark.parametrize("how", ["again", "smaller", "half"])
@pytest.mark.parametrize("factor", [0.7, 1.35])
def test_a_part_of_another_lightness_makes_no_duplicate(how, factor):
    assert decide(measured(palette(), COPIES[how](palette(factor)))).kind is VerdictKind.ALTERED


@pytest.mark.parametrize("how", ["again", "smaller"])
def test_other_motifs_all_over_make_no_duplicate(how):
    assert decide(measured(pattern("dots"), COPIES[how](pattern("diamonds")))).kind is not VerdictKind.DUPLICATE


@pytest.mark.parametrize("how", ["again", "smaller", "half"])
def test_half_of_the_lines_of_a_page_make_no_duplicate(how):
    verdict = decide(measured(page(30), COPIES[how](page(14))))
    assert verdict.kind in {VerdictKind.ALTERED, VerdictKind.DISTINCT}, verdict.reasons


def two_photographs(second: Image.Image | None) -> Image.Image:
    sheet = Image.new("RGB", (1200, 520), "white")
    sheet.paste(photo("chelsea.png").resize((560, 480)), (20, 20))
    if second is not None:
        sheet.paste(second.resize((560, 480)), (620, 20))
    return sheet


def test_a_sheet_from_which_a_photograph_is_gone_is_no_duplicate():
    both, one = two_photographs(photo("coffee.png")), two_photographs(None)
    verdict = decide(measured(both, COPIES["again"](one)))
    assert verdict.kind is VerdictKind.ALTERED
    assert "is blank in" in verdict.reasons[0]


def contact_sheet(columns: int) -> Image.Image:
    """As many of four columns of two photographs, in a frame for all of them."""
    sheet = Image.new("RGB", (900, 480), (12, 12, 14))
    for place in range(2 * columns):
        column, row = divmod(place, 2)
        part = photo("coffee.png").crop((70 * column, 180 * row, 70 * column + 200, 180 * row + 200))
        sheet.paste(part, (20 + 220 * column, 30 + 220 * row))
    return sheet


@pytest.mark.parametrize("how", ["again", "half"])
def test_a_contact_sheet_from_which_a_column_is_gone_is_no_duplicate(how):
    verdict = decide(measured(contact_sheet(4), COPIES[how](contact_sheet(3))))
    assert verdict.kind is VerdictKind.ALTERED
    assert "shown around it" in verdict.reasons[0]


def chocolate(columns: int) -> Image.Image:
    """A bar of so many columns of pieces, the lines between which are no outlines, on a white ground."""
    picture = Image.new("RGB", (900, 500), (248, 248, 246))
    pen = ImageDraw.Draw(picture)
    for place in range(3 * columns):
        column, row = divmod(place, 3)
        x, y = 60 + 112 * column, 60 + 125 * row
        pen.rectangle((x, y, x + 112, y + 125), fill=(75, 42, 25))
        pen.rectangle((x + 12, y + 12, x + 98, y + 110), fill=(92, 54, 33))
    return picture


@pytest.mark.parametrize("how", ["again", "half"])
def test_a_thing_of_which_a_part_is_gone_before_the_ground_that_both_show_is_no_duplicate(how):
    verdict = decide(measured(chocolate(7), COPIES[how](chocolate(6))))
    assert verdict.kind is VerdictKind.ALTERED


def test_bars_over_a_picture_in_its_frame_stay_a_frame():
    picture, barred = photo("coffee.png"), photo("coffee.png")
    for box in ((0, 0, 512, 40), (0, 300, 512, 341)):
        barred.paste((0, 0, 0), box)
    assert decide(measured(picture, COPIES["again"](barred))).kind is VerdictKind.DUPLICATE


def test_only_a_scene_in_the_same_tones_is_shown_beside_a_blank_side():
    scene = np.asarray(photo("coffee.png").resize((192, 144)))
    blank = scene.copy()
    blank[:, 140:] = 255
    with_corners = blank.copy()
    with_corners[:28, 164:] = with_corners[-28:, 164:] = scene[:28, 164:]
    inner = (0.0, 0.0, 140 / 192, 1.0)
    assert shows_beside_blank(scene, blank, inner)
    assert not shows_beside_blank(with_corners, blank, inner)
    assert not shows_beside_blank(scene // 2, blank, inner)


def test_a_crop_of_what_is_beside_a_blank_half_is_a_duplicate_all_the_same():
    sheet = two_photographs(None)
    assert decide(measured(sheet, COPIES["again"](sheet.crop((0, 0, 600, 520))))).kind is VerdictKind.DUPLICATE


def flowers(color: tuple[int, int, int] | None = None) -> Image.Image:
    """Groups of four dots on violet paper, one group in that color."""
    sheet = Image.new("RGB", (1200, 1200), (209, 205, 242))
    pen = ImageDraw.Draw(sheet)
    for row in range(10):
        for column in range(10):
            x, y = 60 + column * 120 + 60 * (row % 2), 60 + row * 120
            fill = color if color and (row, column) == (4, 3) else (127, 51, 87)
            for right, down in ((-24, 0), (24, 0), (0, -24), (0, 24)):
                pen.ellipse((x + right - 15, y + down - 15, x + right + 15, y + down + 15), fill=fill)
    return sheet


@pytest.mark.parametrize("how", ["again", "smaller"])
def test_a_stronger_color_in_one_place_makes_no_duplicate(how):
    found = measured(flowers(), COPIES[how](flowers((200, 30, 30))))
    assert decide(found).kind is VerdictKind.ALTERED
    assert changed(found.regions)


@pytest.mark.parametrize("how", COPIES)
def test_copies_of_colored_flowers_stay_duplicates(how):
    assert decide(measured(flowers(), COPIES[how](flowers()))).kind is VerdictKind.DUPLICATE


def card(color: str) -> Image.Image:
    """A panel of one color above, a name below."""
    sheet = Image.new("RGB", (1200, 800), "white")
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 0, 1200, 400), fill=color)
    pen.text((600, 600), "ALPINA", font=ImageFont.load_default(size=150), fill="black", anchor="mm")
    return sheet


@pytest.mark.parametrize("how", ["again", "half"])
def test_a_card_with_a_panel_of_another_color_is_no_duplicate(how):
    assert decide(measured(card("#c03028"), COPIES[how](card("#2840b0")))).kind is VerdictKind.ALTERED


@pytest.mark.parametrize("how", COPIES)
def test_copies_of_a_card_with_a_panel_are_duplicates(how):
    assert decide(measured(card("#c03028"), COPIES[how](card("#c03028")))).kind is VerdictKind.DUPLICATE


def slope(first: tuple[int, int, int], second: tuple[int, int, int]) -> Image.Image:
    share = np.linspace(0, 1, 900)[None, :, None]
    colors = np.array(first) * (1 - share) + np.array(second) * share
    return Image.fromarray(np.broadcast_to(colors.round().astype(np.uint8), (600, 900, 3)).copy())


@pytest.mark.parametrize("how", ["again", "half", "smaller"])
def test_copies_of_a_gradient_are_duplicates(how):
    evening = slope((60, 30, 90), (240, 150, 60))
    assert decide(measured(evening, COPIES[how](evening))).kind is VerdictKind.DUPLICATE


def test_another_gradient_is_distinct():
    evening, night = slope((60, 30, 90), (240, 150, 60)), slope((20, 30, 110), (120, 180, 240))
    assert decide(measured(evening, COPIES["again"](night))).kind is VerdictKind.DISTINCT


def arrow(turn: int) -> Image.Image:
    """A white arrow on a blue disc that nearly fills a gray wall."""
    sheet = Image.new("RGB", (900, 900), (128, 132, 130))
    pen = ImageDraw.Draw(sheet)
    pen.ellipse((30, 30, 870, 870), fill=(20, 70, 150), outline="white", width=18)
    pen.polygon([(200, 410), (500, 410), (500, 300), (720, 450), (500, 600), (500, 490), (200, 490)], fill="white")
    return sheet.rotate(turn)


@pytest.mark.parametrize("turn", [90, 180])
def test_a_large_arrow_that_points_elsewhere_is_another_sign(turn):
    assert decide(measured(arrow(0), COPIES["again"](arrow(turn)))).kind is not VerdictKind.DUPLICATE


@pytest.mark.parametrize("bars", ["black", "red"])
def test_bars_of_another_color_are_no_panel(bars):
    scene = photo("chelsea.png").resize((900, 600))
    boxed, other = Image.new("RGB", (900, 900), "white"), Image.new("RGB", (900, 900), bars)
    boxed.paste(scene, (0, 150))
    other.paste(scene, (0, 150))
    assert decide(measured(boxed, COPIES["again"](other))).kind is VerdictKind.DUPLICATE
