"""Ingest: one blob -> its features row, its place in the index, and a verification for every earlier look-alike."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from dedup_app.configuration.ownership import OwnershipService
from dedup_app.configuration.settings import Settings
from dedup_app.event_log import EventLog
from dedup_app.pipeline.blob_reader import BlobReader, Reading
from dedup_app.pipeline.known_content import final_etag, has_content
from dedup_app.pipeline.loader_totals import LoaderTotals
from dedup_app.pipeline.pairing import Pairing
from dedup_app.pipeline.rejection import Rejections
from dedup_app.ports.features import FeaturesRow, FeaturesTable
from dedup_app.ports.image_status import ABSENT, DELETED, INDEXED, PROCESSING, REMOVING, ImageStatus
from dedup_app.ports.index import CandidateIndex
from dedup_app.ports.queues import IngestQueue
from dedup_app.ports.superseded import Superseded
from dedup_app.records.notices import Notices
from dedup_core.errors import ImageNotFound, InvalidMessage, InvalidPath, PermanentError, TemporaryError
from dedup_core.features import ImageFeatures
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath

log = EventLog(__name__)

UNCHANGED = "unchanged"
NOT_FOUND = "not-found"
BLOB_EVENTS = "blob events"  # where a refused blob came from, in place of a queue's name
MAX_LOOKS = 4  # a blob that changes faster than this many looks is left to a later try


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
        reader: BlobReader,
        features: FeaturesTable,
        index: CandidateIndex,
        pairing: Pairing,
        ingest_queue: IngestQueue,
        ownership: OwnershipService,
        totals: LoaderTotals,
        rejections: Rejections,
        notices: Notices,
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        self._reader = reader
        self._features = features
        self._index = index
        self._pairing = pairing
        self._ingest_queue = ingest_queue
        self._ownership = ownership
        self._totals = totals
        self._rejections = rejections
        self._notices = notices
        self._settings = settings
        self._now = now

    def handle_blob(self, container: str, name: str) -> None:
        """Ingest the blob that an event names. A name that storage cannot hold is recorded as refused.

        What must wait goes to the ingest queue: the host repeats a failed blob event at once, five times in as many
        seconds, but a failed message after a pause. So whose the namespace is is asked here. Raises `NamespaceTaken`.
        """
        try:
            path = ImagePath(container, name)
        except InvalidPath as error:
            self._ownership.require()
            self._rejections.record(BLOB_EVENTS, "", f"{container}/{name}", error)
            return
        try:
            self._ownership.require()
            with self._totals.message():
                self.ingest(path, is_new=True, at_once=True)
        except TemporaryError as error:
            log.warning("image_deferred", image=path, reason=error.reason, error=str(error))
            self._ingest_queue.send(IngestMessage(path))

    def handle_message(self, body: str | bytes, message_id: str) -> None:
        """Ingest the blob that a queue message names. A message that names none is recorded as refused."""
        try:
            message = IngestMessage.parse(body, containers=self._settings.containers, account=self._settings.account)
        except InvalidMessage as error:
            self._rejections.record(self._settings.ingest_queue, message_id, body, error)
            return
        try:
            with self._totals.message():
                outcome = self.ingest(message.path, again=message.again, force=message.force, at_once=True)
        except TemporaryError as error:
            self._rejections.note(body, error, message.path)
            raise
        if outcome.status == NOT_FOUND:
            missing = ImageNotFound(f"There is no blob {message.path}")
            self._rejections.record(self._settings.ingest_queue, message_id, body, missing)

    def ingest(
        self,
        path: ImagePath,
        *,
        again: bool = False,
        force: bool = False,
        is_new: bool = False,
        is_gone: bool = False,
        at_once: bool = False,
    ) -> IngestOutcome:
        """Follow the blob until the features row says what is there. Raises `TemporaryError` if that must wait.

        An image that is not known gets its row before its blob is read, so that a deletion finds it. Whoever finds that
        somebody else has moved the row goes on from theirs. `again`: what was refused is read once more, whatever
        refused it. `force`: a known image is read, appended and looked up once more. `is_new`: thought to be unknown,
        which spares a look. `is_gone`: thought to be deleted, gets no row if it had none. `at_once`: a few look-alikes
        of an image that nobody has tried to take in before are compared here, not by a message.
        """
        self._reader.prepare()
        row, is_claim = self._known_or_claimed(path, is_new=is_new, is_gone=is_gone)
        sent, floor, at_once = 0, 0, at_once and is_claim
        unless_etag = None if force else final_etag(row, again=again)
        if force and row is not None and row.status == INDEXED:
            # Not stored: what is done again is done at the same version, and what is found replaces what was kept.
            row = replace(row, status=PROCESSING, features=None)
        status = NOT_FOUND if _status_of(row) == NOT_FOUND else UNCHANGED
        is_done = False  # whatever follows from the row as it is, by this very call
        for _ in range(MAX_LOOKS):
            reading = self._reader.read(path, row, unless_etag, with_picture=at_once)
            if reading is None:
                return _outcome(path, status, sent if is_done else sent + self._repeat(row))
            try:
                before, (row, pairs_sent) = row, self._bring_up_to_date(path, reading, row, floor)
            except Superseded as newer:
                row, floor = self._features.get(path.image_id), max(floor, newer.version)
                status, unless_etag, is_done, at_once = _status_of(row), final_etag(row), False, False
            else:
                sent += pairs_sent
                is_done = True
                status, unless_etag = _status_of(row), row.etag or None
                if before is not None and before.summary.is_alive:
                    return _outcome(path, status, sent)
        raise TemporaryError(f"Image {path.image_id} keeps changing while it is read", reason="keeps-changing")

    def _repeat(self, row: FeaturesRow | None) -> int:
        """What whoever wrote this row may have died before, or did not hear of; how many pairs were sent."""
        if row is not None and row.status == INDEXED:
            return self._pairing.verify_anew(row)
        if row is not None and row.status.is_rejected:
            self._notices.rejected(row)
        return 0

    def _known_or_claimed(self, path: ImagePath, *, is_new: bool, is_gone: bool) -> tuple[FeaturesRow | None, bool]:
        """The row of the image, or None if it is gone as expected or the row is; and whether it was made just now."""
        row = None if is_new else self._features.get(path.image_id)
        # Whoever claims it from now on finds no blob either, or one that has an event of its own.
        if row is not None or (is_gone and self._reader.is_absent(path)):
            return row, False
        claim = FeaturesRow(
            path,
            etag="",
            status=PROCESSING,
            features=None,
            detail="",
            updated_at=self._now(),
            version=self._next_version(None),
        )
        try:
            return self._features.put(claim), True
        except Superseded:
            return self._features.get(path.image_id), False

    def _bring_up_to_date(
        self, path: ImagePath, reading: Reading, row: FeaturesRow | None, floor: int
    ) -> tuple[FeaturesRow, int]:
        """The row as it is now, and how many pairs were sent.

        Raises `Superseded` if anybody has changed it since it was read. If an image was alive then, whoever handles a
        later upload or deletion changes it, so that nobody needs to look at the blob once more; of one that was refused
        or deleted already they may find nothing to change.
        """
        if isinstance(reading.found, ImageFeatures):
            return self._take_in(path, reading, reading.found, row, floor)
        if isinstance(reading.found, ImageNotFound) and row is not None:
            return self._forget(row), 0
        return self._reject(path, reading, row, reading.found)

    def _take_in(
        self,
        path: ImagePath,
        reading: Reading,
        features: ImageFeatures,
        known: FeaturesRow | None,
        floor: int,
    ) -> tuple[FeaturesRow, int]:
        row = self._begin(path, reading, features, known, floor)
        if row.status == INDEXED:
            return row, self._pairing.verify_anew(row)  # who read while the blob was away found nothing to compare
        # Append, then search: of two look-alikes that arrive at once, whoever appends second finds the other.
        hits = self._index.add_and_search(path.image_id, row.version, features.fingerprints)
        pairs_sent = self._pairing.pair_up(row, hits, known, picture=reading.picture)
        # Last, because this is what makes a repetition stop early.
        return self._set_status(row, INDEXED), pairs_sent

    def _begin(
        self, path: ImagePath, reading: Reading, features: ImageFeatures, known: FeaturesRow | None, floor: int
    ) -> FeaturesRow:
        """The row to go on with: of a new version, unless what is known has this content already."""
        now = self._now()
        row = FeaturesRow(
            path,
            etag=reading.etag,
            status=PROCESSING,
            features=features,
            detail="",
            updated_at=now,
            tag=known.tag if known else "",
            added_at=reading.modified_at or now,
        )
        if known is not None and known.is_claimed:
            return self._features.put_first(replace(row, version=max(known.version, floor + 1)))
        if known is None or known.version < floor or not has_content(known, row):
            return self._features.put(replace(row, version=self._next_version(known, floor)))
        row = replace(row, version=known.version, added_at=known.added_at or row.added_at)
        if known.features is None or known.features.scheme != features.scheme:
            return self._features.put(row)  # the index has nothing of it, or what tells less
        if known.status == INDEXED:
            return self._features.put(replace(row, status=INDEXED))  # uploaded anew: its place and its pairs hold
        if known.etag == reading.etag:
            # Somebody is, or was, at it: two that go on do no harm, two that fight would. What was just found has all
            # keypoints to search with, of which rows keep a part.
            return self._features.resume(replace(known, features=features))
        return self._features.put(row)

    def _reject(
        self, path: ImagePath, reading: Reading, known: FeaturesRow | None, error: PermanentError
    ) -> tuple[FeaturesRow, int]:
        log.warning("image_rejected", image=path, reason=error.reason, decoder=reading.decoder, detail=str(error))
        status = ImageStatus.rejected(error.reason)
        row = FeaturesRow(
            path,
            etag=reading.etag,
            status=status,
            features=None,
            detail=str(error),
            updated_at=self._now(),
            version=self._next_version(known),
            decoder=reading.decoder,
        )
        if known is None:
            return self._told(self._features.put(row)), 0
        if known.is_claimed:
            return self._told(self._features.put_first(replace(row, version=known.version, tag=known.tag))), 0
        removing = replace(row, status=REMOVING, tag=known.tag)
        is_same_try = (known.status, known.etag, known.detail) == (REMOVING, reading.etag, removing.detail)
        row = known if is_same_try else self._features.put(removing)
        if known.summary.is_alive or known.status == REMOVING:
            self._index.remove(path.image_id, row.version)
        pairs_sent = self._pairing.verify_anew(row)
        return self._told(self._set_status(row, status)), pairs_sent

    def _told(self, row: FeaturesRow) -> FeaturesRow:
        self._notices.rejected(row)
        return row

    def _forget(self, known: FeaturesRow) -> FeaturesRow:
        if known.is_claimed:
            # Not taken away: a claim whose caller has given up may still be on its way, and must find this row.
            return self._set_status(known, ABSENT)
        if known.summary.is_alive:
            # Said before it is out of the index: if this try dies in between and the same bytes come back, they would
            # be taken for indexed. With a version of its own, so that no addition on its way comes after it.
            known = self._set_status(replace(known, version=self._next_version(known)), REMOVING)
        if known.status == REMOVING:
            self._index.remove(known.path.image_id, known.version)
        return self._set_status(known, DELETED)

    def _set_status(self, row: FeaturesRow, status: ImageStatus) -> FeaturesRow:
        return self._features.set_status(replace(row, status=status, updated_at=self._now()))

    def _next_version(self, known: FeaturesRow | None, floor: int = 0) -> int:
        """Above all that is known, and above what a row that was lost may have had: the seconds since 1970."""
        return max(known.version + 1 if known else 0, int(self._now().timestamp()), floor + 1)


def _status_of(row: FeaturesRow | None) -> str:
    return NOT_FOUND if row is None or row.status == ABSENT else str(row.status)


def _outcome(path: ImagePath, status: str, pairs_sent: int) -> IngestOutcome:
    log.info("image_ingested", image=path, status=status, pairs_sent=pairs_sent)
    return IngestOutcome(status, pairs_sent)
