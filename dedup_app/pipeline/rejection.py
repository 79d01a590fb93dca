"""Messages that nobody can act on: recorded with their reason where people look, and finished."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from dedup_app.event_log import EventLog
from dedup_app.ports.reports import RejectedMessage, ReportsTable
from dedup_core.errors import PermanentError, TemporaryError
from dedup_core.messages import message_excerpt
from dedup_core.paths import ImagePath

log = EventLog(__name__)

# A message with a key "id" of its own replaces the queue's id on the way here; it becomes part of a row's key.
_UNSAFE = re.compile(r"[^A-Za-z0-9-]")
_ID_CHARACTERS = 64  # of 1,024 that a key may have; an id of the queue has 36
_QUEUE_ID = re.compile(r"[0-9A-Fa-f-]{36}")


class Rejections:
    """Writes down what was refused; trying again would give the same answer, so the queue need not keep it."""

    def __init__(self, reports: ReportsTable, now: Callable[[], datetime]) -> None:
        self._reports = reports
        self._now = now

    def record(self, queue: str, message_id: str, body: str | bytes, error: PermanentError) -> None:
        excerpt = message_excerpt(body)
        message_id = _UNSAFE.sub("-", message_id)[:_ID_CHARACTERS]
        named = message_id if _QUEUE_ID.fullmatch(message_id) else ""
        log.warning("message_refused", queue=queue, message=named, reason=error.reason, detail=str(error))
        self._reports.put_rejected_message(RejectedMessage(queue, message_id, excerpt, str(error), self._now()))

    def note(self, body: str | bytes, error: TemporaryError, image: ImagePath | None = None) -> None:
        """Keep the last error of a message that will be tried again: if no try succeeds, people will ask for it.

        With `image`, a line says which one has to wait: that the invocation failed is told without one.
        """
        if image is not None:
            self.tell_waiting(image, error)
        text = body if isinstance(body, str) else body.decode(errors="replace")
        with suppress(TemporaryError):  # storage may be what is busy
            self._reports.put_last_error(text, f"{error.reason}: {error}", self._now())

    def tell_waiting(self, image: ImagePath, error: TemporaryError) -> None:
        log.warning("image_waits", image=image, reason=error.reason, error=str(error))
