"""Messages that nobody can act on: recorded with their reason where people look, and finished."""

import logging
import re
from collections.abc import Callable
from datetime import datetime

from dedup_app.ports import RejectedMessage, ReportsTable
from dedup_core.errors import PermanentError
from dedup_core.messages import message_excerpt

logger = logging.getLogger(__name__)

# A message with a key "id" of its own replaces the queue's id on the way here; it becomes part of a row's key.
_UNSAFE = re.compile(r"[^A-Za-z0-9-]")
_ID_CHARACTERS = 64


class Rejections:
    """Writes down what was refused; trying again would give the same answer, so the queue need not keep it."""

    def __init__(self, reports: ReportsTable, now: Callable[[], datetime]) -> None:
        self._reports = reports
        self._now = now

    def record(self, queue: str, message_id: str, body: str | bytes, error: PermanentError) -> None:
        excerpt = message_excerpt(body)
        message_id = _UNSAFE.sub("-", message_id)[:_ID_CHARACTERS]
        logger.warning("Refused message %s of %s (%s): %s", message_id, queue, error.reason, error)
        self._reports.put_rejected_message(RejectedMessage(queue, message_id, excerpt, str(error), self._now()))
