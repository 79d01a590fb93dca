"""Log lines for programs: an event's name and its fields as JSON, with the invocation that they belong to.

A line is JSON in its message, because that is all that reaches Application Insights by way of the Functions host.
Above DEBUG an image is named by its id, the key of its features row, unless `show_image_paths` allows its path.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from dedup_core.errors import DedupError
from dedup_core.paths import ImagePath

_invocation: ContextVar[str] = ContextVar("invocation", default="")


class _Policy:
    shows_paths = False


def show_image_paths(*, shown: bool) -> None:
    """Allow paths of images, and texts that may hold them, in all lines of this process or only in those of DEBUG."""
    _Policy.shows_paths = shown


def reason_of(error: Exception) -> str:
    """The code of our own errors; `defect` for what nobody has raised on purpose."""
    return error.reason if isinstance(error, DedupError) else "defect"


@contextmanager
def invocation(invocation_id: str) -> Iterator[None]:
    """Mark every line of this thread until the block ends. An exception that leaves it is told in a line of its own.

    So alerts can count what failed in the app: requests in the telemetry of the host lack those of cold starts, and
    count as failed what the host itself has ended.
    """
    token = _invocation.set(invocation_id)
    try:
        yield
    except Exception as error:
        EventLog(__name__).error("invocation_failed", reason=reason_of(error), error=type(error).__name__)
        raise
    finally:
        _invocation.reset(token)


class EventLog:
    """The log of one module. A field that is an `ImagePath` becomes an id; `detail` is a text that may hold paths."""

    def __init__(self, module: str) -> None:
        self._logger = logging.getLogger(module)

    def debug(self, event: str, *, detail: str = "", **fields: Any) -> None:
        self._write(logging.DEBUG, event, detail, fields)

    def info(self, event: str, *, detail: str = "", **fields: Any) -> None:
        self._write(logging.INFO, event, detail, fields)

    def warning(self, event: str, *, detail: str = "", **fields: Any) -> None:
        self._write(logging.WARNING, event, detail, fields)

    def error(self, event: str, *, detail: str = "", **fields: Any) -> None:
        self._write(logging.ERROR, event, detail, fields)

    def _write(self, level: int, event: str, detail: str, fields: dict[str, Any]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        shows_paths = _Policy.shows_paths or level <= logging.DEBUG
        line: dict[str, Any] = {"event": event}
        if invocation_id := _invocation.get():
            line["invocation"] = invocation_id
        for name, value in fields.items():
            if isinstance(value, ImagePath):
                line[name] = value.image_id
                if shows_paths:
                    line[f"{name}_path"] = str(value)
            else:
                line[name] = value
        if detail and shows_paths:
            line["detail"] = detail
        # A message may hold half of a surrogate pair, which no handler can write, unless as an escape of JSON.
        text = json.dumps(line, ensure_ascii=False).encode(errors="backslashreplace").decode()
        self._logger.log(level, "%s", text, stacklevel=3)
