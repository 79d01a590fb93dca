"""What long work says of itself where nobody sees a bar: a line in the log from time to time."""

import time
from collections.abc import Callable

from dedup_cli.output import tell

EVERY_SECONDS = 10.0  # work that is done sooner says nothing


class SignOfLife:
    """Hears what is being done, how much of it is, and of how much; writes at most a line in ten seconds."""

    def __init__(self, *, say: Callable[[str], None] = tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._said_at = clock()

    def __call__(self, what: str, done: int, of: int) -> None:
        now = self._clock()
        if now - self._said_at >= EVERY_SECONDS:
            self._said_at = now
            self._say(f"{what}: {done:,} of {of:,}")
