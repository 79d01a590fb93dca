"""Poison: messages that failed on every try. The timer has them tried again, slowly; people can at once."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dedup_app.configuration.settings import Settings
from dedup_app.event_log import EventLog
from dedup_app.ports.pairs import PairsTable
from dedup_app.ports.queues import (
    BLOB_TRIGGER_QUEUE,
    IngestQueue,
    PoisonMessage,
    PoisonQueues,
    VerifyQueue,
    queue_names,
)
from dedup_app.ports.reports import ReportsTable
from dedup_core.errors import InvalidMessage, InvalidPath, PermanentError
from dedup_core.events import BLOB_CREATED, BLOB_DELETED, BlobEvent, parse_events
from dedup_core.messages import IngestMessage, VerifyMessage, parse_json
from dedup_core.paths import ImagePath

log = EventLog(__name__)

PATIENCE = timedelta(hours=1)  # an outage is given this long between two rounds of tries
A_RUN = 32  # messages of each queue that the timer has tried again in one run
ALL = 100_000  # as good as no limit
NOT_UNDERSTOOD = (InvalidMessage, InvalidPath, KeyError, TypeError)
UNKNOWN = "failed on every try; its error was not noted"


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that failed on every try, and its last error."""

    message: PoisonMessage
    error: str


class PoisonService:
    """Nothing that failed is lost: it waits until it succeeds, or until a person throws it away."""

    def __init__(
        self,
        *,
        poison: PoisonQueues,
        pairs: PairsTable,
        reports: ReportsTable,
        ingest_queue: IngestQueue,
        verify_queue: VerifyQueue,
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        self._poison = poison
        self._pairs = pairs
        self._reports = reports
        self._ingest_queue = ingest_queue
        self._verify_queue = verify_queue
        self._settings = settings
        self._now = now

    @property
    def queues(self) -> tuple[str, ...]:
        return queue_names(self._settings)

    def failed(self, queue: str) -> Sequence[Failed]:
        """The oldest messages of a queue, with their last errors."""
        ours = (it for it in self._poison.peek(queue) if not self._is_of_another_app(it))
        return [Failed(it, self._reports.last_error(it.body) or UNKNOWN) for it in ours]

    def redrive(self, queue: str, *, limit: int = ALL, older_than: timedelta | None = None) -> int:
        """Put messages on their queue once more, the oldest first; how many. What says nothing, or is refused, stays.

        With `older_than`, those that are younger wait, and their pairs say so. Of many that say the same one goes on,
        and one is counted: the ledger asks again for what stays undone, and all that it ever sent would be tried for as
        long as that fails.
        """
        until = None if older_than is None else self._now() - older_than
        sent = set[bytes]()  # digests of bodies

        def handle(message: PoisonMessage) -> bool:
            if self._is_of_another_app(message):
                return False
            body = hashlib.sha256(message.body.encode(errors="surrogatepass")).digest()
            if body in sent:
                return True
            if until is not None and queue == self._settings.verify_queue:
                self._fail_pairs(Failed(message, self._reports.last_error(message.body) or UNKNOWN))
            if (until is not None and message.since > until) or not self._send(message):
                return False
            sent.add(body)
            return True

        self._poison.take(queue, limit, handle, until)
        return len(sent)

    def count(self, queue: str) -> int:
        """About how many messages of ours failed. In the host's own queue, behind many of others, it may be fewer."""
        count = self._poison.count(queue)
        if queue == BLOB_TRIGGER_QUEUE and count:
            count -= sum(map(self._is_of_another_app, self._poison.peek(queue)))
        return max(count, 0)

    def purge(self, queue: str) -> int:
        """Throw our messages of a queue away; how many. Their pairs stay failed, their images as they are."""
        if queue == BLOB_TRIGGER_QUEUE:
            return self._poison.take(queue, ALL, lambda message: not self._is_of_another_app(message))
        count = self._poison.count(queue)
        self._poison.clear(queue)
        return count

    def tend(self) -> int:
        """The timer's part, bounded: note on pairs that their message failed, have the oldest messages tried again."""
        sent = sum(self.redrive(queue, limit=A_RUN, older_than=PATIENCE) for queue in self.queues)
        if sent:
            log.info("poison_tried_again", messages=sent)
        return sent

    def _fail_pairs(self, failed: Failed) -> None:
        try:
            message = VerifyMessage.parse(
                failed.message.body, containers=self._settings.containers, account=self._settings.account
            )
        except InvalidMessage:
            return
        for target in message.rights:
            pair = self._pairs.get(message.left, target.path)
            if pair is not None and pair.verdict is None and not pair.failure:
                self._pairs.fail(message.left, target.path, failed.error)

    def _is_of_another_app(self, message: PoisonMessage) -> bool:
        """The host gives its queue of uploads the same name in every app: it may hold those of other containers."""
        if message.queue != BLOB_TRIGGER_QUEUE:
            return False
        try:
            return _blob_of(message.body).container not in self._settings.containers
        except NOT_UNDERSTOOD:
            return False

    def _send(self, poison: PoisonMessage) -> bool:
        containers, account = self._settings.containers, self._settings.account
        try:
            if poison.queue == self._settings.verify_queue:
                message = VerifyMessage.parse(poison.body, containers=containers, account=account)
                for part in message.split():  # by hand it may have held text that takes more room as ASCII
                    self._verify_queue.send(part)
            elif poison.queue == self._settings.events_queue:
                self._ingest_queue.send_all([IngestMessage(path) for path in self._of_events(poison.body)])
            elif poison.queue == BLOB_TRIGGER_QUEUE:
                self._ingest_queue.send(IngestMessage(_blob_of(poison.body)))
            else:
                self._ingest_queue.send(IngestMessage.parse(poison.body, containers=containers, account=account))
        except NOT_UNDERSTOOD:
            return False
        except PermanentError as error:
            log.warning(
                "poison_stays", queue=poison.queue, message=poison.message_id, reason=error.reason, error=str(error)
            )
            return False
        return True

    def _of_events(self, body: str) -> list[ImagePath]:
        """Our images that the events of a message are about; the blob decides what becomes of them."""
        events = map(BlobEvent.read, parse_events(body))
        urls = [event for event in events if event.type in (BLOB_CREATED, BLOB_DELETED) and event.url]
        paths = (ImagePath.of_event(it.url, it.subject, account=self._settings.account) for it in urls)
        return [path for path in paths if path.container in self._settings.containers]


def _blob_of(body: str) -> ImagePath:
    """The blob that the host's own message names, which is base64 always. Raises one of `NOT_UNDERSTOOD`."""
    fields = parse_json(body)
    return ImagePath(str(fields["ContainerName"]), str(fields["BlobName"]))
