"""A whole app in memory, whose every call to a port can be watched, interrupted or answered with an error."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from PIL import Image

from dedup_app.configuration.settings import Settings
from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import ImageStatus
from dedup_app.ports.index import CandidateIndex
from dedup_app.ports.pairs import PairRow
from dedup_app.records.current_pairs import is_current
from dedup_app.services import Services
from dedup_core.paths import ImagePath
from dedup_decoders import in_process
from dedup_decoders.in_process import InProcessDecoders
from dedup_storage.logs.fingerprint_log import FingerprintLog
from dedup_storage.logs.verdict_log import VerdictLog
from tests.core.pictures import encoded, hue_shifted, scene
from tests.memory import (
    MemoryBlobTags,
    MemoryFeaturesTable,
    MemoryImages,
    MemoryIndex,
    MemoryIngestQueue,
    MemoryPairsTable,
    MemoryPoisonQueues,
    MemoryQueues,
    MemoryReportsTable,
    MemorySegments,
    MemorySender,
    MemoryStatsTable,
    MemoryVerifyQueue,
    Shared,
)
from tests.memory_blobs import MemoryMovableBlobs

NOON = datetime(2026, 5, 31, 12, 0, tzinfo=UTC)


class Crash(BaseException):
    """The process dies here; nothing catches it."""


class Watched:
    """Stands before a port and announces each call to it."""

    def __init__(
        self, port: object, name: str, announce: Callable[[str], None], answered: Callable[[str], None]
    ) -> None:
        self._port, self._name, self._announce, self._answered = port, name, announce, answered

    def __getattr__(self, method: str) -> Any:
        target = getattr(self._port, method)
        if not callable(target):
            return target

        def call(*args: object, **kwargs: object) -> object:
            step = f"{self._name}.{method}"
            self._announce(step)
            try:
                return target(*args, **kwargs)
            finally:
                self._answered(step)

        return call


class World:
    """In-memory ports and services over them. `calls` lists the steps; `before` and `after` see each of them.

    With `told` events are sent there.
    With `plain_index` candidates come from the plainest engine, at a tenth of the cost of the log's.
    """

    def __init__(self, *, plain_index: bool = False, told: MemorySender | None = None, **settings: Any) -> None:
        self.told = told
        self.time = NOON
        self.tick = timedelta(0)
        self.calls: list[str] = []
        self.before: Callable[[int, str], None] = lambda _number, _step: None
        self.after: Callable[[int, str], None] = lambda _number, _step: None
        self.settings = Settings(**settings)
        self.images = MemoryImages(max_bytes=self.settings.max_image_bytes)
        self.blobs = MemoryMovableBlobs(self.images)
        self.tags = MemoryBlobTags(self.images)
        self.features = MemoryFeaturesTable()
        self.pairs = MemoryPairsTable()
        self.stats = MemoryStatsTable()
        self.reports = MemoryReportsTable()
        self.verify_queue = MemoryVerifyQueue()
        self.ingest_queue = MemoryIngestQueue()
        self.poison_queues = MemoryPoisonQueues()
        self.segments = MemorySegments()
        self.verdict_segments = MemorySegments()
        self.held: Shared | None = {} if plain_index else None
        self.services = self.start_process("first")

    def start_process(self, instance: str) -> Services:
        """Another process on the same storage."""

        def watched(port: object, name: str) -> Any:
            return Watched(port, name, self._announce, self._answered)

        return Services(
            settings=self.settings,
            images=watched(self.images, "images"),
            movable_blobs=watched(self.blobs, "blobs"),
            decoders=InProcessDecoders(self.settings.limits),
            features=watched(self.features, "features"),
            pairs=watched(self.pairs, "pairs"),
            stats=watched(self.stats, "stats"),
            reports=watched(self.reports, "reports"),
            verify_queue=watched(self.verify_queue, "verify_queue"),
            ingest_queue=watched(self.ingest_queue, "ingest_queue"),
            poison_queues=self.poison_queues,
            queues=MemoryQueues({"verify-pairs": self.verify_queue, "ingest-images": self.ingest_queue}),
            open_index=lambda: watched(self._index(), "index"),
            verdict_log=watched(VerdictLog(self.verdict_segments), "verdict_log"),
            event_senders=() if self.told is None else (watched(self.told, "told"),),
            blob_tags=watched(self.tags, "tags") if self.settings.tag_images else None,
            instance=instance,
            now=self._now,
        )

    def upload(self, name: str, data: bytes) -> ImagePath:
        path = ImagePath("images", name)
        self.images.put(path, data)
        return path

    def upload_and_ingest(self, name: str, data: bytes) -> ImagePath:
        path = self.upload(name, data)
        self.services.ingest.ingest(path)
        return path

    def ingest_all(self) -> None:
        """Work through the queue of images, as the host would."""
        while self.ingest_queue.messages:
            self.services.ingest.handle_message(self.ingest_queue.messages.pop(0).to_json(), "a message")

    def verify_all(self) -> None:
        """Work through the queue of pairs, as the host would."""
        while self.verify_queue.messages:
            self.services.verify.handle_message(self.verify_queue.messages.pop(0).to_json(), "a message")

    def interrupt(self, at_step: int, interruption: Callable[[], object], handler: Callable[[], object]) -> bool:
        """Run the handler, and the interruption before one of its steps; False if the handler ended before that."""
        happened = False

        def before(number: int, _step: str) -> None:
            nonlocal happened
            if number == at_step and not happened:
                happened = True
                interruption()

        self.calls.clear()
        self.before = before
        handler()
        self.before = lambda _number, _step: None
        return happened

    def row(self, path: ImagePath) -> FeaturesRow:
        row = self.features.get(path.image_id)
        assert row is not None
        return row

    def move(self, path: ImagePath, data: bytes) -> None:
        """Somebody uploads other bytes, and whoever hears of it first has touched the row."""
        self.images.put(path, data)
        self.features.set_status(self.row(path))

    def set_status(self, path: ImagePath, status: ImageStatus) -> None:
        self.features.set_status(replace(self.row(path), status=status))

    def pair(self, left: ImagePath, right: ImagePath) -> PairRow:
        pair = self.pairs.get(left, right)
        assert pair is not None
        return pair

    def current_pairs(self) -> list[PairRow]:
        """What readers take for true."""
        pairs = list(self.pairs.all())
        rows = self.features.summaries({it.image_id for pair in pairs for it in (pair.left, pair.right)})
        return [pair for pair in pairs if is_current(pair, rows)]

    def found_by(self, data: bytes) -> set[str]:
        """Ids of the images that the index finds for this picture."""
        hits = self._index().search("f" * 32, 0, in_process.extract_features(data).fingerprints)
        return {hit.image_id for hit in hits}

    def _index(self) -> CandidateIndex:
        return FingerprintLog(self.segments) if self.held is None else MemoryIndex(self.held)

    def _now(self) -> datetime:
        self.time += self.tick
        return self.time

    def _announce(self, step: str) -> None:
        self.calls.append(step)
        self.before(len(self.calls), step)

    def _answered(self, step: str) -> None:
        self.after(len(self.calls), step)


@cache
def photo(seed: int) -> bytes:
    return encoded(small_scene(seed))


@cache
def copy_of(seed: int) -> bytes:
    """The same picture as another file."""
    return encoded(small_scene(seed), "JPEG", quality=80)


@cache
def recolored(seed: int) -> bytes:
    return encoded(hue_shifted(small_scene(seed), 30))


def small_scene(seed: int) -> Image.Image:
    return scene(seed, (240, 180))
