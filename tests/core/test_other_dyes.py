"""Materials in another dye, rooms with other walls: some curve of tones always fits the two colors."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from dedup_core import VerdictKind, compare
from tests.core.pictures import encoded

type Color = tuple[int, int, int]
OAK, CHERRY, EBONY, GRAY = (186, 140, 92), (150, 72, 48), (58, 44, 38), (128, 128, 126)
LAMPS = [(1.1, 1.0, 0.92), (0.93, 1.0, 1.08)]


def swatch(dye: Color, seed: int = 3) -> Image.Image:
    """A woven patch: threads across and down, some grain, all of one dye."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.normal(128, 60, (40, 60)).clip(0, 255).astype(np.uint8)).resize((600, 400))
    threads = np.indices((400, 600)) // 6 % 2
    light = 1 + 0.05 * (threads[0] ^ threads[1]) + 0.0012 * (np.asarray(coarse, float) - 128)
    light += random.normal(0, 0.02, light.shape)
    drawn = np.asarray(dye) * light[..., None]
    return Image.fromarray(drawn.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8))


def room(wall: Color) -> Image.Image:
    """A sofa, a picture and a lamp before a wall, on a wooden floor."""
    drawn = Image.new("RGB", (900, 640), wall)
    pen = ImageDraw.Draw(drawn)
    pen.rectangle((0, 470, 900, 640), fill=(168, 126, 84))
    for x in range(0, 900, 90):
        pen.line((x, 470, x - 60, 640), fill=(140, 102, 66), width=3)
    pen.rounded_rectangle((180, 330, 620, 520), 30, fill=(132, 140, 152), outline=(84, 92, 104), width=5)
    pen.rounded_rectangle((200, 300, 390, 440), 20, fill=(150, 158, 170), outline=(98, 106, 118), width=4)
    pen.rounded_rectangle((410, 300, 600, 440), 20, fill=(150, 158, 170), outline=(98, 106, 118), width=4)
    pen.rectangle((300, 90, 500, 240), fill=(205, 170, 120), outline=(90, 70, 50), width=8)
    pen.ellipse((340, 120, 440, 210), fill=(150, 90, 70))
    pen.polygon((720, 150, 820, 150, 850, 250, 690, 250), fill=(214, 188, 128))
    pen.line((770, 250, 770, 500), fill=(70, 60, 50), width=8)
    return drawn


def through(gains: tuple[float, float, float], picture: Image.Image) -> Image.Image:
    return Image.fromarray((np.asarray(picture) * gains).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(("one", "other"), [(OAK, EBONY), (CHERRY, EBONY), (CHERRY, GRAY), (OAK, GRAY)])
def test_another_dye_is_a_color_variant(one: Color, other: Color) -> None:
    assert compare(swatch(one), encoded(swatch(other), "JPEG", quality=90)).kind is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize("dye", [OAK, CHERRY, EBONY, GRAY])
@pytest.mark.parametrize("factor", [0.7, 0.85, 1.2])
def test_a_swatch_that_is_darker_or_brighter_is_a_duplicate(dye: Color, factor: float) -> None:
    lit = ImageEnhance.Brightness(swatch(dye)).enhance(factor)
    assert compare(swatch(dye), encoded(lit, "JPEG", quality=85)).kind is VerdictKind.DUPLICATE


@pytest.mark.parametrize("gains", LAMPS)
def test_a_swatch_under_another_lamp_is_a_duplicate(gains: tuple[float, float, float]) -> None:
    assert compare(swatch(OAK), encoded(through(gains, swatch(OAK)))).kind is VerdictKind.DUPLICATE


@pytest.mark.parametrize("wall", [(206, 222, 200), (232, 206, 204), (204, 216, 232), (226, 214, 186)])
def test_a_room_with_other_walls_is_altered(wall: Color) -> None:
    verdict = compare(room((238, 234, 226)), encoded(room(wall), "JPEG", quality=88))
    assert verdict.kind is VerdictKind.ALTERED
    assert verdict.reasons[0].startswith("the plain ground has another color")


@pytest.mark.parametrize("gains", LAMPS)
def test_a_room_under_another_lamp_is_a_duplicate(gains: tuple[float, float, float]) -> None:
    picture = room((226, 214, 186))
    assert compare(picture, encoded(through(gains, picture), "JPEG", quality=88)).kind is VerdictKind.DUPLICATE


def car(paint: int, grain: int = 0) -> Image.Image:
    """One in a studio, whose backdrop gets darker downwards."""
    down = np.linspace(0, 1, 600)[:, None, None]
    drawn = Image.fromarray(
        (np.where(down < 0.62, 215 - 60 * down, 150 - 40 * down) * np.ones((600, 900, 3))).astype(np.uint8)
    )
    pen = ImageDraw.Draw(drawn)
    body, sill, glass = (paint, paint, paint + 3), (int(paint * 0.75),) * 3, (120, 140, 155)
    pen.polygon([(230, 330), (300, 240), (560, 240), (650, 330)], fill=body)
    pen.rounded_rectangle((140, 320, 760, 440), 30, fill=body)
    pen.rectangle((150, 390, 750, 432), fill=sill)
    pen.polygon([(265, 325), (315, 255), (420, 255), (420, 325)], fill=glass)
    pen.polygon([(435, 325), (435, 255), (548, 255), (615, 325)], fill=glass)
    for x in (260, 640):
        pen.ellipse((x - 55, 390, x + 55, 500), fill=(28, 28, 30))
        pen.ellipse((x - 25, 420, x + 25, 470), fill=(150, 150, 152))
    pixels = np.asarray(drawn.filter(ImageFilter.GaussianBlur(1)), float)
    pixels += np.random.default_rng(grain).normal(0, 3, (600, 900, 1))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(("one", "other"), [(34, 90), (60, 110), (110, 60)])
def test_a_black_car_and_a_gray_one_are_two(one: int, other: int) -> None:
    verdict = compare(car(one), encoded(car(other, 1), "JPEG", quality=85))
    assert verdict.kind is VerdictKind.ALTERED
    assert verdict.reasons[0].startswith("a part is lighter or darker")


@pytest.mark.parametrize("factor", [0.75, 1.2])
def test_a_car_in_another_light_is_a_duplicate(factor: float) -> None:
    lit = ImageEnhance.Brightness(car(60)).enhance(factor)
    assert compare(car(60), encoded(lit, "JPEG", quality=85)).kind is VerdictKind.DUPLICATE
