"""Ingest: one blob -> its features row, its place in the index, and a verification for every earlier look-alike."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from dedup_app.ports import (
    DELETED,
    INDEXED,
    PROCESSING,
    REJECTED_PREFIX,
    CandidateIndex,
    FeaturesRow,
    FeaturesTable,
    Images,
    PairRow,
    PairsTable,
    VerifyQueue,
)
from dedup_app.rejection import Rejections
from dedup_app.settings import Settings
from dedup_core.errors import (
    ImageNotFound,
    ImageTooLarge,
    InvalidMessage,
    InvalidPath,
    PermanentError,
    TemporaryError,
)
from dedup_core.features import extract_features
from dedup_core.fingerprint import SCHEME, View
from dedup_core.index import Hit
from dedup_core.loader import SourceImage
from dedup_core.messages import IngestMessage, VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath

logger = logging.getLogger(__name__)

UNCHANGED = "unchanged"
NOT_FOUND = "not-found"
BLOB_EVENTS = "blob events"  # where a refused blob came from, in place of a queue's name
MAX_LOOKS = 4  # a blob that changes faster than this many looks is left to a later try
LIMIT_REASONS = frozenset({"too-many-bytes", "too-many-pixels"})


@dataclass(frozen=True, slots=True)
class IngestOutcome:
    """What became of one image: its status, or `unchanged` or `not-found`; and how many pairs went to the queue."""

    status: str
    pairs_sent: int = 0


class IngestService:
    """Brings what is known of an image up to date. Every call may come twice, out of order, or after a crash."""

    def __init__(
        self,
        *,
        images: Images,
        features: FeaturesTable,
        index: CandidateIndex,
        pairs: PairsTable,
        verify_queue: VerifyQueue,
        rejections: Rejections,
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        self._images = images
        self._features = features
        self._index = index
        self._pairs = pairs
        self._verify_queue = verify_queue
        self._rejections = rejections
        self._settings = settings
        self._limits = settings.limits
        self._now = now

    def handle_blob(self, container: str, name: str) -> None:
        """Ingest the blob that an event names. A name that storage cannot hold is recorded as refused."""
        try:
            path = ImagePath(container, name)
        except InvalidPath as error:
            self._rejections.record(BLOB_EVENTS, "", f"{container}/{name}", error)
        else:
            self.ingest(path)

    def handle_message(self, body: str | bytes, message_id: str) -> None:
        """Ingest the blob that a queue message names. A message that names none is recorded as refused."""
        try:
            message = IngestMessage.parse(body, containers=self._settings.containers)
        except InvalidMessage as error:
            self._rejections.record(self._settings.ingest_queue, message_id, body, error)
            return
        if self.ingest(message.path).status == NOT_FOUND:
            missing = ImageNotFound(f"There is no blob {message.path}")
            self._rejections.record(self._settings.ingest_queue, message_id, body, missing)

    def ingest(self, path: ImagePath) -> IngestOutcome:
        """Follow the blob until the features row says what is there. Raises `TemporaryError` if that must wait.

        Whoever wrote something looks at the blob once more: a handler of a newer version may have finished in between,
        and then the older one must not have the last word in the row or in the index.
        """
        row = self._features.get(path.image_id)
        outcome = IngestOutcome(UNCHANGED if row else NOT_FOUND)
        unless_etag = row.etag if row is not None and _is_final(row) else ""
        for _ in range(MAX_LOOKS):
            found = self._look(path, row, unless_etag)
            if found is None:
                logger.info("Ingested %s: %s, %d pairs to verify", path, outcome.status, outcome.pairs_sent)
                return outcome
            if isinstance(found, SourceImage):
                row, pairs_sent = self._take_in(path, found, row)
            elif isinstance(found, ImageNotFound) and row is not None:
                row, pairs_sent = self._forget(row), 0
            else:
                row, pairs_sent = self._reject(path, "", row, found)
            unless_etag = row.etag
            outcome = IngestOutcome(row.status, outcome.pairs_sent + pairs_sent)
        raise TemporaryError(f"{path} keeps changing while it is read", reason="keeps-changing")

    def _look(self, path: ImagePath, row: FeaturesRow | None, unless_etag: str) -> SourceImage | PermanentError | None:
        """What is there now: an image, or why there is none; None if the row says so already."""
        gone = row is None or row.status == DELETED
        try:
            return self._images.read(path, unless_etag=None if gone else unless_etag or None)
        except ImageNotFound as error:
            return None if gone else error
        except ImageTooLarge as error:
            return None if row is not None and row.status == _rejected(error) else error

    def _take_in(self, path: ImagePath, source: SourceImage, known: FeaturesRow | None) -> tuple[FeaturesRow, int]:
        try:
            features = extract_features(source.data, self._limits)
        except PermanentError as error:
            return self._reject(path, source.etag, known, error)
        row = FeaturesRow(path, source.etag, PROCESSING, features, "", self._now())
        self._features.put(row)
        # Append, then search: of two look-alikes that arrive at once, whoever appends second finds the other.
        hits = self._index.add_and_search(path.image_id, features.fingerprints)
        pairs_sent = self._send_to_verify(row, [*self._candidates(hits), *self._outdated_pairs(row, known)])
        # Last, because this is what makes a repetition stop early.
        self._features.set_status(path.image_id, row.etag, INDEXED, self._now())
        return replace(row, status=INDEXED), pairs_sent

    def _reject(
        self, path: ImagePath, etag: str, known: FeaturesRow | None, error: PermanentError
    ) -> tuple[FeaturesRow, int]:
        logger.warning("Rejected %s (%s): %s", path, error.reason, error)
        row = FeaturesRow(path, etag, _rejected(error), None, str(error), self._now())
        self._remove_from_index(known)
        pairs_sent = self._send_to_verify(row, self._outdated_pairs(row, known))
        self._features.put(row)
        return row, pairs_sent

    def _forget(self, known: FeaturesRow) -> FeaturesRow:
        self._remove_from_index(known)
        self._features.set_status(known.path.image_id, known.etag, DELETED, self._now())
        return replace(known, status=DELETED)

    def _remove_from_index(self, known: FeaturesRow | None) -> None:
        if known is not None and known.status in (PROCESSING, INDEXED):
            self._index.remove(known.path.image_id)

    def _candidates(self, hits: Iterable[Hit]) -> Iterator[VerifyTarget]:
        """The nearest hits that the features table confirms; the index may hold images that are gone or refused."""
        confirmed = 0
        for hit in hits:
            row = self._features.get(hit.image_id)
            if row is not None and row.status in (PROCESSING, INDEXED):
                yield VerifyTarget(row.path, row.etag, hit.view, hit.distance_bits)
                confirmed += 1
                if confirmed == self._settings.max_candidates:
                    return

    def _outdated_pairs(self, row: FeaturesRow, known: FeaturesRow | None) -> Iterator[VerifyTarget]:
        """Images that were compared with other bytes under this path: what was said of them may not hold any more."""
        if known is not None:
            for pair in self._pairs.of_image(row.path):
                if pair.left_etag != row.etag:
                    yield VerifyTarget(pair.right, pair.right_etag)

    def _send_to_verify(self, row: FeaturesRow, targets: Iterable[VerifyTarget]) -> int:
        """Open the pairs that want a verification and put them on the queue, each image once."""
        by_path: dict[ImagePath, VerifyTarget] = {}
        for target in targets:
            by_path.setdefault(target.path, target)
        opened = tuple(target for target in by_path.values() if self._pairs.open(_pending(row, target)))
        for message in VerifyMessage(row.path, opened, row.etag, "candidate").split():
            self._verify_queue.send(message)
        return len(opened)


def _is_final(row: FeaturesRow) -> bool:
    """Whether the same bytes would give the same row again; limits can be raised, schemes get newer."""
    if row.status == INDEXED:
        return row.features is not None and row.features.scheme == SCHEME
    return row.status.startswith(REJECTED_PREFIX) and row.status.removeprefix(REJECTED_PREFIX) not in LIMIT_REASONS


def _rejected(error: PermanentError) -> str:
    return REJECTED_PREFIX + error.reason


def _pending(row: FeaturesRow, target: VerifyTarget) -> PairRow:
    return PairRow(
        left=row.path,
        right=target.path,
        left_etag=row.etag,
        right_etag=target.etag,
        verdict=None,
        distance_bits=target.distance_bits,
        view=str(target.view or View.UPRIGHT),
        verified_at=None,
    )
