"""In-memory twins of the ports; the index of an app is `FingerprintLog(MemorySegments())`, or the plainest engine."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from dedup_app.image_status import ImageStatus
from dedup_app.ports import FeaturesRow, ImageSummary, PairRow, QueueLengths, RejectedMessage, StatsReport
from dedup_core.errors import DedupError, ImageNotFound, ImageTooLarge, TemporaryError
from dedup_core.fingerprinting.hash_views import view_hashes
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.loading.loader import SourceImage
from dedup_core.loading.stats import LoaderStats
from dedup_core.messages import IngestMessage, VerifyMessage
from dedup_core.paths import ImagePath
from dedup_core.search.fingerprint_index import MAX_DISTANCE_BITS
from dedup_core.search.hit import Hit
from dedup_core.views import VIEWS, View
from dedup_storage.fingerprint_log import SegmentFull
from dedup_storage.pair_directions import key_order, reversed_pair, settled


class MemoryImages:
    """Blobs in a dict. `reads` lists every download; `failures` holds the error that the next reads of a path raise."""

    def __init__(self, *, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.reads: list[ImagePath] = []
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

    def names(self, container: str) -> Iterator[tuple[str, str]]:
        blobs = sorted(self._blobs.items(), key=lambda item: item[0])
        return iter([(path.name, blob.etag) for path, blob in blobs if path.container == container])


class MemoryFeaturesTable:
    """The `features` table in a dict."""

    def __init__(self) -> None:
        self._rows: dict[str, FeaturesRow] = {}
        self._lock = Lock()

    def get(self, image_id: str) -> FeaturesRow | None:
        return self._rows.get(image_id)

    def put(self, row: FeaturesRow) -> None:
        with self._lock:
            self._rows[row.path.image_id] = row

    def set_status(self, image_id: str, etag: str, status: ImageStatus, updated_at: datetime) -> None:
        with self._lock:
            row = self._rows.get(image_id)
            if row is not None and row.etag == etag:
                self._rows[image_id] = replace(row, status=status, updated_at=updated_at)

    def all(self) -> Iterator[FeaturesRow]:
        return iter([self._rows[image_id] for image_id in sorted(self._rows)])

    def changed_since(self, moment: datetime) -> Iterator[FeaturesRow]:
        return (row for row in self.all() if row.updated_at >= moment)

    def summaries(self, image_ids: Collection[str]) -> dict[str, ImageSummary]:
        return {image_id: self._rows[image_id].summary for image_id in image_ids if image_id in self._rows}

    def all_summaries(self) -> Iterator[ImageSummary]:
        return (row.summary for row in self.all())

    def count_by_status(self) -> dict[ImageStatus, int]:
        return dict(Counter(row.status for row in self._rows.values()))


class MemoryPairsTable:
    """The `pairs` table in a dict, each pair once, under the smaller image id first."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], PairRow] = {}
        self._lock = Lock()

    def open(self, pair: PairRow) -> bool:
        pending = replace(key_order(pair), verdict=None, verified_at=None, decision=None)
        with self._lock:
            known = self._rows.setdefault(_key(pending), pending)
        return known.verdict is None or (known.left_etag, known.right_etag) != (pending.left_etag, pending.right_etag)

    def put_verdict(self, pair: PairRow) -> None:
        row = settled(key_order(pair))
        with self._lock:
            known = self._rows.get(_key(row))
            self._rows[_key(row)] = replace(row, decision=known.decision if known else None)

    def restamp(self, path: ImagePath, old_etag: str, new_etag: str) -> None:
        with self._lock:
            for key, row in self._rows.items():
                if row.verdict is not None and row.left == path and row.left_etag == old_etag:
                    self._rows[key] = replace(row, left_etag=new_etag)
                elif row.verdict is not None and row.right == path and row.right_etag == old_etag:
                    self._rows[key] = replace(row, right_etag=new_etag)

    def decide(self, left: ImagePath, right: ImagePath, decision: str) -> bool:
        with self._lock:
            row = self._rows.get(_ids(left, right))
            if row is None or row.verdict is None:
                return False
            self._rows[_key(row)] = replace(row, decision=decision)
            return True

    def get(self, left: ImagePath, right: ImagePath) -> PairRow | None:
        row = self._rows.get(_ids(left, right))
        return None if row is None else _seen_from(left, row)

    def of_image(self, path: ImagePath) -> Iterator[PairRow]:
        rows = [row for row in self._rows.values() if path in {row.left, row.right} and row.verdict is not None]
        return iter([_seen_from(path, row) for row in rows])

    def all(self) -> Iterator[PairRow]:
        return iter([self._rows[key] for key in sorted(self._rows)])


class MemoryStatsTable:
    """The `loaderstats` table in a dict."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], LoaderStats] = {}

    def put(self, day: str, instance: str, totals: LoaderStats) -> None:
        self._rows[day, instance] = totals

    def of_day(self, day: str) -> dict[str, LoaderStats]:
        return {instance: totals for (row_day, instance), totals in self._rows.items() if row_day == day}


class MemoryReportsTable:
    """The `reports` table in two lists."""

    def __init__(self) -> None:
        self._stats: list[StatsReport] = []
        self._rejected: list[RejectedMessage] = []

    def put_stats_report(self, report: StatsReport) -> None:
        self._stats.append(report)

    def latest_stats_report(self) -> StatsReport | None:
        return max(self._stats, key=lambda report: report.reported_at, default=None)

    def put_rejected_message(self, message: RejectedMessage) -> None:
        self._rejected.append(message)

    def rejected_messages(self, limit: int = 20) -> Sequence[RejectedMessage]:
        return sorted(self._rejected, key=lambda message: message.rejected_at, reverse=True)[:limit]


class MemoryVerifyQueue:
    """Messages to verify, in the order in which they were sent."""

    def __init__(self) -> None:
        self.messages: list[VerifyMessage] = []

    def send(self, message: VerifyMessage) -> None:
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

    def poison(self, limit: int = 20) -> Sequence[RejectedMessage]:
        return self.poisoned[:limit]


def _key(pair: PairRow) -> tuple[str, str]:
    return _ids(pair.left, pair.right)


def _ids(left: ImagePath, right: ImagePath) -> tuple[str, str]:
    first, second = sorted((left.image_id, right.image_id))
    return first, second


def _seen_from(path: ImagePath, row: PairRow) -> PairRow:
    return row if row.left == path else reversed_pair(row)


class MemorySegments:
    """Segments of the fingerprint log in a list. Logs that share one find each other's images."""

    def __init__(self, *, max_blocks: int = 50_000) -> None:
        self.appends = 0
        self.reads: list[tuple[int, int, int]] = []
        self._max_blocks = max_blocks
        self._segments: list[list[bytes]] = []
        self._lock = Lock()

    def last(self) -> int:
        return len(self._segments)

    def append(self, number: int, block: bytes) -> None:
        with self._lock:
            if number > len(self._segments):
                self._segments.append([])
            segment = self._segments[number - 1]
            if len(segment) >= self._max_blocks:
                raise SegmentFull
            segment.append(block)
            self.appends += 1

    def read(self, number: int, offset: int, length: int) -> bytes:
        with self._lock:
            data = b"".join(self._segments[number - 1]) if number <= len(self._segments) else b""
            found = data[offset : offset + length]
            self.reads.append((number, offset, len(found)))
            return found


class MemoryIndex:
    """The plainest engine: a search looks at all hashes of a dict that the instances share, and at no keypoints."""

    def __init__(self, shared: dict[str, Fingerprints]) -> None:
        self._shared = shared

    def add_and_search(self, image_id: str, fingerprints: Fingerprints) -> list[Hit]:
        self._shared[image_id] = fingerprints
        others = [(other, held) for other, held in list(self._shared.items()) if other != image_id]
        views = {view: view_hashes(fingerprints.hashes, view) for view in VIEWS}
        hits = [_hit(other, held, fingerprints, views) for other, held in others]
        return sorted((hit for hit in hits if hit), key=lambda hit: (hit.distance_bits, hit.image_id))

    def remove(self, image_id: str) -> None:
        self._shared.pop(image_id, None)

    def add_all(self, images: Iterable[tuple[str, Fingerprints]]) -> int:
        added = dict(images)
        self._shared.update(added)
        return len(added)

    def refresh(self) -> int:
        return len(self._shared)


def _hit(image_id: str, held: Fingerprints, query: Fingerprints, views: Mapping[View, NDArray[np.uint8]]) -> Hit | None:
    if held.content == query.content:
        return Hit(image_id, 0, View.UPRIGHT)
    if held.is_flat or query.is_flat:
        return None
    near = {view: int(np.bitwise_count(held.hashes ^ hashes).sum(axis=1).min()) for view, hashes in views.items()}
    view = min(near, key=lambda view: near[view])
    return Hit(image_id, near[view], view) if near[view] <= MAX_DISTANCE_BITS else None
