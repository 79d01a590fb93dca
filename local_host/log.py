"""Log lines on the console, each marked with the function and the invocation that wrote it."""

import contextlib
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar

SHORT_ID_LENGTH = 8
CONTINUED = "  | "
NO_NEWS = "Auth level is not applied to non http function app"  # azure-functions, at every start of such an app
_SIGNATURE = re.compile(r"(?i)\b(sig=)[^&\s\"'<>]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_invocation: ContextVar[str | None] = ContextVar("invocation", default=None)
_running: dict[str, str] = {}


def set_up_logging(*, verbose: bool, invocation_id: Callable[[], str | None] = lambda: None) -> None:
    """Write everything from INFO on to standard output; with `verbose` also what the runtime and the SDKs say.

    `invocation_id` tells which call a thread of the runtime works for.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter(invocation_id))
    handler.addFilter(lambda record: not record.getMessage().startswith(NO_NEWS))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in ("azure", "urllib3"):
        logging.getLogger(name).setLevel(logging.INFO if verbose else logging.WARNING)
    if verbose:
        logging.getLogger("local_host").setLevel(logging.DEBUG)


@contextlib.contextmanager
def running_invocation(invocation_id: str, function_name: str) -> Iterator[None]:
    """Mark the log lines of an invocation, in this thread and in the one where the runtime runs the function."""
    _running[invocation_id] = function_name
    token = _invocation.set(invocation_id)
    try:
        yield
    finally:
        _invocation.reset(token)
        del _running[invocation_id]


def harmless(text: str) -> str:
    """Return a text that can stand in a log or on a terminal: no signature of a SAS, no control characters.

    What comes after a line break is indented, so that no name of a blob and no error can look like a line of its own.
    """
    shown = _SIGNATURE.sub(r"\1***", text)
    return _CONTROL.sub(lambda it: it[0].encode("unicode_escape").decode(), shown).replace("\n", f"\n{CONTINUED}")


class _Formatter(logging.Formatter):
    default_time_format = "%H:%M:%S"
    default_msec_format = "%s.%03d"

    def __init__(self, invocation_id: Callable[[], str | None]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(invocation)s%(message)s")
        self._invocation_id = invocation_id

    def format(self, record: logging.LogRecord) -> str:
        invocation_id = _invocation.get() or self._invocation_id()
        name = _running.get(invocation_id or "")
        record.invocation = f"[{name} {str(invocation_id)[:SHORT_ID_LENGTH]}] " if name else ""
        return harmless(super().format(record))
