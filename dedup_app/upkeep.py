"""Upkeep: what the timer starts, part after part, whatever becomes of one of them."""

from collections.abc import Callable
from datetime import datetime, timedelta

from dedup_app.event_log import EventLog, reason_of

log = EventLog(__name__)


def do_each(**parts: Callable[[], object]) -> None:
    """Do all parts in their order. Raises what the first of them has raised that failed, once all are done."""
    failure: Exception | None = None
    for name, part in parts.items():
        try:
            part()
        except Exception as error:  # noqa: BLE001 - a defect in one part, too, is no reason to leave out the others
            log.warning(
                "upkeep_failed", part=name, reason=reason_of(error), error=type(error).__name__, detail=str(error)
            )
            failure = failure or error
    if failure is not None:
        raise failure


def is_recent(moment: datetime, now: datetime, pause: timedelta) -> bool:
    """Whether it is less than so long ago. A moment yet to come is not: the clock was set back since."""
    return timedelta(0) <= now - moment < pause
