"""Pictures of 32 to 64 pixels, as models are trained with: they have few blocks, and are no drawings of few lines."""

from io import BytesIO

import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from dedup_core import compare
from dedup_core.comparison.verdict import VerdictKind
from tests.core.drawings import photo


def tiny(picture: Image.Image, side: int) -> Image.Image:
    return ImageOps.fit(picture, (side, side))


def letter(character: str) -> Image.Image:
    sheet = Image.new("RGB", (512, 512), "black")
    font = ImageFont.load_default(size=440)
    ImageDraw.Draw(sheet).text((256, 256), character, fill="white", font=font, anchor="mm")
    return sheet


def png(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("side", [32, 48, 64])
@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png"])
def test_a_mirrored_photograph_is_a_duplicate(name, side):
    picture = tiny(photo(name), side)
    verdict = compare(png(picture), png(ImageOps.mirror(picture)))
    assert verdict.kind is VerdictKind.DUPLICATE, verdict.reasons


@pytest.mark.parametrize("side", [28, 32, 48, 64])
@pytest.mark.parametrize("character", "bpR2")
def test_a_mirrored_letter_is_another_one(character, side):
    picture = tiny(letter(character), side)
    verdict = compare(png(picture), png(ImageOps.mirror(picture)))
    assert verdict.kind in {VerdictKind.ALTERED, VerdictKind.DISTINCT}, verdict.reasons
