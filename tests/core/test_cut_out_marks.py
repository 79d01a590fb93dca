"""Signs and fruit cut out along their outline, on transparency: letters, notes, a lemon beside a lime."""

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFont

from dedup_core import VerdictKind, compare
from tests.core.pictures import encoded

type Color = tuple[int, int, int]
WAYS = {
    "smaller": lambda it: it.resize((it.width * 2 // 3, it.height * 2 // 3), Image.Resampling.LANCZOS),
    "on white": lambda it: Image.alpha_composite(Image.new("RGBA", it.size, "white"), it),
    "with a margin": lambda it: framed(it, 24),
}


def letter(sign: str, width: int) -> Image.Image:
    """A letter of 130 pixels: filled if it has no `width`, else its outline."""
    mask = Image.new("L", (300, 300))
    font = ImageFont.load_default(size=170)
    ImageDraw.Draw(mask).text((150, 150), sign, fill=255, font=font, anchor="mm", stroke_width=8)
    if width:
        inner = Image.new("L", mask.size)
        ImageDraw.Draw(inner).text((150, 150), sign, fill=255, font=font, anchor="mm", stroke_width=8 - width)
        mask = ImageChops.subtract(mask, inner)
    drawn = Image.new("RGBA", mask.size, (0, 0, 0, 0))
    drawn.putalpha(mask)
    return drawn.crop(mask.getbbox())


def note(*, has_flag: bool) -> Image.Image:
    drawn = Image.new("RGBA", (120, 220), (0, 0, 0, 0))
    pen = ImageDraw.Draw(drawn)
    pen.ellipse((4, 156, 66, 214), fill="black")
    pen.rectangle((54, 6, 66, 186), fill="black")
    if has_flag:
        pen.polygon((66, 6, 112, 90, 96, 150, 100, 96, 66, 60), fill="black")
    return drawn.crop(drawn.getbbox())


def slice_of(peel: Color, flesh: Color) -> Image.Image:
    """A round slice of a fruit with ten segments, before a white ground that fills a fifth."""
    large = Image.new("RGB", (1200, 1200), "white")
    pen = ImageDraw.Draw(large)
    pen.ellipse((8, 8, 1192, 1192), fill=peel)
    pen.ellipse((70, 70, 1130, 1130), fill=tuple((3 * 255 + it) // 4 for it in flesh))
    for number in range(10):
        pen.pieslice((110, 110, 1090, 1090), 36 * number + 3, 36 * number + 33, fill=flesh)
    shade = np.asarray(large) * (1 - 0.12 * (np.indices((1200, 1200)).sum(axis=0) % 90 < 30))[..., None]
    shaded = Image.fromarray(shade.astype(np.uint8))
    large.paste(shaded, mask=large.convert("L").point(lambda it: 255 * (it < 250)))
    return large.resize((480, 480), Image.Resampling.LANCZOS)


def framed(picture: Image.Image, margin: int) -> Image.Image:
    wider = Image.new("RGBA", (picture.width + 2 * margin, picture.height + 2 * margin), (0, 0, 0, 0))
    wider.paste(picture, (margin, margin))
    return wider


@pytest.mark.parametrize(
    ("one", "other", "width"), [("v", "y", 0), ("v", "y", 8), ("C", "Q", 8), ("u", "n", 8), ("F", "E", 8)]
)
def test_another_letter_is_no_copy(one: str, other: str, width: int) -> None:
    files = (encoded(letter(sign, width), "PNG") for sign in (one, other))
    assert compare(*files).kind in {VerdictKind.ALTERED, VerdictKind.DISTINCT}


def test_a_note_that_has_lost_its_flag_is_no_copy() -> None:
    files = (encoded(note(has_flag=it), "PNG") for it in (True, False))
    assert compare(*files).kind in {VerdictKind.ALTERED, VerdictKind.DISTINCT}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sign", ["C", "b", "A"])
def test_a_letter_in_another_size_or_frame_is_a_copy(sign: str, way: str) -> None:
    drawn = letter(sign, 8)
    assert compare(encoded(drawn, "PNG"), encoded(WAYS[way](drawn), "PNG")).kind is VerdictKind.DUPLICATE


def test_a_lime_is_a_lemon_in_another_color() -> None:
    lemon, lime = slice_of((250, 232, 30), (252, 240, 90)), slice_of((150, 200, 40), (176, 216, 96))
    assert compare(lemon, encoded(lime, "PNG")).kind is VerdictKind.COLOR_VARIANT


@pytest.mark.parametrize("gains", [(1.08, 1.0, 0.9), (0.92, 1.0, 1.08), (0.85, 0.85, 0.85)])
def test_a_lemon_in_another_light_is_a_copy(gains: Color) -> None:
    lemon = slice_of((250, 232, 30), (252, 240, 90))
    lit = Image.fromarray((np.asarray(lemon) * gains).clip(0, 255).astype(np.uint8))
    assert compare(lemon, encoded(lit, "JPEG", quality=88)).kind is VerdictKind.DUPLICATE
