"""Time limits: until when what this thread does must be over; a limit within another one can only be nearer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from dedup_core.errors import StoreBusy

# A function that runs past functionTimeout (host.json) takes its worker down, and with it every call beside it. After
# this long it calls storage no more: what is left of the ten minutes is for what it computes.
FUNCTION_SECONDS = 480.0
OUT_OF_TIME = "out-of-time"

_ends_at: ContextVar[float] = ContextVar("ends_at", default=float("inf"))


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit what this thread does until the block ends."""
    token = _ends_at.set(min(time.monotonic() + seconds, _ends_at.get()))
    try:
        yield
    finally:
        _ends_at.reset(token)


def end_of_time() -> float:
    """When the limit in force is over, on the clock of `time.monotonic`; infinity without one."""
    return _ends_at.get()


def seconds_left(ends_at: float) -> float:
    """What is left until then. Raises `StoreBusy` when it is over."""
    left = ends_at - time.monotonic()
    if left <= 0:
        raise StoreBusy("no answer came in the time that there was for it", reason=OUT_OF_TIME)
    return left
