"""Pixels as images of Pillow, held only where nobody can change the pixels behind their back."""

import numpy as np
import pytest
from PIL import Image

from dedup_core.arrays import Pixels
from dedup_core.comparison.structure.images import in_mode


def colors() -> Pixels:
    return np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def constant() -> Pixels:
    return np.asarray(Image.fromarray(colors()))


def test_a_picture_and_a_part_of_it_are_as_pillow_makes_them():
    for pixels in (colors(), constant(), constant()[1:3, ::-1]):
        assert np.array_equal(np.asarray(in_mode(pixels, "RGB")), pixels)
        gray = np.asarray(in_mode(pixels, "L"))
        assert np.array_equal(np.asarray(in_mode(gray, "L")), gray)
        assert np.array_equal(gray, np.asarray(in_mode(pixels.copy(), "RGB").convert("L")))


def test_what_nobody_can_write_to_is_made_once():
    pixels = constant()
    assert in_mode(pixels, "L") is in_mode(pixels[:], "L")
    assert in_mode(pixels, "L") is not in_mode(pixels[1:], "L")


@pytest.mark.parametrize("behind", [False, True])
def test_what_can_be_written_to_is_made_each_time(behind: bool):
    pixels = colors()
    given = pixels
    if behind:  # of an array that forbids it, which is a part of one that does not
        given = pixels[:]
        given.setflags(write=False)
    before = in_mode(given, "L").getpixel((0, 0))
    pixels[0, 0] = 200
    assert (before, in_mode(given, "L").getpixel((0, 0))) == (1, 200)
