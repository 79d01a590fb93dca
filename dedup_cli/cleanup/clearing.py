"""What `dedup apply`, `undo` and `purge` share: the files they are given, and how they tell what became of images."""

import codecs
from collections import defaultdict
from collections.abc import Container, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import typer
from rich.text import Text

from dedup_app.cleanup.outcome import Fate, Outcome
from dedup_app.cleanup.ports import Manifest
from dedup_app.cleanup.record import Step
from dedup_app.services import Services
from dedup_cli.cleanup.manifest_file import BEGINNING
from dedup_cli.connection import services_of
from dedup_cli.presentation.failures import ExitCode, InputError
from dedup_cli.presentation.output import console, counted, plain, print_json
from dedup_cli.presentation.output import tell as remark
from dedup_cli.presentation.progress import progress
from dedup_core.errors import TemporaryError
from dedup_core.groups.plan import KeepPlan
from dedup_core.groups.plan_file import InvalidPlan, parse_plan


def moving_services(context: typer.Context) -> Services:
    """The services of the account that the settings name, which here may move blobs, too."""
    services = services_of(context)
    if services.movable_blobs is None:
        from dedup_storage.images.movable_blobs import open_movable_blobs  # noqa: PLC0415 - as in connection.py

        services.movable_blobs = open_movable_blobs(services.settings)
    return services


def read_plan(path: Path) -> KeepPlan:
    """The plan in the file, in whichever form a shell has written it. Raises `InputError` or `InvalidPlan`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    if data.startswith(BEGINNING):
        raise InvalidPlan(f"{path} is a manifest and no plan: give the file that `dedup plan --format json` wrote")
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # what PowerShell's `>` writes
    try:
        return parse_plan(data.decode("utf-16" if is_utf16 else "utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidPlan(f"{path} is no text: write a plan with `dedup plan --format json`") from error
    except InvalidPlan as error:
        raise InvalidPlan(f"{path}: {error}") from error


@contextmanager
def noted_in(manifest: Manifest, reached: Container[Step], done: str, of: int = 0) -> Iterator[None]:
    """Say, where storage or a person ends it early, how far it is by the manifest, and how it goes on.

    An image is done when it has reached one of these steps; `of` is of how many, if not of those in the manifest.
    """
    try:
        yield
    except TemporaryError:
        remark("what was done until here is noted in the manifest: run the same command again to go on")
        raise
    except (KeyboardInterrupt, SystemExit):
        last = {entry["image"]: entry["step"] for entry in manifest.entries() if "image" in entry}
        count = sum(step in reached for step in last.values())
        remark(f"stopped: {count:,} of {counted(of or len(last), 'image')} {done}; run the same command again to go on")
        raise


def tell(outcomes: Generator[Outcome], *, as_json: bool, hint: str) -> None:
    """Tell what became of each image that stays, and how many of the others; then end with 1 if any was refused.

    `hint` stands below where something would be done and nothing was; it is empty for a run that does it.
    """
    found = []
    with closing(outcomes), progress("images") as show:  # wherever it ends, nothing else is begun
        for outcome in outcomes:
            found.append(outcome)
            show(len(found))
    if as_json:
        print_json([_record(outcome) for outcome in found])
    else:
        _print(found, hint)
    if any(outcome.is_refused for outcome in found):
        raise typer.Exit(ExitCode.REFUSED)


def _record(outcome: Outcome) -> dict[str, object]:
    return {
        "path": str(outcome.path),
        "fate": outcome.fate.value,
        "bytes": outcome.byte_size,
        "why": outcome.why,
        "refused": outcome.is_refused,
    }


def _print(found: list[Outcome], hint: str) -> None:
    for outcome in found:
        if outcome.why:
            style = "yellow" if outcome.is_refused else "dim"
            # Whole, as all that is copied from here is: a line that is broken in a name names nothing.
            console().print(Text(f"{plain(str(outcome.path))}: {plain(outcome.why)}", style=style), soft_wrap=True)
    sizes: defaultdict[tuple[Fate, bool], list[int]] = defaultdict(list)
    for outcome in found:
        sizes[outcome.fate, outcome.is_from_before].append(outcome.byte_size)
    for (fate, is_from_before), each in sizes.items():
        word = "stay" if fate is Fate.STAYS and len(each) != 1 else fate.value
        told = f"already {word}" if is_from_before else word
        console().print(f"{counted(len(each), 'image')} {told} ({counted(sum(each), 'byte')})")
    if not found:
        console().print("no images")
    if any(outcome.fate in {Fate.WOULD_GO, Fate.WOULD_END} for outcome in found):
        console().print(Text(f"nothing was changed: {hint}", style="dim"), soft_wrap=True)
