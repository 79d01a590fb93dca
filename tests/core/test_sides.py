"""Of a pair it is told which picture has something over it or around it, or shows less."""

import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.sides import ALIKE, Side, Sides
from dedup_core.decoding.decoder import decode
from tests.core.pictures import encoded
from tests.core.test_provenance import photograph


def with_letters(picture: Image.Image) -> Image.Image:
    picture = picture.copy()
    ImageDraw.Draw(picture).text((40, 380), "SAMPLE", font=ImageFont.load_default(80), fill="white")
    return picture


CHANGES = {
    "letters": (with_letters, "is_overlaid"),
    "frame": (lambda it: ImageOps.expand(it, 30, (250, 250, 245)), "is_framed"),
}


def sides(left: Image.Image, right: Image.Image) -> Sides:
    return measure_images(decode(encoded(left, "JPEG")), decode(encoded(right, "JPEG"))).sides


@pytest.mark.parametrize("change", CHANGES)
def test_the_copy_is_marked_whichever_side_it_is_on(change):
    make, mark = CHANGES[change]
    found = sides(photograph(), make(photograph()))
    assert (getattr(found.left, mark), getattr(found.right, mark)) == (False, True)
    turned = sides(make(photograph()), photograph())
    assert (getattr(turned.left, mark), getattr(turned.right, mark)) == (True, False)


def test_a_crop_shows_less():
    found = sides(photograph(), photograph().crop((40, 60, 400, 420)))
    assert found.left.shared < 0.7
    assert found.right.shared > 0.95
    assert not found.left.is_framed


def test_saving_again_marks_nobody():
    again = measure_images(decode(encoded(photograph(), "PNG")), decode(encoded(photograph(), "JPEG", quality=50)))
    assert again.sides == ALIKE


def test_what_is_stored_comes_back():
    for some in (ALIKE, Sides(Side(0.62, is_framed=True), Side(is_overlaid=True))):
        assert Sides.from_text(some.as_text()) == some
