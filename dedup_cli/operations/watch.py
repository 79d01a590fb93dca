"""Following the queues: how much waits, how fast it goes down, and how long it still takes."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from rich.console import Console
from rich.text import Text

from dedup_app.ports.queues import QueueLengths
from dedup_app.services import Services
from dedup_cli.presentation.failures import ACCESS_DENIED
from dedup_cli.presentation.output import console, counted, tell
from dedup_core.errors import TemporaryError

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
    """Tell until nothing waits any more, or until Ctrl-C. An outage of storage is told, too, and waited for."""
    rate, calm = Rate(), 0
    lengths: dict[str, QueueLengths] = {}
    with suppress(KeyboardInterrupt), _Line() as line:
        for lengths in _looks(services, line, sleep):
            waiting = _all_waiting(lengths)
            rate.add(clock(), waiting)
            line.show(told(lengths, rate))
            calm = calm + 1 if waiting == 0 else 0
            if calm == CALM_LOOKS:
                break
    if not lengths:
        return
    poison = sum(it.poison for it in lengths.values())
    failed = f"; {counted(poison, 'message')} failed on every try: `dedup poison list`" if poison else ""
    waiting = _all_waiting(lengths)
    console().print(Text(f"{_waiting(waiting)}{failed}" if waiting else f"nothing waits any more{failed}"))


def _looks(services: Services, line: "_Line", sleep: Callable[[float], None]) -> Iterator[dict[str, QueueLengths]]:
    """The lengths, every few seconds. Raises `TemporaryError` for a missing permission, which no waiting mends."""
    is_out = False
    while True:
        try:
            lengths = services.queues.lengths()
        except TemporaryError as error:
            if error.reason == ACCESS_DENIED:
                raise
            if not is_out:
                line.remark(f"{error}; it goes on as soon as storage answers (Ctrl-C ends it)")
            is_out = True
        else:
            if is_out:
                line.remark("storage answers again")
            is_out = False
            yield lengths
        sleep(EVERY_SECONDS)


class _Line:
    """A terminal shows one line that changes, a file gets one a look."""

    def __init__(self) -> None:
        self._live = Console(highlight=False).status("") if sys.stdout.isatty() else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, text: str) -> None:
        if self._live:
            self._live.update(Text(text))
        else:
            console().print(Text(text))

    def remark(self, sentence: str) -> None:
        """On standard error, and without the line that changes, which would take it over."""
        self.__exit__()
        tell(sentence)
        self.__enter__()


def told(lengths: dict[str, QueueLengths], rate: Rate) -> str:
    """One line about this look."""
    waiting = _all_waiting(lengths)
    parts = [f"{it.waiting:,} in {name}" for name, it in sorted(lengths.items()) if it.waiting]
    line = _waiting(waiting) + (f" ({', '.join(parts)})" if parts else "")
    speed, left = rate.a_second, rate.seconds_left()
    if speed is None or waiting == 0:
        return line
    line += f"; {abs(speed):,.1f} a second {'less' if speed >= 0 else 'more'}"
    return line if left is None else f"{line}; about {_duration(left)} left"


def _all_waiting(lengths: dict[str, QueueLengths]) -> int:
    return sum(it.waiting for it in lengths.values())


def _waiting(messages: int) -> str:
    return counted(messages, "message waits", "messages wait")


def _duration(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004 - from here on nobody wants seconds
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"  # noqa: PLR2004
