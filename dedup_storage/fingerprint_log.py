"""The fingerprint log: all fingerprints in append-only segments, each instance with its own copy in memory.

The log is totally ordered. A segment takes a fixed number of blocks and refuses every later one, and only then does the
next segment begin; so whoever managed to append to a segment knows that nothing came before in a later one, and whoever
appends second reads the first.
"""

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from threading import Lock
from typing import Protocol

from dedup_core.errors import StoreBusy
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.search.hit import Hit
from dedup_storage.fingerprint_records import RECORD_BYTES, addition, read_records, removal
from dedup_storage.shared_lock import SharedLock

logger = logging.getLogger(__name__)

# What the service takes in one AppendBlock.
BLOCK_RECORDS = 4 * 1024 * 1024 // RECORD_BYTES
# One GET while loading: big enough that the round trip does not count, small enough to hold a few at once.
READ_BYTES = 16 * 1024 * 1024 // RECORD_BYTES * RECORD_BYTES
READS_AHEAD = 2


class SegmentFull(Exception):  # not a failure: the log goes on in the next segment
    """The segment has taken all the blocks that it will ever take."""


class Segments(Protocol):
    """Numbered append-only files, from 1 on."""

    def last(self) -> int:
        """The number of the last segment, 0 if there is none yet."""
        ...

    def append(self, number: int, block: bytes) -> None:
        """Append the block as a whole, create the segment if it is missing. Raises `SegmentFull`, then for ever."""
        ...

    def read(self, number: int, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on; none when nothing is there (yet)."""
        ...


@dataclass(slots=True, eq=False)
class _Waiting:
    """A record that waits for its turn to be appended, and what became of it."""

    record: bytes
    searches: bool
    done: bool = False
    failure: BaseException | None = None


class FingerprintLog:
    """The `CandidateIndex` port, one for all threads: records that wait at a moment share an append and a read."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self._waiting: list[_Waiting] = []
        self._waiting_lock = Lock()
        self._turn = Lock()  # held while one group is appended and the tail is read; guards everything below
        self._last_segment = 0  # the one to append to; 0 while nobody has looked
        self._read_segment = 1
        self._offset = 0
        self._damaged = 0
        self._index = FingerprintIndex()
        self._is_loaded = False  # once the end was reached; nobody searches before
        self._index_lock = SharedLock()  # searches go on side by side

    def add_and_search(self, image_id: str, fingerprints: Fingerprints) -> list[Hit]:
        self._write(_Waiting(addition(image_id, fingerprints), searches=True))
        with self._index_lock.reading():
            hits = self._index.search(fingerprints)
        return [hit for hit in hits if hit.image_id != image_id]

    def remove(self, image_id: str) -> None:
        self._write(_Waiting(removal(image_id), searches=False))

    def add_all(self, images: Iterable[tuple[str, Fingerprints]]) -> int:
        """Append many images without searching, in as few blocks as they fit; how many there were.

        Images that the log knows already are replaced: this is how it is rebuilt from the features table.
        """
        total = 0
        for group in batched(images, BLOCK_RECORDS, strict=False):
            with self._turn:
                self._append(b"".join(addition(image_id, fingerprints) for image_id, fingerprints in group))
            total += len(group)
        return total

    def refresh(self) -> int:
        """Read what others appended; the number of images held now."""
        with self._turn:
            self._last_segment = max(self._last_segment, self._segments.last(), 1)
            self._catch_up()
            return len(self._index)

    @property
    def index(self) -> FingerprintIndex:
        """What this instance holds, as it was when it last looked."""
        return self._index

    @property
    def damaged_records(self) -> int:
        """Records that were skipped because their checksum was wrong."""
        return self._damaged

    def _write(self, entry: _Waiting) -> None:
        with self._waiting_lock:
            self._waiting.append(entry)
        with self._turn:
            while not entry.done:
                self._commit_group()
        if entry.failure is not None:
            raise StoreBusy(f"The fingerprints could not be appended together: {entry.failure}") from entry.failure

    def _commit_group(self) -> None:
        """Append what is waiting as one block, then read the tail once for all of them."""
        with self._waiting_lock:
            group, self._waiting = self._waiting[:BLOCK_RECORDS], self._waiting[BLOCK_RECORDS:]
        try:
            self._append(b"".join(entry.record for entry in group))
            if any(entry.searches for entry in group) and self._catch_up() < len(group):
                self._start_over()
        except BaseException as failure:
            for entry in group:
                entry.failure = failure
            raise
        finally:
            for entry in group:
                entry.done = True

    def _append(self, block: bytes) -> None:
        if self._last_segment == 0:
            self._last_segment = max(self._segments.last(), 1)
        while True:
            try:
                self._segments.append(self._last_segment, block)
            except SegmentFull:
                self._last_segment += 1
            else:
                return

    def _catch_up(self) -> int:
        """Read on to the end of the log; the number of records that were new.

        Segments before the last one are known to be full before this begins, so their end is final.
        """
        new = self._read_to_end()
        while self._read_segment < self._last_segment:
            self._read_segment += 1
            self._offset = 0
            new += self._read_to_end()
        if not self._is_loaded:
            with self._index_lock.writing():
                self._index.settle()
                self._is_loaded = True
        return new

    def _read_to_end(self) -> int:
        new = 0
        for data in chunks_to_end(self._segments, self._read_segment, self._offset):
            whole = len(data) // RECORD_BYTES * RECORD_BYTES
            if whole:
                self._take(data[:whole])
                new += whole // RECORD_BYTES
        return new

    def _take(self, data: bytes) -> None:
        records = read_records(data)
        if records.damaged:
            self._damaged += records.damaged
            logger.error(
                "Skipped %d damaged records of the fingerprint log (segment %d, from byte %d)",
                records.damaged,
                self._read_segment,
                self._offset,
            )
        with self._index_lock.writing():
            records.apply_to(self._index, more_to_come=not self._is_loaded)
        self._offset += len(data)

    def _start_over(self) -> None:
        """Forget everything and read the log from its beginning: it is not the one that was read so far.

        Whoever deletes the log should stop the app first: until every instance has noticed, some append to the new log
        where the old one ended.
        """
        logger.warning("The fingerprint log was replaced: reading the new one from its beginning")
        with self._index_lock.writing():
            self._index = FingerprintIndex()
        self._is_loaded = False
        self._read_segment, self._offset = 1, 0
        self._last_segment = max(self._segments.last(), 1)
        self._catch_up()


def chunks_to_end(segments: Segments, number: int, offset: int) -> Iterator[bytes]:
    """The segment from `offset` on: one read if there is little, several ahead of their use once there is much."""
    data = segments.read(number, offset, READ_BYTES)
    yield data
    if len(data) < READ_BYTES:
        return
    with ThreadPoolExecutor(READS_AHEAD) as threads:
        ahead: deque[Future[bytes]] = deque()
        while len(data) == READ_BYTES:
            while len(ahead) < READS_AHEAD:
                offset += READ_BYTES
                ahead.append(threads.submit(segments.read, number, offset, READ_BYTES))
            data = ahead.popleft().result()
            yield data
