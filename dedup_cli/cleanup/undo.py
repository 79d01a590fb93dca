"""`dedup undo`: what `dedup apply` moved away comes back as it was."""

from pathlib import Path
from typing import Annotated

import typer

from dedup_app.cleanup.record import Step
from dedup_cli.cleanup.clearing import moving_services, noted_in, tell
from dedup_cli.cleanup.manifest_file import open_manifest


def undo(
    context: typer.Context,
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="What `dedup apply` wrote.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print what became of each image for a program.")] = False,
) -> None:
    """Bring back everything that a run of `dedup apply` moved into quarantine, and have the app take it in again.

    Nothing is overwritten: where something new is at its place, an image stays in quarantine. If it is stopped, run it
    again, and it continues.

    Example: dedup undo plan.manifest.jsonl
    """
    service = moving_services(context).undo
    with open_manifest(manifest, create=False) as steps, noted_in(steps, {Step.UNDONE}, "brought back"):
        tell(service.undo(steps), as_json=as_json, hint="")
