"""Weak hits are kept where the stored keypoints bear them out, and dropped where they do not."""

import numpy as np
import pytest

from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.keypoints import Keypoints
from dedup_core.search.hit import Hit
from dedup_core.search.second_look import LEAST_AGREEING, is_plausible, loosely_agreeing
from dedup_core.views import View
from tests.core.drawings import PHOTOS, photo, working

CONTENT = b"content!"


def fingerprints(picture):
    return fingerprints_of(working(picture), CONTENT)


def weak(view=View.UPRIGHT):
    return Hit("00" * 16, 90, view, 2)


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png"])  # a cup of coffee is its own mirror image
def test_a_part_bears_out_a_weak_hit_mirrored_as_it_is_and_not_otherwise(name):
    picture = photo(name)
    part = picture.crop((30, 20, int(0.9 * picture.width), int(0.9 * picture.height))).transpose(0)
    assert is_plausible(fingerprints(part), fingerprints(picture), weak(View.MIRRORED))
    assert not is_plausible(fingerprints(part), fingerprints(picture), weak(View.UPRIGHT))


def test_different_photos_do_not_bear_out_a_weak_hit():
    found = [fingerprints(photo(name)) for name in PHOTOS]
    for view in View:
        assert not any(is_plausible(a, b, weak(view)) for a in found for b in found if a is not b)


def test_a_sure_hit_needs_no_second_look():
    found = [fingerprints(photo(name)) for name in PHOTOS[:2]]
    assert is_plausible(*found, Hit("00" * 16, 40, View.UPRIGHT, 0))
    assert is_plausible(*found, Hit("00" * 16, 130, View.UPRIGHT, 4))


def test_one_keypoint_met_many_times_counts_once():
    word = np.array([0x0ABCDEF], np.uint32)
    one = Keypoints(word, np.array([31], np.uint32), np.array([[100, 100, 90, 5]], np.uint8))
    places = np.array([[10 * n, 10, 90, 5] for n in range(1, 20)], np.uint8)
    many = Keypoints(np.repeat(word, 19), np.repeat(one.weak, 19), places)
    assert loosely_agreeing(one, many, View.UPRIGHT) == 1
    assert loosely_agreeing(one, Keypoints.none(), View.UPRIGHT) == 0
    assert loosely_agreeing(many, many, View.UPRIGHT) > LEAST_AGREEING
