"""Following the queues: how much waits, how fast it goes down, and how long it still takes."""

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from dedup_app.ports.queues import QueueLengths
from dedup_app.services import Services
from dedup_cli.output import console, counted

EVERY_SECONDS = 5.0  # the service counts its messages only about, and not at once
SPAN_SECONDS = 120.0  # over which the rate is taken: messages come in bursts
CALM_LOOKS = 3  # in a row without a message: one that is handled may send others


@dataclass
class Rate:
    """How fast the number of waiting messages goes down, over the last minutes."""

    looks: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, moment: float, waiting: int) -> None:
        self.looks.append((moment, waiting))
        while moment - self.looks[0][0] > SPAN_SECONDS:
            self.looks.popleft()

    @property
    def a_second(self) -> float | None:
        """Messages a second; negative while more come than go, None before there are two looks.

        Once it goes down from a peak, the rate is taken from there: what came before it says nothing of what is left.
        """
        peak = max(range(len(self.looks)), key=lambda it: (self.looks[it][1], it))
        start, first = self.looks[peak if peak <= len(self.looks) - CALM_LOOKS else 0]
        end, last = self.looks[-1]
        return (first - last) / (end - start) if end > start else None

    def seconds_left(self) -> float | None:
        """At this rate; None while it cannot be told."""
        rate = self.a_second
        return self.looks[-1][1] / rate if rate is not None and rate > 0 else None


def watch_queues(
    services: Services, *, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
) -> None:
    """Tell until nothing waits any more, or until Ctrl-C. A terminal shows one line, a file gets one a look."""
    rate, calm = Rate(), 0
    live = Console(highlight=False).status("") if sys.stdout.isatty() else None
    if live:
        live.start()
    try:
        while True:
            lengths = services.queues.lengths()
            waiting = sum(it.waiting for it in lengths.values())
            rate.add(clock(), waiting)
            calm = calm + 1 if waiting == 0 else 0
            line = told(lengths, rate)
            if live:
                live.update(Text(line))
            else:
                console().print(Text(line))
            if calm == CALM_LOOKS:
                break
            sleep(EVERY_SECONDS)
    except KeyboardInterrupt:
        pass
    finally:
        if live:
            live.stop()
    poison = sum(it.poison for it in lengths.values())
    failed = f"; {counted(poison, 'message')} failed on every try: `dedup poison list`" if poison else ""
    console().print(Text(f"{_waiting(waiting)}{failed}" if waiting else f"nothing waits any more{failed}"))


def told(lengths: dict[str, QueueLengths], rate: Rate) -> str:
    """One line about this look."""
    waiting = sum(it.waiting for it in lengths.values())
    parts = [f"{it.waiting:,} in {name}" for name, it in sorted(lengths.items()) if it.waiting]
    line = _waiting(waiting) + (f" ({', '.join(parts)})" if parts else "")
    speed, left = rate.a_second, rate.seconds_left()
    if speed is None or waiting == 0:
        return line
    line += f"; {abs(speed):,.1f} a second {'less' if speed >= 0 else 'more'}"
    return line if left is None else f"{line}; about {_duration(left)} left"


def _waiting(messages: int) -> str:
    return counted(messages, "message waits", "messages wait")


def _duration(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004 - from here on nobody wants seconds
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"  # noqa: PLR2004
