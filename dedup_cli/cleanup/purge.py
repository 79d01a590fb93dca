"""`dedup purge`: what has been in quarantine for long enough is deleted for good."""

import re
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from dedup_app.cleanup.record import Step
from dedup_cli.cleanup.clearing import moving_services, noted_in, tell
from dedup_cli.cleanup.manifest_file import open_manifest
from dedup_cli.presentation.failures import InputError
from dedup_cli.presentation.output import as_argument
from dedup_cli.same_settings import require_its_keepers

UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1)}


def purge(
    context: typer.Context,
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="What `dedup apply` wrote.")],
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="AGE", help="Only what has been away for longer, as in 30d or 12h.")
    ],
    yes: Annotated[bool, typer.Option("--yes/--dry-run", help="Do it; or say what would be deleted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what became of each image for a program.")] = False,
) -> None:
    """Delete for good what a run of `dedup apply` moved into quarantine. This cannot be undone.

    A copy whose keeper is gone, or has other bytes now, stays in quarantine: it may be the last one. So does one that
    somebody has decided meanwhile is no copy.

    Example: dedup purge plan.manifest.jsonl --older-than 30d --yes
    """
    age = parse_age(older_than)
    services = moving_services(context)
    require_its_keepers(services)
    service = services.purge
    with open_manifest(manifest, create=False) as steps:
        hint = "" if yes else f"dedup purge {as_argument(str(manifest))} --older-than {older_than} --yes"
        with noted_in(steps, {Step.PURGED}, "ended") if yes else nullcontext():
            tell(service.purge(steps, age, is_dry=not yes), as_json=as_json, hint=hint)


def parse_age(text: str) -> timedelta:
    """The age that is meant by `30d` or `12h`. Raises `InputError`."""
    found = re.fullmatch(r"(\d{1,4})([dh])", text.strip())
    if found is None:
        raise InputError(f"--older-than is {text!r}: give days or hours, as in 30d or 12h")
    return int(found[1]) * UNITS[found[2]]
