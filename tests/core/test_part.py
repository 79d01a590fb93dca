"""What is found of a picture once is held for its pixels and its shape, and makes no difference to any number."""

import numpy as np

from dedup_core import measure_images
from dedup_core.comparison.overlap.part import forget_parts, part_of
from tests.core.pictures import jpeg, scene, working


def test_the_same_pixels_give_the_same_part_and_no_others_do():
    pixels = np.asarray(scene(1))
    held = part_of(pixels)
    assert part_of(pixels.copy()) is held
    other = pixels.copy()
    other[0, 0, 0] ^= 1
    assert part_of(other) is not held
    as_tall = pixels.reshape(pixels.shape[1], pixels.shape[0], 3)
    assert part_of(as_tall) is not held
    assert part_of(as_tall).lab.shape == as_tall.shape


def test_a_comparison_is_the_same_whatever_is_held():
    left, right = working(scene(1)), working(jpeg(scene(1), 40))
    forget_parts()
    first = measure_images(left, right)
    assert measure_images(left, right) == first
    assert measure_images(right, left).metrics == first.metrics
