"""`dedup reconcile`: prove that nothing is missing, or mend it."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from dedup_app.ports.findings import PREFIXES
from dedup_cli.connection import services_of
from dedup_cli.operations.ledger import ledger_record, ledger_table
from dedup_cli.presentation.output import console, counted, print_json
from dedup_cli.presentation.progress import ProgressLines


def reconcile(
    context: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is found.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Also look every image up again; no image is read.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts for a program.")] = False,
) -> None:
    """Compare the container with what the app knows: rows, fingerprint log and pairs, both ways.

    The app may run meanwhile. What --fix mends goes through the queues: ask again when they are empty.

    Example: dedup reconcile --fix --deep
    """
    services = services_of(context)
    with _progress() as tell:
        ledger = services.reconcile.reconcile(fix=fix, deep=deep, progress=tell)
    if as_json:
        print_json(ledger_record(ledger) | {"left_out": ledger.left_out})
        return
    table = ledger_table(ledger)
    if table is not None:
        console().print(table)
    if fix and ledger.found:
        console().print(Text("mended, or queued to be: ask `dedup reconcile` when the queues are empty", style="dim"))


@contextmanager
def _progress() -> Iterator[Callable[[str, int], None]]:
    """Tells how far it is: a person who looks also how long it may still take, anybody else a line now and then."""
    if not _is_watched():
        lines = ProgressLines()
        yield lambda what, count: lines(what, count, len(PREFIXES) if what == "slices" else None)
        return
    with Console(stderr=True).status("0 blobs") as line:
        started = 0.0

        def tell(what: str, count: int) -> None:
            nonlocal started
            if what == "blobs":
                line.update(f"{counted(count, 'blob')} listed")
                return
            started = started or time.monotonic()
            left = (time.monotonic() - started) / count * (len(PREFIXES) - count)
            line.update(f"{count} of {len(PREFIXES)} slices, {left:.0f} s left")

        yield tell


def _is_watched() -> bool:
    return sys.stderr.isatty()
