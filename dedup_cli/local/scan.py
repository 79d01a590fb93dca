"""`dedup scan`: the copies in a folder of this machine, without Azure or any app."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer

from dedup_app.ports.decoders import Decoders
from dedup_app.scan.folder_scan import FolderScan, Measure, ScanReport, Unreadable
from dedup_app.scan.memory import ScanMemory
from dedup_app.scan.pictures import ScanPictures, spare_file
from dedup_cli.local.compare import Preset
from dedup_cli.local.local_files import limits_here, open_listed_file, read_listed_file
from dedup_cli.local.scan_report import html_report
from dedup_cli.local.scan_tables import besides, print_report
from dedup_cli.presentation.failures import InputError
from dedup_cli.presentation.formats import Format, chosen_format
from dedup_cli.presentation.output import Cell, print_csv, print_json, tell
from dedup_cli.presentation.progress import progress_bar
from dedup_cli.presentation.written_file import check_place, write_whole
from dedup_core.errors import PermanentError
from dedup_core.groups.facts import ImageFacts
from dedup_core.policy import PRESETS

COLUMNS = ("group", "path", "keep", "verdict", "width", "height", "bytes", "reasons")
# Files that are listed when they cannot be read; others that are no images are none of our business.
IMAGE_SUFFIXES = frozenset(
    ".avif .bmp .dib .gif .heic .heif .jfif .jp2 .jpe .jpeg .jpg .png .tif .tiff .webp".split()  # noqa: SIM905
)
MANY_FILES = 40  # from here on processes that only measure pay for their start; none starts before a comparison


class UnreadableFile(PermanentError):
    """The operating system does not give the bytes."""

    reason = "not-readable"


def scan(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The folder to look through, with all folders in it.")
    ],
    policy: Annotated[Preset, typer.Option(help="How much a copy may differ.")] = Preset.BALANCED,
    output: Annotated[Format, typer.Option("--format", help="For people, or for a program.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with the pictures, to look at in a browser.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=256, help="Files read at a time. Default: the number of cores.")
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Read and compare all anew, and remember nothing of it.")
    ] = False,
) -> None:
    """Find the copies among the images of a folder: which to keep, which are copies of it, and why. Needs no Azure.

    Files that cannot be read are listed and stop nothing. Names that begin with a dot and links are passed over.
    Nothing is ever changed or deleted.

    Example: dedup scan ~/Pictures --html report.html
    """
    output = chosen_format(context, output, as_json=as_json)
    names, passed_over = _names(folder)
    if html:
        check_place(html, of=map(Path, names))
    started = time.monotonic()
    workers = jobs or os.process_cpu_count() or 1
    with (
        _decoders(workers) as decoders,
        _measure(workers, len(names)) as measure,
        _memory(no_cache) as memory,
        progress_bar() as told,
        spare_file() as file,
    ):
        pictures = ScanPictures(file)
        walk = FolderScan(
            decoders,
            _read,
            PRESETS[policy],
            threads=workers,
            measure=measure,
            progress=told,
            pictures=pictures,
            memory=memory,
        )
        report = walk.scan(names)
        report = replace(report, unreadable=(*passed_over, *report.unreadable))
        page = html_report(report, str(folder), lambda path: decoders.decode(_read(path))) if html else ""
    not_written = _written(html, page) if html else None
    if output is Format.JSON:
        print_json(_record(report))
    elif output is Format.CSV:
        print_csv(COLUMNS, _rows(report))
        if left_out := besides(report):
            tell(f"not in the CSV: {'; '.join(left_out)} (--format json has all)")
    else:
        print_report(report, time.monotonic() - started, None if not_written else html)
    if not_written:
        raise not_written


def _written(html: Path, page: str) -> InputError | None:
    """Why the page could not be written, if so: what an hour of comparing has found is printed all the same."""
    try:
        write_whole(html, page)
    except InputError as error:
        return error
    return None


def _names(folder: Path) -> tuple[list[str], list[Unreadable]]:
    """The images below the folder by their paths, in order, and the folders that may not be read.

    An image is known by its content where its name does not say so. Of a file with several names (hard links) the first
    one counts: no copy of it is there, and to delete one name frees nothing.
    """
    try:
        is_folder = folder.is_dir()
    except OSError as error:  # a folder above it may not be entered, or its name is too long
        raise _no_reading(folder, error) from error
    if not is_folder:
        raise InputError(f"{folder} is no folder; to compare two files use `dedup compare A B`")
    found: list[str] = []
    passed_over: list[Unreadable] = []

    def note(error: OSError) -> None:
        if error.filename == str(folder):
            raise _no_reading(folder, error) from error
        why = f"the folder cannot be read: {error.strerror}"
        passed_over.append(Unreadable(error.filename, UnreadableFile.reason, why, is_folder=True))

    for place, folders, files in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(place, name) for name in files if not name.startswith(".")):
            try:
                if path.is_file() and not path.is_symlink() and _is_image(path):
                    found.append(str(path))
            except OSError as error:  # the names of a folder may be read, and nothing else in it
                passed_over.append(Unreadable(str(path), UnreadableFile.reason, _why(error)))
    first_names: dict[tuple[int, int] | str, str] = {}
    for name in sorted(found):
        first_names.setdefault(_file_of(name), name)
    return list(first_names.values()), passed_over


def _no_reading(folder: Path, error: OSError) -> InputError:
    return InputError(f"cannot read {folder}: {error.strerror}; check its path and permissions")


def _file_of(path: str) -> tuple[int, int] | str:
    """What is the same for all names of one file, as far as the system tells; the path of one that has no other."""
    try:
        it = Path(path).lstat()
    except OSError:
        return path
    return (it.st_dev, it.st_ino) if it.st_nlink > 1 and it.st_ino else path


def _is_image(path: Path) -> bool:
    from dedup_core.decoding.formats import sniff_format  # noqa: PLC0415 - `--help` need not wait for it

    if path.suffix.lower() in IMAGE_SUFFIXES:
        return True
    try:
        with open_listed_file(path) as file:
            sniff_format(file.read(300))
    except (OSError, PermanentError):
        return False
    return True


def _read(name: str) -> bytes:
    try:
        return read_listed_file(Path(name))
    except OSError as error:
        raise UnreadableFile(_why(error)) from error


def _why(error: OSError) -> str:
    return f"the file cannot be read: {error.strerror or error}"


@contextmanager
def _decoders(workers: int) -> Iterator[Decoders]:
    from dedup_decoders.opening import open_decoders  # noqa: PLC0415 - as above

    with open_decoders(limits_here(), children=workers) as decoders:
        yield decoders


@contextmanager
def _measure(workers: int, files: int) -> Iterator[Measure]:
    """Comparisons on all cores: only small pictures that were decoded elsewhere go to these processes."""
    from dedup_core.comparison.measure import measure_all  # noqa: PLC0415 - as above
    from dedup_decoders.comparing_process import prepare  # noqa: PLC0415

    if workers == 1 or files < MANY_FILES:
        yield measure_all
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), prepare) as processes:
        yield lambda one, others: processes.submit(measure_all, one, others).result()


@contextmanager
def _memory(no_cache: bool) -> Iterator[ScanMemory]:
    try:
        from dedup_cli.local.scan_cache import scan_memory  # noqa: PLC0415 - as above
    except ModuleNotFoundError:  # this Python was built without SQLite
        no_cache = True
    if no_cache:
        yield ScanMemory()
        return
    with scan_memory(limits_here()) as memory:
        yield memory


def _record(report: ScanReport) -> dict[str, object]:
    return {
        "images": report.images,
        "comparisons": report.comparisons,
        "groups": [
            {
                "keep": _image(group.keeper),
                "why": group.why,
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
        why = "; ".join(group.why)
        yield _row(number, group.keeper, "", why) | {"keep": "yes"}
        for copy in group.copies:
            yield _row(number, copy.facts, copy.verdict.kind.value, "; ".join(copy.verdict.reasons))


def _row(number: int, facts: ImageFacts, verdict: str, reasons: str) -> dict[str, Cell]:
    sizes = {"width": facts.width, "height": facts.height, "bytes": facts.byte_size}
    return {"group": number, "path": _text(facts.path), "keep": "no", "verdict": verdict, **sizes, "reasons": reasons}


def _text(path: str) -> str:
    """The path; where a name is no Unicode, what it has instead is spelled out."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")
