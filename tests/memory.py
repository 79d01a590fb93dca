"""In-memory twins of the ports; the index of an app is `FingerprintLog(MemorySegments())`, or the plainest engine."""

import operator
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import batched, count
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup_app.ports.images import BLOBS_A_PAGE, BlobPage
from dedup_app.ports.queues import PoisonMessage, QueueLengths
from dedup_app.ports.reports import RejectedMessage
from dedup_app.ports.superseded import Superseded
from dedup_app.records.notices import CloudEvent
from dedup_core.errors import DedupError, ImageNotFound, ImageTooLarge, PermanentError, TemporaryError
from dedup_core.fingerprinting.hash_views import view_hashes
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.loading.source import SourceImage
from dedup_core.messages import IngestMessage, VerifyMessage
from dedup_core.paths import ImagePath
from dedup_core.search.hit import MAX_DISTANCE_BITS, Hit
from dedup_core.views import VIEWS, View
from dedup_storage.logs.index_snapshots import AnotherWrites, StoredSnapshot
from dedup_storage.logs.places import BlockPlace, Chunk, LogPlace, SegmentFull
from dedup_storage.tables.features import AzureFeaturesTable
from dedup_storage.tables.pairs import AzurePairsTable
from dedup_storage.tables.reports import AzureReportsTable
from dedup_storage.tables.rows import Entity
from dedup_storage.tables.stats import AzureStatsTable

COMPARISONS = {"eq": operator.eq, "ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}
MAX_QUEUED_BYTES = 64 * 1024
type Shared = dict[str, tuple[int, Fingerprints | None]]


class MemoryImages:
    """Blobs in a dict. `reads` lists every download; `failures` holds the error that the next reads of a path raise.

    `pages` lists where each page that was asked for begins.
    """

    def __init__(self, *, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.reads: list[ImagePath] = []
        self.pages: list[str] = []
        self.failures: dict[ImagePath, DedupError] = {}
        self._max_bytes = max_bytes
        self._blobs: dict[ImagePath, SourceImage] = {}
        self._versions = count(0x8DD0000000000)

    def put(self, path: ImagePath, data: bytes) -> str:
        """Upload or overwrite; the new etag."""
        blob = SourceImage(data=data, etag=f"0x{next(self._versions):X}")
        self._blobs[path] = blob
        return blob.etag

    def delete(self, path: ImagePath) -> None:
        del self._blobs[path]

    def read(self, path: ImagePath, *, unless_etag: str | None = None) -> SourceImage | None:
        self.reads.append(path)
        if path in self.failures:
            raise self.failures[path]
        blob = self._blobs.get(path)
        if blob is None:
            raise ImageNotFound(f"There is no blob {path}")
        if unless_etag is not None and unless_etag.strip('"') == blob.etag:
            return None
        if len(blob.data) > self._max_bytes:
            raise ImageTooLarge(
                f"{path} has {len(blob.data):,} bytes, more than the {self._max_bytes:,} allowed",
                reason="too-many-bytes",
            )
        return blob

    def etag(self, path: ImagePath) -> str | None:
        if isinstance(self.failures.get(path), TemporaryError):
            raise self.failures[path]
        return self._blobs[path].etag if path in self._blobs else None

    def paths(self) -> set[ImagePath]:
        """What is there, in all containers."""
        return set(self._blobs)

    def names(self, container: str) -> Iterator[tuple[str, str]]:
        blobs = sorted(self._blobs.items(), key=lambda item: item[0])
        return iter([(path.name, blob.etag) for path, blob in blobs if path.container == container])

    def page(self, container: str, place: str = "", most: int = BLOBS_A_PAGE) -> BlobPage:
        self.pages.append(place)
        blobs = [blob for blob in self.names(container) if blob[0] >= place]
        return BlobPage(blobs[:most], blobs[most][0] if len(blobs) > most else None)


class MemoryBlobTags:
    """Tags of in-memory images, lost as soon as one is overwritten. `failure` is raised by every call."""

    def __init__(self, images: MemoryImages) -> None:
        self.failure: DedupError | None = None
        self._images = images
        self._tags: dict[tuple[ImagePath, str], dict[str, str]] = {}

    def of(self, path: ImagePath) -> dict[str, str]:
        return self._tags.get((path, self._images.etag(path) or ""), {})

    def get(self, path: ImagePath) -> dict[str, str] | None:
        if self.failure is not None:
            raise self.failure
        return None if self._images.etag(path) is None else dict(self.of(path))

    def put(self, path: ImagePath, tags: Mapping[str, str]) -> None:
        if self.failure is not None:
            raise self.failure
        if (etag := self._images.etag(path)) is not None:
            self._tags[path, etag] = dict(tags)


class MemoryEntities:
    """One table in a dict, with tags that change at every write, as `EntityTable` on Azure."""

    def __init__(self) -> None:
        self._entities: dict[tuple[str, str], tuple[Entity, str]] = {}
        self._tags = count(1)
        self._lock = Lock()

    def get(self, partition: str, key: str, *, select: Sequence[str] | None = None) -> Entity | None:
        found = self._entities.get((partition, key))
        return None if found is None else _selected(found[0], select)

    def get_with_tag(self, partition: str, key: str) -> tuple[Entity, str] | None:
        found = self._entities.get((partition, key))
        return None if found is None else (dict(found[0]), found[1])

    def get_many(self, keys: Collection[tuple[str, str]], *, select: Sequence[str] | None = None) -> list[Entity]:
        return [entity for key in keys if (entity := self.get(*key, select=select)) is not None]

    def upsert(self, entity: Entity, *, keep_other_columns: bool) -> str:
        with self._lock:
            return self._write(entity, keep_other_columns=keep_other_columns)

    def create(self, entity: Entity) -> str | None:
        with self._lock:
            return None if _keys(entity) in self._entities else self._write(entity, keep_other_columns=False)

    def update(self, entity: Entity, tag: str, *, keep_other_columns: bool) -> str | None:
        with self._lock:
            known = self._entities.get(_keys(entity))
            if known is None or known[1] != tag:
                return None
            return self._write(entity, keep_other_columns=keep_other_columns)

    def delete(self, partition: str, key: str, tag: str | None = None) -> bool:
        with self._lock:
            known = self._entities.get((partition, key))
            if known is not None and tag not in {None, known[1]}:
                return False
            self._entities.pop((partition, key), None)
            return True

    def fold(self, into: Entity, tag: str | None, rows: Sequence[tuple[Entity, str]]) -> bool:
        with self._lock:
            known = self._entities.get(_keys(into))
            found = [self._entities.get(_keys(row)) for row, _ in rows]
            tags = [entry[1] if entry else None for entry in (known, *found)]
            if tags != [tag, *(of for _, of in rows)]:
                return False
            for row, _ in rows:
                del self._entities[_keys(row)]
            self._write(into, keep_other_columns=False)
            return True

    def query(
        self, condition: str = "", *, select: Sequence[str] | None = None, limit: int | None = None
    ) -> Iterator[Entity]:
        return (_selected(entity, select) for entity, _ in self.query_with_tags(condition, limit=limit))

    def query_with_tags(self, condition: str = "", *, limit: int | None = None) -> Iterator[tuple[Entity, str]]:
        wanted = [part.split(" ") for part in condition.split(" and ") if part]
        tests = [(column, COMPARISONS[comparison], value) for column, comparison, value in wanted]
        found = [
            (dict(entity), tag)
            for _, (entity, tag) in sorted(self._entities.items())
            if all(column in entity and _holds(test, entity[column], value) for column, test, value in tests)
        ]
        return iter(found[:limit])

    def clear(self) -> None:
        """The table is deleted."""
        self._entities.clear()

    def _write(self, entity: Entity, *, keep_other_columns: bool) -> str:
        known = self._entities.get(_keys(entity), ({}, ""))[0] if keep_other_columns else {}
        tag = f'W/"{next(self._tags)}"'
        self._entities[_keys(entity)] = known | entity, tag
        return tag


class MemoryFeaturesTable(AzureFeaturesTable):
    """The `features` table in a dict."""

    def __init__(self) -> None:
        self.entities = MemoryEntities()
        super().__init__(self.entities)


class MemoryPairsTable(AzurePairsTable):
    """The `pairs` table in a dict."""

    def __init__(self) -> None:
        self.entities = MemoryEntities()
        super().__init__(self.entities)


class MemoryStatsTable(AzureStatsTable):
    """The `loaderstats` table in a dict."""

    def __init__(self) -> None:
        self.entities = MemoryEntities()
        super().__init__(self.entities)


class MemoryReportsTable(AzureReportsTable):
    """The `reports` table in a dict."""

    def __init__(self) -> None:
        super().__init__(MemoryEntities())


class MemorySender:
    """Events that went out, in their order."""

    def __init__(self) -> None:
        self.events: list[CloudEvent] = []
        self.is_down = False

    def send(self, events: Sequence[CloudEvent]) -> None:
        if self.is_down:
            raise PermanentError("the receiver is gone", reason="store-refused")
        self.events += events


class MemoryVerifyQueue:
    """Messages to verify, in the order in which they were sent. As the service does, it refuses what is too large."""

    def __init__(self) -> None:
        self.messages: list[VerifyMessage] = []

    def send(self, message: VerifyMessage) -> None:
        if len(message.to_json()) > MAX_QUEUED_BYTES:
            raise PermanentError("413 RequestBodyTooLarge", reason="store-refused")
        self.messages.append(message)


class MemoryIngestQueue:
    """Messages to ingest, in the order in which they were sent."""

    def __init__(self) -> None:
        self.messages: list[IngestMessage] = []

    def send(self, message: IngestMessage) -> None:
        self.messages.append(message)

    def send_all(self, messages: Iterable[IngestMessage]) -> int:
        before = len(self.messages)
        self.messages.extend(messages)
        return len(self.messages) - before


class MemoryQueues:
    """The lengths of the in-memory queues; `poisoned` is filled by whoever gives up on a message."""

    def __init__(self, queues: dict[str, MemoryVerifyQueue | MemoryIngestQueue]) -> None:
        self.poisoned: list[RejectedMessage] = []
        self._queues = queues

    def lengths(self) -> dict[str, QueueLengths]:
        poison = Counter(message.queue for message in self.poisoned)
        return {name: QueueLengths(len(queue.messages), poison[name]) for name, queue in self._queues.items()}

    def waiting(self) -> int:
        return sum(len(queue.messages) for queue in self._queues.values())

    def poison(self, limit: int = 20) -> Sequence[RejectedMessage]:
        return self.poisoned[:limit]


def _keys(entity: Entity) -> tuple[str, str]:
    return entity["PartitionKey"], entity["RowKey"]


def _holds(test: Callable[[Any, Any], bool], found: object, value: str) -> bool:
    """As the service compares: moments as such, everything else here as texts."""
    if value.startswith("datetime'"):
        return test(found, datetime.fromisoformat(value.removeprefix("datetime").strip("'")))
    return test(str(found), value.strip("'"))


def _selected(entity: Entity, select: Sequence[str] | None) -> Entity:
    return {name: value for name, value in entity.items() if select is None or name in select}


class MemoryPoisonQueues:
    """The poison queues in lists, the oldest message first; whoever gives up on a message appends it."""

    def __init__(self) -> None:
        self.messages: dict[str, list[PoisonMessage]] = {}

    def peek(self, queue: str) -> Sequence[PoisonMessage]:
        return self.messages.get(queue, [])[:32]

    def take(
        self, queue: str, limit: int, handle: Callable[[PoisonMessage], bool], until: datetime | None = None
    ) -> int:
        taken: list[PoisonMessage] = []
        for page in batched(list(self.messages.get(queue, [])), 32, strict=False):
            for message in page:
                if len(taken) < limit and handle(message):
                    taken.append(message)
            if until is not None and all(message.since > until for message in page):
                break
        self.messages[queue] = [it for it in self.messages.get(queue, []) if it not in taken]
        return len(taken)

    def count(self, queue: str) -> int:
        return len(self.messages.get(queue, []))

    def clear(self, queue: str) -> None:
        self.messages.pop(queue, None)


class MemorySegments:
    """Segments of the fingerprint log in a list. Logs that share one find each other's images."""

    def __init__(self, *, max_blocks: int = 50_000) -> None:
        self.appends = 0
        self.reads: list[tuple[int, int, int]] = []
        self._max_blocks = max_blocks
        self._segments: list[list[bytes] | None] = []
        self._generations = count(1)
        self._generation: list[str] = []
        self._lock = Lock()

    def first(self) -> int:
        return next((number for number, it in enumerate(self._segments, 1) if it is not None), 1)

    def last(self) -> int:
        return len(self._segments)

    def delete(self, number: int) -> None:
        with self._lock:
            self._segments[number - 1] = None

    def append(self, number: int, block: bytes) -> BlockPlace:
        with self._lock:
            if number > len(self._segments):
                self._segments.append([])
                self._generation.append(str(next(self._generations)))
            segment = self._segments[number - 1]
            if segment is None or len(segment) >= self._max_blocks:
                raise SegmentFull
            segment.append(block)
            self.appends += 1
            return BlockPlace(sum(map(len, segment)) - len(block), len(segment))

    def read(self, number: int, offset: int, length: int) -> Chunk:
        with self._lock:
            blocks = self._segments[number - 1] if number <= len(self._segments) else None
            if blocks is None:
                self.reads.append((number, offset, 0))
                return Chunk(b"", is_missing=True)
            at_end = offset >= sum(map(len, blocks))  # where most reads are; putting all together would take memory
            found = b"" if at_end else b"".join(blocks)[offset : offset + length]
            self.reads.append((number, offset, len(found)))
            if not found:
                return Chunk(b"")
            return Chunk(found, self._generation[number - 1], blocks=len(blocks))

    def clear(self) -> None:
        """The log is deleted."""
        self._segments.clear()
        self._generation.clear()


class MemorySnapshots:
    """Snapshots of the index in a dict; `now` is when the next one is written."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 4, tzinfo=UTC)
        self.chunks: dict[str, list[bytes]] = {}
        self.is_taken = False
        self._stored: dict[str, tuple[LogPlace, datetime]] = {}
        self._numbers = count(1)

    def stored(self) -> list[StoredSnapshot]:
        found = [
            StoredSnapshot(name, place, made, sum(map(len, self.chunks[name])))
            for name, (place, made) in self._stored.items()
        ]
        return found[::-1]

    def read(self, name: str, offset: int, length: int) -> bytes:
        return b"".join(self.chunks.get(name, []))[offset : offset + length]

    @contextmanager
    def writing(self) -> Iterator["MemorySnapshots.Draft"]:
        if self.is_taken:
            raise AnotherWrites
        yield self.Draft(self, f"snapshot {next(self._numbers)}")

    def delete(self, name: str) -> None:
        self._stored.pop(name, None)
        self.chunks.pop(name, None)

    class Draft:
        def __init__(self, snapshots: "MemorySnapshots", name: str) -> None:
            self._snapshots = snapshots
            self._name = name
            self._chunks: list[bytes] = []

        def add(self, chunk: bytes) -> None:
            self._chunks.append(chunk)

        def finish(self, place: LogPlace) -> None:
            self._snapshots.chunks[self._name] = self._chunks
            self._snapshots._stored[self._name] = place, self._snapshots.now


class MemoryIndex:
    """The plainest engine: a search looks at all hashes of a dict that the instances share, and at no keypoints.

    The dict holds the highest version of each image, without fingerprints once it was removed.
    """

    damaged_bytes = 0

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def add_and_search(self, image_id: str, version: int, fingerprints: Fingerprints) -> list[Hit]:
        self._put(image_id, version, fingerprints)
        return self.search(image_id, version, fingerprints)

    def search(self, image_id: str, version: int, fingerprints: Fingerprints) -> list[Hit]:
        if self._shared.get(image_id, (0, None))[0] > version:
            raise Superseded(self._shared[image_id][0])
        others = [(other, *known) for other, known in list(self._shared.items()) if other != image_id]
        views = {view: view_hashes(fingerprints.hashes, view) for view in VIEWS}
        hits = [_hit(other, version, held, fingerprints, views) for other, version, held in others if held]
        return sorted((hit for hit in hits if hit), key=lambda hit: (hit.distance_bits, hit.image_id))

    def remove(self, image_id: str, version: int) -> None:
        self._put(image_id, version, None)

    def add_all(self, images: Iterable[tuple[str, int, Fingerprints]]) -> int:
        return sum(self._put(*image) for image in images)

    def remove_all(self, images: Iterable[tuple[str, int]]) -> int:
        return sum(self._put(*image, None) for image in images)

    def declare_whole(self) -> None:
        pass

    def catch_up(self) -> None:
        self.refresh()

    def refresh(self) -> int:
        return sum(held is not None for _, held in self._shared.values())

    def tend(self, now: datetime) -> None:
        pass

    def held(self, prefix: str) -> dict[str, int]:
        found = self._shared.items()
        return {name: version for name, (version, held) in found if held and name.startswith(prefix)}

    def _put(self, image_id: str, version: int, fingerprints: Fingerprints | None) -> int:
        if version >= self._shared.get(image_id, (0, None))[0]:
            self._shared[image_id] = version, fingerprints
        return 1


def _hit(
    image_id: str, version: int, held: Fingerprints, query: Fingerprints, views: Mapping[View, NDArray[np.uint8]]
) -> Hit | None:
    if held.content == query.content:
        return Hit(image_id, 0, View.UPRIGHT, version=version)
    if held.is_flat or query.is_flat:
        return None
    near = {view: int(np.bitwise_count(held.hashes ^ hashes).sum(axis=1).min()) for view, hashes in views.items()}
    view = min(near, key=lambda view: near[view])
    return Hit(image_id, near[view], view, version=version) if near[view] <= MAX_DISTANCE_BITS else None
