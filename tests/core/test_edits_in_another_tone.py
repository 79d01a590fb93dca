"""A place that was edited in a photograph that was made brighter or darker besides: the tone hides no edit."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from dedup_core import VerdictKind, measure_images
from tests.core.drawings import photo
from tests.core.pictures import half, hue_shifted, jpeg, scene, working
from tests.core.verdicts import kind_of

type Place = tuple[float, float]
RADIUS = 0.03  # of the width


def toned(image: Image.Image, factor: float) -> Image.Image:
    return jpeg(ImageEnhance.Brightness(image).enhance(factor), 85)


def brighter_and_half(image: Image.Image) -> Image.Image:
    return half(ImageEnhance.Brightness(image).enhance(1.25))


brighter, darker = partial(toned, factor=1.25), partial(toned, factor=0.75)


def box_around(image: Image.Image, place: Place) -> tuple[int, int, int, int]:
    x, y, radius = int(place[0] * image.width), int(place[1] * image.height), int(RADIUS * image.width)
    return x - radius, y - radius, x + radius, y + radius


def pixelated(image: Image.Image, place: Place) -> Image.Image:
    """As a face or a number plate is censored."""
    edited, box = image.copy(), box_around(image, place)
    shown = image.crop(box)
    coarse = shown.resize((6, 6), Image.Resampling.BOX)
    edited.paste(coarse.resize(shown.size, Image.Resampling.NEAREST), box)
    return edited


def pushed_aside(image: Image.Image, place: Place) -> Image.Image:
    """As a liquify brush does: most in the middle, nothing at the rim."""
    left, top, right, bottom = box_around(image, place)
    down, across = np.mgrid[0 : image.height, 0 : image.width]
    radius = (right - left) / 2
    off = np.hypot(down - (top + bottom) / 2, across - (left + right) / 2) / radius
    moved = across + 0.4 * radius * np.clip(1 - off**2, 0, None) ** 2
    return Image.fromarray(np.asarray(image)[down, np.clip(moved, 0, image.width - 1).round().astype(int)])


def in_other_colors(image: Image.Image, place: Place, *, degrees: int | None) -> Image.Image:
    """A round place with a soft edge in other hues, or in gray for None."""
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).ellipse(box_around(image, place), fill=255)
    other = image.convert("L").convert("RGB") if degrees is None else hue_shifted(image, degrees)
    return Image.composite(other, image, mask.filter(ImageFilter.GaussianBlur(3)))


grayed, recolored = partial(in_other_colors, degrees=None), partial(in_other_colors, degrees=90)


def drawn(seed: int) -> Image.Image:
    return scene(seed, (960, 720))


@pytest.mark.parametrize(
    ("name", "place", "edit", "copied"),
    [
        ("chelsea.png", (0.45, 0.7), pushed_aside, brighter),
        ("chelsea.png", (0.45, 0.7), pixelated, brighter),
        ("astronaut.png", (0.3, 0.3), pixelated, brighter),
        ("astronaut.png", (0.45, 0.7), pushed_aside, brighter_and_half),
        ("coffee.png", (0.3, 0.3), recolored, brighter),
    ],
)
def test_an_edit_in_a_photograph_in_another_tone_is_seen(
    name: str,
    place: Place,
    edit: Callable[[Image.Image, Place], Image.Image],
    copied: Callable[[Image.Image], Image.Image],
) -> None:
    assert kind_of(photo(name), copied(edit(photo(name), place))) is VerdictKind.ALTERED


@pytest.mark.parametrize(
    ("seed", "place", "edit"),
    [(0, (0.3, 0.3), grayed), (0, (0.45, 0.7), recolored), (1, (0.3, 0.3), grayed), (3, (0.3, 0.3), grayed)],
)
def test_a_place_in_other_colors_is_seen_in_a_darker_picture(
    seed: int, place: Place, edit: Callable[[Image.Image, Place], Image.Image]
) -> None:
    assert kind_of(drawn(seed), darker(edit(drawn(seed), place))) is VerdictKind.ALTERED


@pytest.mark.parametrize("copied", [brighter, darker, brighter_and_half])
@pytest.mark.parametrize(
    "picture",
    [*(partial(photo, name) for name in ("chelsea.png", "coffee.png", "astronaut.png")), partial(drawn, 0)],
    ids=["chelsea", "coffee", "astronaut", "drawn"],
)
def test_copies_in_another_tone_are_duplicates(
    picture: Callable[[], Image.Image], copied: Callable[[Image.Image], Image.Image]
) -> None:
    assert kind_of(picture(), copied(picture())) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("name", ["coffee.png", "chelsea.png", "astronaut.png"])
def test_what_is_clear_of_clipping_has_no_mark(name: str) -> None:
    tones = measure_images(working(photo(name)), working(toned(photo(name), 1.5))).tones
    assert tones is not None
    assert tones.mark <= 1.0 or tones.clear_mark < 0.6
