"""The index finds exactly what a plain search over everything finds, and keeps one record per id."""

import numpy as np
import pytest

from dedup_core.fingerprint import (
    CONTENT_BYTES,
    FINGERPRINTS_BYTES,
    HASH_BYTES,
    WINDOWS,
    Fingerprints,
    fingerprints_of,
)
from dedup_core.index import FingerprintIndex, Hit
from dedup_core.views import VIEWS, View, view_hashes
from tests.core.drawings import drawn, working


def random_fingerprints(random):
    return Fingerprints(random.bytes(CONTENT_BYTES), random.integers(0, 256, (len(WINDOWS), HASH_BYTES), np.uint8))


def image_id(number):
    return f"{number:032x}"


def ids_and_records(entries):
    ids = np.frombuffer(bytes.fromhex("".join(name for name, _ in entries)), np.uint8).reshape(-1, 16)
    packed = b"".join(fingerprints.to_bytes() for _, fingerprints in entries)
    return ids, np.frombuffer(packed, np.uint8).reshape(-1, FINGERPRINTS_BYTES)


def flipped_bits(one, count, random):
    bits = np.unpackbits(one)
    bits[random.choice(len(bits), count, replace=False)] ^= 1
    return np.packbits(bits)


def nearest_by_brute_force(entries, query, limit):
    """Every window pair that the index promises to compare, every view, one by one."""
    windows = range(len(WINDOWS))
    pairs = [(0, held) for held in windows] + [(asked, 0) for asked in windows]
    found = []
    for name, held in entries:
        distances = [
            int(np.bitwise_count(view_hashes(query.hashes[i], view) ^ held.hashes[j]).sum())
            for i, j in pairs
            for view in VIEWS
        ]
        if held.content == query.content:
            found.append((0, name))
        elif min(distances) <= limit:
            found.append((min(distances), name))
    return sorted(found)


def test_search_finds_what_brute_force_finds():
    random = np.random.default_rng(1)
    entries = [(image_id(number), random_fingerprints(random)) for number in range(60)]
    index = FingerprintIndex()
    for entry in entries:
        index.add(*entry)
    for number in range(0, 60, 7):
        near = entries[number][1].hashes.copy()
        near[:] = [flipped_bits(one, 40 + number // 2, random) for one in near]
        query = Fingerprints(random.bytes(CONTENT_BYTES), view_hashes(near, VIEWS[number % 8]))
        for limit in (0, 50, 72, 100):
            hits = index.search(query, limit)
            assert [(hit.distance_bits, hit.image_id) for hit in hits] == nearest_by_brute_force(entries, query, limit)


@pytest.mark.parametrize("view", VIEWS)
def test_a_turned_picture_is_found_with_the_view_that_turns_it_back(view):
    random = np.random.default_rng(2)
    held, other = random_fingerprints(random), random_fingerprints(random)
    back = {View.TURNED_90: View.TURNED_270, View.TURNED_270: View.TURNED_90}.get(view, view)
    index = FingerprintIndex()
    index.add(image_id(1), held)
    index.add(image_id(2), other)
    assert index.search(Fingerprints(b"another!", view_hashes(held.hashes, back))) == [Hit(image_id(1), 0, view)]


def test_the_query_may_be_a_window_of_the_image_held_and_the_other_way_round():
    random = np.random.default_rng(3)
    large, small = random_fingerprints(random), random_fingerprints(random)
    part = small.hashes.copy()
    part[0] = flipped_bits(large.hashes[4], 10, random)
    small = Fingerprints(small.content, part)
    index = FingerprintIndex()
    index.add(image_id(1), large)
    assert index.search(small) == [Hit(image_id(1), 10, View.UPRIGHT)]
    index.add(image_id(1), small)
    assert index.search(large) == [Hit(image_id(1), 10, View.UPRIGHT)]


def test_nearest_comes_first():
    random = np.random.default_rng(4)
    query = random_fingerprints(random)
    index = FingerprintIndex()
    for number, bits in enumerate((30, 5, 60, 0)):
        near = random_fingerprints(random).hashes
        near[0] = flipped_bits(query.hashes[0], bits, random)
        index.add(image_id(number), Fingerprints(random.bytes(8), near))
    assert [hit.distance_bits for hit in index.search(query)] == [0, 5, 30, 60]


def test_exact_copies_of_flat_images_are_found_by_content_alone():
    flat = Fingerprints(b"the-file", np.zeros((0, HASH_BYTES), np.uint8))
    other = Fingerprints(b"no-match", np.zeros((0, HASH_BYTES), np.uint8))
    index = FingerprintIndex()
    index.add(image_id(1), flat)
    index.add(image_id(2), other)
    index.add(image_id(3), fingerprints_of(working(drawn(5)), b"a-photo!"))
    assert index.search(flat) == [Hit(image_id(1), 0, View.UPRIGHT)]


def test_a_window_without_a_hash_is_near_nothing():
    query = Fingerprints(b"12345678", np.eye(len(WINDOWS), HASH_BYTES, dtype=np.uint8))
    held = query.hashes.copy() ^ np.uint8(255)
    held[1:] = 0
    index = FingerprintIndex()
    index.add(image_id(1), Fingerprints(b"87654321", held))
    assert index.search(query, 60) == []


def test_the_same_id_replaces_and_a_removed_id_is_gone():
    random = np.random.default_rng(6)
    first, second = random_fingerprints(random), random_fingerprints(random)
    index = FingerprintIndex()
    index.add(image_id(1), first)
    index.add(image_id(1), second)
    assert len(index) == 1
    assert index.search(first) == []
    assert [hit.image_id for hit in index.search(second)] == [image_id(1)]
    index.remove(image_id(1))
    index.remove(image_id(1))
    assert len(index) == 0
    assert index.search(second) == []


def test_bulk_changes_end_like_single_ones():
    random = np.random.default_rng(7)
    numbers = random.integers(0, 300, 500).tolist()
    entries = [(image_id(number), random_fingerprints(random)) for number in numbers]
    gone = [image_id(number) for number in random.integers(0, 350, 120)]
    single, bulk = FingerprintIndex(), FingerprintIndex()
    for entry in entries:
        single.add(*entry)
    for name in gone:
        single.remove(name)
    bulk.add_many(*ids_and_records(entries[:200]))
    bulk.add_many(*ids_and_records(entries[200:]))
    bulk.remove_many(ids_and_records([(name, entries[0][1]) for name in gone])[0])
    assert len(bulk) == len(single) == len(set(numbers) - {int(name, 16) for name in gone})
    for _, fingerprints in entries[::10]:
        assert bulk.search(fingerprints, 0) == single.search(fingerprints, 0)


def test_ids_that_share_a_half_are_different_images():
    random = np.random.default_rng(8)
    names = ["aa" * 8 + "00" * 8, "aa" * 8 + "01" * 8, "ab" * 8 + "00" * 8]
    index = FingerprintIndex()
    index.add_many(*ids_and_records([(name, random_fingerprints(random)) for name in names]))
    index.remove(names[1])
    assert len(index) == 2


def test_an_empty_index_finds_nothing_and_takes_nothing():
    index = FingerprintIndex()
    index.add_many(np.zeros((0, 16), np.uint8), np.zeros((0, FINGERPRINTS_BYTES), np.uint8))
    assert index.search(random_fingerprints(np.random.default_rng(9))) == []
    assert (len(index), index.memory_bytes) == (0, 0)


def test_arrays_of_the_wrong_shape_and_ids_of_the_wrong_length_are_refused():
    index = FingerprintIndex()
    with pytest.raises(ValueError, match=r"ids are \(n, 16\)"):
        index.add_many(np.zeros((2, 16), np.uint8), np.zeros((1, FINGERPRINTS_BYTES), np.uint8))
    with pytest.raises(ValueError, match="32 hex characters"):
        index.remove("abcd")


def test_room_for_growth_is_a_small_part_of_the_memory():
    random = np.random.default_rng(10)
    index = FingerprintIndex()
    for start in range(0, 20_000, 1000):
        entries = random.integers(0, 256, (1000, FINGERPRINTS_BYTES), np.uint8)
        ids = np.arange(start, start + 1000, dtype=">u8").view(np.uint8).reshape(-1, 8)
        index.add_many(np.pad(ids, ((0, 0), (8, 0))), entries)
    assert len(index) == 20_000
    assert index.memory_bytes <= 1.15 * 20_000 * (16 + FINGERPRINTS_BYTES)
