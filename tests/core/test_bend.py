"""A picture that a lens, a print or bent paper bends as a whole shows the same; what is bent besides is looked at."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_core import VerdictKind, decide, measure_images
from dedup_core.comparison.alignment.bend import Bend
from tests.core.pictures import bent, jpeg, scene, working

SIZE = (512, 384)
WHOLE = {
    "a barrel": lambda x, y: (6 * x * (x * x + y * y - 1), 5 * y * (x * x + y * y - 1)),
    "a pincushion": lambda x, y: (-6 * x * (x * x + y * y - 1), -5 * y * (x * x + y * y - 1)),
    "curled paper": lambda x, _y: (0.0, 9 * x * x),
    "a bow": lambda _x, y: (7 * y * y * y, 0.0),
}


def kind_of(left: Image.Image, right: Image.Image) -> VerdictKind:
    return decide(measure_images(working(left), working(right))).kind


@pytest.mark.parametrize("what", WHOLE)
@pytest.mark.parametrize("seed", [1, 4])
def test_a_picture_that_is_bent_as_a_whole_is_a_duplicate(what, seed):
    image = scene(seed, SIZE)
    assert kind_of(image, jpeg(bent(image, WHOLE[what]), 85)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("what", WHOLE)
def test_another_thing_in_a_bent_picture_is_seen(what):
    image = scene(4, SIZE)
    other = image.copy()
    ImageDraw.Draw(other).ellipse((240, 150, 275, 185), fill=(230, 230, 60), outline=(20, 20, 20), width=4)
    assert kind_of(image, jpeg(bent(other, WHOLE[what]), 85)) is VerdictKind.ALTERED


def test_a_part_that_is_bent_for_itself_is_seen_in_a_bent_picture():
    image = scene(4, SIZE)

    def pulled(x: float, y: float) -> tuple[float, float]:
        right, down = WHOLE["a barrel"](x, y)
        return right + 5 * np.exp(-((x - 0.2) ** 2 + y * y) / 0.03), down

    assert kind_of(image, jpeg(bent(image, pulled), 85)) is VerdictKind.ALTERED


def test_a_bend_is_taken_from_a_picture_and_what_lay_beyond_it_is_not_shown():
    image = scene(1, SIZE).convert("L")
    inside = np.ones(SIZE[::-1], dtype=np.bool_)
    places = np.random.default_rng(1).random((60, 2))
    bend = Bend.through(places, 0.02 * (places - 0.5) ** 2 + 0.005)
    unbent, shown = bend.taken_from(image, inside)
    at = bend.at(np.array([0.5]), np.array([0.5]))[0] * SIZE
    assert at == pytest.approx((0.005 * SIZE[0], 0.005 * SIZE[1]), abs=1e-6)
    moved = image.transform(SIZE, Image.Transform.AFFINE, (1, 0, at[0], 0, 1, at[1]), Image.Resampling.BICUBIC)
    middle = slice(180, 204), slice(240, 272)
    assert np.abs(np.asarray(unbent, dtype=float) - np.asarray(moved, dtype=float))[middle].mean() < 1
    assert shown[middle].all()
    assert not shown[:, -1].any()
