"""Inverted lists give back what was put into them, however many entries a segment has."""

import numpy as np
import pytest

from dedup_core.fingerprinting.keypoints import ANGLE_STEPS, BUCKET_BITS, Keypoints
from dedup_core.search import keypoint_lists as module
from dedup_core.search.keypoint_lists import KeypointLists, entry_places, entry_rests, entry_slots, stable_order
from dedup_core.search.keypoint_query import Probes

BUCKETS = 1 << BUCKET_BITS


@pytest.mark.parametrize("count", [BUCKETS - 1, BUCKETS, BUCKETS + 1, BUCKETS + 2])
def test_about_as_many_entries_as_buckets_are_all_found(count):
    slots = np.arange(count)
    words = (slots * 7 % BUCKETS).astype(np.uint32)
    lists = KeypointLists()
    lists.add(slots, Keypoints(words, np.zeros(count, np.uint32), np.ones((count, 4), np.uint8)))
    lists.settle()
    asked = np.array([0, 3, 5 * 7, BUCKETS - 1])
    probes = Probes(
        buckets=asked.astype(np.uint32)[:, None],
        rests=np.zeros(len(asked), np.uint32),
        mirrored=np.zeros(len(asked), np.int64),
        places=np.zeros((len(asked), 4), np.int32),
    )
    for _ in range(2):  # the second time from entries that were renumbered
        ((probed, entries),) = lists.find(probes)
        found = sorted(zip(asked[probed].tolist(), entry_slots(entries).tolist(), strict=True))
        assert found == [(word, slot) for word in asked.tolist() for slot in np.flatnonzero(words == word).tolist()]
        lists.keep(slots)


def random_keypoints(random, count):
    """Words of few buckets, so that they crowd."""
    words = random.integers(0, 16, count) | random.integers(0, 256, count) << BUCKET_BITS
    places = random.integers(1, 256, (count, 4)).astype(np.uint8)
    places[:, 3] %= ANGLE_STEPS
    return Keypoints(words.astype(np.uint32), np.zeros(count, np.uint32), places)


@pytest.mark.parametrize("part", [1, 50, 1 << 16])
@pytest.mark.parametrize("largest", [70, 10_000])
def test_what_is_found_is_what_brute_force_finds(largest, part, monkeypatch):
    monkeypatch.setattr(module, "_LARGEST_SEGMENT", largest)
    monkeypatch.setattr(module, "_PART", part)
    random = np.random.default_rng(5)
    lists, held = KeypointLists(), []
    for call in range(30):
        keypoints = random_keypoints(random, int(random.integers(0, 40)))
        slots = call * 10 + np.sort(random.integers(0, 10, len(keypoints)))
        lists.add(slots, keypoints)
        held += zip(slots.tolist(), keypoints.words.tolist(), keypoints.places.tolist(), strict=True)
        if call % 4 == 0:
            lists.settle()
    new_slots = np.where(random.random(300) < 0.8, np.arange(300) + 5, -1)
    lists.keep(new_slots)
    held = [(int(new_slots[slot]), word, place) for slot, word, place in held if new_slots[slot] >= 0]
    probes = Probes(
        buckets=np.array([[1, 2], [2, 3], [9, 20]], np.uint32),
        rests=np.array([0b1010, 0xFF, 0x0F], np.uint32),
        mirrored=np.zeros(3, np.int64),
        places=np.zeros((3, 4), np.int32),
    )
    expected = sorted(
        (number, slot, word >> BUCKET_BITS, place)
        for number, (buckets, rest) in enumerate(zip(probes.buckets.tolist(), probes.rests.tolist(), strict=True))
        for slot, word, place in held
        if word % BUCKETS in buckets and (word >> BUCKET_BITS ^ rest).bit_count() <= 2
    )
    found = [
        row
        for probed, entries in lists.find(probes)
        for row in zip(
            probed.tolist(),
            entry_slots(entries).tolist(),
            entry_rests(entries).tolist(),
            entry_places(entries).tolist(),
            strict=True,
        )
    ]
    assert len(expected) > 20
    assert sorted(found) == expected


def test_keypoints_are_found_once_they_are_settled():
    random = np.random.default_rng(6)
    lists, keypoints = KeypointLists(), random_keypoints(random, 5)
    probes = Probes(
        buckets=keypoints.words[:, None] & np.uint32(BUCKETS - 1),
        rests=keypoints.words >> np.uint32(BUCKET_BITS),
        mirrored=np.zeros(5, np.int64),
        places=np.zeros((5, 4), np.int32),
    )
    lists.add(np.arange(5), keypoints)
    assert list(lists.find(probes)) == []
    lists.settle()
    ((_, entries),) = lists.find(probes)
    assert set(entry_slots(entries).tolist()) == set(range(5))


@pytest.mark.parametrize("most", [0, 1 << 8, 1 << 20, 1 << 32])
def test_the_order_is_that_of_a_stable_sort(most):
    numbers = np.random.default_rng(7).integers(0, max(most, 1), 3000).astype(np.uint32)
    assert (stable_order(numbers) == np.argsort(numbers, kind="stable")).all()
