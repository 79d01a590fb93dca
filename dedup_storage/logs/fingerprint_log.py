"""The fingerprint log: all fingerprints in append-only segments, each instance with its own copy in memory.

The log is totally ordered. A segment takes a fixed number of blocks and refuses every later one, and only then does the
next segment begin; so whoever managed to append to a segment knows that nothing came before in a later one, and whoever
appends second reads the first.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import batched
from threading import Lock
from typing import NamedTuple

from dedup_app.event_log import EventLog
from dedup_app.ports.superseded import Superseded
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.search.hit import Hit
from dedup_storage.logs.fingerprint_records import (
    RECORD_BYTES,
    addition,
    read_older_records,
    read_records,
    removal,
    whole,
)
from dedup_storage.logs.group_commit import GroupCommit
from dedup_storage.logs.index_snapshots import AnotherWrites, Snapshots, write_snapshot
from dedup_storage.logs.places import BlockPlace, LogPlace, SegmentFull, Segments
from dedup_storage.logs.reading import chunks_to_end
from dedup_storage.logs.shared_lock import SharedLock
from dedup_storage.logs.snapshot_keeper import SnapshotKeeper

log = EventLog(__name__)
REINDEX = "dedup reindex"

# What the service takes in one AppendBlock.
BLOCK_RECORDS = 4 * 1024 * 1024 // RECORD_BYTES


class _Writing(NamedTuple):
    """A record to be appended; `searches`: whoever appends it searches next, so the log must have been read so far."""

    record: bytes
    searches: bool


class FingerprintLog:
    """The `CandidateIndex` port, one for all threads: records that wait at a moment share an append and a read.

    `older` is the log of the scheme before. It is read once, when an instance starts, so that images are found until
    `dedup reindex` has brought them over; what this log says of an image counts for more. With `snapshots` an instance
    starts from the newest one, and `tend` writes them.
    """

    def __init__(self, segments: Segments, older: Segments | None = None, snapshots: Snapshots | None = None) -> None:
        self._segments = segments
        self._older = older
        self._keeper = None if snapshots is None else SnapshotKeeper(snapshots, segments)
        self._turn = Lock()  # held while one group is appended and the tail is read; guards everything below
        self._together = GroupCommit(self._commit, self._turn, BLOCK_RECORDS)
        self._last_segment = 0  # the one to append to; 0 while nobody has looked
        self._read_segment = 1
        self._offset = 0
        self._generation = ""  # of the segment that is being read; empty before its first bytes
        self._blocks = 0  # that it had when it was read to its end; 0 while nobody knows
        self._damaged = 0
        self._log_bytes = 0  # read so far, by this instance or by the one whose snapshot it took
        self._index = FingerprintIndex()
        self._is_loaded = False  # once the end was reached; nobody searches before
        self._has_begun = False  # to read, in an earlier call than the one that reads now
        self._index_lock = SharedLock()  # searches go on side by side

    def add_and_search(self, image_id: str, version: int, fingerprints: Fingerprints) -> list[Hit]:
        self._together.do(_Writing(addition(image_id, fingerprints, version), searches=True))
        return self._search(image_id, version, fingerprints)

    def search(self, image_id: str, version: int, fingerprints: Fingerprints) -> list[Hit]:
        if not self._is_loaded:
            self.refresh()
        return self._search(image_id, version, fingerprints)

    def remove(self, image_id: str, version: int) -> None:
        self._together.do(_Writing(removal(image_id, version), searches=False))

    def remove_all(self, images: Iterable[tuple[str, int]]) -> int:
        return self._append_all(removal(image_id, version) for image_id, version in images)

    def add_all(self, images: Iterable[tuple[str, int, Fingerprints]]) -> int:
        return self._append_all(addition(image_id, fingerprints, version) for image_id, version, fingerprints in images)

    def declare_whole(self) -> None:
        with self._turn:
            self._append(whole())

    def catch_up(self) -> None:
        self.refresh()

    def refresh(self) -> int:
        with self._turn:
            self._read_all()
            return len(self._index)

    def tend(self, now: datetime) -> None:
        """Write a snapshot if one is due and nobody else does. Appends wait meanwhile; searches go on."""
        if self._keeper is None:
            return
        is_new = False
        with self._turn:
            self._read_all()
            if self._keeper.is_due(self._place(), len(self._index)):
                with suppress(AnotherWrites), self._keeper.writing() as draft:
                    with self._index_lock.writing():
                        self._index.compact()
                    with self._index_lock.reading():
                        write_snapshot(draft, self._index, self._place())
                    is_new = True
        self._keeper.clean_up_after(now, is_new=is_new)

    def held(self, prefix: str) -> dict[str, int]:
        with self._index_lock.reading():
            return self._index.versions(prefix)

    @property
    def index(self) -> FingerprintIndex:
        """What this instance holds, as it was when it last looked."""
        return self._index

    @property
    def damaged_bytes(self) -> int:
        """How much of the log was no record, after the last time that it was declared whole."""
        return self._damaged

    def _read_all(self) -> None:
        self._last_segment = max(self._last_segment, self._segments.last(), 1)
        self._catch_up()

    def _place(self) -> LogPlace:
        return LogPlace(self._read_segment, self._offset, self._generation, self._log_bytes, self._damaged)

    def _search(self, image_id: str, version: int, fingerprints: Fingerprints) -> list[Hit]:
        with self._index_lock.reading():
            newest = self._index.version(image_id)
            if newest > version:
                raise Superseded(newest)
            hits = self._index.search(fingerprints)
        return [hit for hit in hits if hit.image_id != image_id]

    def _append_all(self, records: Iterable[bytes]) -> int:
        """Append many records without searching, in as few blocks as they fit; how many there were."""
        total = 0
        for group in batched(records, BLOCK_RECORDS, strict=False):
            with self._turn:
                self._append(b"".join(group))
            total += len(group)
        return total

    def _commit(self, group: Sequence[_Writing]) -> None:
        """Append these as one block, then read the tail once for all of them."""
        is_taken = self._append(b"".join(it.record for it in group))
        if not is_taken and any(it.searches for it in group) and self._catch_up() < len(group):
            self._start_over()

    def _append(self, block: bytes) -> bool:
        """Append the block; whether it was taken in, too: nobody has written since this instance read to the end."""
        if self._last_segment == 0:
            self._last_segment = max(self._segments.last(), 1)
        while True:
            try:
                place = self._segments.append(self._last_segment, block)
            except SegmentFull:
                self._last_segment += 1
            else:
                break
        if not self._is_next(place):
            return False
        self._take(block)
        self._blocks += 1
        return True

    def _is_next(self, place: BlockPlace) -> bool:
        """Whether a block landed where this instance has read to.

        A log in the place of this one may reach the same byte, hardly with as many blocks: large ones fill it.
        """
        read_to = (self._last_segment, self._offset, self._blocks + 1)
        return self._is_loaded and self._blocks > 0 and (self._read_segment, *place) == read_to

    def _catch_up(self) -> int:
        """Read on to the end of the log; the number of records that were new.

        Segments before the last one are known to be full before this begins, so their end is final.
        """
        self._has_begun = self._is_loaded or self._log_bytes > 0
        if not self._has_begun:
            self._begin()
        try:
            new = self._read_to_end()
            while self._read_segment < self._last_segment:
                self._read_segment += 1
                self._offset, self._generation, self._blocks = 0, "", 0
                new += self._read_to_end()
        except _Replaced:
            return self._start_over()
        if not self._is_loaded:
            with self._index_lock.writing():
                # What came after a snapshot is little: sorting most of that anew with it would take time and memory.
                self._index.settle(apart=True)
                self._is_loaded = True
        return new

    def _read_to_end(self) -> int:
        new, left = 0, b""
        for chunk in chunks_to_end(self._segments, self._read_segment, self._offset):
            if chunk.is_missing and self._read_segment < self._last_segment:
                self._miss_segment()
            if not chunk.data:
                continue
            if self._generation not in ("", chunk.generation):
                raise _Replaced
            self._generation, self._blocks = chunk.generation, chunk.blocks
            data = left + chunk.data
            taken, records = self._take(data)
            new, left = new + records, data[taken:]
        return new

    def _miss_segment(self) -> None:
        """A segment before the last one is gone: since we read in it, because snapshots cover it, or for no good."""
        if self._has_begun:
            raise _Replaced
        self._damaged += RECORD_BYTES  # at least: how much it was nobody knows
        log.error("log_segment_gone", segment=self._read_segment, remedy=REINDEX)

    def _begin(self) -> None:
        """Start from a snapshot, or from the first segment that there is."""
        begun = None if self._keeper is None else self._keeper.newest()
        if begun is not None:
            with self._index_lock.writing():
                self._index = begun.index
            self._read_segment, self._offset, self._generation, self._log_bytes, self._damaged = begun.place
            return
        self._take_older()
        self._read_segment = self._segments.first()
        if self._read_segment > 1:  # and no snapshot holds what was before
            self._damaged = RECORD_BYTES  # not one more if the read after it fails and this begins anew
            log.error("log_begins_late", segment=self._read_segment, remedy=REINDEX)

    def _take_older(self) -> None:
        if self._older is None:
            return
        for number in range(1, self._older.last() + 1):
            left = b""
            for chunk in chunks_to_end(self._older, number, 0):
                records = read_older_records(left + chunk.data)
                left = (left + chunk.data)[records.read_bytes :]
                with self._index_lock.writing():
                    records.apply_to(self._index, more_to_come=True)

    def _take(self, data: bytes) -> tuple[int, int]:
        """How many bytes were taken in, which may leave the beginning of a record, and how many records they held."""
        records = read_records(data)
        if records.damaged_bytes:
            log.error(
                "log_damaged",
                skipped_bytes=records.damaged_bytes,
                segment=self._read_segment,
                offset=self._offset,
                remedy=REINDEX,
            )
        self._damaged = records.damaged_bytes + (0 if records.is_whole else self._damaged)
        with self._index_lock.writing():
            records.apply_to(self._index, more_to_come=not self._is_loaded)
        self._offset += records.read_bytes
        self._log_bytes += records.read_bytes
        return records.read_bytes, len(records)

    def _start_over(self) -> int:
        """Forget everything and read the log from its beginning: it was replaced, or what is unread of it is gone.

        Whoever deletes the log should stop the app first: until every instance has noticed, some append to the new log
        where the old one ended.
        """
        log.warning("log_is_another")  # it is read from its beginning
        with self._index_lock.writing():
            self._index = FingerprintIndex()
        self._is_loaded = False
        self._read_segment, self._offset, self._generation, self._log_bytes, self._damaged = 1, 0, "", 0, 0
        self._blocks = 0
        self._last_segment = max(self._segments.last(), 1)
        return self._catch_up()


class _Replaced(Exception):
    """The segment is another one than that of which the beginning was read."""
