"""Passing over matches that tell a turn of their own changes nothing of what agrees."""

import numpy as np
import pytest

from dedup_core.fingerprinting.keypoints import ANGLE_STEPS
from dedup_core.search import keypoint_votes
from dedup_core.search.keypoint_lists import ANGLE_SHIFT, SLOT_SHIFT
from dedup_core.search.keypoint_query import Probes
from dedup_core.search.keypoint_votes import agreeing_keypoints

SLOTS = 60
KEYPOINTS = 24


def asked(random):
    """Keypoints as they are, then mirrored."""
    places = np.stack(
        [
            random.integers(60, 196, KEYPOINTS),
            random.integers(60, 196, KEYPOINTS),
            random.integers(80, 110, KEYPOINTS),
            random.integers(0, ANGLE_STEPS, KEYPOINTS),
        ],
        axis=1,
    ).astype(np.int32)
    flipped = places * np.array([1, -1, 1, -1], np.int32)
    flipped[:, 3] %= ANGLE_STEPS
    none = np.zeros((2 * KEYPOINTS, 1), np.uint32)
    return Probes(none, none[:, 0], np.repeat([0, 1], KEYPOINTS), np.concatenate([places, flipped]))


def turned(probes, numbers, turn, random):
    """These keypoints in a picture turned by so many steps, each with an angle that is a little off."""
    x, y, scale, angle = (probes.places[numbers] - [128, 128 * (1 - 2 * probes.mirrored[numbers[0]]), 0, 0]).T
    radians = 2 * np.pi * turn / ANGLE_STEPS
    across, down = x * np.cos(radians) - y * np.sin(radians), x * np.sin(radians) + y * np.cos(radians)
    angles = (angle + turn + random.integers(-2, 3, len(numbers))) % ANGLE_STEPS
    return np.stack([across.round() + 128, down.round() + 128, scale, angles], axis=1).astype(np.uint64)


def matches(probes, turns, of_a_slot, random):
    """Slots that hold a turned copy of a few keypoints, and as many matches by chance."""
    found = []
    for slot in range(SLOTS):
        way = slot % 2 * KEYPOINTS
        numbers = way + random.integers(0, KEYPOINTS, of_a_slot)
        found.append((slot, numbers, turned(probes, numbers, turns[slot % len(turns)], random)))
        numbers = random.integers(0, 2 * KEYPOINTS, of_a_slot)
        found.append((slot, numbers, random.integers(1, ANGLE_STEPS, (of_a_slot, 4)).astype(np.uint64)))
    slots = np.repeat([slot for slot, _, _ in found], of_a_slot).astype(np.uint64)
    x, y, scale, angle = np.concatenate([places for _, _, places in found]).T
    entries = slots << SLOT_SHIFT | angle << ANGLE_SHIFT | x << np.uint64(16) | y << np.uint64(8) | scale
    shuffled = random.permutation(len(entries))
    return np.concatenate([numbers for _, numbers, _ in found])[shuffled], entries[shuffled]


@pytest.mark.parametrize("of_a_slot", [1, 2, 3, 6, 20, 40])
@pytest.mark.parametrize("turns", [(0,), (63, 1), tuple(range(ANGLE_STEPS))])
def test_the_same_agrees_as_where_nothing_is_passed_over(turns, of_a_slot, monkeypatch):
    random = np.random.default_rng(of_a_slot)
    probes = asked(random)
    probed, entries = matches(probes, turns, of_a_slot, random)
    found = agreeing_keypoints(probes, probed, entries)
    monkeypatch.setattr(keypoint_votes, "_of_near_turns", lambda *_: None)
    plain = agreeing_keypoints(probes, probed, entries)
    assert [column.tolist() for column in found] == [column.tolist() for column in plain]
    assert (len(found.slots) > SLOTS // 3) == (of_a_slot > 1)


@pytest.mark.parametrize(("of_a_slot", "off", "votes"), [(2, 0, 2), (2, 2, 2), (2, 6, 1), (3, 6, 3)])
def test_two_keypoints_alone_must_agree_closely(of_a_slot, off, votes):
    """One is off its place: by 6 of 255, which among three is within the tolerance."""
    places = np.array([[100, 100, 90, 5], [140, 100, 90, 5], [100, 140, 90, 5]], np.int32)[:of_a_slot]
    none = np.zeros((of_a_slot, 1), np.uint32)
    probes = Probes(none, none[:, 0], np.zeros(of_a_slot, np.int64), places)
    held = places.copy()
    held[1, 0] += off
    x, y, scale, angle = held.T.astype(np.uint64)
    entries = angle << ANGLE_SHIFT | x << np.uint64(16) | y << np.uint64(8) | scale
    found = agreeing_keypoints(probes, np.arange(of_a_slot), entries)
    assert found.counts.tolist() == [votes] * (votes > 1)


def test_no_two_matches_are_passed_over_that_tell_the_same_turn_or_nearly():
    turns = np.stack(np.indices((ANGLE_STEPS, ANGLE_STEPS)).reshape(2, -1), axis=1)  # (64 * 64, 2) of a slot each
    probes = asked(np.random.default_rng(1))
    probed = np.random.default_rng(2).integers(0, 2 * KEYPOINTS, turns.size)
    angles = ((turns.ravel() + probes.places[probed, 3]) % ANGLE_STEPS).astype(np.uint64)
    slots = np.repeat(np.arange(len(turns), dtype=np.uint64), 2)
    near = keypoint_votes._of_near_turns(probes, probed, slots << SLOT_SHIFT | angles << ANGLE_SHIFT)
    apart = np.abs(np.diff(turns, axis=1)).ravel()
    may_agree = np.flatnonzero(np.minimum(apart, ANGLE_STEPS - apart) <= keypoint_votes._ANGLE_TOLERANCE)
    assert near is not None
    assert np.isin([2 * may_agree, 2 * may_agree + 1], near).all()
    assert len(near) < 3 * 2 * len(may_agree)


def test_most_strangers_are_passed_over():
    random = np.random.default_rng(1)
    probes = asked(random)
    slots, angles = random.integers(0, 1 << 20, 100_000), random.integers(0, ANGLE_STEPS, 100_000)
    entries = slots.astype(np.uint64) << SLOT_SHIFT | angles.astype(np.uint64) << ANGLE_SHIFT
    near = keypoint_votes._of_near_turns(probes, random.integers(0, 2 * KEYPOINTS, len(entries)), entries)
    assert near is not None
    assert len(near) < 0.05 * len(entries)


def test_a_crowd_is_counted_before_any_match_is_passed_over():
    random = np.random.default_rng(1)
    probes = asked(random)
    probed, entries = matches(probes, (0,), 40, random)
    assert keypoint_votes._of_near_turns(probes, probed, entries) is None
