"""Scheme 2 is fixed: these values never change; other bits from the same pixels are another scheme with its own values.

A failure here means that stored fingerprints no longer match new ones. Undo the change, or raise `SCHEME`, freeze the
new values next to these and say in docs/fingerprints.md how accounts move (`dedup reindex`). Only until a scheme is
released may its values change, and only so that records made before are met as well: keypoints were, on a finer plane.
"""

import hashlib

import numpy as np
import pytest

from dedup_core.extraction import extract_features
from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.record import FINGERPRINTS_BYTES, SCHEME, Fingerprints
from tests.core.drawings import drawn, photo, photo_bytes, working

CONTENT = b"content!"

HASHES = {
    "astronaut.png": "98d46a7d052eb5c371e502afe5ebb60ea9c017d1cbb30c7a72cf2ea1061eb1cd",
    "chelsea.png": "72db20b903d857844af5ab1e241312c7fca8425c23ea82283f0518b7d91e1ed1",
    "coffee.png": "2ed2367a9a4ada6a4a60b5661393d16b59ba9cdaadcaa56a583e9cdece4a6e6f",
}
RECORDS = {"astronaut.png": "d140c271ecce950f", "chelsea.png": "443ad5dd938946de", "coffee.png": "1cf6f03bfa236f2c"}
DRAWN_RECORDS = {1: "f50d84685154bd80", 2: "f65373ba50cc22c4"}
FILES = {
    "astronaut.png": "97b64eab1e005dc7",
    "chelsea.png": "b269279c64c10d10",
    "coffee.png": "9d7e60bffa3c3b8b",
    "rocket.jpg": "b03a1833e13c2b97",
}
COFFEE_WORDS = ["b6da889", "524d2b9", "141e021", "925b2e3"]
COFFEE_WEAK = ["220e0", "030c2", "13006", "50441"]
COFFEE_PLACES = [[148, 121, 131, 60], [110, 83, 93, 50], [137, 84, 91, 46], [92, 74, 96, 55]]
COFFEE_DETAIL = "bbf45a252a964bb5642597851a91486b962d9e6cfaa5522bb46d8464f62ad6ba"


def digest(fingerprints):
    return hashlib.sha256(fingerprints.to_bytes()).hexdigest()[:16]


def test_this_is_scheme_2_with_records_of_296_bytes():
    assert (SCHEME, FINGERPRINTS_BYTES) == (2, 296)


@pytest.mark.parametrize("name", HASHES)
def test_the_bits_of_a_hash_are_those_of_schemes_1_and_2(name):
    fingerprints = fingerprints_of(working(photo(name)), CONTENT)
    assert fingerprints.hashes[0].tobytes().hex() == HASHES[name]
    assert fingerprints.hashes[1].tobytes().hex() == HASHES[name]


@pytest.mark.parametrize("name", RECORDS)
def test_the_record_of_a_photo_is_that_of_scheme_2(name):
    assert digest(fingerprints_of(working(photo(name)), CONTENT)) == RECORDS[name]


@pytest.mark.parametrize("seed", DRAWN_RECORDS)
def test_the_record_of_a_drawing_is_that_of_scheme_2(seed):
    assert digest(fingerprints_of(working(drawn(seed)), CONTENT)) == DRAWN_RECORDS[seed]


@pytest.mark.parametrize("name", FILES)
def test_the_record_of_a_file_is_that_of_scheme_2_from_decoding_on(name):
    assert digest(extract_features(photo_bytes(name)).fingerprints) == FILES[name]


def test_the_strongest_keypoints_are_those_of_scheme_2():
    fingerprints = fingerprints_of(working(photo("coffee.png")), CONTENT)
    keypoints, asked = fingerprints.keypoints, fingerprints.asked
    assert [f"{word:07x}" for word in keypoints.words[:4].tolist()] == COFFEE_WORDS
    assert [f"{mask:05x}" for mask in asked.weak[:4].tolist()] == COFFEE_WEAK
    assert keypoints.places[:4].tolist() == COFFEE_PLACES


def test_the_bits_of_detail_are_those_of_scheme_2():
    assert fingerprints_of(working(photo("coffee.png")), CONTENT).detail.tobytes().hex() == COFFEE_DETAIL


def test_stored_bytes_are_read_as_they_were_written():
    stored = b"content!" + bytes(range(96)) + bytes.fromhex("7856340210c83581") + bytes(184)
    read = Fingerprints.from_bytes(stored)
    assert read.content == b"content!"
    assert read.hashes.tobytes() == bytes(range(64))
    assert read.detail.tobytes() == bytes(range(64, 96))
    assert read.keypoints.words.tolist() == [0x02345678]
    assert read.keypoints.places.tolist() == [[0x10, 0xC8, 0x81, 0x35]]
    assert read.to_bytes() == stored
    assert np.frombuffer(stored, np.uint8).size == FINGERPRINTS_BYTES


def test_content_and_hashes_of_scheme_1_are_read():
    read = Fingerprints.from_bytes(b"content!" + bytes(range(64)) + bytes(range(240)))
    assert read.content == b"content!"
    assert read.hashes.tobytes() == bytes(range(64))
    assert len(read.keypoints) == 0
    assert not read.detail.any()
