"""Local contrast, shade and white corners on photographs, and what must not be taken for them."""

import random

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from dedup_changes.frames import avatar, caption, rounded, sticker
from dedup_changes.tones import auto_levels, clahe, half_darkened, light_from_one_side, stronger
from dedup_core import VerdictKind, decide, measure_images
from dedup_core.comparison.tones.bent_tones import variance_and_explained
from tests.core.drawings import PHOTOS, photo, working
from tests.core.pictures import jpeg
from tests.core.verdicts import kind_of

ANY_CHANCE = random.Random(1)


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photograph_with_its_local_contrast_evened_out_is_a_duplicate(name):
    assert kind_of(photo(name), clahe(photo(name), ANY_CHANCE)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photograph_with_light_from_one_side_is_a_duplicate(name):
    assert kind_of(photo(name), light_from_one_side(photo(name), ANY_CHANCE)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("edit", [clahe, light_from_one_side, half_darkened, stronger])
@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png", "retina.jpg"])
def test_light_and_saturation_change_no_hues(name, edit):
    tones = measure_images(working(photo(name)), working(edit(photo(name), ANY_CHANCE))).tones
    assert tones.hue < 2.0
    assert tones.spot < 6.0


@pytest.mark.parametrize("emptied", range(3))
@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png", "rocket.jpg"])
def test_a_photograph_without_one_of_its_channels_is_a_color_variant(name, emptied):
    channels = list(photo(name).split())
    channels[emptied] = channels[emptied].point([0] * 256)
    assert kind_of(photo(name), jpeg(Image.merge("RGB", channels), 90)) is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png", "rocket.jpg"])
def test_a_photograph_of_which_each_channel_was_equalized_is_a_duplicate(name):
    assert kind_of(photo(name), jpeg(ImageOps.equalize(photo(name)), 90)) is VerdictKind.DUPLICATE


def identity_card(name: str, stripe: tuple[int, int, int]) -> Image.Image:
    """A portrait, a stripe and lines of text before pale blue."""
    card = Image.new("RGB", (486, 306), (222, 230, 240))
    pen = ImageDraw.Draw(card)
    pen.rectangle((24, 18, 462, 48), stripe)
    card.paste(ImageOps.fit(photo(name), (130, 170)), (28, 80))
    for line, length in enumerate((210, 160, 240, 120)):
        pen.rectangle((190, 96 + 34 * line, 190 + length, 106 + 34 * line), (60, 60, 70))
    return card


@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png", "rocket.jpg"])
def test_a_card_with_automatic_levels_is_a_duplicate_and_one_in_other_colors_is_not(name):
    card = identity_card(name, (36, 84, 150))
    assert kind_of(card, jpeg(auto_levels(card, ANY_CHANCE), 85)) is VerdictKind.DUPLICATE
    other = auto_levels(identity_card(name, (150, 50, 60)), ANY_CHANCE)
    assert kind_of(card, jpeg(other, 85)) in {VerdictKind.ALTERED, VerdictKind.COLOR_VARIANT}


@pytest.mark.parametrize("degrees", [20, 40])
def test_hues_that_are_turned_are_seen_as_well_in_another_light(degrees):
    shade, saturation, value = photo("coffee.png").convert("HSV").split()
    shifted = shade.point([(level + round(degrees / 360 * 256)) % 256 for level in range(256)])
    turned = Image.merge("HSV", (shifted, saturation, value)).convert("RGB")
    for other in (turned, light_from_one_side(turned, ANY_CHANCE)):
        tones = measure_images(working(photo("coffee.png")), working(other)).tones
        assert tones.hue > 4.0
        assert tones.spot > 8.0


def chest(heart: int, grain: int = 1) -> Image.Image:
    """Ribs that are the same in all and a soft heart, as in X-rays."""
    down, across = np.mgrid[0:480, 0:400]
    plate = 70 + 60 * np.exp(-((across - 200) ** 2) / 2 / 120**2)
    plate += 22 * np.cos(down / 16 + np.abs(across - 200) / 45) * (np.abs(across - 200) > 24)
    plate += 80 * np.exp(-((across - heart) ** 2 + (down - 300) ** 2) / 2 / 38**2)
    plate += np.random.default_rng(grain).normal(0, 2, plate.shape)
    return Image.fromarray(plate.clip(0, 255).astype(np.uint8)).convert("RGB")


@pytest.mark.parametrize("light", [0.75, 1.0])
def test_a_soft_thing_in_another_place_is_no_other_light(light):
    """Not even where one plate was exposed longer."""
    other = ImageEnhance.Brightness(chest(250, grain=2)).enhance(light)
    assert kind_of(chest(180), other) not in {VerdictKind.IDENTICAL, VerdictKind.DUPLICATE}


def test_a_slope_of_light_explains_a_block_only_where_it_is_allowed_for():
    source = np.random.default_rng(4).normal(0, 6, (3, 256)).astype(np.float32)
    target = 0.6 * source + 0.01 * source**2 + 2 * np.tile(np.arange(16, dtype=np.float32), 16)
    shares = []
    for sloped in (False, True):
        variance, explained = variance_and_explained(source, target, 16, sloped=sloped)
        shares.append(explained / variance)
    assert shares[0].max() < 0.4
    assert shares[1].min() > 0.99


@pytest.mark.parametrize("name", ["chelsea.png", "retina.jpg"])
def test_a_round_avatar_is_altered_and_not_another_picture(name):
    assert kind_of(photo(name), avatar(photo(name), ANY_CHANCE)) is VerdictKind.ALTERED


def bars() -> Image.Image:
    """A chart of one color before a white ground."""
    picture = Image.new("RGB", (640, 480), "white")
    pen = ImageDraw.Draw(picture)
    for place, height in enumerate((120, 300, 210, 360, 170, 260)):
        pen.rectangle((60 + 90 * place, 440 - height, 120 + 90 * place, 440), fill=(90, 140, 200))
    pen.line((40, 20, 40, 440, 620, 440), fill="black", width=3)
    return picture


def test_a_drawing_of_one_color_with_light_from_one_side_is_a_duplicate():
    """The light makes many colors of one, and the drawing has not lost them."""
    assert kind_of(bars(), light_from_one_side(bars(), ANY_CHANCE)) is VerdictKind.DUPLICATE
    assert kind_of(bars(), colorize(bars(), "#402814", "#ffe8c0")) is VerdictKind.COLOR_VARIANT


def colorize(picture: Image.Image, dark: str, light: str) -> Image.Image:
    return ImageOps.colorize(picture.convert("L"), dark, light)


def report(lamp: tuple[int, int, int], size: int) -> Image.Image:
    """Lines of gray text and four lamps, of which one has that color."""
    picture = Image.new("RGB", (900, 700), (235, 235, 235))
    pen = ImageDraw.Draw(picture)
    for line in range(14):
        text = f"Channel {line}  value {line * 37 % 101:03d}  state nominal"
        pen.text((60, 60 + 40 * line), text, (40, 40, 40), font=ImageFont.load_default(22))
    for place in range(4):
        top = 60 + 150 * place
        pen.ellipse((680, top, 680 + size, top + size), lamp if place == 1 else (120, 120, 120), "black")
    return picture


def test_a_gray_copy_of_a_page_with_a_logo_in_color_has_other_colors():
    """Four fifths of it were gray before, and the lumas of the rest are as they were."""
    page = report((40, 180, 60), 60)
    ImageDraw.Draw(page).rectangle((30, 20, 250, 52), fill=(180, 40, 60))
    gray = page.convert("L").resize((450, 350)).convert("RGB")
    for copy in (page.convert("L").convert("RGB"), ImageEnhance.Contrast(gray).enhance(1.2)):
        assert kind_of(page, copy) is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize("tone", [("black", "white"), ("#281808", "#ffe8c0")])
@pytest.mark.parametrize("name", ["coffee.png", "astronaut.png"])
def test_a_copy_without_its_colors_and_with_a_caption_is_altered(name, tone):
    captioned = caption(colorize(photo(name), *tone), ANY_CHANCE)
    verdict = decide(measure_images(working(photo(name)), working(captioned)))
    assert verdict.kind is VerdictKind.ALTERED
    assert "lost its colors" in verdict.reasons[1]


@pytest.mark.parametrize("edit", [caption, sticker])
@pytest.mark.parametrize("name", ["coffee.png", "chelsea.png"])
def test_a_photograph_in_other_colors_with_something_over_it_is_altered(name, edit):
    """No other photograph has the same shapes, light and shade; a bottle with another label in another color may."""
    shade, saturation, value = photo(name).convert("HSV").split()
    turned = Image.merge("HSV", (shade.point([(level + 90) % 256 for level in range(256)]), saturation, value))
    verdict = decide(measure_images(working(photo(name)), working(edit(turned.convert("RGB"), ANY_CHANCE))))
    assert verdict.kind is VerdictKind.ALTERED
    assert "colors differ" in verdict.reasons[1]


@pytest.mark.parametrize("name", ["coffee.png", "astronaut.png"])
def test_a_gray_copy_with_rounded_corners_is_a_color_variant(name):
    gray = rounded(photo(name).convert("L").convert("RGB"), ANY_CHANCE)
    assert kind_of(photo(name), gray) is VerdictKind.COLOR_VARIANT


def chart(box: tuple[int, int, int]) -> Image.Image:
    """Three boxes of a color, and lines that join them."""
    picture = Image.new("RGB", (640, 480), "white")
    pen = ImageDraw.Draw(picture)
    pen.line((120, 100, 320, 100, 320, 240, 480, 240, 480, 380), fill="black", width=4)
    for left, top, text in ((40, 60, "Start"), (240, 200, "Check"), (400, 350, "Done")):
        pen.rectangle((left, top, left + 160, top + 80), box, "black", 3)
        pen.text((left + 30, top + 20), text, "black", font=ImageFont.load_default(32))
    return picture


def test_a_gray_copy_of_a_drawing_that_is_turned_is_altered():
    """A mark that is turned may be another one, but it has lost its colors and not got others."""
    drawing = chart((230, 150, 90))
    assert kind_of(drawing, drawing.rotate(180).convert("L").convert("RGB")) is VerdictKind.ALTERED
    assert kind_of(drawing, chart((90, 150, 230)).rotate(180)) is VerdictKind.DISTINCT


def test_another_picture_in_gray_with_a_caption_is_no_copy():
    other = caption(ImageOps.mirror(photo("chelsea.png")).convert("L").convert("RGB"), ANY_CHANCE)
    assert kind_of(photo("coffee.png"), other) is VerdictKind.DISTINCT


@pytest.mark.parametrize("lamp", [(200, 30, 30), (40, 180, 60)])
@pytest.mark.parametrize("size", [40, 100])
def test_a_lamp_that_is_lit_is_no_gray_copy(lamp, size):
    """Not even where it is as light as the others."""
    assert kind_of(report((120, 120, 120), size), report(lamp, size)) is VerdictKind.ALTERED


def test_a_mirrored_photograph_of_many_things_before_a_plain_ground_is_no_drawn_mark():
    stars = photo("hubble_deep_field.jpg")
    assert kind_of(stars, ImageOps.mirror(stars)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("name", ["coffee.png", "astronaut.png"])
def test_one_part_in_darker_colors_of_the_same_hues_is_no_other_light(name):
    """All else is as it was: light that changes colors would be fitted to that part alone."""
    picture = photo(name)
    mask, across, down = Image.new("L", picture.size, 0), picture.width // 2, picture.height // 2
    ImageDraw.Draw(mask).ellipse((across - 70, down - 70, across + 70, down + 70), fill=255)
    painted = picture.copy()
    darker = ImageEnhance.Brightness(picture).enhance(0.6)
    painted.paste(darker, mask=mask.filter(ImageFilter.GaussianBlur(25)))
    assert kind_of(picture, painted) is VerdictKind.ALTERED


@pytest.mark.parametrize("share", [0.2, 0.35])
def test_a_gray_copy_of_a_picture_with_little_color_has_other_colors(share):
    gray = photo("astronaut.png").convert("L")
    picture, width = gray.convert("RGB"), int(gray.width * share)
    picture.paste(ImageOps.colorize(gray.crop((0, 0, width, gray.height)), "#201040", "#ffe0a0", "#b06030"))
    verdict = decide(measure_images(working(picture), working(picture.convert("L").convert("RGB"))))
    assert verdict.kind is VerdictKind.COLOR_VARIANT
