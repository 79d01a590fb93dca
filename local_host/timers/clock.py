"""The time of day and waiting for it, so that a test can move a clock of its own."""

import threading
from datetime import UTC, datetime


class Clock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait so long, or until `stop` is set, which it says."""
        return stop.wait(seconds)
