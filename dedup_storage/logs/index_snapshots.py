"""Snapshots of the index: its arrays as they were at a place of the fingerprint log, so that starts read only the rest.

A snapshot is a blob of chunks of `CHUNK_BYTES`, each ending in the CRC-32 of its number and content; their contents
together are what `FingerprintIndex.write_to` wrote. It is there as a whole or not at all. The place that it stands for
is in its metadata, with the generation of that segment: the snapshot of a log that was replaced fits nowhere.
"""

import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from dedup_app.event_log import EventLog
from dedup_app.threads import Threads
from dedup_core.search.array_stream import ArrayReader, ArrayWriter
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_storage.logs.places import LogPlace, Segments

log = EventLog(__name__)

CHUNK_BYTES = 4 * 1024 * 1024  # also a staged block: large enough that round trips do not count
CHUNKS_AHEAD = 2  # 8 MiB: one is on its way while the one before it is taken in
KEPT = 2  # should the newest one be damaged, the one before it serves, with the segments from there on
GRACE = timedelta(days=1)  # no load and no deployment of an app that knows no snapshots takes that long
CRC_BYTES = 4


class AnotherWrites(Exception):  # not a failure: one writer is enough
    """Another instance is writing a snapshot."""


class DamagedSnapshot(Exception):
    """The snapshot is not what was written, or is gone."""


class StoredSnapshot(NamedTuple):
    """A snapshot that can be read, and when it was written."""

    name: str
    place: LogPlace
    made: datetime
    size: int


class Draft(Protocol):
    """A snapshot that is being written."""

    def add(self, chunk: bytes) -> None:
        """Store the next chunk. Raises `AnotherWrites` if the right to write was lost."""
        ...

    def finish(self, place: LogPlace) -> None:
        """Let the snapshot be there, with all chunks."""
        ...


class Snapshots(Protocol):
    """Where snapshots are stored."""

    def stored(self) -> list[StoredSnapshot]:
        """Those of this layout, the newest first."""
        ...

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Up to `length` bytes; none if the snapshot is gone."""
        ...

    def writing(self) -> AbstractContextManager[Draft]:
        """The right to write one, of which nothing is there before it is finished. Raises `AnotherWrites`."""
        ...

    def delete(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Begun:
    """An index as it was at a place of the log."""

    index: FingerprintIndex
    place: LogPlace


def load_newest(snapshots: Snapshots, segments: Segments) -> Begun | None:
    """The newest snapshot that fits the log and is not damaged."""
    for stored in snapshots.stored():
        if fits(stored.place, segments):
            try:
                return Begun(_loaded(snapshots, stored), stored.place)
            except DamagedSnapshot as error:
                log.warning("snapshot_not_used", snapshot=stored.name, error=str(error))
    return None


def fits(place: LogPlace, segments: Segments) -> bool:
    """Whether the log has this place: its byte before the place is in the same segment as then."""
    if place.offset == 0:
        return False
    last = segments.read(place.segment, place.offset - 1, 1)
    return bool(last.data) and last.generation == place.generation


def write_snapshot(draft: Draft, index: FingerprintIndex, place: LogPlace) -> None:
    """Store the index, which nobody changes meanwhile, as it is at this place of the log."""
    chunks = _ChunkWriter(draft.add)
    index.write_to(ArrayWriter(chunks.write))
    chunks.close()
    draft.finish(place)


def clean_up(snapshots: Snapshots, segments: Segments, now: datetime) -> None:
    """Delete what nobody needs: all but the two newest snapshots that fit, and segments that both of them cover.

    A segment stays for a day after that. Whoever still stands in it then finds it gone, and starts from a snapshot.
    """
    kept: list[StoredSnapshot] = []
    for stored in snapshots.stored():
        if len(kept) < KEPT and fits(stored.place, segments):
            kept.append(stored)
        else:
            snapshots.delete(stored.name)
    if len(kept) == KEPT and kept[-1].made <= now - GRACE:
        for number in range(segments.first(), kept[-1].place.segment):
            segments.delete(number)


def _loaded(snapshots: Snapshots, stored: StoredSnapshot) -> FingerprintIndex:
    with _chunks(snapshots, stored) as chunks:
        reader = _ChunkReader(chunks)
        try:
            index = FingerprintIndex.read_from(ArrayReader(reader.read_into))
        except ValueError as error:
            raise DamagedSnapshot(str(error)) from error
        reader.expect_end()
    return index


@contextmanager
def _chunks(snapshots: Snapshots, stored: StoredSnapshot) -> Iterator[Iterator[bytes]]:
    """The chunks in their order, read ahead of their use."""
    starts = iter(range(0, stored.size, CHUNK_BYTES))
    with Threads(CHUNKS_AHEAD) as threads:
        ahead: deque[Future[bytes]] = deque()

        def ask() -> None:
            for start in starts:
                ahead.append(threads.submit(snapshots.read, stored.name, start, CHUNK_BYTES))
                return

        def in_order() -> Iterator[bytes]:
            while ahead:
                chunk = ahead.popleft().result()
                ask()
                yield chunk

        for _ in range(CHUNKS_AHEAD):
            ask()
        try:
            yield in_order()
        finally:
            threads.shutdown(cancel_futures=True)


class _ChunkWriter:
    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._waiting = bytearray()
        self._number = 0

    def write(self, data: memoryview) -> None:
        while data:
            room = CHUNK_BYTES - CRC_BYTES - len(self._waiting)
            self._waiting += data[:room]
            data = data[room:]
            if len(self._waiting) == CHUNK_BYTES - CRC_BYTES:
                self.close()

    def close(self) -> None:
        if self._waiting:
            self._waiting += _checksum(self._waiting, self._number)
            self._write(bytes(self._waiting))
            self._waiting.clear()
            self._number += 1


class _ChunkReader:
    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")
        self._number = 0

    def read_into(self, target: memoryview) -> None:
        while target:
            if not self._left:
                self._left = self._next()
            count = min(len(target), len(self._left))
            target[:count] = self._left[:count]
            target, self._left = target[count:], self._left[count:]

    def expect_end(self) -> None:
        if self._left or next(self._chunks, None) is not None:
            raise DamagedSnapshot("there is more in it than an index")

    def _next(self) -> memoryview:
        chunk = memoryview(next(self._chunks, b""))
        content, checksum = chunk[:-CRC_BYTES], chunk[-CRC_BYTES:]
        if not content or _checksum(content, self._number) != checksum:
            raise DamagedSnapshot(f"chunk {self._number} is damaged or gone")
        self._number += 1
        return content


def _checksum(content: bytes | bytearray | memoryview, number: int) -> bytes:
    return zlib.crc32(content, number).to_bytes(CRC_BYTES, "little")
