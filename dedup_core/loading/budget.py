"""Bounds for what many threads hold in memory at once: files as they were read, and pictures while they are decoded."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Final

from dedup_core.decoding.header_check import check_header
from dedup_core.decoding.headers.header import Header
from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits

# Room for four of the largest files, and to decode a PNG of 24 megapixels. What a whole app takes at its peak with both
# is in docs/benchmarks.md#memory-under-load.
FILE_BUDGET_BYTES: Final = 256 * 1024 * 1024
PICTURE_BUDGET_BYTES: Final = 192 * 1024 * 1024
# What extracting features takes besides the decoding (measured: 4.3 MB), or a band of a page and its luma.
WORKING_BYTES: Final = 8 * 1024 * 1024


class ByteBudget:
    """So many bytes for all threads together; who asks first is served first.

    Nothing overtakes a large request, so it cannot starve. One that is larger than the whole budget gets all of it.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._free = total
        self._waiting: deque[object] = deque()
        self._changed = Condition()

    @property
    def free(self) -> int:
        return self._free

    @contextmanager
    def reserve(self, size: int) -> Iterator["Reservation"]:
        """Wait until there is room, hold it, and give it back at the end."""
        reservation = Reservation(self, min(size, self._total))
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is ticket and self._free >= reservation.size)
                self._free -= reservation.size
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()  # there may be room for the next one, too
        try:
            yield reservation
        finally:
            reservation.shrink(0)

    def _give_back(self, size: int) -> None:
        with self._changed:
            self._free += size
            self._changed.notify_all()


class Reservation:
    """Room that is held; used by the thread that asked for it."""

    def __init__(self, budget: ByteBudget, size: int) -> None:
        self.size = size
        self._budget = budget

    def shrink(self, size: int) -> None:
        """Give back all but `size` bytes. There is no growing: two that wait for room to grow would wait for ever."""
        surplus = max(0, self.size - size)
        self.size -= surplus
        self._budget._give_back(surplus)  # noqa: SLF001


class LoadBudgets:
    """The two budgets that every load goes through, first for the file, then for the picture.

    They are two because a thread that holds a file waits for room to decode it: with one budget, threads that hold
    files could fill it and wait for each other. `copies` of the file are made where it is decoded in another process.
    """

    def __init__(
        self,
        limits: DecodeLimits = DEFAULT_LIMITS,
        file_bytes: int = FILE_BUDGET_BYTES,
        picture_bytes: int = PICTURE_BUDGET_BYTES,
        *,
        copies: int = 0,
    ) -> None:
        self._limits = limits
        self._copies = copies
        self._files = ByteBudget(file_bytes)
        self._pictures = ByteBudget(picture_bytes)

    @contextmanager
    def file(self) -> Iterator["FileRoom"]:
        """Room for a file of unknown size, so for the largest one, until its picture begins to be decoded."""
        with self._files.reserve(self._limits.max_bytes) as reservation:
            yield FileRoom(self, reservation)

    @contextmanager
    def picture(self, data: bytes) -> Iterator[Header]:
        """Room to decode the file and work on the picture, and its header. Raises what `decode` would raise for it."""
        header = check_header(data, self._limits)
        with self._pictures.reserve(header.memory_bytes + self._copies * len(data) + WORKING_BYTES):
            yield header


class FileRoom:
    """Room for one file, which is no larger than the file as soon as that was read."""

    def __init__(self, budgets: LoadBudgets, reservation: Reservation) -> None:
        self._budgets = budgets
        self._reservation = reservation

    @contextmanager
    def picture(self, data: bytes) -> Iterator[Header]:
        """Keep room for these bytes, and have room to decode them; otherwise as `LoadBudgets.picture`."""
        self._reservation.shrink(len(data))
        with self._budgets.picture(data) as header:
            yield header
