"""Drawings on a ground of their own, in a border of another color; and flags, of which some curve makes any other."""

import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from dedup_core import FingerprintIndex, VerdictKind, extract_features
from tests.core.pictures import encoded, jpeg
from tests.core.verdicts import kind_of

type Color = tuple[int, int, int]


def charge(share: float) -> Image.Image:
    """The sign of a battery on black."""
    image = Image.new("RGB", (420, 210), (22, 22, 24))
    canvas = ImageDraw.Draw(image)
    canvas.rounded_rectangle((45, 55, 345, 155), 15, outline="white", width=8)
    canvas.rectangle((345, 85, 366, 125), fill="white")
    canvas.rectangle((58, 68, 58 + round(274 * share), 142), fill=(64, 214, 96))
    return image


def card(name: str) -> Image.Image:
    """A card with a colored edge and a few lines of text."""
    image = Image.new("RGB", (1000, 580), (249, 247, 239))
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, 0, 38, 580), fill=(30, 90, 60))
    for row, (text, size) in enumerate(
        ((name, 60), ("surveyor", 34), ("+44 20 5550 1234", 30), ("office@example.org", 30))
    ):
        canvas.text((110, 110 + 100 * row), text, fill=(30, 30, 30), font_size=size)
    return image


def bands(*colors: tuple[int, int, int]) -> Image.Image:
    image = Image.new("RGB", (900, 600))
    for place, color in enumerate(colors):
        image.paste(color, (300 * place, 0, 300 * place + 300, 600))
    return image


def padded(image: Image.Image) -> Image.Image:
    return jpeg(ImageOps.expand(image, image.width // 10, "white"), 85)


def test_a_drawing_in_a_border_of_another_color_is_a_duplicate() -> None:
    assert kind_of(padded(charge(0.4)), charge(0.4)) is VerdictKind.DUPLICATE


def test_a_card_with_a_colored_edge_in_a_border_is_found() -> None:
    assert kind_of(padded(card("Ines Faro")), card("Ines Faro")) in {VerdictKind.DUPLICATE, VerdictKind.ALTERED}


def test_another_drawing_in_such_a_border_is_none() -> None:
    assert kind_of(padded(charge(0.7)), charge(0.4)) is not VerdictKind.DUPLICATE


def test_flags_of_other_colors_are_no_duplicates_because_a_curve_for_each_channel_explains_them() -> None:
    one, other = (
        bands((0, 146, 70), (255, 255, 255), (206, 43, 55)),
        bands((22, 155, 98), (255, 255, 255), (255, 136, 62)),
    )
    assert kind_of(one, other) not in {VerdictKind.IDENTICAL, VerdictKind.DUPLICATE}


def bottle(year: int) -> Image.Image:
    """A bottle before a ground that darkens downwards: made brighter, its upper part is a plain border."""
    ground = [240 - level // 9 for level in range(256)]
    image = Image.linear_gradient("L").resize((420, 900)).point(ground).convert("RGB")
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((172, 50, 248, 260), fill=(60, 20, 30))
    canvas.rounded_rectangle((110, 240, 310, 870), 40, fill=(30, 50, 30))
    canvas.rectangle((110, 480, 310, 720), fill=(244, 238, 222))
    canvas.text((210, 520), "Bellerive", fill="black", font_size=36, anchor="mm")
    canvas.text((210, 640), str(year), fill="black", font_size=54, anchor="mm")
    return image


def test_borders_that_brightening_makes_hide_no_other_year() -> None:
    brighter = jpeg(ImageEnhance.Brightness(bottle(2003)).enhance(1.2), 85)
    assert kind_of(brighter, bottle(2005)) is not VerdictKind.DUPLICATE
    assert kind_of(brighter, bottle(2003)) is VerdictKind.DUPLICATE


def table_of_contents(first: int) -> Image.Image:
    """A sheet with lines of words inside white margins."""
    image = Image.new("RGB", (900, 640), "white")
    canvas = ImageDraw.Draw(image)
    for row in range(7):
        canvas.text((110, 90 + 64 * row), f"Part {first + row}: of the sea", fill="black", font_size=34)
        canvas.rectangle((620, 96 + 64 * row, 640 + 23 * ((first + 3 * row) % 6), 122 + 64 * row), fill=(40, 90, 160))
    return image


@pytest.mark.parametrize("ground", [(225, 232, 238), (40, 44, 52)])
def test_a_sheet_with_margins_is_found_on_a_page_of_another_color_and_the_other_way_round(ground: Color) -> None:
    """What the page has inside its margins is the whole of the sheet, and not what that has inside of its own."""
    sheet = table_of_contents(3)
    page = Image.new("RGB", (1400, 900), ground)
    page.paste(sheet, (260, 130))
    files = [encoded(sheet, "JPEG", quality=90), encoded(page, "JPEG", quality=85)]
    for held, asked in (files, files[::-1]):
        index = FingerprintIndex[str]()
        index.add("held", extract_features(held).fingerprints)
        (hit,) = index.search(extract_features(asked).fingerprints)
        assert hit.distance_bits < 40
