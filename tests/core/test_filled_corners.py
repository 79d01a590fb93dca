"""A copy that was turned by a few degrees got its corners filled: they are a frame, and no more of the scene."""

import numpy as np
import pytest
from PIL import Image

from dedup_core.comparison.alignment.filled_corners import filled_edges
from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.sides import Sides
from dedup_core.decoding.decoder import decode
from tests.core.pictures import encoded
from tests.core.test_provenance import photograph

BICUBIC = Image.Resampling.BICUBIC


def sides(left: Image.Image, right: Image.Image) -> Sides:
    return measure_images(*(decode(encoded(it, "JPEG", quality=92)) for it in (left, right))).sides


def turned(picture: Image.Image, degrees: float, color: str, *, is_whole: bool = True) -> Image.Image:
    return picture.rotate(degrees, BICUBIC, expand=is_whole, fillcolor=color)


@pytest.mark.parametrize("degrees", [3, -4])
@pytest.mark.parametrize("color", ["black", "white"])
@pytest.mark.parametrize("is_whole", [True, False])
def test_filled_corners_are_a_frame_whichever_side_they_are_on(degrees, color, is_whole):
    original = photograph().crop((0, 0, 480, 360))
    copy = turned(original, degrees, color, is_whole=is_whole)
    found = sides(original, copy)
    assert (found.left.is_framed, found.right.is_framed, found.left.shared) == (False, True, 1.0)
    found = sides(copy, original)
    assert (found.left.is_framed, found.right.is_framed, found.right.shared) == (True, False, 1.0)


def test_what_was_turned_and_cropped_has_no_frame():
    found = sides(photograph(), turned(photograph(), 3, "black", is_whole=False).crop((30, 30, 450, 450)))
    assert not found.left.is_framed
    assert not found.right.is_framed


def test_a_thing_before_plain_ground_has_no_filled_corners():
    whole = np.full((192, 192, 3), 255, np.uint8)
    rows, columns = np.mgrid[:192, :192]
    whole[np.hypot(rows - 96, columns - 96) < 80] = (40, 80, 120)
    assert len(filled_edges(whole, 3.0)) == 0
    assert len(filled_edges(np.full((192, 192, 3), 255, np.uint8), 3.0)) == 0
    assert len(filled_edges(np.zeros((6, 6, 3), np.uint8), 3.0)) == 0


def test_wedges_of_another_turn_are_no_filling_of_this_one():
    copy = np.asarray(turned(photograph(), 8, "black").resize((192, 192)))
    assert len(filled_edges(copy, 8.0)) > 0
    assert len(filled_edges(copy, 3.0)) == 0
    assert len(filled_edges(copy, 0.0)) == 0
