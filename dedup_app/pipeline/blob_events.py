"""Blob events: what was created is taken in, what was deleted is retracted, whichever way the event came."""

from dedup_app.configuration.settings import Settings
from dedup_app.event_log import EventLog
from dedup_app.pipeline.ingest import BLOB_EVENTS, IngestService
from dedup_app.pipeline.loader_totals import LoaderTotals
from dedup_app.pipeline.rejection import Rejections
from dedup_core.errors import InvalidMessage, InvalidPath, TemporaryError
from dedup_core.events import BLOB_CREATED, BLOB_DELETED, BlobEvent, parse_events
from dedup_core.paths import ImagePath

log = EventLog(__name__)


class BlobEventService:
    """Events may come twice, late or out of order: the blob decides, an event only says where to look."""

    def __init__(
        self, *, ingest: IngestService, totals: LoaderTotals, rejections: Rejections, settings: Settings
    ) -> None:
        self._ingest = ingest
        self._totals = totals
        self._rejections = rejections
        self._queue = settings.events_queue
        self._containers = settings.containers
        self._account = settings.account

    def handle_event(self, event_type: str | None, data: object, subject: str | None = None) -> None:
        """Act on an event that Event Grid delivered by itself. Raises `TemporaryError`: Event Grid sends it again."""
        self.handle(BlobEvent.of(event_type, data, subject))

    def handle_message(self, body: str | bytes, message_id: str) -> None:
        """Act on every event of a queue message. What is no event is recorded as refused.

        Raises `TemporaryError` when one event has to wait, after the others: the whole message comes again.
        """
        try:
            events = parse_events(body)
        except InvalidMessage as error:
            self._rejections.record(self._queue, message_id, body, error)
            return
        waiting: TemporaryError | None = None
        with self._totals.message():
            for event in events:
                try:
                    self.handle(BlobEvent.read(event))
                except InvalidMessage as error:
                    self._rejections.record(self._queue, message_id, body, error)
                except TemporaryError as error:
                    waiting = waiting or error
        if waiting is not None:
            self._rejections.note(body, waiting)
            raise waiting

    def handle(self, event: BlobEvent) -> None:
        """Act on one event; what tells of no blob of ours is passed over. Raises `TemporaryError`."""
        if event.type not in (BLOB_CREATED, BLOB_DELETED):
            log.info("event_ignored", reason="other-event", type=event.type)
            return
        if not event.url:
            log.warning("event_ignored", reason="no-url")
            return
        try:
            path = ImagePath.of_event(event.url, event.subject, account=self._account)
        except InvalidPath as error:
            if event.type == BLOB_CREATED:  # an upload that will never be found: someone should see it
                self._rejections.record(BLOB_EVENTS, "", event.url, error)
            else:
                log.info("event_ignored", reason="no-image-of-ours", detail=str(error))
            return
        if path.container not in self._containers:
            log.info("event_ignored", reason="no-image-of-ours", image=path)
        else:
            # The blob decides: an image that is gone is forgotten, one that is back taken in.
            try:
                is_new, is_gone = event.type == BLOB_CREATED, event.type == BLOB_DELETED
                self._ingest.ingest(path, is_new=is_new, is_gone=is_gone, at_once=True)
            except TemporaryError as error:
                self._rejections.tell_waiting(path, error)
                raise
