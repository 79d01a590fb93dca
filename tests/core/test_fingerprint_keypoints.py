"""Keypoints: found again in parts and copies, turned like the picture, packed without loss."""

import numpy as np
import pytest
from PIL import Image

from dedup_core.fingerprinting.keypoints import (
    BUCKET_BITS,
    MAX_KEYPOINTS,
    PLANE_SIDE,
    WEAK_BITS,
    WORD_BITS,
    Keypoints,
    keypoints_of,
)
from dedup_core.fingerprinting.luma import LumaPicture
from dedup_core.search.keypoint_query import BUCKET_MASK, probes_of
from dedup_core.views import VIEWS, View
from tests.core.drawings import PHOTOS, drawn, photo, working

TRANSPOSES = {
    View.MIRRORED: Image.Transpose.FLIP_LEFT_RIGHT,
    View.FLIPPED: Image.Transpose.FLIP_TOP_BOTTOM,
    View.TURNED_90: Image.Transpose.ROTATE_90,
    View.TURNED_180: Image.Transpose.ROTATE_180,
    View.TURNED_270: Image.Transpose.ROTATE_270,
    View.TRANSPOSED: Image.Transpose.TRANSPOSE,
    View.TRANSVERSED: Image.Transpose.TRANSVERSE,
}


def keypoints(picture):
    return keypoints_of(LumaPicture(working(picture)).framed(PLANE_SIDE))


def words_in_view(found, view):
    probes = probes_of(found)
    chosen = probes.views == VIEWS.index(view)
    return (probes.buckets[chosen, 0] | probes.rests[chosen] << np.uint32(BUCKET_BITS)).tolist()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png"])
def test_words_in_a_view_are_the_words_of_the_turned_picture(name, view):
    picture = photo(name)
    turned = picture.transpose(TRANSPOSES[view]) if view in TRANSPOSES else picture
    same = set(words_in_view(keypoints(picture), view)) & set(keypoints(turned).words.tolist())
    assert len(same) >= 16


def test_places_turn_with_the_picture():
    found = keypoints(photo("coffee.png"))
    mirrored = keypoints(photo("coffee.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    probes = probes_of(found)
    expected = probes.places[probes.views == VIEWS.index(View.MIRRORED)] + [255, 0, 0]
    near = [np.abs(mirrored.places.astype(int) - place).max(axis=1).min() <= 2 for place in expected]
    assert np.mean(near) > 0.8


def test_words_of_a_part_are_met_again_by_trying_their_unsure_bits_both_ways():
    met, plainly_met = 0, 0
    for name in ("astronaut.png", "chelsea.png", "coffee.png"):
        picture = photo(name)
        buckets = (keypoints(picture).words & BUCKET_MASK).tolist()
        part = keypoints(picture.crop((40, 20, int(0.85 * picture.width), int(0.9 * picture.height))))
        probes = probes_of(part)
        met += sum(bucket in set(probes.buckets[probes.views == 0].ravel().tolist()) for bucket in buckets)
        plainly_met += sum(bucket in set((part.words & BUCKET_MASK).tolist()) for bucket in buckets)
    assert met >= 15
    assert met >= 2 * plainly_met


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_has_many_keypoints_within_its_words_and_masks(name):
    found = keypoints(photo(name))
    assert 8 <= len(found) <= MAX_KEYPOINTS
    assert int(found.words.max()) < 1 << WORD_BITS
    assert (np.bitwise_count(found.weak) == WEAK_BITS).all()
    assert int(found.weak.max()) < 1 << BUCKET_BITS
    assert (found.places[:, 2] > 0).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 3), (13, 9), (128, 128)])
def test_pictures_of_extreme_sizes_are_read_without_fault(size):
    assert len(keypoints(drawn(1, *size))) <= MAX_KEYPOINTS


def test_keypoints_survive_their_bytes():
    found = keypoints(photo("chelsea.png"))
    again = Keypoints.from_packed(np.frombuffer(found.to_bytes(), np.uint8).reshape(MAX_KEYPOINTS, -1))
    assert (again.words == found.words).all()
    assert (again.weak == found.weak).all()
    assert (again.places == found.places).all()
    assert len(Keypoints.none().to_bytes()) == len(found.to_bytes())


def test_a_plain_border_with_dust_is_cut_off_and_a_plain_picture_is_not():
    picture = photo("coffee.png")
    padded = Image.new("RGB", (picture.width + 100, picture.height + 80), "#202124")
    padded.paste(picture, (30, 50))
    padded.putpixel((3, 7), (255, 255, 255))
    assert LumaPicture(working(padded)).frame == (30, 50, 30 + picture.width, 50 + picture.height)
    assert LumaPicture(working(Image.new("RGB", (90, 60), "white"))).frame == (0, 0, 90, 60)
