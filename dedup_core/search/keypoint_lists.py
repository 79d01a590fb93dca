"""Inverted lists of keypoints: from a word to the images that have it, held in sorted segments."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.keypoints import ANGLE_STEPS, BUCKET_BITS, Keypoints
from dedup_core.search.array_stream import ArrayReader, ArrayWriter
from dedup_core.search.keypoint_query import BUCKET_MASK, Probes

type Entries = NDArray[np.uint64]
"""A keypoint of an image in one word: slot (26 bits), angle (6), the word's rest, x, y and scale (8 bits each)."""
SLOT_SHIFT: Final = np.uint64(38)
ANGLE_SHIFT: Final = np.uint64(32)
_ANGLE_MASK: Final = np.uint64(ANGLE_STEPS - 1)
_REST_TOLERANCE: Final = 2  # bits of the 8 that are not part of the bucket
_MERGE_RATIO: Final = 4  # a segment is merged with the one before it unless that one is so many times larger
_BUCKETS: Final = 1 << BUCKET_BITS
_BLOCK: Final = 1 << 20  # entries looked at at a time: a search of a million photos meets 300,000 in all
_PART: Final = 1 << 15  # entries gathered at a time
_LARGEST_SEGMENT: Final = 12_000_000  # entries; larger ones do not come of merging, so that sorting takes little memory
_STEPS: Final = 8  # of sorting, which takes an eighth of the room besides
_FEW: Final = 1 << 14  # entries: of more, too many share their low bits with a bucket that is asked for
_LOW_BITS: Final = 16  # a table of 64 KiB, of which `_FEW` entries mark a quarter at most
_LOW_MASK: Final = np.uint32((1 << _LOW_BITS) - 1)


class KeypointLists:
    """All keypoints of all images. Slots that are not valid any more stay until `keep` is called."""

    def __init__(self) -> None:
        self._segments: list[_Segment] = []
        self._waiting: list[tuple[NDArray[np.uint32], Entries]] = []

    @property
    def memory_bytes(self) -> int:
        waiting = sum(buckets.nbytes + entries.nbytes for buckets, entries in self._waiting)
        return waiting + sum(segment.memory_bytes for segment in self._segments)

    def add(self, slots: NDArray[np.int64], keypoints: Keypoints) -> None:
        """One slot for each keypoint, not found before `settle`. Slots come in ascending order, call after call."""
        if len(slots):
            place = keypoints.places.astype(np.uint64)
            entries = slots.astype(np.uint64) << SLOT_SHIFT
            entries |= (keypoints.words >> BUCKET_BITS).astype(np.uint64) << np.uint64(24)
            entries |= place[:, 0] << np.uint64(16) | place[:, 1] << np.uint64(8) | place[:, 2]
            entries |= place[:, 3] << ANGLE_SHIFT
            self._waiting.append((keypoints.words & BUCKET_MASK, entries))
        if sum(len(entries) for _, entries in self._waiting) >= _LARGEST_SEGMENT:
            self.settle()

    def settle(self, *, apart: bool = False) -> None:
        """Sort what waits, together with the segments that are not much larger; with `apart` by itself."""
        if not self._waiting:
            return
        parts, self._waiting = self._waiting, []
        total = sum(len(entries) for _, entries in parts)
        while (
            not apart
            and self._segments
            and len(self._segments[-1].entries) < min(_MERGE_RATIO * total, _LARGEST_SEGMENT - total)
        ):
            last = self._segments.pop()
            parts.insert(0, (last.buckets(), last.entries))
            total += len(last.entries)
        self._segments.append(_Segment.sorted(parts))

    def find(self, probes: Probes) -> Iterator[tuple[NDArray[np.int64], Entries]]:
        """Every entry whose word is near that of a probe, and the number of that probe.

        They come in blocks that take little memory, with all that there is of a slot in the same block.
        """
        everywhere = [segment.ranges(probes) for segment in self._segments]
        waiting = [[ranges for ranges in everywhere if ranges.total]]
        while waiting:
            block = waiting.pop()
            if sum(ranges.total for ranges in block) > _BLOCK:
                low, high = min(ranges.first_slot for ranges in block), max(ranges.last_slot for ranges in block)
                if low < high:
                    middle = (low + high + 1) // 2
                    halves = [ranges.split(middle) for ranges in block]
                    waiting += [
                        [upper for _, upper in halves if upper.total],
                        [lower for lower, _ in halves if lower.total],
                    ]
                    continue
            found = [part for ranges in block for part in ranges.near(probes)]
            if found:
                yield np.concatenate([probed for probed, _ in found]), np.concatenate([near for _, near in found])

    def keep(self, new_slots: NDArray[np.int64]) -> None:
        """Renumber: `new_slots` has the new slot of every old one, or -1 for those to forget."""
        self.settle()
        for number, segment in enumerate(self._segments):
            self._segments[number] = segment.renumbered(new_slots)  # one at a time: two of each would be too much

    def write_to(self, stream: ArrayWriter) -> None:
        """Write all segments as they are sorted."""
        self.settle()
        stream.put(np.array([len(self._segments)], np.uint64))
        for segment in self._segments:
            segment.write_to(stream)

    @classmethod
    def read_from(cls, stream: ArrayReader) -> Self:
        """What `write_to` wrote."""
        lists = cls()
        for _ in range(int(stream.take(np.uint64, 1)[0])):
            lists._segments.append(_Segment.read_from(stream))
        return lists


@dataclass(frozen=True, slots=True)
class _Segment:
    """Entries sorted by bucket, with the bucket of each, or where they are many with the place at which each starts.

    `starts` has one place more than there are buckets; one of the two is None.
    """

    entries: Entries
    bucket_of: NDArray[np.uint32] | None = None
    starts: NDArray[np.uint32] | None = None

    @classmethod
    def sorted(cls, parts: list[tuple[NDArray[np.uint32], Entries]]) -> Self:
        total = sum(len(entries) for _, entries in parts)
        # Many are sorted by eighths of the buckets: an order takes as much room as what is put in order.
        steps = _STEPS if total > _BUCKETS else 1
        buckets, placed, end = np.empty(total, np.uint32), np.empty(total, np.uint64), 0
        for step in range(steps):
            low, high = step * _BUCKETS // steps, (step + 1) * _BUCKETS // steps
            chosen = [np.flatnonzero((some >= low) & (some < high)) for some, _ in parts]
            taken = np.concatenate([some[at] for (some, _), at in zip(parts, chosen, strict=True)])
            order = stable_order(taken)
            start, end = end, end + len(order)
            buckets[start:end] = taken[order]
            placed[start:end] = np.concatenate([some[at] for (_, some), at in zip(parts, chosen, strict=True)])[order]
        return cls.of_ordered(buckets, placed)

    @classmethod
    def of_ordered(cls, buckets: NDArray[np.uint32], entries: Entries) -> Self:
        if len(entries) <= _BUCKETS + 1:  # so that there are never as many starts as entries
            return cls(entries, bucket_of=buckets)
        counts = np.zeros(_BUCKETS, np.int64)
        for start in range(0, len(buckets), _BLOCK):
            counts += np.bincount(buckets[start : start + _BLOCK], minlength=_BUCKETS)
        starts = np.zeros(_BUCKETS + 1, np.uint32)
        np.cumsum(counts, out=starts[1:])
        return cls(entries, starts=starts)

    @classmethod
    def read_from(cls, stream: ArrayReader) -> Self:
        """What `write_to` wrote. Which of the two comes before the entries is told by its length."""
        index = stream.take(np.uint32)
        entries = stream.take(np.uint64)
        if len(index) == len(entries):
            return cls(entries, bucket_of=index)
        return cls(entries, starts=index)

    def write_to(self, stream: ArrayWriter) -> None:
        stream.put(self._index)
        stream.put(self.entries)

    @property
    def memory_bytes(self) -> int:
        return self._index.nbytes + self.entries.nbytes

    @property
    def _index(self) -> NDArray[np.uint32]:
        found = self.bucket_of if self.starts is None else self.starts
        assert found is not None  # noqa: S101 - one of the two is there
        return found

    def buckets(self) -> NDArray[np.uint32]:
        if self.starts is not None:
            return np.repeat(np.arange(_BUCKETS, dtype=np.uint32), np.diff(self.starts))
        return self._index

    def renumbered(self, new_slots: NDArray[np.int64]) -> "_Segment":
        slots = new_slots[entry_slots(self.entries)]
        kept = slots >= 0
        about = (np.uint64(1) << SLOT_SHIFT) - np.uint64(1)
        entries = self.entries[kept] & about | slots[kept].astype(np.uint64) << SLOT_SHIFT
        return _Segment.of_ordered(self.buckets()[kept], entries)

    def ranges(self, probes: Probes) -> "_Ranges":
        """Where the entries of the buckets lie that the probes look into."""
        buckets = probes.buckets.ravel()
        if self.starts is not None:
            first, end = self.starts[buckets].astype(np.int64), self.starts[buckets + np.uint32(1)].astype(np.int64)
            taken = np.flatnonzero(end > first)
            first, end = first[taken], end[taken]
        else:
            # Thousands of buckets are asked for and some tens of them are there: only of these the end is looked for.
            held = self._index
            taken = _perhaps_held(held, buckets)
            first = np.searchsorted(held, buckets[taken], "left")
            is_held = held[np.minimum(first, len(held) - 1)] == buckets[taken]
            taken, first = taken[is_held], first[is_held]
            end = np.searchsorted(held, buckets[taken], "right")
        return _Ranges(self.entries, taken // probes.buckets.shape[1], first, end)


@dataclass(frozen=True, slots=True)
class _Ranges:
    """Parts of buckets, none of them empty, and the number of the probe that looks into each.

    The entries of a bucket are in the order of their slots.
    """

    entries: Entries
    numbers: NDArray[np.int64]
    first: NDArray[np.int64]
    end: NDArray[np.int64]

    @classmethod
    def of_taken(
        cls, entries: Entries, numbers: NDArray[np.int64], first: NDArray[np.int64], end: NDArray[np.int64]
    ) -> Self:
        taken = np.flatnonzero(end > first)
        return cls(entries, numbers[taken], first[taken], end[taken])

    @property
    def total(self) -> int:
        return int((self.end - self.first).sum())

    @property
    def first_slot(self) -> int:
        return int(entry_slots(self.entries[self.first]).min())

    @property
    def last_slot(self) -> int:
        return int(entry_slots(self.entries[self.end - 1]).max())

    def split(self, slot: int) -> tuple["_Ranges", "_Ranges"]:
        """What lies before a slot, and the rest."""
        least = np.uint64(slot) << SLOT_SHIFT
        low, high = self.first.copy(), self.end.copy()
        while (open_ := np.flatnonzero(low < high)).size:
            middle = (low[open_] + high[open_]) // 2
            before = self.entries[middle] < least
            low[open_[before]] = middle[before] + 1
            high[open_[~before]] = middle[~before]
        return (
            _Ranges.of_taken(self.entries, self.numbers, self.first, low),
            _Ranges.of_taken(self.entries, self.numbers, low, self.end),
        )

    def near(self, probes: Probes) -> Iterator[tuple[NDArray[np.int64], Entries]]:
        """Which probe met which entry, in parts whose intermediate results stay in the L2 cache."""
        lengths = self.end - self.first
        ends = np.cumsum(lengths)
        shifts = self.first - (ends - lengths)
        asked = self.numbers << 8 | probes.rests[self.numbers]  # in one word, which is repeated once
        bounds = np.searchsorted(ends, np.arange(_PART, self.total, _PART))
        for low, high in pairwise(sorted({0, *bounds.tolist(), len(ends)})):
            length = lengths[low:high]
            places = np.arange(ends[low] - lengths[low], ends[high - 1]) + np.repeat(shifts[low:high], length)
            entries = self.entries.take(places)
            probed = np.repeat(asked[low:high], length)
            near = np.flatnonzero(np.bitwise_count(entry_rests(entries) ^ probed.astype(np.uint8)) <= _REST_TOLERANCE)
            yield probed.take(near) >> 8, entries.take(near)


def _perhaps_held(held: NDArray[np.uint32], buckets: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Which of the buckets may be among those held: a look at low bits spares most of the search."""
    if len(held) > _FEW:
        return np.arange(len(buckets))
    is_there = np.zeros(1 << _LOW_BITS, np.bool_)
    is_there[held & _LOW_MASK] = True
    return np.flatnonzero(is_there[buckets & _LOW_MASK])


def stable_order(numbers: NDArray[np.uint32]) -> NDArray[np.int64]:
    """What puts the numbers in ascending order, alike ones in the order in which they come.

    By halves, because NumPy sorts 16-bit numbers by radix, and larger ones several times slower by comparing.
    """
    order = np.argsort(numbers.astype(np.uint16), kind="stable")
    upper = (numbers >> np.uint32(16)).astype(np.uint16)
    return order[np.argsort(upper[order], kind="stable")]


def entry_slots(entries: Entries) -> NDArray[np.int64]:
    return (entries >> SLOT_SHIFT).astype(np.int64)


def entry_rests(entries: Entries) -> NDArray[np.uint8]:
    return (entries >> np.uint64(24)).astype(np.uint8)


def entry_places(entries: Entries) -> NDArray[np.int32]:
    """x, y, scale and angle: (n, 4)."""
    angles = entries >> ANGLE_SHIFT & _ANGLE_MASK
    columns = (entries >> np.uint64(16), entries >> np.uint64(8), entries, angles)
    return (np.stack(columns, axis=1) & np.uint64(255)).astype(np.int32)
