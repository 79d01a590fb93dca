"""What long work says of how far it is: on a line that changes if a person looks, otherwise in the log now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.spinner import Spinner

from dedup_app.progress import Parts, Progress, no_progress
from dedup_cli.presentation.output import tell

SHOW_EVERY = 100
SAY_EVERY_SECONDS = 10.0  # work that is done sooner says nothing


class ProgressLines:
    """Hears what is being done, how much of it is, and of how much; writes at most a line in ten seconds."""

    def __init__(self, *, say: Callable[[str], None] = tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._said_at = clock()

    def __call__(self, what: str, done: int, of: int | None = None) -> None:
        now = self._clock()
        if now - self._said_at >= SAY_EVERY_SECONDS:
            self._said_at = now
            self._say(f"{what}: {done:,}" if of is None else f"{what}: {done:,} of {of:,}")


@contextmanager
def progress(what: str, *, while_printing: bool = False) -> Iterator[Progress]:
    """A function that is told how many `what` were seen so far, and says so on standard error.

    `while_printing`: results are printed meanwhile. A terminal that shows these shows by them how far it is.
    """
    if while_printing and sys.stdout.isatty():
        yield no_progress
        return
    with progress_of_parts() as part:
        yield part(what)


@contextmanager
def progress_of_parts() -> Iterator[Parts]:
    """The same for work of several parts: a function that is told what is seen in one gives its progress."""
    if not sys.stderr.isatty():
        lines = ProgressLines()
        yield lambda what: partial(lines, what)
        return
    line = Spinner("dots")
    # Rich would print on standard error what goes to standard output, which may be a file.
    with Live(line, console=Console(stderr=True), transient=True, redirect_stdout=False):

        def show(what: str, count: int) -> None:
            if count == 1 or count % SHOW_EVERY == 0:
                line.update(text=f"{what}: {count:,}")

        yield lambda what: partial(show, what)


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A function that is told what is being done, how much of it is, and of how much: a bar, with the time left."""
    if not sys.stderr.isatty():
        yield ProgressLines()
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with ProgressBar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def told(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of, completed=done)
            bar.update(tasks[what], completed=done, total=of)

        yield told
