"""Scheme 1 is fixed: these values never change; other bits from the same pixels are another scheme with its own values.

A failure here means that stored fingerprints no longer match new ones. Undo the change, or raise `SCHEME`, freeze the
new values next to these and say in docs/fingerprints.md how accounts move (`dedup reindex`).
"""

import hashlib

import numpy as np
import pytest

from dedup_core.features import extract_features
from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.record import FINGERPRINTS_BYTES, SCHEME, Fingerprints
from tests.core.drawings import drawn, photo, photo_bytes, working

CONTENT = b"content!"

HASHES = {
    "astronaut.png": "98d46a7d052eb5c371e502afe5ebb60ea9c017d1cbb30c7a72cf2ea1061eb1cd",
    "chelsea.png": "72db20b903d857844af5ab1e241312c7fca8425c23ea82283f0518b7d91e1ed1",
    "coffee.png": "2ed2367a9a4ada6a4a60b5661393d16b59ba9cdaadcaa56a583e9cdece4a6e6f",
}
RECORDS = {
    "astronaut.png": "4e43b6ed94d2fe33",
    "chelsea.png": "e245296d8cb06638",
    "coffee.png": "71e4c4e3621e80d7",
}
DRAWN_RECORDS = {1: "f67d66701606c842", 2: "bef3cf4ed98aea22"}
FILES = {
    "astronaut.png": "fc65eca4a1081a93",
    "chelsea.png": "fda1e3776bb86ab1",
    "coffee.png": "efebb0ca59345929",
    "rocket.jpg": "1951111359d300de",
}
COFFEE_WORDS = ["f340f2e", "49e6d92", "2638b6d", "2630b6d"]
COFFEE_WEAK = ["c1014", "8a820", "0a822", "0a122"]
COFFEE_PLACES = [[148, 121, 31], [79, 51, 9], [41, 130, 14], [39, 127, 10]]


def digest(fingerprints):
    return hashlib.sha256(fingerprints.to_bytes()).hexdigest()[:16]


def test_this_is_scheme_1_with_records_of_312_bytes():
    assert (SCHEME, FINGERPRINTS_BYTES) == (1, 312)


@pytest.mark.parametrize("name", HASHES)
def test_the_bits_of_a_hash_are_those_of_scheme_1(name):
    fingerprints = fingerprints_of(working(photo(name)), CONTENT)
    assert fingerprints.hashes[0].tobytes().hex() == HASHES[name]
    assert fingerprints.hashes[1].tobytes().hex() == HASHES[name]


@pytest.mark.parametrize("name", RECORDS)
def test_the_record_of_a_photo_is_that_of_scheme_1(name):
    assert digest(fingerprints_of(working(photo(name)), CONTENT)) == RECORDS[name]


@pytest.mark.parametrize("seed", DRAWN_RECORDS)
def test_the_record_of_a_drawing_is_that_of_scheme_1(seed):
    assert digest(fingerprints_of(working(drawn(seed)), CONTENT)) == DRAWN_RECORDS[seed]


@pytest.mark.parametrize("name", FILES)
def test_the_record_of_a_file_is_that_of_scheme_1_from_decoding_on(name):
    assert digest(extract_features(photo_bytes(name)).fingerprints) == FILES[name]


def test_the_strongest_keypoints_are_those_of_scheme_1():
    keypoints = fingerprints_of(working(photo("coffee.png")), CONTENT).keypoints
    assert [f"{word:07x}" for word in keypoints.words[:4].tolist()] == COFFEE_WORDS
    assert [f"{mask:05x}" for mask in keypoints.weak[:4].tolist()] == COFFEE_WEAK
    assert keypoints.places[:4].tolist() == COFFEE_PLACES


def test_stored_bytes_are_read_as_they_were_written():
    stored = b"content!" + bytes(range(64)) + bytes.fromhex("7856340221430510c881") + bytes(230)
    read = Fingerprints.from_bytes(stored)
    assert read.content == b"content!"
    assert read.hashes.tobytes() == bytes(range(64))
    assert read.keypoints.words.tolist() == [0x02345678]
    assert read.keypoints.weak.tolist() == [0x054321]
    assert read.keypoints.places.tolist() == [[0x10, 0xC8, 0x81]]
    assert read.to_bytes() == stored
    assert np.frombuffer(stored, np.uint8).size == FINGERPRINTS_BYTES
