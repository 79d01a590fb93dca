"""The index finds exactly what a plain search over everything finds, and keeps one record per id."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import product

import numpy as np
import pytest
from PIL import Image

from dedup_core.fingerprinting.hash_views import HASH_BYTES, view_hashes
from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.record import CONTENT_BYTES, FINGERPRINTS_BYTES, WINDOWS, Fingerprints
from dedup_core.search import columns, hash_scan
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.search.hit import Hit
from dedup_core.views import VIEWS, View
from tests.core.drawings import PHOTOS, drawn, photo, working


def random_fingerprints(random):
    return Fingerprints(random.bytes(CONTENT_BYTES), random_hashes(random))


def random_hashes(random):
    hashes = random.integers(0, 256, (len(WINDOWS), HASH_BYTES), np.uint8)
    hashes[:, 0] &= 0xFE  # the DC bit
    return hashes


def image_id(number):
    return f"{number:032x}"


def ids_and_records(entries):
    ids = np.frombuffer(bytes.fromhex("".join(name for name, _ in entries)), np.uint8).reshape(-1, 16)
    packed = b"".join(fingerprints.to_bytes() for _, fingerprints in entries)
    return ids, np.frombuffer(packed, np.uint8).reshape(-1, FINGERPRINTS_BYTES)


def flipped_bits(one, count, random):
    bits = np.unpackbits(one, bitorder="little")
    bits[1 + random.choice(len(bits) - 1, count, replace=False)] ^= 1
    return np.packbits(bits, bitorder="little")


@cache
def entries_and_queries(plain_borders):
    """75 pictures, and 15 that look like some of them with the distance of each, nearest first."""
    random = np.random.default_rng(1)
    entries = []
    for number in range(75):
        hashes = random_hashes(random)
        hashes[1] = hashes[1] if random.random() < plain_borders else hashes[0]
        entries.append((image_id(number), Fingerprints(random.bytes(CONTENT_BYTES), hashes)))
    queries = []
    for number in range(0, 75, 5):
        near = entries[number][1].hashes.copy()
        near[:] = [flipped_bits(one, 40 + number // 2, random) for one in near]
        near[1] = near[1] if random.random() < plain_borders else near[0]
        query = Fingerprints(random.bytes(CONTENT_BYTES), view_hashes(near, VIEWS[number % 8]))
        queries.append((query, nearest_by_brute_force(entries, query)))
    return entries, queries


def nearest_by_brute_force(entries, query):
    """Every window in every view, one by one."""
    asked = [[view_hashes(window, view) for view in VIEWS] for window in query.hashes]
    return sorted(
        (
            min(bits_between(view, window) for views, window in product(asked, held.hashes) for view in views),
            name,
        )
        for name, held in entries
    )


def bits_between(left, right):
    return int(np.bitwise_count(left ^ right).sum())


@pytest.mark.parametrize("plain_borders", [1.0, 0.3, 0.0])
@pytest.mark.parametrize("chunk", [7, 32, 32_768])
def test_search_finds_what_brute_force_finds(chunk, plain_borders, monkeypatch):
    monkeypatch.setattr(hash_scan, "CHUNK", chunk)
    monkeypatch.setattr(columns, "BLOCK", 32 if chunk <= 32 else columns.BLOCK)
    entries, queries = entries_and_queries(plain_borders)
    index = FingerprintIndex()
    for entry in entries:
        index.add(*entry)
    for query, nearest in queries:
        for limit in (0, 50, 72, 100):
            hits = index.search(query, limit)
            assert [(hit.distance_bits, hit.image_id) for hit in hits] == [it for it in nearest if it[0] <= limit]


@pytest.mark.parametrize("view", VIEWS)
def test_a_turned_picture_is_found_with_the_view_that_turns_it_back(view):
    random = np.random.default_rng(2)
    held, other = random_fingerprints(random), random_fingerprints(random)
    back = {View.TURNED_90: View.TURNED_270, View.TURNED_270: View.TURNED_90}.get(view, view)
    index = FingerprintIndex()
    index.add(image_id(1), held)
    index.add(image_id(2), other)
    assert index.search(Fingerprints(b"another!", view_hashes(held.hashes, back))) == [Hit(image_id(1), 0, view)]


PARTS = {
    "70 % of both sides": (0.2, 0.05, 0.9, 0.75),
    "half of the picture": (0.0, 0.0, 0.75, 0.7),
    "without its left tenth": (0.1, 0.0, 1.0, 1.0),
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png", "chelsea.png"])
def test_a_part_of_a_photo_is_found_by_its_keypoints_and_the_photo_by_its_part(name, part):
    picture = photo(name)
    left, top, right, bottom = PARTS[part]
    box = (left * picture.width, top * picture.height, right * picture.width, bottom * picture.height)
    cut = picture.crop(box).transpose(Image.Transpose.ROTATE_90)
    whole, piece = (
        fingerprints_of(working(one), content) for one, content in ((picture, b"whole..."), (cut, b"part...."))
    )
    for held, asked, view in ((whole, piece, View.TURNED_270), (piece, whole, View.TURNED_90)):
        index = index_of_photos(without=name)
        index.add(image_id(1), held)
        (hit,) = index.search(asked)
        assert (hit.image_id, hit.view) == (image_id(1), view)
        assert hit.shared_keypoints >= 3


def index_of_photos(without):
    index = FingerprintIndex()
    for number, name in enumerate(PHOTOS):
        if name != without:
            index.add(image_id(100 + number), fingerprints_of(working(photo(name)), name[:8].encode()))
    return index


def test_pictures_without_anything_in_common_share_no_keypoints():
    index = index_of_photos(without="astronaut.png")
    asked = fingerprints_of(working(photo("astronaut.png")), b"12345678")
    assert index.search(asked, min_shared_keypoints=2) == []


def test_nearest_comes_first():
    random = np.random.default_rng(4)
    query = random_fingerprints(random)
    index = FingerprintIndex()
    for number, bits in enumerate((30, 5, 60, 0)):
        near = random_hashes(random)
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
    random = np.random.default_rng(5)
    few_bits = np.zeros((len(WINDOWS), HASH_BYTES), np.uint8)
    few_bits[:, 9] = 1
    half_flat = random_hashes(random)
    half_flat[0] = 0
    index = FingerprintIndex()
    index.add(image_id(1), Fingerprints(b"87654321", half_flat))
    assert index.search(Fingerprints(b"12345678", few_bits), 60) == []
    one_flat_too = np.stack([half_flat[0], few_bits[0]])
    assert index.search(Fingerprints(b"12345678", one_flat_too), 60) == []
    assert [hit.distance_bits for hit in index.search(Fingerprints(b"12345678", half_flat), 60)] == [0]


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


def test_parts_are_found_still_when_most_images_around_them_are_gone():
    picture = photo("astronaut.png")
    random = np.random.default_rng(11)
    index = FingerprintIndex()
    others = [(image_id(1000 + number), random_fingerprints(random)) for number in range(3000)]
    index.add_many(*ids_and_records(others[:1500]))
    index.add(image_id(1), fingerprints_of(working(picture), b"astronau"))
    index.add(image_id(2), fingerprints_of(working(photo("coffee.png")), b"coffee.."))
    index.add_many(*ids_and_records(others[1500:]))
    memory = index.memory_bytes
    index.remove_many(ids_and_records([*others, (image_id(2), others[0][1])])[0])
    assert len(index) == 1
    assert index.memory_bytes < memory / 10
    part = picture.crop((50, 20, 420, 400))
    assert [hit.image_id for hit in index.search(fingerprints_of(working(part), b"part...."))] == [image_id(1)]
    assert index.search(fingerprints_of(working(photo("coffee.png")), b"12345678")) == []


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


def test_arrays_of_the_wrong_shape_are_refused():
    index = FingerprintIndex()
    with pytest.raises(ValueError, match=r"ids are \(n, 16\)"):
        index.add_many(np.zeros((2, 16), np.uint8), np.zeros((1, FINGERPRINTS_BYTES), np.uint8))


def test_a_full_record_takes_at_most_320_bytes_when_the_index_has_grown():
    random = np.random.default_rng(10)
    index = FingerprintIndex()
    records = random.integers(0, 256, (30_000, FINGERPRINTS_BYTES), np.uint8)
    ids = random.integers(0, 256, (30_000, 16), np.uint8)
    for start in range(0, 30_000, 1500):
        index.add_many(ids[start : start + 1500], records[start : start + 1500])
        index.search(random_fingerprints(random))
    fixed = 6 * 2**20  # where the buckets start, whatever the number of images
    assert len(index) == 30_000
    assert index.memory_bytes <= 30_000 * 320 + fixed


def test_a_load_in_many_calls_ends_like_one_of_single_calls():
    random = np.random.default_rng(12)
    entries = [
        (image_id(number), fingerprints_of(working(photo(name)), b"content!")) for number, name in enumerate(PHOTOS)
    ]
    entries += [(image_id(100 + number), random_fingerprints(random)) for number in range(50)]
    part = photo("astronaut.png").crop((50, 20, 420, 400))
    query = fingerprints_of(working(part), b"part....")
    single, bulk = FingerprintIndex(), FingerprintIndex()
    for entry in entries:
        single.add(*entry)
        bulk.add_many(*ids_and_records([entry]), more_to_come=True)
    bulk.settle()
    assert [hit.image_id for hit in single.search(query)] == [image_id(0)]
    assert bulk.search(query) == single.search(query)


def test_a_search_changes_nothing_so_that_several_can_go_on_at_a_time():
    random = np.random.default_rng(13)
    index = FingerprintIndex()
    queries = [fingerprints_of(working(photo(name)), b"content!") for name in PHOTOS]
    for number, fingerprints in enumerate(queries):
        index.add(image_id(number), fingerprints)
    index.add_many(*ids_and_records([(image_id(100 + n), random_fingerprints(random)) for n in range(500)]))
    expected = [index.search(query) for query in queries]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(index.search, queries * 10)) == expected * 10
