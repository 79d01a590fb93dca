"""Fingerprints: fixed size, turned like the picture, steady under copying, silent on flat pictures."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from dedup_core.fingerprinting.hash_views import HASH_BYTES, view_hashes
from dedup_core.fingerprinting.hashes import MIN_QUALITY, fingerprints_of, hash_distance, hashes_of, quality_of
from dedup_core.fingerprinting.record import FINGERPRINTS_BYTES, WINDOWS, Fingerprints
from dedup_core.views import VIEWS, View
from tests.core.drawings import PHOTOS, TRANSPOSES, drawn, photo, working
from tests.core.pictures import encoded

CONTENT = b"content!"


def hashes(picture):
    return fingerprints_of(working(picture), CONTENT).hashes


def bits_between(left, right):
    return int(np.bitwise_count(left ^ right).sum())


def whole_distance(left, right):
    return hash_distance(hashes(left), hashes(right), View.UPRIGHT)


def turned(picture, view):
    return picture.transpose(TRANSPOSES[view]) if view in TRANSPOSES else picture


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", PHOTOS)
def test_a_view_of_the_hash_is_the_hash_of_the_turned_picture(name, view):
    assert bits_between(view_hashes(hashes(photo(name))[0], view), hashes(turned(photo(name), view))[0]) <= 4


@pytest.mark.parametrize("view", VIEWS)
@given(data=st.binary(min_size=HASH_BYTES, max_size=HASH_BYTES))
def test_turning_a_hash_and_turning_it_back_gives_the_same_hash(view, data):
    back = {View.TURNED_90: View.TURNED_270, View.TURNED_270: View.TURNED_90}.get(view, view)
    one = np.frombuffer(data, np.uint8)
    assert (view_hashes(view_hashes(one, view), back) == one).all()


def test_the_eight_views_of_a_photo_are_far_from_one_another():
    one = hashes(photo("astronaut.png"))[0]
    views = [view_hashes(one, view) for view in VIEWS]
    assert min(bits_between(views[i], views[j]) for i in range(8) for j in range(i)) > 60


@pytest.mark.parametrize("name", PHOTOS)
def test_small_changes_move_few_bits(name):
    picture = photo(name)
    half = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX)
    brighter = picture.point(lambda value: min(255, value + 12))
    with Image.open(BytesIO(encoded(picture, "JPEG"))) as jpeg:
        assert whole_distance(picture, jpeg) <= 10
    assert whole_distance(picture, half) <= 10
    assert whole_distance(picture, brighter) <= 16


def test_different_photos_are_far_from_each_other():
    wholes = [hashes(photo(name))[0] for name in PHOTOS]
    assert min(bits_between(wholes[i], wholes[j]) for i in range(len(wholes)) for j in range(i)) > 90


def test_about_half_of_the_bits_are_set():
    for name in PHOTOS:
        assert 96 <= bits_between(hashes(photo(name))[0], np.zeros(HASH_BYTES, np.uint8)) <= 160


@settings(max_examples=25)
@given(st.integers(1, 600), st.integers(1, 600), st.integers(0, 2**31))
def test_any_size_of_picture_gives_fingerprints_that_survive_their_bytes(width, height, seed):
    fingerprints = fingerprints_of(working(drawn(seed, width, height)), CONTENT)
    assert len(fingerprints.to_bytes()) == FINGERPRINTS_BYTES
    assert Fingerprints.from_bytes(fingerprints.to_bytes()) == fingerprints


@pytest.mark.parametrize("color", ["white", "black", "#7f7f7f"])
def test_a_flat_picture_has_no_hash_but_keeps_its_content(color):
    fingerprints = fingerprints_of(working(Image.new("RGB", (300, 200), color)), CONTENT)
    assert fingerprints.is_flat
    assert Fingerprints.from_bytes(fingerprints.to_bytes()) == fingerprints
    assert fingerprints.to_bytes().startswith(CONTENT)


def test_every_window_of_a_photo_has_a_hash():
    assert hashes(photo("coffee.png")).shape == (len(WINDOWS), HASH_BYTES)
    assert hashes(photo("coffee.png")).any(axis=1).all()


def test_plain_borders_do_not_count():
    picture = photo("coffee.png")
    padded = Image.new("RGB", (picture.width + 200, picture.height + 120), "white")
    padded.paste(picture, (150, 30))
    assert whole_distance(picture, padded) <= 12
    assert bits_between(hashes(picture)[0], hashes(padded)[0]) > 60


def test_a_small_object_on_a_wide_plain_ground_is_hashed_inside_its_frame():
    ground = Image.new("RGB", (500, 500), "white")
    ground.paste(photo("chelsea.png").resize((160, 110)), (60, 300))
    assert whole_distance(photo("chelsea.png"), ground) <= 16


def test_the_distance_of_a_flat_picture_is_unknown():
    flat = hashes(Image.new("RGB", (300, 200), "white"))
    assert hash_distance(flat, hashes(photo("coffee.png")), View.UPRIGHT) is None


def halved(picture: Image.Image) -> Image.Image:
    smaller = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
    stream = BytesIO()
    smaller.save(stream, "JPEG", quality=75)
    return Image.open(stream)


def test_a_bank_of_fog_is_found_by_a_half_size_copy():
    clouds = np.random.default_rng(2).normal(150, 4, (9, 13)).astype(np.float32)
    fog = Image.fromarray(clouds).resize((600, 400), Image.Resampling.BICUBIC).convert("RGB")
    assert quality_of(working(fog)) < MIN_QUALITY
    assert whole_distance(fog, halved(fog)) <= 50
    assert len(fingerprints_of(working(fog), CONTENT).keypoints) > 0


def noise_in_the_dark() -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).normal(4, 3, (480, 640)).clip(0, 255).astype(np.uint8))


def smooth_slope() -> Image.Image:
    slope = np.linspace(140, 190, 400)[:, None] + np.linspace(0, 25, 600)[None, :]
    return Image.fromarray((slope + np.random.default_rng(4).normal(0, 0.6, slope.shape)).astype(np.uint8))


def numbered_page() -> Image.Image:
    page = Image.new("L", (600, 800), "white")
    ImageDraw.Draw(page).text((290, 750), "17", fill="black", font_size=16)
    return page


@pytest.mark.parametrize("draw", [noise_in_the_dark, smooth_slope, numbered_page])
def test_noise_a_slope_and_a_speck_on_a_plain_ground_are_flat_and_their_copies_too(draw):
    picture = draw().convert("RGB")
    assert len(hashes(picture)) == len(hashes(halved(picture))) == 0


def own_mirror_image(seed: int) -> Image.Image:
    """Blocks with a little grain, the right half the left one's mirror image."""
    dice = np.random.default_rng(seed)
    left = np.kron(dice.integers(40, 215, (10, 8)), np.ones((40, 40)))
    shades = np.hstack([left, left[:, ::-1]])
    return Image.fromarray((shades + dice.normal(0, 1.5, shades.shape)).clip(0, 255).astype(np.uint8)).convert("RGB")


@pytest.mark.parametrize("turn", [Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180])
def test_a_flipped_copy_of_a_picture_that_is_nearly_its_own_mirror_image_is_near(turn):
    picture = own_mirror_image(0)
    before, after = hashes(picture)[0], hashes(picture.transpose(turn))[0]
    assert min(bits_between(before, view_hashes(after, view)) for view in VIEWS) <= 40


def test_hashes_alone_are_those_of_the_fingerprints():
    picture = working(photo("coffee.png"))
    assert (hashes_of(picture) == fingerprints_of(picture, CONTENT).hashes).all()


def test_quality_orders_pictures_by_structure():
    flat = quality_of(working(Image.new("RGB", (64, 64), "white")))
    soft = quality_of(working(drawn(3)))
    noise = quality_of(working(Image.effect_noise((256, 256), 250)))
    assert 0 == flat < soft <= noise <= 100


def test_bytes_of_another_length_are_refused():
    with pytest.raises(ValueError, match="bytes, not 3"):
        Fingerprints.from_bytes(b"abc")
    with pytest.raises(ValueError, match="content takes 8 bytes"):
        Fingerprints(b"short", np.zeros((0, HASH_BYTES), np.uint8))
