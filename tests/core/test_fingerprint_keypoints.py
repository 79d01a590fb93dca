"""Keypoints: found again in parts and copies, turned like the picture, packed without loss."""

import math
from collections import defaultdict
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_core.fingerprinting.blobs import FIRST_SIGMA
from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.keypoint_detector import keypoints_of
from dedup_core.fingerprinting.keypoints import (
    ANGLE_STEPS,
    BUCKET_BITS,
    MAX_ASKED,
    MAX_KEYPOINTS,
    PLANE_SIDE,
    SCALE_ORIGIN,
    SCALE_STEPS,
    WEAK_BITS,
    WORD_BITS,
    Keypoints,
)
from dedup_core.fingerprinting.luma import LumaPicture
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.search.hit import MIN_SHARED_KEYPOINTS
from dedup_core.search.keypoint_query import BUCKET_MASK, probes_of
from dedup_core.search.second_look import is_plausible
from dedup_core.views import MIRRORED_TURNS, VIEWS
from tests.core.drawings import PHOTOS, TRANSPOSES, beside, drawn, photo, plan, working


def keypoints(picture):
    return keypoints_of(LumaPicture(working(picture)))[0]


def asked(picture):
    return keypoints_of(LumaPicture(working(picture)))[1]


def words_in_view(found, view):
    probes = probes_of(found)
    chosen = probes.mirrored == (view in MIRRORED_TURNS)
    return (probes.buckets[chosen, 0] | probes.rests[chosen] << np.uint32(BUCKET_BITS)).tolist()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png"])
def test_words_are_the_same_however_a_picture_is_turned(name, view):
    picture = photo(name)
    turned = picture.transpose(TRANSPOSES[view]) if view in TRANSPOSES else picture
    same = set(words_in_view(keypoints(picture), view)) & set(keypoints(turned).words.tolist())
    assert len(same) >= 16


@pytest.mark.parametrize("degrees", [7, 20, 45, 133])
def test_words_are_met_again_at_any_angle(degrees):
    picture = photo("coffee.png")
    turned = picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    held = keypoints(picture)
    probes = probes_of(asked(turned))
    buckets = set(probes.buckets[probes.mirrored == 0].ravel().tolist())
    assert sum(bucket in buckets for bucket in (held.words & BUCKET_MASK).tolist()) >= 6


def test_places_and_angles_turn_with_the_picture():
    found = keypoints(photo("coffee.png"))
    flipped = keypoints(photo("coffee.png").transpose(Image.Transpose.FLIP_TOP_BOTTOM))
    probes = probes_of(found)
    expected = probes.places[probes.mirrored == 1] + [0, round(255 * 400 / 600), 0, 0]
    apart = np.abs(flipped.places.astype(int)[:, None] - expected[None])  # (k, k, 4)
    apart[..., 3] = np.minimum(apart[..., 3], ANGLE_STEPS - apart[..., 3])
    assert np.mean(apart.max(axis=2).min(axis=0) <= 2) > 0.8


def test_a_picture_is_asked_for_with_more_keypoints_than_are_kept_of_it():
    stored, more = keypoints_of(LumaPicture(working(photo("chelsea.png"))))
    assert len(stored) == MAX_KEYPOINTS < len(more) <= MAX_ASKED
    fine, coarse = (np.mean(found.places[:, 2] < SCALE_ORIGIN + SCALE_STEPS) for found in (more, stored))
    assert coarse < fine  # of what is kept some are large, so that smaller pictures of the same are found


@pytest.fixture(scope="module")
def index_of_plans():
    index = FingerprintIndex()
    for seed in range(12):
        index.add(f"{seed:032x}", fingerprints_of(working(plan(seed)), b"%08d" % seed))
    return index


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "coffee.png"])
def test_a_drawing_beside_a_photograph_is_asked_for_in_its_half(name, index_of_plans):
    asked = [fingerprints_of(working(beside(plan(seed), photo(name))), b"collage.") for seed in range(12)]
    found = [
        f"{seed:032x}" in {hit.image_id for hit in index_of_plans.search(query)} for seed, query in enumerate(asked)
    ]
    assert sum(found) >= 8  # four at most where only the whole is asked for


def test_a_photograph_without_a_plain_ground_is_asked_for_as_a_whole():
    assert len(asked(photo("chelsea.png"))) <= 96 < len(asked(beside(plan(1), photo("chelsea.png")))) <= MAX_ASKED


def turned_in_a_growing_frame(picture):
    return picture.rotate(20, Image.Resampling.BICUBIC, expand=True, fillcolor="black")


def as_an_avatar(picture):
    side = min(picture.size)
    square = picture.crop((0, 0, side, side))
    mask = Image.new("L", square.size)
    ImageDraw.Draw(mask).ellipse((0, 0, side, side), fill=255)
    return Image.composite(square, Image.new("RGB", square.size, "white"), mask)


FRAMED = [(as_an_avatar, name) for name in PHOTOS]
FRAMED += [(turned_in_a_growing_frame, name) for name in PHOTOS if name != "rocket.jpg"]  # most of it is ground itself


@pytest.mark.parametrize(("framed", "name"), FRAMED)
def test_what_is_kept_of_a_picture_is_not_where_its_plain_ground_begins(framed, name):
    """There it shows its frame, which no other copy has."""
    index = FingerprintIndex()
    held = fingerprints_of(working(framed(photo(name))), b"framed..")
    index.add("0" * 32, held)
    query = fingerprints_of(working(photo(name)), b"original")
    (hit,) = index.search(query)
    assert hit.shared_keypoints >= MIN_SHARED_KEYPOINTS
    assert is_plausible(query, held, replace(hit, distance_bits=128))


def test_keypoints_at_the_ground_come_last_and_not_never():
    board = Image.new("RGB", (400, 300), "white")
    for place in range(6):
        board.paste("black", (40 + 55 * place, 100 + 10 * (place % 3), 70 + 55 * place, 150))
    assert len(keypoints(board)) >= 6


def test_each_quarter_of_a_picture_has_its_share_of_what_is_kept():
    """As a half, or a part of a collage, finds the whole by what it has of it."""
    crowded = np.asarray(photo("coffee.png").resize((256, 256)))
    faint = np.asarray(photo("astronaut.png").resize((256, 256)), np.float64)
    sides = [crowded, (faint.mean() + (faint - faint.mean()) * 0.3).astype(np.uint8)]
    places = keypoints(Image.fromarray(np.hstack(sides))).places
    for is_right in (False, True):
        assert ((places[:, 0] > 127) == is_right).sum() >= 9


def test_keypoints_of_a_block_in_a_frame_lie_where_they_are_in_the_frame():
    picture = photo("coffee.png").resize((300, 200))
    page = Image.new("RGB", (400, 500), "white")
    page.paste(picture, (50, 200))
    for line in range(8):
        page.paste("black", (40, 20 + 18 * line, 40 + 300 - 20 * line, 30 + 18 * line))
    luma = LumaPicture(working(page))
    assert luma.blocks == ((50, 200, 350, 400),)
    left, top, right, bottom = luma.frame
    assert (left, bottom) == (40, 400)
    longer = max(right - left, bottom - top)
    alone, shown = (keypoints_of(LumaPicture(working(it)))[0] for it in (picture, page))
    places = defaultdict(list)
    for word, (x, y, *_) in zip(alone.words.tolist(), alone.places.tolist(), strict=True):
        places[word].append(
            (x * 300 / longer + (50 - left) * 255 / longer, y * 300 / longer + (200 - top) * 255 / longer)
        )
    met = [
        (place, places[word])
        for word, place in zip(shown.words.tolist(), shown.places.tolist(), strict=True)
        if word in places
    ]
    assert len(met) >= 10
    assert all(min(math.dist(place[:2], it) for it in expected) <= 2 for place, expected in met)


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "coffee.png"])
def test_no_keypoint_repeats_another_one(name):
    places = keypoints(photo(name)).places.astype(np.float64)
    assert len(places) > 10
    sigmas = 255 * FIRST_SIGMA / PLANE_SIDE * 2 ** ((places[:, 2] - SCALE_ORIGIN) / SCALE_STEPS)
    for one, other in combinations(range(len(places)), 2):
        small, large = sorted(sigmas[[one, other]])
        apart = math.dist(places[one, :2], places[other, :2])
        assert apart > 2 * small - 2 or large > 1.9 * small  # places and scales are kept in whole numbers


def test_words_of_a_part_are_met_again_by_trying_their_unsure_bits_both_ways():
    met, plainly_met = 0, 0
    for name in ("astronaut.png", "chelsea.png", "coffee.png"):
        picture = photo(name)
        buckets = (keypoints(picture).words & BUCKET_MASK).tolist()
        part = asked(picture.crop((40, 20, int(0.85 * picture.width), int(0.9 * picture.height))))
        probes = probes_of(part)
        met += sum(bucket in set(probes.buckets[probes.mirrored == 0].ravel().tolist()) for bucket in buckets)
        plainly_met += sum(bucket in set((part.words & BUCKET_MASK).tolist()) for bucket in buckets)
    assert met >= 15
    assert met >= 2 * plainly_met


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_has_many_keypoints_within_its_words_and_masks(name):
    found = keypoints(photo(name))
    assert 8 <= len(found) <= MAX_KEYPOINTS
    assert int(found.places[:, 3].max()) < ANGLE_STEPS
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
    assert (again.places == found.places).all()
    assert len(Keypoints.none().to_bytes()) == len(found.to_bytes())
