"""`dedup reindex`: build the fingerprint log anew from what is stored of the images."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from dedup_cli.connection import services_of
from dedup_cli.presentation.output import console, counted, print_json
from dedup_cli.presentation.progress import progress_of_parts


def reindex(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts for a program.")] = False,
) -> None:
    """Append all stored fingerprints to the log that look-alikes are found in, without reading an image.

    Images whose fingerprints are of an older scheme are queued to be fingerprinted again. The app may run meanwhile.

    Example: dedup reindex --json
    """
    services = services_of(context)
    with progress_of_parts() as parts:
        report = services.reindex.reindex(parts)
    if as_json:
        print_json(asdict(report))
        return
    console().print(Text(f"indexed: {counted(report.indexed, 'image')} from stored fingerprints"))
    if report.queued:
        console().print(Text(f"queued: {counted(report.queued, 'image')} with fingerprints of an older scheme"))
    console().print(Text(f"the log holds {counted(report.held, 'image')} now", style="dim"))
