"""The verdict log: images, verdicts and decisions in append-only segments, of the same kind as the fingerprint log."""

from collections.abc import Iterable, Iterator, Sequence
from threading import Lock

from dedup_app.event_log import EventLog
from dedup_app.records.journal import LogReplaced
from dedup_core.groups.columns import Records
from dedup_storage.logs.group_commit import GroupCommit
from dedup_storage.logs.places import SegmentFull, Segments
from dedup_storage.logs.reading import chunks_to_end
from dedup_storage.logs.verdict_records import Record, Unread, read_records, record_bytes

log = EventLog(__name__)

PREFIX = "verdicts/layout-1/"
BLOCK_BYTES = 1024 * 1024  # of 4 MiB that an append takes: sent once more where its answer is lost
APPENDS_AT_ONCE = 64  # more than an instance has threads


class VerdictLog:
    """The port of the same name, one for all threads: what they append at the same moment shares a block.

    Each reader keeps its own place: a read costs two requests if nothing is new.
    """

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self._last = 0  # the one to append to; 0 while nobody has looked
        self._together = GroupCommit(self._commit, Lock(), APPENDS_AT_ONCE)

    def append(self, records: Iterable[Record]) -> None:
        """Append the records in their order, many in one block."""
        for block in _blocks(map(record_bytes, records)):
            self._together.do(block)

    def reader(self) -> "VerdictReader":
        return VerdictReader(self._segments)

    def _commit(self, group: Sequence[bytes]) -> None:
        for block in _blocks(group):
            self._append(block)

    def _append(self, block: bytes) -> None:
        self._last = self._last or max(self._segments.last(), 1)
        while True:
            try:
                self._segments.append(self._last, block)
            except SegmentFull:
                self._last += 1
            else:
                return


def _blocks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in the same order, in blocks of whole parts."""
    block = bytearray()
    for part in parts:
        block += part
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


class VerdictReader:
    """A place in the log."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self._segment, self._offset = 0, 0  # 0 while nobody has looked
        self._generation = ""  # of the segment, once something of it was read
        self._unread = Unread()

    def new_records(self) -> Iterator[Records]:
        """What was appended since the last call, to the end of the log, as it is read. Raises `LogReplaced`."""
        if self._offset == 0:
            self._segment = self._segments.first()
        yield from self._to_end()
        while self._offset and self._segments.read(self._segment + 1, 0, 1).data:
            # Full before the next one began, so its end is final.
            yield from self._to_end()
            self._segment, self._offset, self._generation = self._segment + 1, 0, ""
            yield from self._to_end()

    def _to_end(self) -> Iterator[Records]:
        damaged = self._unread.damaged
        seen = min(self._offset, 1)  # the last byte that was read is there again, unless this is another log
        try:
            for chunk in chunks_to_end(self._segments, self._segment, self._offset - seen):
                if self._offset and (seen or chunk.data) and chunk.generation != self._generation:
                    raise LogReplaced
                data, seen = chunk.data[seen:], 0
                if data:
                    self._offset, self._generation = self._offset + len(data), chunk.generation
                    yield from self._records(data)
            if self._unread.rest:  # blocks come as a whole: a record without its end is damaged
                yield from self._records(b"", is_end=True)
        finally:  # a read that breaks off passes over damage once, too
            if self._unread.damaged > damaged:
                log.error("verdict_log_damaged", skipped_records=self._unread.damaged - damaged)

    def _records(self, data: bytes, *, is_end: bool = False) -> Iterator[Records]:
        while (found := read_records(data, self._unread, is_end=is_end)).rebuild is not None:
            data = b""
            yield found
        yield found
