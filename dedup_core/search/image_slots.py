"""What the index holds of each image but its keypoints: id, content and hashes in numbered slots, found again by id."""

from collections.abc import Iterator
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.hash_views import GROUPS
from dedup_core.search.array_stream import ArrayReader, ArrayWriter
from dedup_core.search.columns import Columns, Words
from dedup_core.search.removed_images import RemovedImages
from dedup_core.search.slot_table import SlotTable

_WHOLE: Final = slice(0, GROUPS)
_CONTENT: Final = slice(GROUPS, GROUPS + 1)
_ID: Final = slice(GROUPS + 1, GROUPS + 3)
_ROWS: Final = GROUPS + 3
_TABLE_ROOM: Final = 1.5  # times what the table holds when it is made
_LEAST_DEAD: Final = 1024  # fewer are not worth a copy of all columns
_MOST_DEAD: Final = 0.2  # of the slots; with more of them the columns are made dense again


class ImageSlots:
    """Images in slots 0, 1, 2, ... Of an image that is gone the slot stays, not alive and its hashes all zeros.

    Most pictures have no plain borders, and so the same hash in both windows: the second one is held apart, for those
    images only where it differs from the first.
    """

    def __init__(self) -> None:
        self._columns = Columns(_ROWS)
        self._inner = Columns(GROUPS)
        self._owners = np.zeros(0, np.uint32)  # the slot of each hash of the second window, ascending
        self._alive = np.zeros(0, np.bool_)
        self._versions = np.zeros(0, np.uint32)
        self._removed = RemovedImages()
        self._table = SlotTable()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def slots(self) -> int:
        """How many slots are taken, alive or not."""
        return len(self._columns)

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Whether each slot holds an image: (slots,), not to be changed."""
        return self._alive[: self.slots]

    @property
    def memory_bytes(self) -> int:
        columns = self._columns.memory_bytes + self._inner.memory_bytes
        slots = self._alive.nbytes + self._versions.nbytes
        return columns + self._owners.nbytes + slots + self._table.memory_bytes + self._removed.memory_bytes

    def versions(self, image_ids: Words) -> NDArray[np.int64]:
        """The version of each image (2, n): held, or as of its removal; -1 for those that were never heard of."""
        versions = self._removed.versions(image_ids)
        places = self._find(image_ids)
        slots = self._table.slots(places[places >= 0])
        versions[places >= 0] = np.where(self._alive[slots], self._versions[slots], versions[places >= 0])
        return versions

    def add(self, image_ids: Words, contents: Words, hashes: Words, versions: NDArray[np.int64]) -> int:
        """Hold images under distinct ids (2, n), in place of what was held under them; the first one's slot.

        `contents` and `versions` are (n,), `hashes` (2 windows, 4, n).
        """
        first, end = self.slots, self.slots + len(contents)
        places = self._find(image_ids)
        is_new = places < 0
        self._kill(self._table.slots(places[~is_new]))
        self._columns.append(np.concatenate([hashes[0], contents[None], image_ids]))
        own = np.flatnonzero((hashes[0] != hashes[1]).any(axis=0))
        owners = len(self._inner)
        self._inner.append(hashes[1][:, own])
        self._owners = _with_room(self._owners, owners + len(own))
        self._owners[owners : owners + len(own)] = first + own
        self._alive = _with_room(self._alive, end)
        self._alive[first:end] = True
        self._versions = _with_room(self._versions, end)
        self._versions[first:end] = versions
        self._removed.forget(image_ids)
        self._size += end - first
        added = np.arange(first, end)
        self._table.replace(places[~is_new], added[~is_new])
        if self._table.has_room_for(int(is_new.sum())):
            self._table.insert(_keys(image_ids[:, is_new]), added[is_new])
        else:
            self._make_table()
        return first

    def remove(self, image_ids: Words, versions: NDArray[np.int64]) -> None:
        """Forget the images with these distinct ids (2, n), where they are held, but not that it was at `versions`."""
        self._removed.remember(image_ids, versions)
        places = self._find(image_ids)
        self._kill(self._table.slots(places[places >= 0]))

    def make_dense(self, *, by_all_means: bool = False) -> NDArray[np.int64] | None:
        """Give up the slots of images that are gone, once there are many; then the new slot of every old one, or -1.

        With `by_all_means` also where there are few.
        """
        slots = self.slots
        if slots - self._size <= (0 if by_all_means else max(_LEAST_DEAD, _MOST_DEAD * slots)):
            return None
        kept = np.flatnonzero(self.alive)
        new_slots = np.full(slots, -1, np.int64)
        new_slots[kept] = np.arange(len(kept))
        owners = new_slots[self._used_owners]
        self._inner.keep(np.flatnonzero(owners >= 0))
        self._owners = owners[owners >= 0].astype(np.uint32)
        self._columns.keep(kept)
        self._alive = np.ones(len(kept), np.bool_)
        self._versions = self._versions[kept]
        self._make_table()
        return new_slots

    def first_hashes(self) -> Iterator[tuple[int, Words]]:
        """Hashes of the first window, and of the second too where that is no other: first slot and (4, n), in order."""
        return ((start, block[_WHOLE]) for start, block in self._columns.blocks())

    def second_hashes(self) -> Iterator[tuple[NDArray[np.uint32], Words]]:
        """Hashes of the second window where it differs from the first: slots (n,) and (4, n), in order."""
        return ((self._owners[start : start + block.shape[1]], block) for start, block in self._inner.blocks())

    def hashes(self, slots: NDArray[np.int64]) -> Words:
        """Both hashes of these slots: (2, 4, n)."""
        whole = self._columns.take(slots, _WHOLE)
        hashes = np.stack([whole, whole])
        places, has_own = self._own(slots)
        hashes[1][:, has_own] = self._inner.take(places[has_own])
        return hashes

    def with_content(self, content: np.uint64) -> list[int]:
        """The slots of files that begin with this content hash."""
        found = [start + np.flatnonzero(block[_CONTENT][0] == content) for start, block in self._columns.blocks()]
        slots = np.concatenate([np.zeros(0, np.int64), *found])
        same: list[int] = slots[self._alive[slots]].tolist()
        return same

    def versions_between(self, low: int, high: int) -> dict[str, int]:
        """Ids whose first half is in this range, with the versions that are held."""
        found = [
            start + np.flatnonzero((block[_ID][0] >= np.uint64(low)) & (block[_ID][0] <= np.uint64(high)))
            for start, block in self._columns.blocks()
        ]
        slots = np.concatenate([np.zeros(0, np.int64), *found])
        slots = slots[self._alive[slots]]
        return dict(zip(self.ids(slots), self.versions_at(slots), strict=True))

    def ids(self, slots: NDArray[np.int64]) -> list[str]:
        names = np.ascontiguousarray(self._columns.take(slots, _ID).T.astype(">u8"))  # (n, 2)
        return [name.tobytes().hex() for name in names]

    def versions_at(self, slots: NDArray[np.int64]) -> list[int]:
        """The versions of what these slots hold, or held last."""
        versions: list[int] = self._versions[slots].tolist()
        return versions

    def write_to(self, stream: ArrayWriter) -> None:
        """Write all images and what is remembered of removed ones."""
        self._columns.write_to(stream)
        self._inner.write_to(stream)
        stream.put(self._used_owners)
        stream.put(self.alive)
        stream.put(self._versions[: self.slots])
        self._removed.write_to(stream)

    @classmethod
    def read_from(cls, stream: ArrayReader) -> Self:
        """What `write_to` wrote."""
        held = cls()
        held._columns = Columns.read_from(stream)
        held._inner = Columns.read_from(stream)
        held._owners = stream.take(np.uint32, len(held._inner))
        held._alive = stream.take(np.bool_, held.slots)
        held._versions = stream.take(np.uint32, held.slots)
        held._removed = RemovedImages.read_from(stream)
        held._size = int(held._alive.sum())
        held._make_table()
        return held

    @property
    def _used_owners(self) -> NDArray[np.uint32]:
        return self._owners[: len(self._inner)]

    def _own(self, slots: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where the second hashes of slots stand, and whether they do at all."""
        if len(self._used_owners) == 0:
            return np.zeros(len(slots), np.int64), np.zeros(len(slots), np.bool_)
        places = np.searchsorted(self._used_owners, slots.astype(np.uint32))
        places = np.minimum(places, len(self._used_owners) - 1)
        return places, self._used_owners[places] == slots

    def _find(self, image_ids: Words) -> NDArray[np.int64]:
        """Places in the table, -1 for ids that it has not."""
        return self._table.find(
            _keys(image_ids),
            lambda slots, numbers: (self._columns.take(slots, _ID) == image_ids[:, numbers]).all(axis=0),
        )

    def _kill(self, slots: NDArray[np.int64]) -> None:
        slots = slots[self._alive[slots]]
        self._alive[slots] = False
        self._columns.clear(slots, _WHOLE)
        places, has_own = self._own(slots)
        self._inner.clear(places[has_own])
        self._size -= len(slots)

    def _make_table(self) -> None:
        """A new table of all images, with room for more."""
        self._table = SlotTable()  # the old one is given back first
        self._table = SlotTable(int(_TABLE_ROOM * self._size))
        for start, block in self._columns.blocks():
            slots = start + np.flatnonzero(self._alive[start : start + block.shape[1]])
            self._table.insert(_keys(block[_ID][:, slots - start]), slots)


def _keys(ids: Words) -> Words:
    """One word for both halves of each id (2, n): a quick test of equality, to be confirmed on the halves."""
    keys: Words = ids[0] + ids[1] * np.uint64(0x9E3779B97F4A7C15)
    return keys


def _with_room[T: np.generic](column: NDArray[T], slots: int) -> NDArray[T]:
    if slots <= len(column):
        return column
    wider = np.zeros(max(slots, len(column) + len(column) // 8, _LEAST_DEAD), column.dtype)
    wider[: len(column)] = column
    return wider
