"""What else changed in a picture that was turned gray: color explains no other lightness where lumas were kept."""

from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw, ImageOps

from dedup_core import VerdictKind
from tests.core.drawings import photo
from tests.core.pictures import half, jpeg
from tests.core.verdicts import kind_of

type Change = Callable[[Image.Image], None]


def card() -> Image.Image:
    image = Image.new("RGB", (640, 400), (214, 226, 240))
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, 0, 640, 70), fill=(30, 80, 160))
    canvas.text((24, 16), "IDENTITY CARD", fill="white", font_size=34)
    canvas.rectangle((30, 110, 200, 330), fill=(190, 150, 120))
    for line, words in enumerate(("Surname  HARPER", "Given names  ALEX MAY", "Born  14 03 1987", "No.  X48 201 773")):
        canvas.text((230, 120 + 52 * line), words, fill=(20, 30, 60), font_size=26)
    return image


def covered(image: Image.Image) -> None:
    width, height = image.size
    ImageDraw.Draw(image).rectangle((0.36 * width, 0.69 * height, 0.5 * width, 0.73 * height), fill="black")


def lettered(image: Image.Image) -> None:
    place = 0.2 * image.width, 0.4 * image.height
    ImageDraw.Draw(image).text(place, "SOLD", fill="white", font_size=image.width // 24)


def gray(image: Image.Image) -> Image.Image:
    return ImageOps.grayscale(image).convert("RGB")


COPIED = {"JPEG": lambda image: jpeg(gray(image), 85), "half": lambda image: half(gray(image))}
PICTURES = {"card": card, "coffee": lambda: photo("coffee.png"), "chelsea": lambda: photo("chelsea.png")}


@pytest.mark.parametrize("change", [covered, lettered])
@pytest.mark.parametrize("copied", COPIED.values(), ids=COPIED)
@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_a_bar_or_a_word_over_a_gray_copy_makes_it_altered(picture, copied, change: Change):
    changed = picture()
    change(changed)
    assert kind_of(picture(), copied(changed)) is VerdictKind.ALTERED


@pytest.mark.parametrize("copied", COPIED.values(), ids=COPIED)
@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_a_gray_copy_with_nothing_over_it_is_a_color_variant(picture, copied):
    assert kind_of(picture(), copied(picture())) is VerdictKind.COLOR_VARIANT
