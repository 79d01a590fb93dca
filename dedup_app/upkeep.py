"""Upkeep: what the timer starts, part after part, whatever becomes of one of them."""

from collections.abc import Callable

from dedup_app.event_log import EventLog
from dedup_core.errors import DedupError

log = EventLog(__name__)


def do_each(**parts: Callable[[], object]) -> None:
    """Do all parts in their order. Raises what the first of them has raised that failed, once all are done."""
    failure: DedupError | None = None
    for name, part in parts.items():
        try:
            part()
        except DedupError as error:
            log.warning("upkeep_failed", part=name, reason=error.reason, detail=str(error))
            failure = failure or error
    if failure is not None:
        raise failure
