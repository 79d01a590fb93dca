"""Pictures of 32 to 64 pixels, as models are trained with: they have few blocks, and are no drawings of few lines."""

import random
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from dedup_core import compare, decide, measure_images
from dedup_core.comparison.verdict import VerdictKind
from tests.core.drawings import photo
from tests.core.pictures import working


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


def written_three(seed: int, side: int = 28) -> Image.Image:
    """A three as a hand draws it, differently for every seed, as in the sets of digits that models learn from."""
    random = np.random.default_rng(seed)
    sheet = Image.new("L", (224, 224), 0)
    knots = np.array(
        [(70, 60), (110, 36), (150, 62), (140, 96), (108, 110), (146, 124), (158, 160), (118, 190), (68, 170)]
    )
    places = knots + random.normal(0, 9, knots.shape)
    ImageDraw.Draw(sheet).line([tuple(it) for it in places], fill=255, width=20, joint="curve")
    return sheet.resize((side, side), Image.Resampling.LANCZOS).convert("RGB")


@pytest.mark.parametrize("side", [32, 48])
@pytest.mark.parametrize("seed", range(4))
def test_a_digit_that_was_written_again_is_another_one(side, seed):
    verdict = compare(png(written_three(seed, side)), png(written_three(seed + 1, side)))
    assert verdict.kind in {VerdictKind.ALTERED, VerdictKind.DISTINCT}, verdict.reasons


@pytest.mark.parametrize("seed", range(4))
def test_a_digit_that_was_saved_again_is_a_duplicate(seed):
    file = BytesIO()
    written_three(seed).save(file, "JPEG", quality=90)
    assert compare(png(written_three(seed)), file.getvalue()).kind is VerdictKind.DUPLICATE


def icon(chance: random.Random) -> Image.Image:
    """A few strokes, polygons and dots in up to 32 pixels, on white, black or gray."""
    side = chance.choice((16, 19, 22, 24, 30, 32))
    drawn = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen = ImageDraw.Draw(drawn)

    def place() -> float:
        return chance.uniform(0, side)

    for _ in range(chance.randint(1, 3)):
        x, y, kind = place(), place(), chance.choice("lpe")
        color = chance.choice(["black", "white", "#444", "#c33"])
        if kind == "l":
            pen.line((x, y, place(), place()), fill=color, width=chance.randint(1, 4))
        elif kind == "p":
            pen.polygon([(place(), place()) for _ in range(4)], fill=color)
        else:
            pen.ellipse((x - 4, y - 4, x + chance.randint(2, 8), y + chance.randint(2, 8)), fill=color)
    ground = Image.new("RGBA", drawn.size, chance.choice(["white", "black", (128, 128, 128)]))
    ground.alpha_composite(drawn)
    return ground.convert("RGB")


@pytest.mark.parametrize("seed", [30, 762])
def test_an_icon_that_is_all_filling_beside_another_one_is_another_picture(seed: int) -> None:
    chance = random.Random(seed)
    verdict = decide(measure_images(working(icon(chance)), working(icon(chance))))
    assert verdict.kind is VerdictKind.DISTINCT
