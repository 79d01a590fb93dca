"""Large things laid over a picture: as long as all of the rest is exactly the same it is the same picture."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from dedup_core import VerdictKind, decide, measure_images
from tests.core.pictures import jpeg, scene, working
from tests.core.verdicts import kind_of


def thing_on_a_cloth() -> Image.Image:
    """A painted vase before an even cloth that fills most of the picture."""
    cloth = Image.new("RGB", (600, 450), (196, 190, 178))
    mask = Image.new("L", cloth.size)
    ImageDraw.Draw(mask).ellipse((150, 20, 450, 430), fill=255)
    cloth.paste(scene(5, cloth.size), mask=mask.filter(ImageFilter.GaussianBlur(2)))
    return cloth


def captioned(image: Image.Image, *lines: tuple[float, str], size: float = 0.15) -> Image.Image:
    """Outlined letters across the picture."""
    marked = image.copy()
    letters = round(size * image.width)
    for top, text in lines:
        place = image.width // 2, round(top * image.height)
        ImageDraw.Draw(marked).text(
            place, text, "white", font_size=letters, anchor="mm", stroke_width=letters // 10, stroke_fill="black"
        )
    return jpeg(marked, 95)


@pytest.mark.parametrize(
    ("draw", "words", "size"),
    [
        pytest.param(thing_on_a_cloth, ((0.2, "SOLD"), (0.8, "TODAY")), 0.12, id="words on a cloth"),
        pytest.param(lambda: scene(5), ((0.18, "NEVER"), (0.8, "AGAIN")), 0.2, id="large letters"),
    ],
)
def test_what_lies_over_much_of_a_picture_makes_it_altered(
    draw: Callable[[], Image.Image], words: tuple[tuple[float, str], ...], size: float
) -> None:
    image = draw()
    assert kind_of(image, captioned(image, *words, size=size)) is VerdictKind.ALTERED


def test_another_picture_with_the_same_words_is_distinct() -> None:
    words = (0.14, "SOLD OUT"), (0.86, "TOMORROW")
    assert kind_of(captioned(scene(5), *words), captioned(scene(6), *words)) is VerdictKind.DISTINCT


def card(seed: int) -> Image.Image:
    """A few lines of large words on a plain card."""
    drawn = Image.new("RGB", (500, 400), (238, 232, 220))
    pen, chance = ImageDraw.Draw(drawn), random.Random(seed)
    for line in range(4):
        left = 40
        while left < 380:
            right = left + chance.randint(20, 90)
            pen.rectangle((left, 70 + 70 * line, right, 105 + 70 * line), (40, 50, 70))
            left = right + 16
    return drawn


def code(seed: int) -> Image.Image:
    """Black and white modules, half of each."""
    modules = np.random.Generator(np.random.PCG64(seed)).integers(0, 2, (41, 41), dtype=np.uint8) * 255
    return Image.fromarray(modules).resize((464, 464), Image.Resampling.NEAREST).convert("RGB")


def with_a_sticker(image: Image.Image, share: float) -> Image.Image:
    """A round colored sticker over so much of the picture's width."""
    marked = image.copy()
    pen, radius = ImageDraw.Draw(marked), share * image.width / 2
    middle = 0.55 * image.width, 0.55 * image.height
    pen.circle(middle, radius, (220, 60, 40))
    pen.circle(middle, radius * 0.7, (250, 210, 60))
    return jpeg(marked, 90)


def test_a_sticker_over_a_third_of_the_few_words_of_a_card_makes_it_altered() -> None:
    measured = measure_images(working(card(1)), working(with_a_sticker(card(1), 0.45)))
    assert measured.detail is not None
    assert measured.detail.altered_share > 0.2
    assert decide(measured).kind is VerdictKind.ALTERED


def test_a_sticker_over_a_code_makes_it_altered_and_another_code_stays_distinct() -> None:
    assert kind_of(code(1), with_a_sticker(code(1), 0.4)) is VerdictKind.ALTERED
    assert kind_of(code(1), with_a_sticker(code(2), 0.4)) is VerdictKind.DISTINCT


def test_another_card_with_the_same_sticker_is_distinct() -> None:
    assert kind_of(card(1), with_a_sticker(card(2), 0.45)) is VerdictKind.DISTINCT
