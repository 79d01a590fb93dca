"""`dedup scan`: the copies in a folder of this machine, without Azure or any app."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from dedup_app.folder_scan import FolderScan, Measure, ScanReport
from dedup_app.folder_scan import Progress as Told
from dedup_app.ports.decoders import Decoders
from dedup_app.scan_groups import CopyGroup
from dedup_app.scan_pictures import ScanPictures, spare_file
from dedup_cli.compare import Preset
from dedup_cli.failures import InputError
from dedup_cli.local_files import limits_here, why_not_read
from dedup_cli.named_table import NamedRow, named_table
from dedup_cli.output import Cell, console, counted, plain, plain_table, print_csv, print_json, tell, verdict_text
from dedup_cli.scan_report import html_report
from dedup_core.errors import ImageTooLarge, PermanentError
from dedup_core.groups.facts import ImageFacts
from dedup_core.limits import DEFAULT_LIMITS
from dedup_core.policy import PRESETS

COLUMNS = ("group", "path", "keep", "verdict", "width", "height", "bytes", "reasons")
# Files that are listed when they cannot be read; others that are no images are none of our business.
IMAGE_SUFFIXES = frozenset(
    ".avif .bmp .dib .gif .heic .heif .jfif .jp2 .jpe .jpeg .jpg .png .tif .tiff .webp".split()  # noqa: SIM905
)
MANY_FILES = 40  # from here on processes that only measure pay for their start; none starts before a comparison


class Format(StrEnum):
    """How to print the groups."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class UnreadableFile(PermanentError):
    """The operating system does not give the bytes."""

    reason = "not-readable"


def scan(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to look, with all folders in it.")],
    policy: Annotated[Preset, typer.Option(help="How much may differ in a copy.")] = Preset.BALANCED,
    output: Annotated[Format, typer.Option("--format", help="For people, or for a program.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with the pictures, to look at in a browser.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=256, help="Files read at a time. Default: the number of cores.")
    ] = None,
) -> None:
    """Find the copies among the images of a folder: which to keep, which are copies of it, and why. Needs no Azure.

    Files that cannot be read are listed and stop nothing. Names that begin with a dot and links are passed over.
    Nothing is ever changed or deleted.

    Example: dedup scan ~/Pictures --html report.html
    """
    if html and not html.parent.is_dir():  # said now, not after an hour of reading
        raise InputError(f"cannot write {html}: {html.parent} is no folder")
    names = _names(folder)
    started = time.monotonic()
    workers = jobs or os.cpu_count() or 1
    with (
        _decoders(workers) as decoders,
        _measure(workers, len(names)) as measure,
        _progress() as told,
        spare_file() as file,
    ):
        pictures = ScanPictures(file)
        walk = FolderScan(
            decoders, _read, PRESETS[policy], threads=workers, measure=measure, progress=told, pictures=pictures
        )
        report = walk.scan(names)
        if html:
            _write(html, html_report(report, str(folder), lambda path: decoders.decode(_read(path))))
    if as_json or output is Format.JSON:
        print_json(_record(report))
    elif output is Format.CSV:
        print_csv(COLUMNS, _rows(report))
        if left_out := _besides(report):
            tell(f"not in the CSV: {'; '.join(left_out)} (--format json has all)")
    else:
        _print(report, time.monotonic() - started, html)


def _names(folder: Path) -> list[str]:
    """The images below the folder by their paths, in order; by content where the name does not say so."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; to compare two files use `dedup compare A B`")
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            path = Path(place, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink() and _is_image(path):
                found.append(str(path))
    return sorted(found)


def _is_image(path: Path) -> bool:
    from dedup_core.decoding.formats import sniff_format  # noqa: PLC0415 - `--help` need not wait for it

    if path.suffix.lower() in IMAGE_SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            sniff_format(file.read(300))
    except (OSError, PermanentError):
        return False
    return True


def _read(name: str) -> bytes:
    try:
        size = Path(name).stat().st_size
        if size > DEFAULT_LIMITS.max_bytes:
            limit = f"the limit is {DEFAULT_LIMITS.max_bytes:,}"
            raise ImageTooLarge(f"the file has {size:,} bytes, {limit}", reason="too-many-bytes")
        return Path(name).read_bytes()
    except OSError as error:
        raise UnreadableFile(f"the file cannot be read: {error.strerror or error}") from error


@contextmanager
def _decoders(workers: int) -> Iterator[Decoders]:
    from dedup_decoders.opening import open_decoders  # noqa: PLC0415 - as above

    with open_decoders(limits_here(), children=workers) as decoders:
        yield decoders


@contextmanager
def _measure(workers: int, files: int) -> Iterator[Measure]:
    """Comparisons on all cores: only small pictures that were decoded elsewhere go to these processes."""
    from dedup_core.comparison.measure import measure_all  # noqa: PLC0415 - as above
    from dedup_decoders.allocator import return_large_buffers_at_once  # noqa: PLC0415

    if workers == 1 or files < MANY_FILES:
        yield measure_all
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), return_large_buffers_at_once) as processes:
        yield lambda one, others: processes.submit(measure_all, one, others).result()


@contextmanager
def _progress() -> Iterator[Told]:
    """A bar on standard error if a person looks."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _of: None
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def told(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what)
            bar.update(tasks[what], completed=done, total=of)

        yield told


def _record(report: ScanReport) -> dict[str, object]:
    return {
        "images": report.images,
        "comparisons": report.comparisons,
        "groups": [
            {
                "keep": _image(group.keeper),
                "why": [reason.sentence for reason in group.reasons],
                "copies": [
                    {
                        **_image(copy.facts),
                        "verdict": copy.verdict.kind.value,
                        "reasons": list(copy.verdict.reasons),
                    }
                    for copy in group.copies
                ],
            }
            for group in report.groups
        ],
        "look_alikes": [
            {
                "left": _text(pair.left.path),
                "right": _text(pair.right.path),
                "verdict": pair.verdict.kind.value,
                "reasons": list(pair.verdict.reasons),
            }
            for pair in report.look_alikes
        ],
        "unreadable": [{"path": _text(it.name), "reason": it.reason, "detail": it.detail} for it in report.unreadable],
        "too_plain": [_text(name) for name in report.too_plain],
    }


def _image(facts: ImageFacts) -> dict[str, object]:
    return {"path": _text(facts.path), "width": facts.width, "height": facts.height, "bytes": facts.byte_size}


def _rows(report: ScanReport) -> Iterator[dict[str, Cell]]:
    for number, group in enumerate(report.groups, 1):
        why = "; ".join(reason.sentence for reason in group.reasons)
        yield _row(number, group.keeper, "", why) | {"keep": "yes"}
        for copy in group.copies:
            yield _row(number, copy.facts, copy.verdict.kind.value, "; ".join(copy.verdict.reasons))


def _row(number: int, facts: ImageFacts, verdict: str, reasons: str) -> dict[str, Cell]:
    sizes = {"width": facts.width, "height": facts.height, "bytes": facts.byte_size}
    return {"group": number, "path": _text(facts.path), "keep": "", "verdict": verdict, **sizes, "reasons": reasons}


def _text(path: str) -> str:
    """The path; where a name is no Unicode, what it has instead is spelled out."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _print(report: ScanReport, seconds: float, html: Path | None) -> None:
    out = console()
    if report.groups:
        out.print(_groups_table(report.groups, out.width), "", sep="\n")
    if report.look_alikes:
        table = plain_table("verdict", "pair, and why", title="Look-alikes that are no copies")
        for pair in report.look_alikes:
            files, why = Text(f"{plain(pair.left.path)}\n{plain(pair.right.path)}"), "; ".join(pair.verdict.reasons)
            table.add_row(verdict_text(pair.verdict.kind), files.append(f"\n{why}", style="dim"))
        out.print(table, "", sep="\n")
    if report.unreadable:
        rows = [
            NamedRow((), Text(plain(it.name)), (), Text(plain(why_not_read(it.reason, it.detail)), style="yellow"))
            for it in report.unreadable
        ]
        headings = NamedRow((), Text("file"), (), Text("why"))
        out.print(named_table(headings, rows, out.width, title="Not read"), "", sep="\n")
    out.print(Text(summary(report, seconds)))
    if html:
        out.print(Text(f"the page is at {plain(str(html))}", style="dim"))


def summary(report: ScanReport, seconds: float) -> str:
    copies = sum(len(group.copies) for group in report.groups)
    gain = sum(group.bytes_to_gain for group in report.groups)
    told = [
        f"{counted(report.images, 'image')} in {seconds:,.1f} s",
        f"{counted(copies, 'copy', 'copies')} of {counted(len(report.groups), 'picture')} ({gain / 1e6:,.1f} MB)",
    ]
    return "; ".join([*told, *_besides(report)])


def _besides(report: ScanReport) -> list[str]:
    """What was found besides the groups, in words."""
    told = []
    if report.look_alikes:
        told.append(counted(len(report.look_alikes), "look-alike that is no copy", "look-alikes that are no copies"))
    if report.unreadable:
        told.append(f"{counted(len(report.unreadable), 'file')} not read")
    if report.too_plain:
        images = counted(len(report.too_plain), "image")
        told.append(f"{images} too plain to be searched for (only identical files are found)")
    return told


def _groups_table(groups: Sequence[CopyGroup], width: int) -> Table:
    rows: list[NamedRow | None] = []
    for group in groups:
        rows += [None] if rows else []
        why = "; ".join(reason.sentence for reason in group.reasons)
        rows.append(_named(Text("keep", style="bold green"), group.keeper, why, style="bold"))
        for copy in group.copies:
            rows.append(_named(verdict_text(copy.verdict.kind), copy.facts, "; ".join(copy.verdict.reasons)))
    headings = NamedRow(("",), Text("file"), ("pixels", "bytes"), Text("why"))
    return named_table(headings, rows, width, right=("pixels", "bytes"))


def _named(word: Text, facts: ImageFacts, why: str, style: str = "") -> NamedRow:
    sizes = f"{facts.width} x {facts.height}", f"{facts.byte_size:,}"
    return NamedRow((word,), Text(plain(facts.path), style=style), sizes, Text(why, style="dim"))


def _write(file: Path, page: str) -> None:
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror or error}; give the path of a new page") from error
