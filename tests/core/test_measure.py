"""What is measured of a pair once it is aligned."""

import dataclasses
import io
import itertools
import math
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from dedup_core import ImagePath, VerdictKind, View, decide, measure_images, measure_pair
from dedup_core.comparison.overlap.laid import METRIC_SIZE, align_pair
from dedup_core.comparison.regions import swapped
from dedup_core.comparison.structure.edge_agreement import Shapes, shape_agreement
from dedup_core.comparison.tones.exposure import Blocks, color_residual
from dedup_core.loading.generated import draw_generated_image
from tests.core.pictures import brighter, cropped, encoded, hue_shifted, jpeg, padded, scene, working

ROOT = Path(__file__).parents[2]


def measured(left: Image.Image, right: Image.Image):
    return measure_images(working(left), working(right))


def residual(left: Image.Image, right: Image.Image) -> float:
    weights = np.ones((left.height, left.width), np.float32)
    return color_residual(Blocks.of(np.asarray(left), np.asarray(right), weights))


def by_value(image: Image.Image, curve, gains=(1.0, 1.0, 1.0)) -> Image.Image:
    return image.point([round(min(255, max(0, curve(value * gain)))) for gain in gains for value in range(256)])


def test_a_mirrored_and_cropped_copy_differs_in_framing_and_not_in_color():
    right = cropped(scene(4), 0.05, 0.05, 0.95, 0.95).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    metrics = measure_pair(encoded(scene(4)), encoded(right))
    assert metrics.pixel_difference < 2
    assert metrics.dominant_distance < 10  # of a palette of eight colors, in which an edge moved by a pixel is another
    assert metrics.histogram_correlation > 0.95


def test_the_aligned_part_of_both_has_one_size_and_stays_small():
    pair = align_pair(np.asarray(scene(4)), np.asarray(cropped(scene(4), 0.1, 0.0, 1.0, 0.9)))
    assert pair.left.shape == pair.right.shape
    assert max(pair.left.shape) <= METRIC_SIZE


def test_coverage_is_the_share_of_the_larger_picture_that_both_show_whichever_is_left():
    whole, part = scene(4), cropped(scene(4), 0.1, 0.1, 0.8, 0.8)
    assert measured(whole, part).coverage == pytest.approx(0.49, abs=0.03)
    assert measured(part, whole).coverage == pytest.approx(0.49, abs=0.03)


def test_padding_takes_nothing_from_the_coverage():
    assert measured(scene(4), padded(scene(4), 0.2, "white")).coverage > 0.95


@pytest.mark.parametrize(
    "right",
    [
        by_value(scene(4), lambda value: value + 25),
        by_value(scene(4), lambda value: (value - 128) * 0.7 + 128),
        by_value(scene(4), lambda value: 255 * (value / 255) ** 1.8),
        by_value(scene(4), lambda value: value, gains=(1.1, 1.0, 0.88)),
        jpeg(scene(4), 40),
    ],
    ids=["brightness", "contrast", "gamma", "white balance", "compression"],
)
def test_an_exposure_a_white_balance_or_compression_leaves_no_color_residual(right):
    assert residual(scene(4), right) < 1.9


@pytest.mark.parametrize(
    "right",
    [hue_shifted(scene(4), 40), hue_shifted(scene(4), 180), scene(4).convert("L").convert("RGB")],
    ids=["hue 40", "hue 180", "gray"],
)
def test_other_colors_leave_a_color_residual_that_no_exposure_explains(right):
    assert residual(scene(4), right) > 5


def test_the_color_residual_is_the_same_both_ways():
    right = hue_shifted(scene(4), 90)
    assert residual(scene(4), right) == pytest.approx(residual(right, scene(4)))


def test_one_garment_in_a_darker_gray_is_no_exposure_while_all_else_stays():
    def person(trousers: int) -> Image.Image:
        image = Image.new("RGB", (200, 300), "white")
        draw = ImageDraw.Draw(image)
        draw.rectangle((60, 20, 140, 110), fill=(205, 160, 130))
        draw.rectangle((65, 110, 135, 260), fill=(trousers,) * 3)
        draw.rectangle((55, 260, 145, 285), fill=(30, 30, 30))
        return image.filter(ImageFilter.GaussianBlur(1))

    assert measured(person(35), person(75)).color_residual > 1.9


def test_edges_agree_when_dark_and_light_are_exchanged():
    left = np.asarray(scene(4), dtype=np.float32) / 2.55
    shape = shape_agreement(Shapes.of(left), Shapes.of(100 - left))
    assert shape.structure == pytest.approx(1.0, abs=0.01)
    assert shape.changed_share == 0.0


def test_a_gray_copy_keeps_its_structure_where_colors_of_one_lightness_met():
    stripes = Image.new("RGB", (240, 180), (120, 120, 120))
    draw = ImageDraw.Draw(stripes)
    for x in range(0, 240, 24):
        draw.rectangle((x, 0, x + 11, 179), fill=(214, 90, 90))
        draw.rectangle((x + 12, 0, x + 23, 179), fill=(60, 148, 120))
    draw.rectangle((40, 60, 200, 120), fill=(240, 240, 200))
    draw.rectangle((90, 30, 120, 160), fill=(20, 20, 60))
    assert measured(stripes, stripes.convert("L").convert("RGB")).structure > 0.8


def test_what_is_painted_over_counts_as_changed():
    right = scene(4).copy()
    ImageDraw.Draw(right).rectangle((90, 70, 390, 290), fill="gray")
    assert 0.2 < measured(scene(4), right).changed_share < 0.6


def test_a_picture_without_texture_says_so():
    flat = Image.new("RGB", (100, 80), (120, 130, 140))
    assert measured(flat, flat).texture == 0.0
    assert measured(scene(4), scene(4)).texture > 0.5


def test_the_share_of_plain_background_is_that_of_both():
    image = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(image).ellipse((10, 10, 190, 190), fill=(200, 40, 40))
    assert measured(image, image).plain_share == pytest.approx(1 - math.pi * 90**2 / 200**2, abs=0.06)
    assert measured(image, scene(4)).plain_share < 0.01


def test_margins_that_both_have_are_plain_background_and_a_frame_of_one_is_none():
    scene_before = Image.new("RGB", (300, 300), "white")
    scene_before.paste(scene(4).resize((200, 200)), (50, 50))
    assert measured(scene_before, scene_before).plain_share > 0.5
    assert measured(scene_before, scene(4).resize((200, 200))).plain_share < 0.1


def test_a_picture_and_its_brighter_copy_have_the_distance_of_their_fingerprints():
    measurement = measured(scene(4), brighter(scene(4), 12))
    assert measurement.distance_bits is not None
    assert measurement.distance_bits <= 12


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 3), (12, 7)])
def test_tiny_pictures_give_numbers_and_no_failure(size):
    small = scene(4).resize(size)
    for pair in ((small, small), (small, scene(4)), (scene(4), small)):
        measurement = measured(*pair)
        numbers = [*dataclasses.asdict(measurement.metrics).values(), measurement.structure, measurement.color_residual]
        assert all(math.isfinite(number) for number in numbers)


def test_measuring_leaves_the_pictures_as_they_were():
    left, right = working(scene(4)), working(hue_shifted(scene(4), 90))
    before = left.pixels.copy(), right.pixels.copy()
    measure_images(left, right)
    assert np.array_equal(left.pixels, before[0])
    assert np.array_equal(right.pixels, before[1])


SWAPPED = {
    "crop": (scene(4), cropped(scene(4), 0.1, 0.2, 0.75, 0.9)),
    "padding": (scene(4), padded(scene(4), 0.2, "white")),
    "turned 90": (scene(4), scene(4).transpose(Image.Transpose.ROTATE_90)),
    "turned 270 and smaller": (scene(4), scene(4).resize((200, 150)).transpose(Image.Transpose.ROTATE_270)),
    "mirrored": (scene(4), scene(4).transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    "transposed": (scene(4), scene(4).transpose(Image.Transpose.TRANSPOSE)),
    "hue": (scene(4), hue_shifted(scene(4), 90)),
    "stranger": (scene(4), scene(5)),
    "strip": (scene(4), scene(4).resize((300, 5))),
    "tiny": (scene(4).resize((3, 9)), scene(5).resize((7, 2))),
    "as large and of another shape": (scene(4).resize((240, 60)), scene(4).resize((60, 240))),
}


@pytest.mark.parametrize(("left", "right"), SWAPPED.values(), ids=SWAPPED.keys())
@pytest.mark.parametrize("hint", [None, View.TURNED_90])
def test_swapping_the_pictures_inverts_the_view_and_changes_nothing_else(left, right, hint):
    there = measure_images(working(left), working(right), hint)
    back = measure_images(working(right), working(left), None if hint is None else View.TURNED_270)
    inverse = {View.TURNED_90: View.TURNED_270, View.TURNED_270: View.TURNED_90}.get(there.view, there.view)
    assert back == dataclasses.replace(there, view=inverse, regions=swapped(there.regions), sides=there.sides.swapped())
    forth = dataclasses.replace(decide(back), view=there.view, sides=there.sides, regions=decide(there).regions)
    assert forth == decide(there)


@pytest.mark.parametrize("seed", [1, 3, 8, 9])
def test_a_crop_of_noise_with_other_gains_gets_one_verdict_from_both_sides(seed):
    whole = Image.open(io.BytesIO(draw_generated_image(ImagePath.parse(f"test://noise?seed={seed}&cells=12"))))
    part = by_value(cropped(whole, 0.2, 0.1, 0.9, 0.7), lambda value: value, gains=(1.1, 0.95, 1.0))
    assert decide(measured(whole, part)).kind is decide(measured(part, whole)).kind


@pytest.mark.parametrize(("left", "right"), [(300, 200), (200, 300)])
def test_the_view_of_a_turned_copy_is_how_the_left_one_is_turned_whichever_is_larger(left, right):
    turned_copy = scene(4).transpose(Image.Transpose.ROTATE_90)
    sized = scene(4).resize((left, left * 3 // 4)), turned_copy.resize((right * 3 // 4, right))
    assert measured(*sized).view is View.TURNED_90


ODD_SHAPES = [(30, 600), (100, 100), (20, 800), (300, 7), (1, 2), (1, 1), (1000, 1), (3, 700), (400, 300)]


@pytest.mark.parametrize("color", ["white", "black", (200, 30, 90)], ids=str)
@pytest.mark.parametrize("hint", [None, View.TURNED_90])
def test_two_pictures_of_one_color_do_not_differ_whatever_their_shapes(color, hint):
    shapes = [working(Image.new("RGB", size, color)) for size in ODD_SHAPES]
    for number, pair in enumerate(itertools.combinations_with_replacement(shapes, 2)):
        measurement = measure_images(*pair[:: (-1) ** number], hint)
        assert measurement.metrics.pixel_difference == 0
        assert decide(measurement).kind in {VerdictKind.IDENTICAL, VerdictKind.DUPLICATE}


def test_a_red_strip_and_a_blue_one_are_distinct_whatever_their_shapes():
    for number, pair in enumerate(itertools.combinations_with_replacement(ODD_SHAPES, 2)):
        ours, theirs = pair[:: (-1) ** number]
        measurement = measured(Image.new("RGB", ours, "red"), Image.new("RGB", theirs, "blue"))
        assert measurement.metrics.pixel_difference > 50
        assert decide(measurement).kind is VerdictKind.DISTINCT


MEASURE_SYMMETRIC = """
import numpy as np
from PIL import Image, ImageDraw
from dedup_core import View, measure_images
from tests.core.pictures import working

random = np.random.default_rng(2)
coarse = Image.fromarray(random.integers(0, 255, (8, 8, 3), np.uint8))
quarter = np.asarray(coarse.resize((80, 80), Image.Resampling.BICUBIC))
quarter = quarter // 2 + quarter.transpose(1, 0, 2) // 2
half = np.concatenate([quarter, quarter[:, ::-1]], axis=1)
picture = Image.fromarray(np.concatenate([half, half[::-1]]))
covered = picture.copy()
for x, y in random.integers(0, 120, (12, 2)).tolist():
    ImageDraw.Draw(covered).rectangle((x, y, x + 35, y + 35), fill=tuple(random.integers(0, 255, 3).tolist()))
for hint in View:
    print(measure_images(working(picture), working(covered), hint))
"""


def test_every_process_gives_the_same_numbers_and_view_also_where_several_views_fit_alike():
    """This one has a seed of hashes of its own."""
    program, environment = [sys.executable, "-c", MEASURE_SYMMETRIC], {**os.environ, "PYTHONHASHSEED": "1"}
    there = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    with redirect_stdout(io.StringIO()) as here:
        exec(MEASURE_SYMMETRIC, {})  # noqa: S102 - what stands above
    assert here.getvalue() == there
