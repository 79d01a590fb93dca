"""`dedup apply`: the images that a plan names move into quarantine; without `--yes` only what would be done is told."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from dedup_app.cleanup.record import Step
from dedup_cli.cleanup.clearing import moving_services, noted_in, read_plan, tell
from dedup_cli.cleanup.manifest_file import open_manifest
from dedup_cli.presentation.failures import InputError
from dedup_cli.presentation.output import as_argument, console, plain
from dedup_cli.same_settings import require_its_keepers

SUFFIX = ".manifest.jsonl"


def apply(
    context: typer.Context,
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="What `dedup plan --format json` wrote.")],
    yes: Annotated[
        bool, typer.Option("--yes/--dry-run", help="Do it; or check each image and say what would be.")
    ] = False,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where each step is noted. Default: beside the plan.", show_default=False),
    ] = None,
    without_tags: Annotated[
        bool, typer.Option("--without-tags", help="Go on where tags of blobs cannot be read; they do not move along.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what became of each image for a program.")] = False,
) -> None:
    """Move the copies that a plan names into the container dedup-quarantine. `dedup undo` brings them back.

    An image moves only if it and the one that stays are as they were when they were compared. If it is stopped, run
    it again, and it continues. It runs with your own rights; the app itself cannot delete anything.

    Example: dedup apply plan.json --yes
    """
    wanted = read_plan(plan)
    services = moving_services(context)
    require_its_keepers(services)
    service = services.apply
    file = manifest or plan.with_name(plan.name.removesuffix(".json") + SUFFIX)
    if not yes:
        hint = _command(plan, manifest, without_tags=without_tags)
        # What an earlier run has noted counts here, too; a file is made by none but a run that does it.
        with open_manifest(file, create=False) if file.exists() else nullcontext() as known:
            tell(service.check(wanted, known, tags=not without_tags), as_json=as_json, hint=hint)
        return
    if manifest is None and not plan.is_file():  # a pipe: what came to lie beside it, as in /dev, would not stay
        raise InputError(f"{plan} is no regular file, so no manifest can lie beside it: name one with --manifest FILE")
    moved = {Step.DELETED, Step.TOLD}
    with open_manifest(file, create=True) as steps, noted_in(steps, moved, "moved", len(wanted.copies)):
        outcomes = service.apply(wanted, steps, tags=not without_tags)  # begun, or refused as a whole
        if not as_json:
            told = f"each step is noted in {plain(str(file))}: dedup undo {as_argument(str(file))}"
            console().print(told, soft_wrap=True, markup=False)
        tell(outcomes, as_json=as_json, hint="")


def _command(plan: Path, manifest: Path | None, *, without_tags: bool) -> str:
    """What does it that was checked."""
    named = f" --manifest {as_argument(str(manifest))}" if manifest else ""
    return f"dedup apply {as_argument(str(plan))}{named}{' --without-tags' if without_tags else ''} --yes"
