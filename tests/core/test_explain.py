"""The picture that explains a verdict."""

import io

import numpy as np
import pytest
from PIL import Image

from dedup_core.color.summary import palette_of
from dedup_core.comparison.explain import PANEL, difference_map, explain, explain_png
from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.overlap.laid import align_pair
from dedup_core.comparison.verdict import decide
from dedup_core.decoding.working_image import WorkingImage
from tests.core.pictures import brighter, cropped, hue_shifted, scene, working


def explained(left: WorkingImage, right: WorkingImage) -> Image.Image:
    measurement = measure_images(left, right)
    return explain(left, right, measurement, decide(measurement))


def test_the_explanation_is_a_png_with_three_panels_side_by_side():
    left, right = working(scene(5)), working(hue_shifted(scene(5), 120))
    measurement = measure_images(left, right)
    data = explain_png(left, right, measurement, decide(measurement))
    assert data.startswith(b"\x89PNG")
    assert Image.open(io.BytesIO(data)).width > 3 * PANEL


def test_the_map_is_dark_for_equal_pictures_and_light_where_they_differ():
    left = scene(5)
    same = difference_map(align_pair(np.asarray(left), np.asarray(left)))
    other = difference_map(align_pair(np.asarray(left), np.asarray(hue_shifted(left, 120))))
    assert same.mean() < 30
    assert other.mean() > 2 * same.mean()


@pytest.mark.parametrize(
    "right", [cropped(scene(5), 0.1, 0, 1, 1), scene(6), scene(5).resize((1, 1)), scene(5).resize((9, 400))]
)
def test_any_pair_can_be_explained(right):
    assert explained(working(scene(5)), working(right)).height > 100


@pytest.mark.parametrize("size", [(300, 225), (800, 600)])
def test_left_is_drawn_on_the_left_whichever_is_larger(size):
    dark, light = brighter(scene(5), -60), brighter(scene(5), 60).resize(size)
    pair = align_pair(np.asarray(dark), np.asarray(light))
    assert pair.left.mean() + 60 < pair.right.mean()


def test_a_color_too_rare_for_a_stripe_of_the_palette_stops_no_explanation():
    plain = Image.new("RGB", (300, 225), "navy")
    plain.paste("gold", (150, 0, 300, 225))
    dotted = plain.copy()
    dotted.paste("red", (100, 100, 105, 105))
    assert 0 < palette_of(np.asarray(dotted))[-1, 3] < 0.5 / PANEL
    assert explained(working(plain), working(dotted)).height > 100
