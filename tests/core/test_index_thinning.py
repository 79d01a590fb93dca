"""Weak hits are kept where the stored keypoints bear them out, and dropped where they do not."""

from dataclasses import astuple, replace
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from dedup_core.fingerprinting.hashes import fingerprints_of, hash_distance
from dedup_core.fingerprinting.keypoints import Keypoints
from dedup_core.fingerprinting.record import HASH_BITS
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.search.hit import MAX_DISTANCE_BITS, Hit
from dedup_core.search.second_look import (
    CROWD,
    SURE_DISTANCE_BITS,
    bits_in_common,
    detail_bits,
    is_plausible,
    likeliest_of_crowd,
    loosely_agreeing,
)
from dedup_core.views import View
from tests.core.drawings import PHOTOS, photo, working

CONTENT = b"content!"


def fingerprints(picture):
    return fingerprints_of(working(picture), CONTENT)


@cache
def of_photo(name):
    return fingerprints(photo(name))


def weak(view=View.UPRIGHT):
    return Hit("00" * 16, 90, view, 2)


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png"])  # a cup of coffee is its own mirror image
def test_a_part_bears_out_a_weak_hit_mirrored_as_it_is_and_not_otherwise(name):
    picture = photo(name)
    part = picture.crop((30, 20, int(0.9 * picture.width), int(0.9 * picture.height))).transpose(0)
    assert is_plausible(fingerprints(part), fingerprints(picture), weak(View.MIRRORED))
    assert not is_plausible(fingerprints(part), fingerprints(picture), weak(View.UPRIGHT))


def test_different_photos_do_not_bear_out_a_weak_hit():
    found = [of_photo(name) for name in PHOTOS]
    for view in View:
        assert not any(is_plausible(a, b, weak(view)) for a in found for b in found if a is not b)


def near(bits):
    return Hit("00" * 16, bits, View.UPRIGHT, 0)


def test_where_the_hash_is_hardly_near_keypoints_or_fine_bits_must_bear_it_out():
    picture, other = of_photo("astronaut.png"), of_photo("chelsea.png")
    wide = fingerprints(photo("astronaut.png").resize((700, 512)).crop((30, 10, 680, 500)))
    for bits in (SURE_DISTANCE_BITS + 10, MAX_DISTANCE_BITS):
        assert is_plausible(wide, picture, near(bits))
        assert not is_plausible(other, picture, near(bits))
        assert is_plausible(replace(other, detail=picture.detail), picture, near(bits))
    assert is_plausible(other, picture, near(SURE_DISTANCE_BITS))


def test_a_sure_hash_is_one_that_nothing_else_could_turn_down():
    picture = of_photo("astronaut.png")
    bare = replace(picture, keypoints=Keypoints.none(), asked=None)
    half_of_all = np.frombuffer(picture.detail.tobytes(), np.uint8) ^ np.uint8(0x0F)
    unlike = replace(picture, detail=half_of_all, keypoints=bits_turned(picture.keypoints), asked=None)
    assert detail_bits(unlike, near(0), picture) == HASH_BITS // 2
    assert is_plausible(unlike, picture, near(SURE_DISTANCE_BITS))
    assert not is_plausible(unlike, picture, near(SURE_DISTANCE_BITS + 1))
    assert is_plausible(bare, picture, near(SURE_DISTANCE_BITS + 1))


def bits_turned(keypoints):
    """Keypoints at the same places, none of which resembles what was there."""
    return replace(keypoints, words=keypoints.words ^ np.uint32(0x5555555))


def test_pictures_with_hardly_any_keypoints_go_by_their_hash_alone():
    picture, other = of_photo("astronaut.png"), of_photo("chelsea.png")
    bare = replace(other, keypoints=Keypoints(*(it[:5] for it in astuple(other.keypoints))), asked=None)
    assert is_plausible(bare, picture, near(MAX_DISTANCE_BITS))
    assert is_plausible(picture, bare, near(MAX_DISTANCE_BITS))


def test_a_sure_hit_needs_no_second_look():
    found = [of_photo(name) for name in PHOTOS[:2]]
    assert is_plausible(*found, Hit("00" * 16, 40, View.UPRIGHT, 0))
    assert is_plausible(*found, Hit("00" * 16, 130, View.UPRIGHT, 4))


def test_one_keypoint_met_many_times_counts_once():
    word = np.array([0x0ABCDEF], np.uint32)
    one = Keypoints(word, np.array([31], np.uint32), np.array([[100, 100, 90, 5]], np.uint8))
    places = np.array([[10 * n, 10, 90, 5] for n in range(1, 20)], np.uint8)
    many = Keypoints(np.repeat(word, 19), np.repeat(one.weak, 19), places)
    assert loosely_agreeing(one, many, View.UPRIGHT) == 1
    assert loosely_agreeing(one, Keypoints.none(), View.UPRIGHT) == 0
    assert loosely_agreeing(many, many, View.UPRIGHT) == len(many)


def test_bits_in_common_count_each_keypoint_of_both_pictures_once():
    words = np.array([0x0ABCDEF, 0x5F0F0F3], np.uint32)
    weak = np.array([31, 31], np.uint32)
    two = Keypoints(words, weak, np.array([[100, 100, 90, 5], [160, 120, 90, 5]], np.uint8))
    blurred = replace(two, words=words ^ np.uint32(0b111))
    twice = Keypoints(np.tile(words, 2), np.tile(weak, 2), np.tile(two.places, (2, 1)))
    assert bits_in_common(two, two, View.UPRIGHT) == 2 * 8
    assert bits_in_common(two, blurred, View.UPRIGHT) == 2 * 5
    assert bits_in_common(twice, two, View.UPRIGHT) == bits_in_common(two, twice, View.UPRIGHT) == 2 * 8
    assert bits_in_common(two.taken(np.array([0])), two, View.UPRIGHT) == 0
    assert bits_in_common(two, Keypoints.none(), View.UPRIGHT) == 0


def form(value):
    """One form, filled in with another value in each of its boxes."""
    page = Image.new("RGB", (400, 500), "white")
    pen, random = ImageDraw.Draw(page), np.random.default_rng(value)
    for top in range(20, 480, 60):
        pen.rectangle((20, top, 380, top + 45), outline="black", width=2)
        pen.text(
            (120, top + 10),
            "".join(random.choice(list("ABCDEFGHKLMNRSTUVXYZ"), 9)),
            "black",
            ImageFont.load_default(22),
        )
    return page


@cache
def of_form(value):
    return fingerprints(form(value))


def crowd_of_forms(count):
    forms = [of_form(value) for value in range(count)]
    index = FingerprintIndex()
    for value, found in enumerate(forms):
        index.add(f"{value:032x}", found)
    return forms, index


def test_keypoints_that_agree_by_chance_in_another_view_hide_no_near_hash():
    forms, index = crowd_of_forms(30)
    for value in range(0, 30, 3):
        copy = fingerprints(form(value).resize((200, 250), Image.Resampling.LANCZOS))
        hits = index.search(copy)
        distances = [hit.distance_bits for hit in hits]
        assert len(hits) > 1
        assert distances == sorted(distances)
        for hit in hits:
            found = forms[int(hit.image_id, 16)]
            assert hit.distance_bits <= hash_distance(copy.hashes, found.hashes, View.UPRIGHT)


def test_of_a_crowd_of_forms_few_are_verified_and_the_copy_comes_first():
    forms, index = crowd_of_forms(60)
    for value in (3, 31):
        copy = form(value).resize((200, 250), Image.Resampling.LANCZOS)
        query = fingerprints(copy)
        hits = [(hit, forms[int(hit.image_id, 16)]) for hit in index.search(query)]
        assert len(hits) > 40
        kept = likeliest_of_crowd(query, hits)
        assert int(hits[kept[0]][0].image_id, 16) == value
        assert len(kept) <= 2 * CROWD


def test_a_form_without_a_copy_is_not_compared_with_the_whole_crowd():
    forms, index = crowd_of_forms(60)
    for value in range(60, 64):
        query = of_form(value)
        hits = [(hit, forms[int(hit.image_id, 16)]) for hit in index.search(query)]
        assert len(hits) > 40
        assert len(likeliest_of_crowd(query, hits)) < len(hits) / 2


def test_a_form_that_was_scanned_askew_comes_first_by_its_keypoints():
    forms, index = crowd_of_forms(60)
    for value in (3, 17, 31, 44):
        scan = form(value).rotate(1.5, Image.Resampling.BICUBIC, fillcolor="white").convert("L").convert("RGB")
        query = fingerprints(scan)
        hits = [(hit, forms[int(hit.image_id, 16)]) for hit in index.search(query)]
        kept = [int(hits[place][0].image_id, 16) for place in likeliest_of_crowd(query, hits)]
        assert value in kept[:3]


def test_a_crowd_of_copies_is_verified_whole():
    picture = photo("chelsea.png")
    copies = [fingerprints(picture.resize((300 + 4 * n, 200 + 3 * n))) for n in range(20)]
    found = [(Hit(f"{n:032x}", 4, View.UPRIGHT), copy) for n, copy in enumerate(copies)]
    assert sorted(likeliest_of_crowd(fingerprints(picture), found)) == list(range(20))


def test_a_few_hits_are_left_as_they_come():
    found = [(Hit(f"{n:032x}", 70 - n, View.UPRIGHT), of_photo("coffee.png")) for n in range(5)]
    assert likeliest_of_crowd(of_photo("chelsea.png"), found) == [0, 1, 2, 3, 4]
