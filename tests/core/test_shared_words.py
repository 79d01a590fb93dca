"""Two pictures of which one is the other share words, strangers hardly ever do."""

from dataclasses import replace

import numpy as np
import pytest

from dedup_core.fingerprinting.hash_views import view_hashes
from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.keypoints import ASKED_OF_WHOLE, BUCKET_BITS, MAX_ASKED, WEAK_BITS, WORD_BITS, Keypoints
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.search.keypoint_query import MIRRORED_BITS
from dedup_core.search.shared_words import BANDS, asked_words, stored_words
from dedup_core.views import VIEWS, View
from tests.core.pictures import cropped, scene, working

CONTENT = b"12345678"


def shared(asked: Fingerprints, stored: Fingerprints) -> int:
    (words,) = _stored(stored)
    return len(np.intersect1d(asked_words(asked), words))


def hashed(seed: int) -> np.ndarray:
    """A hash like that of a photograph: half of its bits set, never that of the DC term."""
    bits = np.random.default_rng(seed).integers(0, 2, 256, np.uint8)
    bits[0] = 0
    return np.packbits(bits, bitorder="little")


def with_hash(it: np.ndarray) -> Fingerprints:
    return Fingerprints(CONTENT, np.stack([it, it]))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("is_inverted", [False, True])
def test_a_hash_shares_its_bands_with_each_of_its_views(view: View, is_inverted: bool):
    seen = view_hashes(hashed(1), view)
    if is_inverted:
        seen = seen ^ np.array([0xFE, *[0xFF] * 31], np.uint8)
    assert shared(with_hash(seen), with_hash(hashed(1))) >= 4 * BANDS - (2 if is_inverted else 0)


def test_a_band_with_one_bit_changed_is_met():
    for bit in range(1, 256):
        changed = hashed(1)
        changed[bit // 8] ^= 1 << bit % 8
        assert shared(with_hash(changed), with_hash(hashed(1))) == 4 * BANDS


def test_strangers_share_nothing():
    others = [with_hash(hashed(seed)) for seed in range(2, 200)]
    assert sum(shared(with_hash(hashed(1)), other) for other in others) == 0
    assert max(shared(_looked_at(scene(1)), _looked_at(scene(seed))) for seed in range(2, 8)) < 2


def test_a_part_of_a_picture_shares_words_of_its_keypoints():
    part = cropped(scene(1), 0.15, 0.1, 0.9, 0.9)
    assert shared(_looked_at(part), _looked_at(scene(1))) >= 2
    assert shared(_looked_at(scene(1)), _looked_at(part)) >= 2


def test_a_keypoint_and_the_same_one_mirrored_have_one_word():
    one = _looked_at(scene(1))
    keypoints = replace(one.keypoints, words=one.keypoints.words ^ MIRRORED_BITS)
    mirrored = replace(one, keypoints=keypoints)
    assert [words.tolist() for words in _stored(one)] == [words.tolist() for words in _stored(mirrored)]
    assert (asked_words(replace(one, asked=keypoints)) == asked_words(replace(one, asked=one.keypoints))).all()


def test_words_asked_for_of_one_bucket_lie_together():
    one = _looked_at(scene(1)).keypoints.taken(np.array([0]))
    asked = asked_words(replace(with_hash(hashed(1)), asked=one))
    of_buckets = np.unique(asked[asked >= 0] >> WORD_BITS - BUCKET_BITS, return_counts=True)[1]
    assert of_buckets.tolist() == [1 + WORD_BITS - BUCKET_BITS] * (1 + WEAK_BITS)


def test_all_keypoints_of_halves_are_asked_for():
    one = _looked_at(scene(1))
    assert one.asked is not None
    few, many = (one.asked.taken(np.resize(np.arange(24), count)) for count in (ASKED_OF_WHOLE, MAX_ASKED - 24))
    of_a_half = Keypoints.joined([many, one.asked.taken(np.arange(24, 48))])
    assert len(asked_words(replace(one, asked=of_a_half))) > len(asked_words(replace(one, asked=few)))


def test_a_flat_picture_has_no_words():
    flat = Fingerprints(CONTENT, np.zeros((0, 32), np.uint8))
    assert len(asked_words(flat)) == 0
    (words,) = _stored(flat)
    assert len(words) == 0
    assert stored_words(np.zeros((0, len(flat.to_bytes())), np.uint8)) == []


def _stored(fingerprints: Fingerprints) -> list:
    return stored_words(np.frombuffer(fingerprints.to_bytes(), np.uint8)[None])


def _looked_at(picture) -> Fingerprints:
    return fingerprints_of(working(picture), CONTENT)
