"""Of a pair it is told which picture has something over it or around it, or shows less."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.sides import ALIKE, Side, Sides
from dedup_core.comparison.which_side import side_of
from dedup_core.decoding.decoder import decode
from tests.core.pictures import encoded
from tests.core.test_provenance import photograph


def with_letters(picture: Image.Image) -> Image.Image:
    picture = picture.copy()
    ImageDraw.Draw(picture).text((40, 380), "SAMPLE", font=ImageFont.load_default(80), fill="white")
    return picture


def with_badge(picture: Image.Image) -> Image.Image:
    picture = picture.copy()
    ImageDraw.Draw(picture).rectangle((290, 370, 460, 440), fill=(200, 20, 40))
    return picture


def with_banner(picture: Image.Image) -> Image.Image:
    picture = picture.copy()
    ImageDraw.Draw(picture).rectangle((0, 410, 480, 480), fill=(20, 20, 20))
    ImageDraw.Draw(picture).text((30, 425), "NEW SEASON", font=ImageFont.load_default(36), fill="white")
    return picture


CHANGES = {
    "badge": (with_badge, "is_overlaid"),
    "banner": (with_banner, "is_overlaid"),
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


@pytest.mark.parametrize(("around", "is_framed"), [("white", True), (None, False)])
def test_one_color_all_around_is_a_frame_where_any_edge_of_it_shows(around, is_framed):
    picture = photograph(side=192)
    light = Image.eval(picture, lambda value: 250 + value // 52)
    whole = light.copy() if around is None else Image.new("RGB", (192, 192), around)
    whole.paste(light.crop((20, 20, 172, 172)), (20, 20))
    whole.paste(picture.crop((60, 60, 172, 172)), (60, 60))  # light at two sides: nothing shows where the frame ends
    assert side_of(np.asarray(whole), (20 / 192, 20 / 192, 172 / 192, 172 / 192), False).is_framed == is_framed


def test_a_thing_cut_out_of_its_plain_ground_makes_the_ground_no_frame():
    whole = Image.new("RGB", (480, 480), "white")
    whole.paste(photograph().resize((240, 240)), (120, 120))
    assert not sides(whole, whole.crop((60, 60, 420, 420))).left.is_framed


def test_a_picture_with_bars_of_its_own_shows_a_frame_around_them():
    barred = Image.new("RGB", (480, 480))
    barred.paste(photograph().resize((480, 320)), (0, 80))
    found = sides(barred, ImageOps.expand(barred, 30, "black"))
    assert (found.left.is_framed, found.right.is_framed) == (False, True)
