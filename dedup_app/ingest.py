"""Ingest: one blob -> its features row, its place in the index, and a verification for every earlier look-alike."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from dedup_app.event_log import EventLog
from dedup_app.image_status import DELETED, INDEXED, PROCESSING, ImageStatus
from dedup_app.pairing import Pairing, is_same_file
from dedup_app.ports import (
    CandidateIndex,
    Decoders,
    FeaturesRow,
    FeaturesTable,
    Images,
    ImageSummary,
    IngestQueue,
)
from dedup_app.rejection import Rejections
from dedup_app.settings import Settings
from dedup_core.errors import ImageNotFound, InvalidMessage, InvalidPath, PermanentError, TemporaryError
from dedup_core.features import ImageFeatures
from dedup_core.fingerprinting.record import SCHEME
from dedup_core.loading.budget import LoadBudgets
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath

log = EventLog(__name__)

UNCHANGED = "unchanged"
NOT_FOUND = "not-found"
BLOB_EVENTS = "blob events"  # where a refused blob came from, in place of a queue's name
MAX_LOOKS = 4  # a blob that changes faster than this many looks is left to a later try
# Rejections that are not about the bytes alone: a limit can be raised, a blob brought back from the archive tier.
PASSING_REASONS = frozenset({"too-many-bytes", "too-many-pixels", "too-much-memory", "store-refused"})


@dataclass(frozen=True, slots=True)
class IngestOutcome:
    """What became of one image: its status, or `unchanged` or `not-found`; and how many pairs went to the queue."""

    status: str
    pairs_sent: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    """What is under a path now: features, or why there are none; no etag where the blob was not read."""

    etag: str
    content: ImageFeatures | PermanentError


class IngestService:
    """Brings what is known of an image up to date. Every call may come twice, out of order, or after a crash."""

    def __init__(
        self,
        *,
        images: Images,
        decoders: Decoders,
        features: FeaturesTable,
        index: CandidateIndex,
        pairing: Pairing,
        ingest_queue: IngestQueue,
        rejections: Rejections,
        budgets: LoadBudgets,
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        self._images = images
        self._decoders = decoders
        self._features = features
        self._index = index
        self._pairing = pairing
        self._ingest_queue = ingest_queue
        self._rejections = rejections
        self._budgets = budgets
        self._settings = settings
        self._now = now

    def handle_blob(self, container: str, name: str) -> None:
        """Ingest the blob that an event names. A name that storage cannot hold is recorded as refused.

        What must wait goes to the ingest queue: the host repeats a failed blob event at once, five times in as many
        seconds, but a failed message after a pause.
        """
        try:
            path = ImagePath(container, name)
        except InvalidPath as error:
            self._rejections.record(BLOB_EVENTS, "", f"{container}/{name}", error)
            return
        try:
            self.ingest(path)
        except TemporaryError as error:
            log.warning("image_deferred", image=path, reason=error.reason, error=str(error))
            self._ingest_queue.send(IngestMessage(path))

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
        unless_etag = row.etag if row is not None and is_final(row.summary) else ""
        for _ in range(MAX_LOOKS):
            found = self._look(path, row, unless_etag)
            if found is None:
                log.info("image_ingested", image=path, status=outcome.status, pairs_sent=outcome.pairs_sent)
                return outcome
            if isinstance(found.content, ImageFeatures):
                row, pairs_sent = self._take_in(path, found.etag, found.content, row)
            elif isinstance(found.content, ImageNotFound) and row is not None:
                row, pairs_sent = self._forget(row), 0
            else:
                row, pairs_sent = self._reject(path, found.etag, row, found.content)
            unless_etag = row.etag
            outcome = IngestOutcome(str(row.status), outcome.pairs_sent + pairs_sent)
        raise TemporaryError(f"Image {path.image_id} keeps changing while it is read", reason="keeps-changing")

    def _look(self, path: ImagePath, row: FeaturesRow | None, unless_etag: str) -> _Found | None:
        """What is there now; None if the row says so already. The bytes of the file are gone when it returns."""
        gone = row is None or row.status == DELETED
        with self._budgets.file() as room:
            try:
                source = self._images.read(path, unless_etag=None if gone else unless_etag or None)
            except ImageNotFound as error:
                return None if gone else _Found("", error)
            except PermanentError as error:
                known = row is not None and row.status == ImageStatus.rejected(error.reason)
                return None if known else _Found("", error)
            if source is None:
                return None
            room.shrink(len(source.data))
            return _Found(source.etag, self._features_of(source.data))

    def _features_of(self, data: bytes) -> ImageFeatures | PermanentError:
        try:
            with self._budgets.picture(data):
                return self._decoders.extract_features(data)
        except PermanentError as error:
            return error

    def _take_in(
        self, path: ImagePath, etag: str, features: ImageFeatures, known: FeaturesRow | None
    ) -> tuple[FeaturesRow, int]:
        row = FeaturesRow(path, etag, PROCESSING, features, "", self._now())
        self._features.put(row)
        if known is not None and known.status == INDEXED and is_same_file(known, row):
            # Indexed and paired already. Whoever may be taking it out of the index right now looks at the blob again.
            pairs_sent = self._pairing.carry_over(row, known.etag)
            self._features.set_status(path.image_id, row.etag, INDEXED, self._now())
            return replace(row, status=INDEXED), pairs_sent
        # Append, then search: of two look-alikes that arrive at once, whoever appends second finds the other.
        hits = self._index.add_and_search(path.image_id, features.fingerprints)
        pairs_sent = self._pairing.pair_up(row, hits, overwritten=known is not None)
        # Last, because this is what makes a repetition stop early.
        self._features.set_status(path.image_id, row.etag, INDEXED, self._now())
        return replace(row, status=INDEXED), pairs_sent

    def _reject(
        self, path: ImagePath, etag: str, known: FeaturesRow | None, error: PermanentError
    ) -> tuple[FeaturesRow, int]:
        log.warning("image_rejected", image=path, reason=error.reason, detail=str(error))
        row = FeaturesRow(path, etag, ImageStatus.rejected(error.reason), None, str(error), self._now())
        if known is None:
            self._features.put(row)
            return row, 0
        # The new etag first, the status last: a verification that still has the old bytes looks at the row after it
        # has stored its verdict, and we look for verdicts after we have written the row.
        self._features.put(replace(row, status=PROCESSING))
        if known.summary.is_alive:
            self._index.remove(path.image_id)
        pairs_sent = self._pairing.verify_anew(row)
        self._features.set_status(path.image_id, row.etag, row.status, self._now())
        return row, pairs_sent

    def _forget(self, known: FeaturesRow) -> FeaturesRow:
        if known.summary.is_alive:
            # Not `indexed` any more before it is out of the index: if this try dies in between and the same bytes come
            # back, they would be taken for indexed.
            self._features.set_status(known.path.image_id, known.etag, PROCESSING, self._now())
            self._index.remove(known.path.image_id)
        self._features.set_status(known.path.image_id, known.etag, DELETED, self._now())
        return replace(known, status=DELETED)


def is_final(row: ImageSummary) -> bool:
    """Whether the same bytes would give the same row again; limits can be raised, schemes get newer."""
    if row.status == INDEXED:
        return row.scheme == SCHEME
    return row.status.is_rejected and row.status.reason not in PASSING_REASONS
