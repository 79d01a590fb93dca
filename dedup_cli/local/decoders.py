"""`dedup decoders`: which libraries decode files on this machine, and below which version they are not used."""

from typing import Annotated

import typer
from rich.text import Text

from dedup_cli.presentation.output import console, plain_table, print_json
from dedup_core.decoding.libraries import all_libraries
from dedup_core.limits import RARE_FORMATS


def decoders(
    as_json: Annotated[bool, typer.Option("--json", help="Print it for a program.")] = False,
) -> None:
    """Show the libraries that decode each format on this machine, their versions, and the oldest that are used.

    Example: dedup decoders --json
    """
    found = list(all_libraries())
    if as_json:
        print_json(
            {
                name: [{"library": it.name, "version": it.version, "floor": it.floor} for it in libraries]
                for name, libraries in found
            }
        )
        return
    table = plain_table("format", "library", "version", "not used below", "")
    for name, libraries in found:
        for row, it in enumerate(libraries):
            state = Text("refused: known holes", style="bold red") if it.is_below_floor else Text("")
            if row == 0 and name in RARE_FORMATS:
                state = Text("off unless IMAGE_FORMATS names it", style="dim")
            table.add_row(name if row == 0 else "", it.name, it.version or "not there", it.floor, state)
    console().print(table)
