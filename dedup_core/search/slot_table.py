"""A hash table from 64-bit keys to slots in one array, looked up and filled for many keys at once."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

type Keys = NDArray[np.uint64]
type IsHeld = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]
"""Whether the slots (n,) hold what is looked for under the keys with these numbers (n,)."""
_LEAST_PLACES: Final = 64
_MOST_TAKEN: Final = 0.75  # of the places; with more of them, chains get long
_HALF: Final = np.uint64(32)
_SLOT: Final = np.uint64(0xFFFFFFFF)
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: spreads keys that are alike


class SlotTable:
    """Open addressing with linear probing; nothing is ever taken out but by making a new table.

    A place holds the upper half of a mixed key, which tells keys apart well enough to look at few slots in vain, and
    the slot + 1; 0 means free.
    """

    def __init__(self, expected: int = 0) -> None:
        """Room for that many keys."""
        places = max(_LEAST_PLACES, int(expected / _MOST_TAKEN) + 1) if expected else 0
        self._table = np.zeros(places, np.uint64)
        self._taken = 0

    @property
    def memory_bytes(self) -> int:
        return self._table.nbytes

    def has_room_for(self, more: int) -> bool:
        return self._taken + more <= _MOST_TAKEN * len(self._table)

    def find(self, keys: Keys, is_held: IsHeld) -> NDArray[np.int64]:
        """The place of each key, -1 for those that are not in the table."""
        found = np.full(len(keys), -1, np.int64)
        if len(self._table) == 0:
            return found
        places, tags = self._home(keys)
        numbers = np.arange(len(keys))
        while len(numbers):
            entries = self._table[places]
            alike = np.flatnonzero((entries & ~_SLOT == tags) & (entries != 0))
            held = alike[is_held(self.slots(places[alike]), numbers[alike])] if len(alike) else alike
            found[numbers[held]] = places[held]
            going_on = entries != 0
            going_on[held] = False
            numbers, tags = numbers[going_on], tags[going_on]
            places = (places[going_on] + 1) % len(self._table)
        return found

    def slots(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        return (self._table[places] & _SLOT).astype(np.int64) - 1

    def replace(self, places: NDArray[np.int64], slots: NDArray[np.int64]) -> None:
        """Give the keys at these places other slots."""
        self._table[places] = self._table[places] & ~_SLOT | (slots + 1).astype(np.uint64)

    def insert(self, keys: Keys, slots: NDArray[np.int64]) -> None:
        """Add keys that are not in the table, which has room for them."""
        places, tags = self._home(keys)
        entries = tags | (slots + 1).astype(np.uint64)  # no two are alike, since slots are not
        self._taken += len(keys)
        while len(entries):
            free = self._table[places] == 0
            self._table[places[free]] = entries[free]  # of several that want the same place one gets it
            left = self._table[places] != entries
            places, entries = (places[left] + 1) % len(self._table), entries[left]

    def _home(self, keys: Keys) -> tuple[NDArray[np.int64], Keys]:
        """Where each key would stand if the table were empty, and what tells it from others there."""
        mixed = keys * _MIX
        places = (mixed >> _HALF) * np.uint64(len(self._table)) >> _HALF
        return places.astype(np.int64), mixed << _HALF
