"""Columns of 64-bit words in blocks that never move, so that growing copies nothing and takes no second room."""

from collections.abc import Iterator
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.search.array_stream import ArrayReader, ArrayWriter

type Words = NDArray[np.uint64]
BLOCK: Final = 1 << 16  # slots; a row of a block takes 512 KiB
_LEAST_CAPACITY: Final = 64
_GROWTH: Final = 1.25  # of the last block, until it is a whole one


class Columns:
    """A table of some rows of words and any number of columns, its slots, that grows to the right."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._blocks: list[Words] = []  # (rows, BLOCK) each, the last one up to that
        self._slots = 0

    def __len__(self) -> int:
        return self._slots

    @property
    def memory_bytes(self) -> int:
        """What the blocks take, room for growth included."""
        return sum(block.nbytes for block in self._blocks)

    def append(self, columns: Words) -> None:
        """Add columns (rows, n) at the end."""
        taken = 0
        while taken < columns.shape[1]:
            offset = self._slots % BLOCK
            count = min(columns.shape[1] - taken, BLOCK - offset)
            block = self._with_room(offset, offset + count)
            block[:, offset : offset + count] = columns[:, taken : taken + count]
            taken += count
            self._slots += count

    def blocks(self) -> Iterator[tuple[int, Words]]:
        """The first slot of each block and its columns (rows, n), in order."""
        for number, block in enumerate(self._blocks):
            start = number * BLOCK
            yield start, block[:, : min(BLOCK, self._slots - start)]

    def take(self, slots: NDArray[np.int64], rows: slice = slice(None)) -> Words:
        """Some rows of these columns: (rows, n)."""
        taken = np.empty((len(range(self._rows)[rows]), len(slots)), np.uint64)
        numbers = slots // BLOCK
        for number in _each(numbers):
            here = np.flatnonzero(numbers == number)
            taken[:, here] = self._blocks[number][rows, slots[here] % BLOCK]
        return taken

    def clear(self, slots: NDArray[np.int64], rows: slice = slice(None)) -> None:
        """Set some rows of these columns to zero."""
        numbers = slots // BLOCK
        for number in _each(numbers):
            self._blocks[number][rows, slots[numbers == number] % BLOCK] = 0

    def keep(self, slots: NDArray[np.int64]) -> None:
        """Forget all but these columns, which are in ascending order and move together."""
        old, self._blocks, self._slots = self._blocks, [], 0
        bounds = np.searchsorted(slots, np.arange(len(old) + 1) * BLOCK)
        for number in range(len(old)):
            kept = slots[bounds[number] : bounds[number + 1]] % BLOCK
            block, old[number] = old[number], np.zeros((self._rows, 0), np.uint64)  # given back as we go
            self.append(block[:, kept])

    def write_to(self, stream: ArrayWriter) -> None:
        """Write all columns, block by block."""
        stream.put(np.array([self._rows, self._slots], np.uint64))
        for _, block in self.blocks():
            stream.put(block)

    @classmethod
    def read_from(cls, stream: ArrayReader) -> Self:
        """What `write_to` wrote."""
        rows, slots = stream.take(np.uint64, 2).tolist()
        columns = cls(rows)
        for start in range(0, slots, BLOCK):
            width = min(BLOCK, slots - start)
            columns._blocks.append(stream.take(np.uint64, rows * width).reshape(rows, width))
        columns._slots = slots
        return columns

    def _with_room(self, taken: int, slots: int) -> Words:
        """The last block, with room for so many slots of which some are taken."""
        if taken == 0:
            self._blocks.append(np.zeros((self._rows, 0), np.uint64))
        block = self._blocks[-1]
        if block.shape[1] < slots:
            wider = np.zeros((self._rows, min(BLOCK, max(slots, int(_GROWTH * taken), _LEAST_CAPACITY))), np.uint64)
            wider[:, :taken] = block[:, :taken]
            self._blocks[-1] = block = wider
        return block


def _each(numbers: NDArray[np.int64]) -> list[int]:
    """The different numbers of blocks, in their order. `np.unique` would load numpy.ma, 13 ms of a first search."""
    found: list[int] = np.flatnonzero(np.bincount(numbers)).tolist()
    return found
