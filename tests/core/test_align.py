"""How one picture lies on another: view, crop, padding, scale, small rotation."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_core.comparison.alignment.align import align
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.structure.local_contrast import box_blur, content_box, local_structure, luma_plane
from dedup_core.views import View, turned
from tests.core.drawings import TRANSPOSES
from tests.core.pictures import brighter, cropped, hue_shifted, padded, scene


def found(left: Image.Image, right: Image.Image, hint: View | None = None):
    return align(np.asarray(left), np.asarray(right), hint)


@pytest.mark.parametrize(("view", "transpose"), TRANSPOSES.items())
def test_a_view_is_what_pillow_calls_by_that_name(view, transpose):
    image = scene(2)
    assert np.array_equal(turned(np.asarray(image), view), np.asarray(image.transpose(transpose)))


@pytest.mark.parametrize("view", list(View))
def test_every_view_is_found_without_a_hint(view):
    left = scene(2)
    alignment = found(left, Image.fromarray(np.ascontiguousarray(turned(np.asarray(left), view))))
    assert alignment.view is view
    assert alignment.agreement > 0.95


def test_the_same_picture_lies_on_itself():
    alignment = found(scene(2), scene(2))
    assert np.allclose(alignment.matrix, [[1, 0, 0], [0, 1, 0]], atol=0.002)


def test_sides_that_are_rounded_to_whole_pixels_do_not_move_the_far_corner():
    left = scene(2).resize((640, 381))
    right = left.resize((320, 191), Image.Resampling.LANCZOS)
    placed = Placed.aligned(np.asarray(left), np.asarray(right), None).refined(rough=False)
    for corner, there in (((0, 0), (0, 0)), ((1, 381 / 640), (1, 191 / 320))):
        assert placed.to_right(np.array(corner)) == pytest.approx(there, abs=0.6 / 512)


def test_a_crop_is_found_where_it_was_cut():
    alignment = found(scene(2), cropped(scene(2), 0.1, 0.2, 0.8, 0.9))
    # A point at x of the longer side of the whole is at (x - 0.1) / 0.7 of the crop, whose longer side is 0.7 as long.
    assert alignment.matrix[0, 0] == pytest.approx(1 / 0.7, abs=0.03)
    assert alignment.matrix[0, 2] == pytest.approx(-0.1 / 0.7, abs=0.02)
    assert alignment.matrix[1, 2] == pytest.approx(-0.2 * 0.75 / 0.7, abs=0.02)


def test_swapping_crop_and_whole_inverts_the_matrix():
    whole, part = scene(2), cropped(scene(2), 0.1, 0.2, 0.8, 0.9)
    there, back = (np.vstack([found(*pair).matrix, [0, 0, 1]]) for pair in ((whole, part), (part, whole)))
    assert np.allclose(there @ back, np.eye(3), atol=0.03)


@pytest.mark.parametrize("degrees", [-4, 2, 4])
def test_a_small_rotation_is_measured(degrees):
    alignment = found(scene(2), scene(2).rotate(degrees, Image.Resampling.BICUBIC))
    turned_by = np.degrees(np.arctan2(alignment.matrix[0, 1], alignment.matrix[0, 0]))
    assert turned_by == pytest.approx(degrees, abs=0.5)


def test_a_mirrored_crop_of_other_brightness_is_found():
    right = brighter(cropped(scene(2), 0.05, 0.1, 0.9, 0.95), -25).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    alignment = found(scene(2), right)
    assert alignment.view is View.MIRRORED
    assert alignment.agreement > 0.8


def test_other_colors_do_not_hide_the_alignment():
    alignment = found(scene(2), hue_shifted(scene(2), 180))
    assert alignment.view is View.UPRIGHT
    assert np.allclose(alignment.matrix, [[1, 0, 0], [0, 1, 0]], atol=0.02)


def test_different_pictures_agree_nowhere():
    assert found(scene(2), scene(3)).agreement < 0.5


@pytest.mark.parametrize("degrees", [-2.0, -1.5, 1.5, 3.0])
def test_a_symmetric_face_that_was_turned_a_little_is_not_mirrored_whatever_the_hint(degrees):
    face = Image.new("RGB", (400, 400), "white")
    canvas = ImageDraw.Draw(face)
    canvas.ellipse((40, 40, 360, 360), fill=(255, 205, 50), outline=(225, 160, 20), width=5)
    canvas.ellipse((120, 140, 160, 180), fill=(80, 50, 20))
    canvas.ellipse((240, 140, 280, 180), fill=(80, 50, 20))
    canvas.arc((110, 120, 290, 300), 20, 160, fill=(80, 50, 20), width=10)
    askew = face.rotate(degrees, Image.Resampling.BICUBIC, fillcolor="white")
    assert all(found(face, askew, hint).view is View.UPRIGHT for hint in (View.MIRRORED, View.UPRIGHT, None))


def test_a_wrong_hint_does_no_harm():
    assert found(scene(2), scene(2), hint=View.TURNED_180).view is View.UPRIGHT


@pytest.mark.parametrize("color", ["white", "black"])
def test_a_plain_border_is_trimmed_to_the_pixel(color):
    picture = np.asarray(padded(scene(2), 0.2, color))
    trimmed = picture[content_box(picture)]
    assert np.array_equal(trimmed, np.asarray(scene(2)))


def test_a_plain_picture_is_not_trimmed_away():
    picture = np.full((40, 60, 3), 200, np.uint8)
    assert picture[content_box(picture)].shape == (40, 60, 3)


def test_a_picture_that_is_almost_all_paper_keeps_its_paper():
    image = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(image).rectangle((98, 98, 102, 102), fill="black")
    picture = np.asarray(image)
    assert picture[content_box(picture)].shape == (200, 200, 3)


def test_local_structure_does_not_see_exposure():
    plain, light = (local_structure(luma_plane(np.asarray(image), 128)) for image in (scene(2), brighter(scene(2), 20)))
    assert np.corrcoef(plain.ravel(), light.ravel())[0, 1] > 0.99


def test_a_blur_keeps_a_constant_and_spreads_a_point_evenly():
    assert np.allclose(box_blur(np.full((9, 12), 7.0, np.float32), 2), 7.0)
    point = np.zeros((15, 15), np.float32)
    point[7, 7] = 1.0
    blurred = box_blur(point, 1)
    assert blurred.sum() == pytest.approx(1.0, abs=1e-5)
    assert np.allclose(blurred, blurred[::-1, ::-1])


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 2), (5, 5)])
def test_tiny_and_thin_pictures_are_aligned_without_failing(size):
    image = scene(2).resize(size)
    assert np.isfinite(found(image, scene(2)).matrix).all()
    assert np.isfinite(found(image, image).matrix).all()


@pytest.mark.parametrize("size", [(512, 6), (10, 512), (512, 12)])
def test_a_thin_strip_lies_whole_on_its_smaller_copy(size):
    strip = scene(4).resize(size)
    alignment = found(strip, strip.resize((size[0] // 2, size[1] // 2), Image.Resampling.BOX))
    assert alignment.view is View.UPRIGHT
    assert np.allclose(alignment.matrix, [[1, 0, 0], [0, 1, 0]], atol=0.03)
