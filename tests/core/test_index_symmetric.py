"""Symmetric pictures are found by what their hashes say: a half of the signs is what scaling and compression left."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dedup_core.fingerprinting.hash_views import GROUPS, HASH_BYTES, INVERTED_GROUPS, view_hashes
from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.record import CONTENT_BYTES, Fingerprints
from dedup_core.search import symmetric_scan
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.views import VIEWS, View
from tests.core.drawings import PHOTOS, photo, working
from tests.core.pictures import encoded

CONTENT = b"content!"


def avatar(seed: int) -> Image.Image:
    """Squares in a grid, the right half as the left one, as sites draw them for people without a picture."""
    random = np.random.default_rng(seed)
    left = random.random((7, 4)) < 0.5
    cells = np.where(np.concatenate([left, left[:, 2::-1]], axis=1), 90, 235).astype(np.uint8)
    return Image.fromarray(np.pad(cells.repeat(56, axis=0).repeat(56, axis=1), 14, constant_values=235)).convert("RGB")


def copy_of(picture: Image.Image) -> Image.Image:
    half = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
    return Image.open(BytesIO(encoded(half, "JPEG")))


@pytest.fixture(scope="module")
def index() -> FingerprintIndex[int]:
    index: FingerprintIndex[int] = FingerprintIndex()
    for seed in range(12):
        index.add(seed, fingerprints_of(working(avatar(seed)), bytes([seed]) * CONTENT_BYTES))
    return index


@pytest.mark.parametrize("turn", [None, Image.Transpose.ROTATE_90])
def test_small_copies_of_symmetric_pictures_are_found_first(turn, index: FingerprintIndex[int]):
    for seed in range(12):
        copy = copy_of(avatar(seed))
        asked = fingerprints_of(working(copy if turn is None else copy.transpose(turn)), CONTENT)
        assert asked.silent is not None
        assert asked.silent.any()
        first = index.search(asked)[0]
        assert first.image_id == seed
        assert first.distance_bits <= 57
        assert first.view in ((View.UPRIGHT, View.MIRRORED) if turn is None else (View.TURNED_270, View.TRANSPOSED))


@pytest.mark.parametrize("name", PHOTOS)
def test_no_group_of_a_photo_is_silent(name):
    silent = fingerprints_of(working(photo(name)), CONTENT).silent
    assert silent is not None
    assert not silent.any()


def bits_by_groups(query, silent, held):
    """The least of all views, one by one, scaled to 256 bits; where the copy is inverted with a margin of 16."""
    least = 255
    for position, view in enumerate(VIEWS):
        in_view = silent if position < len(INVERTED_GROUPS) else silent[[0, 2, 1, 3]]
        told = np.repeat(~in_view, 64)
        differing = np.unpackbits(view_hashes(query, view) ^ held)[told].sum()
        scaled = min(255, int(differing) * 256 // int(told.sum()))
        least = min(least, scaled, 255 - (max(scaled, 16) - 16))
    return least


def test_the_scan_by_groups_finds_what_counting_bits_finds(monkeypatch):
    monkeypatch.setattr(symmetric_scan, "CHUNK", 7)
    random = np.random.default_rng(3)
    silent = np.array([False, True, False, True])
    query = random.integers(0, 256, HASH_BYTES, np.uint8) & np.uint8(0xFE)
    index: FingerprintIndex[int] = FingerprintIndex()
    expected = {}
    for number in range(120):
        view = VIEWS[number % len(VIEWS)]
        changed = np.packbits(random.random((HASH_BYTES, 8)) < 0.003 * number, axis=1)[:, 0]
        noise = np.where(
            np.repeat(silent, HASH_BYTES // GROUPS), random.integers(0, 256, HASH_BYTES, np.uint8), changed
        )
        held = view_hashes(query ^ noise, view)
        index.add(number, Fingerprints(random.bytes(CONTENT_BYTES), np.stack([held, held])))
        expected[number] = bits_by_groups(query, silent, held)
    asked = Fingerprints(CONTENT, np.stack([query, query]), silent=np.stack([silent, silent]))
    found = {hit.image_id: hit.distance_bits for hit in index.search(asked)}
    # Of 128 bits 57 (scaled to 256) are as many deviations below a half as 78 are of 256.
    near = {number: bits for number, bits in expected.items() if bits <= 57}
    assert 20 < len(near) < 100
    assert near.items() <= found.items()
    assert all(bits <= 78 for bits in found.values())
