"""`dedup export-decisions` and `dedup import-decisions`: what people decided, as a file."""

import codecs
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.text import Text

from dedup_app.feedback.decision_transfer import ImportReport
from dedup_app.progress import with_progress
from dedup_cli.connection import services_of
from dedup_cli.presentation.failures import ExitCode, InputError
from dedup_cli.presentation.output import (
    as_argument,
    console,
    counted,
    json_to_print,
    plain,
    print_error,
    print_json,
)
from dedup_cli.presentation.progress import progress
from dedup_cli.presentation.written_file import written_whole

MOST_SHOWN = 20  # lines and images that are named, of which there may be thousands
BEGINNING = b'{"left":'  # of each line of an export


def export_decisions(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write them; - for standard output.")],
) -> None:
    """Write every decision of a person into FILE, a line of JSON for each pair.

    An existing file is replaced once all lines are written, unless it holds more pairs: decisions are never forgotten,
    so some would have been lost here. A link stays, and what it names is replaced.

    Example: dedup export-decisions decisions.jsonl
    """
    transfer = services_of(context).decision_transfer
    if str(file) == "-":
        with progress("pairs", while_printing=True) as show:
            sys.stdout.writelines(f"{json_to_print(line)}\n" for line in transfer.export(show))
        return
    try:
        pairs_before = _pairs_in(file)
        with (
            written_whole(file) as place,
            place.open("w", encoding="utf-8", newline="\n") as out,
            progress("pairs") as show,
        ):
            count = sum(1 for line in transfer.export(show) if out.write(f"{line}\n"))
            if count < pairs_before:
                raise InputError(
                    f"{file} tells of decisions on {counted(pairs_before, 'pair')}, and here there are {count:,}: it "
                    f"stays as it is; `dedup import-decisions {as_argument(str(file))}` brings back what was lost, and "
                    "for those of another account give the path of a new file"
                )
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}") from error
    console().print(Text(f"written: decisions on {counted(count, 'pair')}"))


def import_decisions(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What was exported; - for standard input.")],
    exported_from: Annotated[
        str, typer.Option("--from", metavar="CONTAINER", help="The container that the images were in, if another one.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts for a program.")] = False,
) -> None:
    """Take in exported decisions, from this account or another one with the same images.

    Doing it again changes nothing; of two decisions about a pair the later one counts. Bad lines are refused, with
    their numbers; the others are taken in.

    Example: dedup import-decisions decisions.jsonl
    """
    transfer = services_of(context).decision_transfer
    with _opened(file) as lines, progress("lines") as show:
        report = transfer.take_in(with_progress(lines, show), exported_from=exported_from)
    if as_json:
        print_json(_record(report))
    else:
        _print(report)
    if report.refused:
        for number, reason in report.refused[:MOST_SHOWN]:
            print_error(f"line {number}: {reason}")
        if len(report.refused) > MOST_SHOWN:
            print_error(f"and {counted(len(report.refused) - MOST_SHOWN, 'more line')}")
        raise typer.Exit(ExitCode.WRONG_INPUT)


def _pairs_in(file: Path) -> int:
    """How many pairs an earlier export tells of; none if it is not there, or anything else is."""
    if not file.is_file():
        return 0
    with file.open("rb") as lines:
        return sum(line.startswith(BEGINNING) for line in lines)


@contextmanager
def _opened(file: Path) -> Iterator[Iterator[bytes]]:
    """The lines of the file, in whichever form a shell has written it."""
    if str(file) == "-":
        yield _in_utf8(sys.stdin.buffer, "standard input")
        return
    try:
        opened = file.open("rb")
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    with opened:
        yield _in_utf8(opened, str(file))


def _in_utf8(file: BinaryIO, name: str) -> Iterator[bytes]:
    first = file.readline()
    lines = chain([first], file)
    if first[:2] not in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:  # what PowerShell's `>` writes
        yield from lines
        return
    try:
        text = codecs.iterdecode(lines, "utf-16")
        pending = ""
        for part in text:
            *whole, pending = f"{pending}{part}".split("\n")
            yield from (line.encode() for line in whole)
        yield pending.encode()
    except UnicodeError as error:
        raise InputError(f"{name} begins like UTF-16 text and is none: export the decisions once more") from error


def _record(report: ImportReport) -> dict[str, object]:
    return {
        "written": report.written,
        "known": report.known,
        "older": report.older,
        "about_other_bytes": report.about_other_bytes,
        "absent": sorted(map(str, report.absent)),
        "refused": [{"line": number, "reason": reason} for number, reason in report.refused],
    }


def _print(report: ImportReport) -> None:
    out = console()
    out.print(Text(f"written: decisions on {counted(report.written, 'pair')}"))
    for count, what in (
        (report.known, "known already"),
        (report.older, "left as they are, because what was decided here is later"),
        (report.about_other_bytes, "about other bytes than are here now: they hold when those come back"),
        (len(report.refused), "refused"),
    ):
        if count:
            out.print(Text(f"{count:,} {what}"))
    if report.absent:
        out.print(Text(f"not here yet: {counted(len(report.absent), 'image')}; what was decided holds when they come:"))
        for path in sorted(map(str, report.absent))[:MOST_SHOWN]:
            out.print(Text(f"  {plain(path)}"))
        if len(report.absent) > MOST_SHOWN:
            out.print(Text(f"  and {len(report.absent) - MOST_SHOWN} more (--json names all)", style="dim"))
