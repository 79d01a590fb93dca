"""Columns, the table of slots and what is held of images behave like a list and a dictionary, however they grow."""

import numpy as np
import pytest

from dedup_core.search import columns, image_slots, slot_table
from dedup_core.search.columns import Columns
from dedup_core.search.image_slots import ImageSlots
from dedup_core.search.slot_table import SlotTable

ROWS = 3


def words(random, rows, count):
    return random.integers(0, 2**63, (rows, count), np.uint64)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(columns, "BLOCK", 32)
    monkeypatch.setattr(columns, "_LEAST_CAPACITY", 4)


@pytest.mark.usefixtures("small_blocks")
def test_columns_that_grew_by_and_by_are_what_was_appended():
    random = np.random.default_rng(1)
    grown, parts = Columns(ROWS), []
    for count in (0, 1, 5, 26, 32, 70, 3, 64):
        parts.append(words(random, ROWS, count))
        grown.append(parts[-1])
    expected = np.concatenate(parts, axis=1)
    assert len(grown) == expected.shape[1]
    starts = [start for start, _ in grown.blocks()]
    assert starts == list(range(0, len(grown), 32))
    assert (np.concatenate([block for _, block in grown.blocks()], axis=1) == expected).all()
    chosen = random.integers(0, len(grown), 50)
    assert (grown.take(chosen, slice(1, 3)) == expected[1:3, chosen]).all()
    grown.clear(chosen, slice(0, 1))
    expected[0, chosen] = 0
    assert (grown.take(np.arange(len(grown))) == expected).all()
    kept = np.flatnonzero(random.random(len(grown)) < 0.6)
    grown.keep(kept)
    assert (grown.take(np.arange(len(kept))) == expected[:, kept]).all()
    grown.append(parts[2])
    assert (grown.take(np.arange(len(kept), len(kept) + 5)) == parts[2]).all()


@pytest.mark.usefixtures("small_blocks")
def test_whole_blocks_never_move():
    random = np.random.default_rng(2)
    grown = Columns(ROWS)
    grown.append(words(random, ROWS, 40))
    address = next(grown.blocks())[1].ctypes.data
    grown.append(words(random, ROWS, 500))
    assert next(grown.blocks())[1].ctypes.data == address


# Keys of which many want the same place, and keys that differ in their upper half only and so look alike in the table.
KEYS = {
    "random": lambda random: random.integers(0, 2**63, 3000, np.uint64),
    "small numbers": lambda random: random.permutation(3000).astype(np.uint64),
    "alike": lambda random: random.permutation(3000).astype(np.uint64) << np.uint64(32),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_table_finds_each_key_it_was_given_and_no_other(kind):
    random = np.random.default_rng(3)
    keys = KEYS[kind](random)
    known, unknown = keys[:2000], keys[2000:]
    table = SlotTable(2000)

    def is_held(asked):
        return lambda slots, numbers: known[slots] == asked[numbers]

    for start in range(0, 2000, 500):
        part = slice(start, start + 500)
        assert (table.find(known[part], is_held(known[part])) == -1).all()
        assert table.has_room_for(500)
        table.insert(known[part], np.arange(start, start + 500))
    order = random.permutation(2000)
    assert (table.slots(table.find(known[order], is_held(known[order]))) == order).all()
    assert (table.find(unknown, is_held(unknown)) == -1).all()
    assert not table.has_room_for(1000)


def test_a_table_without_places_has_nothing_and_no_room():
    table = SlotTable()
    assert table.find(np.array([1], np.uint64), lambda *_: np.ones(1, bool)).tolist() == [-1]
    assert (table.memory_bytes, table.has_room_for(1), table.has_room_for(0)) == (0, False, True)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("equal_share", [0.0, 0.8, 1.0])
def test_what_is_held_is_what_a_dictionary_would_hold(equal_share, monkeypatch):
    monkeypatch.setattr(image_slots, "_LEAST_DEAD", 40)
    monkeypatch.setattr(slot_table, "_LEAST_PLACES", 8)
    random = np.random.default_rng(4)
    images, expected = ImageSlots(), {}
    for _ in range(60):
        names = random.permutation(400)[: random.integers(0, 60)].astype(np.uint64)
        ids = np.stack([names, names + np.uint64(7)])
        if random.random() < 0.3:
            images.remove(ids, np.zeros(len(names), np.int64))
            for name in names.tolist():
                expected.pop(name, None)
        else:
            contents, hashes = words(random, 1, len(names))[0], words(random, 8, len(names)).reshape(2, 4, -1)
            equal = random.random(len(names)) < equal_share
            hashes[1][:, equal] = hashes[0][:, equal]
            images.add(ids, contents, hashes, names.astype(np.int64))
            expected |= {
                name: (content, hashes[:, :, place].tolist())
                for place, (name, content) in enumerate(zip(names.tolist(), contents.tolist(), strict=True))
            }
        before = np.flatnonzero(images.alive)
        names_before = images.ids(before)
        new_slots = images.make_dense()
        if new_slots is not None:
            assert images.ids(new_slots[before]) == names_before
            assert images.slots == len(images)
        slots = np.flatnonzero(images.alive)
        assert len(images) == len(slots) == len(expected)
        held = [int(name[:16], 16) for name in images.ids(slots)]
        assert images.versions(np.array([held, held], np.uint64) + np.array([[0], [7]], np.uint64)).tolist() == held
        assert np.moveaxis(images.hashes(slots), 2, 0).tolist() == [expected[name][1] for name in held]
        for place in range(0, len(held), 7):
            assert images.with_content(np.uint64(expected[held[place]][0])) == [slots[place]]


@pytest.mark.usefixtures("small_blocks")
def test_hashes_that_differ_in_no_window_are_held_once():
    random = np.random.default_rng(5)
    hashes = np.stack([words(random, 4, 1000)] * 2)
    hashes[1][:, ::10] += np.uint64(1)
    images = ImageSlots()
    images.add(words(random, 2, 1000), words(random, 1, 1000)[0], hashes, np.zeros(1000, np.int64))
    owners = [(slots.tolist(), block.shape) for slots, block in images.second_hashes()]
    assert [slot for slots, _ in owners for slot in slots] == list(range(0, 1000, 10))
