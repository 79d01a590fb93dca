"""Thousands of copies of a picture that repeats itself take little memory to search, and are found all the same."""

import tracemalloc

import numpy as np
import pytest

from dedup_core.extraction import extract_features
from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.record import CONTENT_BYTES, Fingerprints
from dedup_core.loading.generated import draw_generated_image
from dedup_core.paths import ImagePath
from dedup_core.search import keypoint_lists
from dedup_core.search.fingerprint_index import FingerprintIndex
from tests.core.drawings import PHOTOS, photo, working

COPIES = 3000
CHECKER = extract_features(draw_generated_image(ImagePath.test("checker", size=400))).fingerprints
PART = photo("astronaut.png").crop((60, 20, 440, 400))


def index_of(fingerprints, copies, random):
    """Copies in other files: same hashes and keypoints, another content."""
    packed = np.tile(np.frombuffer(fingerprints.to_bytes(), np.uint8), (copies, 1))
    packed[:, :CONTENT_BYTES] = random.integers(0, 256, (copies, CONTENT_BYTES))
    index = FingerprintIndex()
    index.add_many(random.integers(0, 256, (copies, 16), np.uint8), packed)
    return index


def with_hashes_of_another(fingerprints, random):
    """The same keypoints under hashes that tell nothing, as a crop has them."""
    hashes = random.integers(0, 256, fingerprints.hashes.shape, np.uint8)
    hashes[:, 0] &= 0xFE  # the DC bit
    return Fingerprints(b"another!", hashes, fingerprints.keypoints)


def peak_of_search(index, query):
    index.search(query)  # sorts what was added
    tracemalloc.start()
    try:
        hits = index.search(query)
        return hits, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_thousands_of_copies_of_a_checker_board_are_found_in_little_memory():
    index = index_of(CHECKER, COPIES, np.random.default_rng(1))
    hits, peak = peak_of_search(index, CHECKER)
    assert len(hits) == COPIES
    assert {hit.distance_bits for hit in hits} == {0}
    assert peak < 80 << 20


def test_parts_of_a_checker_board_among_thousands_give_as_many_hits_as_anyone_looks_at():
    random = np.random.default_rng(1)
    index = index_of(CHECKER, COPIES, random)
    hits, peak = peak_of_search(index, with_hashes_of_another(CHECKER, random))
    assert 100 <= len(hits) < COPIES
    assert min(hit.shared_keypoints for hit in hits) >= 3
    assert peak < 120 << 20


def test_a_part_of_a_photo_is_found_in_a_crowd_of_boards():
    index = index_of(CHECKER, COPIES, np.random.default_rng(1))
    index.add(f"{1:032x}", fingerprints_of(working(photo("astronaut.png")), b"whole..."))
    (hit,) = index.search(fingerprints_of(working(PART), b"part...."))
    assert hit.image_id == f"{1:032x}"
    assert hit.shared_keypoints >= 3


@pytest.mark.parametrize("block", [1, 100, 5000])
def test_a_search_in_small_blocks_finds_the_same(block, monkeypatch):
    index = FingerprintIndex()
    for number in range(40):
        name = PHOTOS[number % len(PHOTOS)]
        index.add(f"{number:032x}", fingerprints_of(working(photo(name)), f"{number:08d}".encode()))
    query = fingerprints_of(working(PART), b"part....")
    in_one = index.search(query)
    assert in_one
    monkeypatch.setattr(keypoint_lists, "_BLOCK", block)
    assert index.search(query) == in_one
