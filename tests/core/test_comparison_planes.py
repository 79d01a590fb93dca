"""Shortcuts of the comparison give what the plain ways give that they stand for."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from dedup_core.color.lab import block_means, srgb_to_lab
from dedup_core.comparison.alignment.warp import resized_under, shown_under, warped
from dedup_core.comparison.structure.local_contrast import box_blur
from dedup_core.comparison.structure.sharpness import cell_sums, smoothed
from tests.core.pictures import scene

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_is_smoothed_as_pillow_smooths_it(mode):
    picture = scene(3).convert(mode)
    expected = np.asarray(picture.filter(ImageFilter.GaussianBlur(1)), dtype=np.float32)
    found = smoothed(picture)
    assert np.abs(found - expected).max() <= 1
    assert (found != expected).mean() < 0.01


def test_cells_are_added_up_and_a_rest_is_left_out():
    plane = RANDOM.random((19, 27), dtype=np.float32)
    expected = [[plane[y : y + 8, x : x + 8].sum() for x in (0, 8, 16)] for y in (0, 8)]
    assert cell_sums(plane, 8) == pytest.approx(np.array(expected), rel=1e-5)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_means_of_blocks_are_means(kind):
    planes = RANDOM.integers(0, 256, (13, 18, 3)).astype(kind)
    expected = planes[:12, :16].reshape(3, 4, 4, 4, 3).mean(axis=(1, 3))
    assert block_means(planes, 4) == pytest.approx(expected, rel=1e-5)


def test_a_stack_of_planes_is_blurred_as_each_of_them():
    for shape in ((3, 30, 40), (2, 110, 120), (2, 260, 210)):
        planes = RANDOM.random(shape, dtype=np.float32)
        assert np.array_equal(box_blur(planes, 4), np.stack([box_blur(plane, 4) for plane in planes]))


@pytest.mark.parametrize("radius", [1, 4, 5])
@pytest.mark.parametrize("side", [1, 2, 7, 15, 20, 63, 64, 65, 97])
def test_a_blur_by_matrices_is_a_mean_of_means_with_repeated_edges(side: int, radius: int):
    line = RANDOM.random(side)
    expected = line
    for _ in range(2):
        padded = np.pad(expected, radius, mode="edge")
        expected = np.convolve(padded, np.full(2 * radius + 1, 1 / (2 * radius + 1)), mode="valid")
    assert box_blur(np.tile(line.astype(np.float32), (3, 1)), radius)[1] == pytest.approx(expected, rel=1e-5)


def test_every_gray_has_its_lightness_to_the_fifth_digit():
    codes = np.arange(256, dtype=np.uint8)
    linear = np.where(codes / 255 <= 0.04045, codes / 255 / 12.92, ((codes / 255 + 0.055) / 1.055) ** 2.4)
    roots = np.where(linear > 216 / 24389, np.cbrt(linear), (24389 / 27 * linear + 16) / 116)
    lab = srgb_to_lab(np.repeat(codes[:, None, None], 3, axis=2))
    assert np.abs(lab[:, 0, 0] - (116 * roots - 16)).max() < 1e-4
    assert np.abs(lab[:, 0, 1:]).max() < 1e-3


@pytest.mark.parametrize(
    "homography",
    [
        np.eye(3),
        np.array([[0.9, 0.0, -3.0], [0.0, 0.9, 5.0], [0.0, 0.0, 1.0]]),
        np.array([[0.5, 0.3, -8.0], [-0.3, 0.6, 12.0], [0.001, -0.002, 1.0]]),
        np.array([[1.0, 0.0, 900.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    ],
)
def test_a_warped_picture_is_seen_where_its_points_fall_into_it(homography):
    size, of = (60, 40), (50, 37)
    inside = shown_under(homography, size, of)
    for x, y in ((0, 0), (59, 0), (0, 39), (59, 39), (30, 20), (5, 33), (45, 7), (20, 38)):
        across, down, divisor = homography @ [x + 0.5, y + 0.5, 1.0]
        assert inside[y, x] == (0 <= across / divisor < of[0] and 0 <= down / divisor < of[1])


def test_a_picture_that_is_in_its_place_is_not_sampled_anew():
    picture = scene(3)
    assert warped(picture, np.eye(3), picture.size, Image.Resampling.BICUBIC) is picture
    moved = np.eye(3) + np.array([[0, 0, 0.25], [0, 0, 0], [0, 0, 0]])
    assert warped(picture, moved, picture.size, Image.Resampling.BICUBIC) is not picture


@pytest.mark.parametrize(
    "pixels", [(0.7, 12.3, 0.7, 5.6), (1.8, -31.4, 1.6, 8.2), (2.4, -8.0, 2.4, -90.5), (1.0, 400.0, 1.0, 0.0)]
)
def test_what_is_resized_in_its_place_is_what_is_warped_there(pixels):
    across, right, down, below = pixels
    homography = np.array([[across, 0.0, right], [0.0, down, below], [0.0, 0.0, 1.0]])
    picture, size = scene(3).convert("L").filter(ImageFilter.GaussianBlur(4)), (120, 90)
    found, inside = resized_under(picture, homography, size, Image.Resampling.BICUBIC)
    expected = np.asarray(warped(picture, homography, size, Image.Resampling.BICUBIC), dtype=np.float32)
    shown = shown_under(homography, size, picture.size)
    assert np.array_equal(inside, shown)
    assert np.abs(np.asarray(found, dtype=np.float32) - expected)[inside].max(initial=0.0) <= 8
    assert not np.asarray(found)[~inside].any()
