"""Records of the fingerprint log keep their layout, and a damaged one takes no other with it."""

import numpy as np
import pytest

from dedup_core.fingerprinting.record import FINGERPRINTS_BYTES
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_storage.logs.fingerprint_records import RECORD_BYTES, addition, read_records, removal
from tests.storage.examples import fingerprints_of_text, image

A, B, C = (image(name).image_id for name in "abc")
CAT, DOG = fingerprints_of_text("cat"), fingerprints_of_text("dog")


def test_a_record_has_a_fixed_size_and_comes_back() -> None:
    data = addition(A, CAT) + removal(B)
    assert len(data) == 2 * RECORD_BYTES == 2 * (28 + FINGERPRINTS_BYTES)
    records = read_records(data)
    assert [bytes(key).hex() for key in records.ids] == [A, B]
    assert records.fingerprints[0].tobytes() == CAT.to_bytes()
    assert records.removals.tolist() == [False, True]
    assert (records.damaged_bytes, records.read_bytes) == (0, len(data))


def test_the_layout_is_the_documented_one() -> None:
    record = addition(A, CAT)
    assert record[4:12] == b"FP\x01\x01\0\0\0\0"
    assert addition(A, CAT, 0x6A1B2C3D)[4:12] == b"FP\x01\x01\x3d\x2c\x1b\x6a"
    assert record[12:28] == bytes.fromhex(A)
    assert removal(A)[7] == 2


@pytest.mark.parametrize("position", [0, 3, 4, 6, 7, 8, 12, 27, 28, 150, RECORD_BYTES - 1])
def test_a_flipped_bit_anywhere_loses_that_record_only(position: int) -> None:
    data = bytearray(addition(A, CAT) + addition(B, CAT) + addition(C, DOG))
    data[RECORD_BYTES + position] ^= 1
    records = read_records(bytes(data))
    assert [bytes(key).hex() for key in records.ids] == [A, C]
    assert records.damaged_bytes == RECORD_BYTES


def test_no_records_are_no_records() -> None:
    records = read_records(b"")
    assert len(records.ids) == 0
    records.apply_to(FingerprintIndex())


def found(data: bytes) -> dict[str, list[str]]:
    """What an index holds after these records: the images found by each fingerprint."""
    index = FingerprintIndex()
    index.add(C, DOG)
    read_records(data).apply_to(index)
    return {
        name: sorted(hit.image_id for hit in index.search(fingerprints))
        for name, fingerprints in (("cat", CAT), ("dog", DOG))
    }


def test_the_last_record_of_an_image_counts() -> None:
    assert found(addition(A, DOG) + addition(B, CAT) + addition(A, CAT)) == {"cat": sorted([A, B]), "dog": [C]}
    assert found(addition(A, CAT) + removal(A)) == {"cat": [], "dog": [C]}
    assert found(removal(A) + addition(A, CAT)) == {"cat": [A], "dog": [C]}
    assert found(addition(A, CAT) + removal(A) + addition(A, DOG)) == {"cat": [], "dog": sorted([A, C])}
    assert found(removal(C) + removal(B)) == {"cat": [], "dog": []}


@pytest.mark.parametrize("versions", [1, 5])
def test_many_mixed_records_end_as_if_applied_one_by_one(versions: int) -> None:
    generator = np.random.default_rng(3)
    pictures = [fingerprints_of_text(str(number)) for number in range(6)]
    names = [image(str(number)).image_id for number in range(6)]
    one_by_one = FingerprintIndex()
    data = b""
    for _ in range(200):
        who, what = (int(number) for number in generator.integers(0, 6, 2))
        version = int(generator.integers(0, versions))
        if generator.random() < 0.3:
            data += removal(names[who], version)
            one_by_one.remove(names[who], version)
        else:
            data += addition(names[who], pictures[what], version)
            one_by_one.add(names[who], pictures[what], version)
    at_once = FingerprintIndex()
    read_records(data).apply_to(at_once)
    assert len(at_once) == len(one_by_one)
    for picture in pictures:
        assert at_once.search(picture) == one_by_one.search(picture)
