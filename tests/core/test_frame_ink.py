"""What a frame, a bar or a filled corner holds beside a picture is content, however small; the frame itself is none."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from dedup_core import VerdictKind
from dedup_core.comparison.overlap.frame_ink import Surroundings
from tests.core.pictures import cropped, half, jpeg, scene
from tests.core.test_provenance import photograph
from tests.core.verdicts import kind_of

BICUBIC = Image.Resampling.BICUBIC
EMPTY = ""


def original(number: int) -> Image.Image:
    return photograph(number).crop((0, 30, 480, 390)) if number else scene(4)


def crop(number: int) -> Image.Image:
    return cropped(original(number), 0.06, 0.04, 0.95, 0.93)


def in_frame(picture: Image.Image, words: str, ground: str = "white", ink: str = "black") -> Image.Image:
    framed = ImageOps.expand(picture, 36, ground)
    ImageDraw.Draw(framed).text((60, framed.height - 28), words, ink, font_size=18)
    return framed


def in_two_frames(picture: Image.Image, words: str) -> Image.Image:
    return in_frame(ImageOps.expand(picture, 6, "white"), words, "#204060", "white")


def between_bars(picture: Image.Image, words: str) -> Image.Image:
    bars = ImageOps.pad(picture, (picture.width, picture.height + 90))
    ImageDraw.Draw(bars).text((40, 12), words, "#666666", font_size=20)
    return bars


def beside_bars(picture: Image.Image, words: str) -> Image.Image:
    bars = ImageOps.pad(picture, (picture.width + 160, picture.height))
    ImageDraw.Draw(bars).text((8, 100), words, "white", font_size=16)
    return bars


FRAMES = [in_frame, in_two_frames, between_bars, beside_bars]


@pytest.mark.parametrize("framed", FRAMES)
@pytest.mark.parametrize("number", [0, 3, 5])
@pytest.mark.parametrize("shown", [original, crop])
def test_a_small_word_in_a_frame_is_a_change_and_the_frame_is_none(framed: Callable, number: int, shown: Callable):
    assert kind_of(original(number), jpeg(framed(shown(number), "No. 4711"), 85)) is VerdictKind.ALTERED
    assert kind_of(original(number), jpeg(framed(shown(number), EMPTY), 85)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("number", [0, 3, 5])
def test_a_word_in_the_frame_of_what_the_other_is_a_crop_of_is_a_change(number: int):
    assert kind_of(crop(number), half(in_frame(original(number), "$19.99", "black", "white"))) is VerdictKind.ALTERED
    assert kind_of(crop(number), half(in_frame(original(number), EMPTY, "black"))) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("number", [0, 3, 5])
def test_a_dot_and_a_small_picture_in_a_frame_are_changes(number: int):
    dotted, pictured = in_frame(crop(number), EMPTY), in_frame(crop(number), EMPTY)
    ImageDraw.Draw(dotted).ellipse((6, 6, 28, 28), "red")
    pictured.paste(photograph(8).resize((26, 26)), (5, 200))
    for framed in (dotted, pictured):
        assert kind_of(original(number), jpeg(framed, 85)) is VerdictKind.ALTERED


def test_what_was_blurred_and_the_lines_of_another_frame_are_nothing_written():
    blurred = original(3).resize((480, 460)).filter(ImageFilter.GaussianBlur(16))
    blurred.paste(original(3), (0, 50))
    ruled = in_frame(ImageOps.expand(crop(3), 3, "black"), EMPTY)
    ImageDraw.Draw(ruled).line((0, 16, ruled.width, 16), "black", 2)
    for framed in (blurred, ruled):
        assert kind_of(original(3), jpeg(framed, 85)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("number", [0, 3, 5])
@pytest.mark.parametrize("ground", ["white", "black"])
def test_a_badge_in_a_filled_corner_is_a_change(number: int, ground: str):
    turned = crop(number).rotate(6, BICUBIC, expand=True, fillcolor=ground)
    assert kind_of(original(number), jpeg(turned, 85)) is VerdictKind.DUPLICATE
    ImageDraw.Draw(turned).ellipse((3, 3, 21, 21), "red")
    assert kind_of(original(number), jpeg(turned, 85)) is VerdictKind.ALTERED


def test_a_mast_before_a_sky_that_gets_darker_is_nothing_written_in_a_frame():
    picture = scene(4).copy()
    shades = Image.linear_gradient("L").resize((480, 160)).point(lambda level: 235 - level // 2)
    picture.paste(shades.convert("RGB"))
    ImageDraw.Draw(picture).rectangle((300, 8, 305, 170), "#303030")
    framed = ImageOps.expand(picture.resize((360, 270), BICUBIC), 40, "white")
    assert kind_of(picture, jpeg(framed, 85)) is VerdictKind.DUPLICATE


def on_gradient(picture: Image.Image, words: str) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((picture.width + 96, picture.height + 96))
    ground = Image.merge("RGB", (ramp, ramp, ramp.point(lambda value: 255 - value // 2)))
    ground.paste(picture, (48, 48))
    ImageDraw.Draw(ground).text((120, 8), words, "yellow", font_size=26)
    return ground


def beside_shadow(picture: Image.Image, words: str) -> Image.Image:
    ground = Image.new("RGB", (picture.width + 96, picture.height + 96), "white")
    ground.paste((130, 130, 130), (58, 58, ground.width - 38, ground.height - 38))
    ground = ground.filter(ImageFilter.GaussianBlur(8))
    ground.paste(picture, (48, 48))
    ImageDraw.Draw(ground).text((120, 4), words, "black", font_size=26)
    return ground


@pytest.mark.parametrize("number", [0, 3, 5])
@pytest.mark.parametrize("framed", [on_gradient, beside_shadow])
def test_a_word_on_what_fades_around_a_picture_is_a_change(framed: Callable, number: int):
    assert kind_of(original(number), jpeg(framed(original(number), "No. 4711"), 85)) is VerdictKind.ALTERED
    assert kind_of(original(number), jpeg(framed(original(number), EMPTY), 85)) is VerdictKind.DUPLICATE


def test_a_scene_that_goes_on_around_a_crop_is_nothing_written():
    whole = np.asarray(photograph(3))
    assert not Surroundings(whole, (0.2, 0.2, 0.8, 0.8)).has_ink_on_shades
    assert not Surroundings(whole, (0.0, 0.3, 1.0, 1.0)).has_ink_on_shades
