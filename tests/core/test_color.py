"""What the color metrics promise: symmetry, a true zero, order, and no drowning in a white background."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_core.color.background import object_weights
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.color.earth_mover import transport_cost
from dedup_core.color.lab import srgb_to_lab
from dedup_core.color.metrics import color_metrics, compute_color_similarity, dominant_distance, pixel_difference
from dedup_core.color.summary import palette_and_histogram_of, palette_of


def similarity(left, right) -> float:
    return compute_color_similarity(**color_metrics(left, right).as_dict())


def flat(color, size=(1, 1)):
    return np.asarray(Image.new("RGB", size, color))


def shape_on_white(shape, color, radius=30):
    image = Image.new("RGB", (200, 200), "white")
    getattr(ImageDraw.Draw(image), shape)((100 - radius, 100 - radius, 100 + radius, 100 + radius), fill=color)
    return np.asarray(image)


def scene(seed=7):
    """A picture with soft gradients and a few saturated shapes, no channel near its limits."""
    random = np.random.default_rng(seed)
    down, across = np.mgrid[0:120, 0:160]
    base = np.stack([60 + across * 0.5, 80 + down * 0.6, 150 - across * 0.4], axis=2)
    image = Image.fromarray(base.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = random.integers(0, 120), random.integers(0, 80)
        draw.ellipse((x, y, x + 40, y + 30), fill=tuple(int(v) for v in random.integers(50, 190, 3)))
    return np.asarray(image)


def brighter(pixels, shift):
    return np.clip(pixels.astype(int) + shift, 0, 255).astype(np.uint8)


def hue_shifted(pixels, steps):
    hsv = np.asarray(Image.fromarray(pixels).convert("HSV")).copy()
    hsv[..., 0] += np.uint8(steps)
    return np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"))


def test_lab_values_match_published_ones():
    lab = srgb_to_lab(np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]], dtype=np.uint8))
    expected = [[53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86], [100, 0, 0], [0, 0, 0]]
    assert np.allclose(lab, expected, atol=0.06)


def test_equal_pictures_are_at_zero_distance_and_full_correlation():
    metrics = color_metrics(scene(), scene())
    assert metrics.dominant_distance == 0.0
    assert metrics.pixel_difference == 0.0
    assert metrics.histogram_correlation == pytest.approx(1.0)
    assert similarity(scene(), scene()) == pytest.approx(1.0)


def test_swapping_the_two_pictures_changes_nothing():
    left, right = scene(1), scene(2)
    forward, backward = color_metrics(left, right), color_metrics(right, left)
    assert forward.as_dict() == pytest.approx(backward.as_dict(), abs=1e-5)


def test_a_growing_brightness_shift_moves_every_metric_away_from_equal():
    steps = [color_metrics(scene(), brighter(scene(), shift)) for shift in (0, 6, 12, 24, 48)]
    assert_moves_away(steps)


def test_a_growing_hue_shift_moves_every_metric_away_from_equal():
    steps = [color_metrics(scene(), hue_shifted(scene(), shift)) for shift in (0, 8, 16, 32, 64)]
    assert_moves_away(steps)


def assert_moves_away(steps: list[ColorMetrics]) -> None:
    for nearer, farther in pairwise(steps):
        assert farther.dominant_distance > nearer.dominant_distance
        assert farther.pixel_difference > nearer.pixel_difference
        assert farther.histogram_correlation < nearer.histogram_correlation
        assert compute_color_similarity(**farther.as_dict()) < compute_color_similarity(**nearer.as_dict())


@pytest.mark.parametrize("radius", [12, 20, 30, 60])
def test_a_red_circle_and_a_blue_rectangle_on_white_do_not_match(radius):
    left, right = shape_on_white("ellipse", "red", radius), shape_on_white("rectangle", "blue", radius)
    metrics = color_metrics(left, right)
    assert metrics.dominant_distance > 40
    assert metrics.pixel_difference > 40
    assert metrics.histogram_correlation < 0.8
    assert similarity(left, right) < 0.3


def test_one_pixel_of_red_and_one_pixel_of_blue_differ():
    metrics = color_metrics(flat("red"), flat("blue"))
    assert metrics.dominant_distance == pytest.approx(176.3, abs=0.1)
    assert metrics.pixel_difference == pytest.approx(176.3, abs=0.1)
    assert metrics.histogram_correlation < 0.1
    assert similarity(flat("red"), flat("blue")) < 0.01


def test_weights_of_a_palette_count_and_not_only_its_colors():
    mostly_red, mostly_blue = flat("red", (40, 40)).copy(), flat("blue", (40, 40)).copy()
    mostly_red[:4], mostly_blue[:4] = (0, 0, 255), (255, 0, 0)
    assert dominant_distance(palette_of(mostly_red), palette_of(mostly_blue)) > 50


def test_a_palette_is_sorted_sums_to_one_and_holds_at_most_eight_colors():
    palette = palette_of(scene())
    assert palette.shape[1] == 4
    assert len(palette) <= 8
    assert palette[:, 3].sum() == pytest.approx(1.0, abs=1e-5)
    assert (np.diff(palette[:, 3]) <= 0).all()


def test_a_palette_keeps_a_small_vivid_object_on_paper():
    palette = palette_of(shape_on_white("ellipse", "red", radius=20))
    red = srgb_to_lab(flat("red"))[0, 0]
    nearest = np.linalg.norm(palette[:, :3] - red, axis=1).argmin()
    assert np.linalg.norm(palette[nearest, :3] - red) < 5
    assert palette[nearest, 3] > 0.2


def test_a_picture_without_a_plain_border_counts_every_pixel_alike():
    noise = np.random.default_rng(3).integers(0, 255, (50, 50, 3), dtype=np.uint8)
    assert (object_weights(srgb_to_lab(noise)) == 1.0).all()


def test_pixel_difference_of_two_flat_grays_is_their_difference_in_lightness():
    left, right = flat((119, 119, 119), (20, 20)), flat((145, 145, 145), (20, 20))
    expected = abs(srgb_to_lab(left)[0, 0, 0] - srgb_to_lab(right)[0, 0, 0])
    assert pixel_difference(left, right) == pytest.approx(expected, abs=1e-3)


def test_a_histogram_changes_little_when_colors_move_a_little():
    (_, brighter_histogram), (_, histogram) = (palette_and_histogram_of(it) for it in (brighter(scene(), 1), scene()))
    step = brighter_histogram - histogram
    assert np.abs(step).max() < 0.05


@pytest.mark.parametrize(
    ("costs", "supply", "demand", "expected"),
    [
        ([[5.0]], [3.0], [1.0], 5.0),
        ([[0.0, 10.0], [10.0, 0.0]], [0.5, 0.5], [0.5, 0.5], 0.0),
        ([[0.0, 10.0], [10.0, 0.0]], [0.8, 0.2], [0.5, 0.5], 3.0),
        # The cheapest first edge is a trap: taking it whole costs 0.5 * 0 + 0.5 * 100.
        ([[0.0, 1.0], [1.0, 100.0]], [0.5, 0.5], [0.5, 0.5], 1.0),
    ],
)
def test_transport_finds_the_cheapest_plan(costs, supply, demand, expected):
    assert transport_cost(costs, supply, demand) == pytest.approx(expected)


def test_transport_agrees_with_trying_every_assignment_of_equal_weights():
    random = np.random.default_rng(11)
    for _ in range(20):
        costs = random.random((5, 5)) * 50
        best = min(sum(costs[i, p[i]] for i in range(5)) / 5 for p in permutations(range(5)))
        assert transport_cost(costs.tolist(), [1.0] * 5, [1.0] * 5) == pytest.approx(best)
