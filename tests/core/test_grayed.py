"""A photograph of which all but one color was taken away: no curve for each channel does that."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_core import VerdictKind
from dedup_core.comparison.tones.grayed import grayed
from tests.core.pictures import jpeg
from tests.core.verdicts import kind_of

SKY, GROUND = 210, 110  # lines
WIDTH = 480


def station(*, in_gray: bool) -> Image.Image:
    """Gray tracks and houses below a pale blue sky, with a red sign, which keeps its color."""
    random = np.random.default_rng(3)
    stones = Image.fromarray(random.uniform(60, 150, (20, 60)).astype(np.float32))
    ground = np.asarray(stones.resize((WIDTH, GROUND), Image.Resampling.BICUBIC)) + random.normal(
        0, 10, (GROUND, WIDTH)
    )
    sky = np.linspace([120, 148, 182], [160, 178, 196], SKY)[:, None] + random.normal(0, 2, (SKY, WIDTH, 1))
    picture = Image.fromarray(np.vstack([sky, np.repeat(ground[..., None], 3, axis=2)]).clip(0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for left in range(20, WIDTH, 76):
        pen.rectangle((left, 110, left + 50, 150 + left // 12), fill=(176, 172, 168))
        pen.rectangle((left + 4, 120, left + 20, 136), fill=(60, 60, 62))
    picture = picture.convert("L").convert("RGB") if in_gray else picture
    pen = ImageDraw.Draw(picture)
    pen.rectangle((300, 160, 380, 200), fill=(200, 40, 36))
    pen.text((306, 166), "Central", fill="white", font_size=20)
    return picture


def test_a_photograph_of_which_one_color_alone_was_kept_is_a_color_variant():
    assert kind_of(station(in_gray=False), jpeg(station(in_gray=True), 88)) is VerdictKind.COLOR_VARIANT


BLUE, GRAY = (-2.0, -14.0), (0.0, 0.0)


def blocks(*parts: tuple[int, float, tuple[float, float]]) -> np.ndarray:
    """So many blocks of a lightness and a color each, in CIELAB: (3, n)."""
    return np.concatenate([np.repeat([[light], [a], [b]], count, axis=1) for count, light, (a, b) in parts], axis=1)


@pytest.mark.parametrize(
    ("count", "light", "found"),
    [
        (40, 60.0, 6.93),  # 60 and 40 of 100, which are 14.1 apart
        (40, 40.0, 0.0),  # of another lightness: one color becomes one
        (900, 60.0, 0.0),  # less than a tenth of the picture lost any
    ],
)
def test_colors_of_one_lightness_are_lost_where_one_picture_is_gray(count, light, found):
    before = blocks((60, 60.0, BLUE), (count, light, GRAY))
    after = blocks((60, 60.0, GRAY), (count, light, GRAY))
    for pair in ((before, after), (after, before)):
        assert grayed(*pair, np.ones(60 + count, bool)) == pytest.approx(found, abs=0.01)


def test_white_and_what_does_not_count_lost_no_color():
    before, after = blocks((60, 97.0, BLUE), (40, 97.0, GRAY)), blocks((100, 97.0, GRAY))
    assert grayed(before, after, np.ones(100, bool)) == 0.0
    before, after = blocks((60, 60.0, BLUE), (40, 60.0, GRAY)), blocks((100, 60.0, GRAY))
    assert grayed(before, after, np.zeros(100, bool)) == 0.0
