"""Large things laid over a picture: as long as all of the rest is exactly the same it is the same picture."""

from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw, ImageFilter

from dedup_core import VerdictKind, decide, measure_images
from tests.core.pictures import jpeg, scene, working


def kind_of(left: Image.Image, right: Image.Image) -> VerdictKind:
    return decide(measure_images(working(left), working(right))).kind


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
