"""Log lines on the console, each marked with the function and the invocation that wrote it."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar

from azure_functions_runtime.utils.executor import invocation_id_cv  # type: ignore[import-untyped]

SHORT_ID_LENGTH = 8
_invocation: ContextVar[str | None] = ContextVar("invocation", default=None)
_running: dict[str, str] = {}


def set_up_logging(*, verbose: bool) -> None:
    """Write everything from INFO on to standard output; with `verbose` also what the runtime and the SDKs say."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(invocation)s%(message)s"))
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


class _Formatter(logging.Formatter):
    default_time_format = "%H:%M:%S"
    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        invocation_id = _invocation.get() or invocation_id_cv.get()
        name = _running.get(invocation_id or "")
        record.invocation = f"[{name} {str(invocation_id)[:SHORT_ID_LENGTH]}] " if name else ""
        return super().format(record)
