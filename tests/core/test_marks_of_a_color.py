"""Thin marks that are no lighter than their ground: color alone tells that only one picture has them."""

import random
from collections.abc import Callable
from functools import cache, partial

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from dedup_core import VerdictKind, decide, measure_images
from dedup_core.comparison.detail.color_marks import color_outlier
from dedup_core.comparison.regions import RegionKind
from tests.core.drawings import photo
from tests.core.pictures import half, jpeg, scene, working
from tests.core.verdicts import kind_of

NAVY, PAPER, SLATE, RED = (30, 40, 70), (255, 255, 255), (128, 128, 128), (255, 0, 0)


def rough(image: Image.Image) -> Image.Image:
    return jpeg(image, 30)


def brighter(image: Image.Image) -> Image.Image:
    return jpeg(ImageEnhance.Brightness(image).enhance(1.2), 85)


def more_colorful(image: Image.Image) -> Image.Image:
    return jpeg(ImageEnhance.Color(image).enhance(1.5), 85)


@cache
def month(ringed: int | None, ground: tuple[int, int, int], ring: tuple[int, int, int]) -> Image.Image:
    """A sheet of 35 days with a thin ring around one of them. Do not draw on it."""
    image = Image.new("RGB", (640, 480), ground)
    canvas = ImageDraw.Draw(image)
    ink = "white" if sum(ground) < 300 else "black"
    for day in range(35):
        x, y = 50 + day % 7 * 77, 70 + day // 7 * 72
        canvas.text((x, y), str(day + 1), fill=ink, font_size=22)
        if day == ringed:
            canvas.ellipse((x - 8, y - 6, x + 34, y + 32), outline=ring, width=3)
    return image


@cache
def ticked(place: tuple[int, int] | None) -> Image.Image:
    """A gray form with a blue tick in one of its boxes. Do not draw on it."""
    image = Image.new("RGB", (600, 420), (176, 176, 176))
    canvas = ImageDraw.Draw(image)
    for row in range(6):
        canvas.rectangle((40, 40 + 60 * row, 66, 66 + 60 * row), outline="black")
        canvas.text((90, 42 + 60 * row), f"question {row + 1} of the form", fill="black", font_size=20)
    if place:
        x, y = place
        canvas.line((x, y, x + 10, y + 12, x + 26, y - 12), fill=(120, 190, 255), width=4)
    return image


def sign(side: int) -> Image.Image:
    """A limit of speed before the sky, which is a plain border: what is inside of that is cut off at the red ring."""
    image = Image.new("RGB", (side, side), (120, 170, 220))
    canvas = ImageDraw.Draw(image)
    for share, color in ((0.08, (200, 0, 0)), (0.19, PAPER)):
        canvas.ellipse((share * side, share * side, side - share * side, side - share * side), fill=color)
    canvas.text((side // 2, side // 2), "80", fill="black", font_size=side * 2 // 5, anchor="mm")
    return image


def padded(image: Image.Image) -> Image.Image:
    return jpeg(ImageOps.expand(image, image.width // 10, "white"), 85)


def scratched(image: Image.Image, color: str) -> Image.Image:
    marked = image.copy()
    ImageDraw.Draw(marked).line((60, 250, 150, 260, 200, 235), fill=color, width=3)
    return marked


type Draw = Callable[[], Image.Image]

DIFFERENT: dict[str, tuple[Draw, Draw]] = {
    "a red ring on navy": (partial(month, 3, NAVY, RED), partial(month, 12, NAVY, RED)),
    "a red ring that is gone": (partial(month, 3, NAVY, RED), partial(month, None, NAVY, RED)),
    "a dark green ring": (partial(month, 3, NAVY, (0, 90, 0)), partial(month, 20, NAVY, (0, 90, 0))),
    "a green ring on gray": (partial(month, 3, SLATE, (0, 180, 60)), partial(month, 12, SLATE, (0, 180, 60))),
    "a blue tick": (partial(ticked, (45, 54)), partial(ticked, (45, 174))),
    "a blue tick that is gone": (partial(ticked, (45, 54)), partial(ticked, None)),
}


@pytest.mark.parametrize("copied", [Image.Image.copy, half, rough])
@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_another_mark_of_a_color_makes_no_duplicate(
    one: Draw, other: Draw, copied: Callable[[Image.Image], Image.Image]
) -> None:
    assert kind_of(one(), copied(other())) in {VerdictKind.ALTERED, VerdictKind.DISTINCT}


@pytest.mark.parametrize("copied", [half, rough, brighter, more_colorful])
@pytest.mark.parametrize(
    "draw",
    [
        partial(month, 3, NAVY, RED),
        partial(month, 3, PAPER, (255, 240, 0)),
        partial(ticked, (45, 54)),
        lambda: scratched(scene(3), "red"),
    ],
    ids=["a red ring on navy", "a yellow ring on paper", "a blue tick", "a red line"],
)
def test_a_copy_with_the_same_mark_is_a_duplicate(draw: Draw, copied: Callable[[Image.Image], Image.Image]) -> None:
    assert kind_of(draw(), copied(draw())) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("copied", [half, rough, padded, lambda image: jpeg(image, 60)])
@pytest.mark.parametrize("side", [300, 500])
def test_strong_colors_at_the_edges_of_a_picture_are_no_marks(
    side: int, copied: Callable[[Image.Image], Image.Image]
) -> None:
    assert kind_of(sign(side), copied(sign(side))) is VerdictKind.DUPLICATE


def warmer(image: Image.Image) -> Image.Image:
    return Image.fromarray((np.asarray(image) * (1.0, 0.93, 0.85)).round().astype(np.uint8))


def test_a_mark_beside_other_colors_is_told_with_the_number_that_was_measured() -> None:
    """Of a white balance twice as much is expected, and no more where it is seen as other tones besides."""
    left, right = month(3, SLATE, (0, 180, 60)), warmer(month(12, SLATE, (0, 180, 60)))
    measured = measure_images(working(left), working(right))
    assert measured.detail is not None
    assert measured.tones is not None
    assert measured.detail.retoned > 5
    assert measured.tones.color_off > 3
    assert 2 < measured.tones.mark < 4
    verdict = decide(measured)
    assert verdict.kind is VerdictKind.ALTERED
    assert f"({measured.tones.mark:.1f} times" in verdict.reasons[0]


def test_two_blocks_that_exceed_what_copying_leaves_are_no_mark_and_have_no_place() -> None:
    speck = ticked(None).copy()
    ImageDraw.Draw(speck).rectangle((302, 300, 305, 303), fill=(130, 187, 250))
    outlier = color_outlier(np.asarray(speck), np.asarray(ticked(None)), 512)
    assert 0.5 < outlier.times <= 1
    assert not outlier.boxes


def test_the_place_of_the_mark_is_told() -> None:
    verdict = decide(measure_images(working(ticked((45, 54))), working(ticked(None))))
    (region,) = (it for it in verdict.regions if it.kind is RegionKind.CHANGED)
    assert region.left.left < 0.12 < region.left.right < 0.3
    assert region.left.top < 0.13 < region.left.bottom < 0.3


def recolored_in_a_place(image: Image.Image, across: float, down: float, size: float, degrees: int) -> Image.Image:
    hues, saturations, values = image.convert("HSV").split()
    turned = hues.point([(level + round(degrees / 360 * 256)) % 256 for level in range(256)])
    place = Image.new("L", image.size)
    left, top, side = across * image.width, down * image.height, size * image.width
    ImageDraw.Draw(place).ellipse((left, top, left + side, top + side), fill=255)
    other = Image.merge("HSV", (turned, saturations, values)).convert("RGB")
    return Image.composite(other, image, place.filter(ImageFilter.GaussianBlur(3)))


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("coffee.png", (0.3, 0.5, 0.05, 60)),
        ("coffee.png", (0.6, 0.7, 0.05, 40)),
        ("chelsea.png", (0.3, 0.3, 0.05, 40)),
        ("astronaut.png", (0.3, 0.5, 0.08, 30)),
    ],
)
def test_a_place_of_another_hue_is_seen_in_a_brighter_photograph(name, place):
    assert kind_of(photo(name), brighter(recolored_in_a_place(photo(name), *place))) is VerdictKind.ALTERED


@pytest.mark.parametrize("name", ["coffee.png", "chelsea.png", "astronaut.png"])
def test_colors_that_are_clipped_in_a_brighter_photograph_are_no_marks(name):
    clipped = jpeg(ImageEnhance.Brightness(photo(name)).enhance(1.5), 85)
    tones = measure_images(working(photo(name)), working(clipped)).tones
    assert tones.mark_in_tones < 1.1


def board(pale: set[int]) -> Image.Image:
    """Sixteen dark stones on a checkered board, and pale ones of which black and white shows nothing."""
    image = Image.new("RGB", (480, 480), (240, 217, 181))
    canvas = ImageDraw.Draw(image)
    for square in range(64):
        x, y = square % 8 * 60, square // 8 * 60
        if (square % 8 + square // 8) % 2:
            canvas.rectangle((x, y, x + 59, y + 59), fill=(120, 80, 50))
        elif square in pale:
            canvas.ellipse((x + 12, y + 12, x + 47, y + 47), fill=(190, 225, 250), outline=(170, 200, 225))
        if square % 4 == 1:
            canvas.ellipse((x + 15, y + 15, x + 44, y + 44), fill=(30, 30, 30))
    return image


def test_what_black_and_white_does_not_show_is_no_other_color():
    one, other = board({0, 18, 20, 36, 38, 54, 52}), board({2, 16, 22, 34, 32, 48, 50})
    in_black_and_white = other.convert("L").point(lambda level: 255 * (level > 160)).convert("RGB")
    assert kind_of(one, in_black_and_white) in (VerdictKind.ALTERED, VerdictKind.DISTINCT)
    assert kind_of(other, other.convert("L").convert("RGB")) is VerdictKind.COLOR_VARIANT


LINES = ((31, 119, 180), (214, 39, 40), (44, 160, 44), (148, 103, 189))
ORANGE = (255, 127, 14)


@cache
def chart(third: tuple[int, int, int]) -> Image.Image:
    """A chart of four thin lines, the third of this color. Do not draw on it."""
    chance = random.Random(3)
    image = Image.new("RGB", (1200, 700), "white")
    canvas = ImageDraw.Draw(image)
    for level in range(7):
        canvas.line((80, 60 + level * 95, 1160, 60 + level * 95), fill=(225, 225, 225))
        canvas.text((40, 48 + level * 95), str(60 - level * 10), fill="black", font_size=20)
    for color in (*LINES[:2], third, LINES[3]):
        points, y = [], chance.randint(150, 500)
        for x in range(90, 1150, 44):
            y = min(620, max(70, y + chance.randint(-45, 45)))
            points.append((x, y))
        canvas.line(points, fill=color, width=3)
    return image


@cache
def sheet(ink: tuple[int, int, int]) -> Image.Image:
    """A spreadsheet with one number in this ink. Do not draw on it."""
    chance = random.Random(4)
    image = Image.new("RGB", (1400, 900), "white")
    canvas = ImageDraw.Draw(image)
    for row in range(28):
        for column in range(12):
            x, y = column * 116, row * 31
            canvas.rectangle((x, y, x + 116, y + 31), outline=(212, 212, 212))
            color = ink if (row, column) == (15, 6) else "black"
            canvas.text((x + 60, y + 5), str(chance.randint(1000, 9999)), fill=color, font_size=18)
    return image


def turned(image: Image.Image) -> Image.Image:
    return jpeg(image.rotate(2, Image.Resampling.BICUBIC, expand=True, fillcolor="white"), 88)


def cropped_and_darker(image: Image.Image) -> Image.Image:
    width, height = image.size
    return jpeg(ImageEnhance.Brightness(image.crop((20, 10, width - 15, height - 12))).enhance(0.85), 85)


@pytest.mark.parametrize("copied", [turned, cropped_and_darker])
def test_a_line_of_another_color_in_a_chart_is_seen(copied):
    assert kind_of(chart(LINES[2]), copied(chart(ORANGE))) is VerdictKind.ALTERED
    assert kind_of(chart(LINES[2]), copied(chart(LINES[2]))) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("copied", [partial(jpeg, quality=60), cropped_and_darker])
def test_one_number_in_red_on_a_page_is_seen(copied):
    assert kind_of(sheet((0, 0, 0)), copied(sheet((200, 0, 0)))) is VerdictKind.ALTERED
    assert kind_of(sheet((0, 0, 0)), copied(sheet((0, 0, 0)))) is VerdictKind.DUPLICATE


def test_where_a_fine_mark_is_told():
    there = measure_images(working(sheet((0, 0, 0))), working(jpeg(sheet((200, 0, 0)), 60)))
    (region,) = [it for it in there.regions if it.kind is RegionKind.CHANGED]
    assert region.left.left <= 0.55 <= region.left.right
    assert region.left.top <= 0.53 <= region.left.bottom


def test_a_mark_too_fine_for_metrics_is_a_lost_color_in_a_copy_in_gray():
    marked = sheet((0, 0, 0)).copy()
    ImageDraw.Draw(marked).text((706, 470), "8", fill=(200, 0, 0), font_size=18)
    assert kind_of(marked, jpeg(marked.convert("L"), 85)) is VerdictKind.COLOR_VARIANT
    assert kind_of(sheet((0, 0, 0)), jpeg(marked, 85)) is VerdictKind.ALTERED


def beach(date: str) -> Image.Image:
    """Sand and stones with a camera's date in orange, in a corner that is as light as it."""
    random = np.random.default_rng(5)
    waves = np.zeros((750, 1000))
    for height in (4, 12, 40, 130):
        coarse = random.normal(128, 45, (height, height * 4 // 3)).clip(0, 255).astype(np.uint8)
        waves += np.asarray(Image.fromarray(coarse).resize((1000, 750), Image.Resampling.BICUBIC), float) - 128
    down, across = np.mgrid[0:1:750j, 0:1:1000j]
    waves *= np.where((down > 0.88) & (across > 0.6), 0.25, 0.9)
    pixels = np.array([176, 170, 140]) + waves[..., None] * [0.9, 1, 1.1] + random.normal(0, 3, (750, 1000, 1))
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    ImageDraw.Draw(image).text((965, 715), date, fill=(255, 150, 40), font_size=46, anchor="rb")
    return image


@pytest.mark.parametrize("quality", [95, 80])
@pytest.mark.parametrize(("before", "after"), [("13/04/2019", "26/04/2019"), ("12/03/18", "12/08/18")])
def test_another_date_as_light_as_the_photograph_is_seen(before, after, quality):
    assert kind_of(beach(before), jpeg(beach(after), quality)) is VerdictKind.ALTERED
    assert kind_of(beach(before), jpeg(beach(before), quality)) is VerdictKind.DUPLICATE
