"""The pair table: each pair once, with what counts of all that was said about it, in the order of its key."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.columns import KINDS, VERDICT, Bools, Row, winners

type Integers = NDArray[np.int64]
type Pairs = NDArray[np.void]
"""(n,) of `PAIRS`."""

PAIRS: Final = np.dtype([("key", "<i8"), *VERDICT])
NO_VERDICT: Final = len(KINDS)
"""The kind of a pair about which only a person said something."""
_SLOT_BITS: Final = 32
_SLOT_MASK: Final = (1 << _SLOT_BITS) - 1
_KIND: Final = list(PAIRS.fields or ()).index("kind")
_RANKS: Final = np.array([*(sorted(KINDS).index(kind) for kind in KINDS), -1])


def key_of(first: int, second: int) -> int:
    """The key of a pair of slots, whose first image has the smaller id."""
    return first << _SLOT_BITS | second


def keys_of(first: Sequence[int], second: Sequence[int]) -> Integers:
    return np.array(first, np.int64) << _SLOT_BITS | np.array(second, np.int64)


def slots_of(keys: Integers) -> tuple[Integers, Integers]:
    """The slots of the first and of the second image of each pair."""
    return keys >> _SLOT_BITS, keys & _SLOT_MASK


def is_verdict(row: Row) -> bool:
    """Whether somebody compared the pair of these values."""
    return bool(row[_KIND] != NO_VERDICT)


class PairTable:
    """Rows that are found by their key. What is added waits until somebody asks, and is taken in at once."""

    def __init__(self) -> None:
        self._keys: Integers = np.empty(0, np.int64)
        self._rows: Pairs = np.empty(0, PAIRS)
        self._waiting: list[Pairs] = []

    def add(self, rows: Pairs) -> None:
        if len(rows):
            self._waiting.append(rows)

    def add_unverified(self, key: int) -> None:
        """Know the pair, whatever will be said about it."""
        row = np.zeros(1, PAIRS)
        row["key"], row["kind"], row["verified_at"] = key, NO_VERDICT, np.iinfo(np.int64).min
        self._waiting.append(row)

    def take_in(self) -> Integers:
        """Of each pair the row that counts, as `Link.outranks` has it; the keys of the pairs that changed by it."""
        if not self._waiting:
            return self._keys[:0]
        known = len(self._rows)
        rows = np.concatenate([self._rows, *self._waiting])
        self._waiting.clear()
        places = winners(rows["key"].copy(), lambda rivals: _ranks(rows[rivals]))
        self._rows = rows[places]
        self._keys = self._rows["key"].copy()
        return self._keys[places >= known]

    def find(self, key: int) -> Row | None:
        """The values of a row, if somebody compared the pair."""
        place = int(np.searchsorted(self._keys, key))
        if place == len(self._keys) or self._keys[place] != key:
            return None
        row: Row = self._rows[place].item()
        return row if is_verdict(row) else None

    def verdicts_since(self, moment: int) -> Iterator[tuple[int, VerdictKind]]:
        """Time and kind of the verdicts from then on."""
        rows = self._rows[(self._rows["verified_at"] >= moment) & (self._rows["kind"] != NO_VERDICT)]
        return zip(rows["verified_at"].tolist(), map(KINDS.__getitem__, rows["kind"].tolist()), strict=True)

    def touching(self, slots: Bools) -> Pairs:
        """The pairs of which the first image is in one of these slots."""
        return self._rows[slots[slots_of(self._keys)[0]]]


def _ranks(rows: Pairs) -> Sequence[NDArray[Any]]:
    return rows["first_version"] + rows["second_version"], rows["verified_at"], _RANKS[rows["kind"]]
