"""`dedup owner`: which app the tables and queues belong to."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from dedup_app.configuration.ownership import Owner
from dedup_cli.connection import unchecked_services_of
from dedup_cli.presentation.failures import InputError
from dedup_cli.presentation.output import console, plain, print_json


class OwnerAction(StrEnum):
    """What to do about the owner."""

    SHOW = "show"
    TAKE_OVER = "take-over"


def owner(
    context: typer.Context,
    action: Annotated[
        OwnerAction, typer.Argument(metavar="ACTION", help="Show it, or make the app of these settings the owner.")
    ],
    site: Annotated[
        str, typer.Option(help="With take-over: the app's name in Azure. Default: that of the next app to start.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print it for a program.")] = False,
) -> None:
    """Show which app the tables and queues belong to, or hand them over to the app with these settings.

    Two apps with the same names would take each other's messages, so the first one to start owns them.

    Example: dedup owner show
    """
    if site and action is OwnerAction.SHOW:
        raise InputError("--site is for take-over: leave it out with show")
    ownership = unchecked_services_of(context).ownership
    found = ownership.owner() if action is OwnerAction.SHOW else ownership.take_over(site)
    if as_json:
        print_json(_record(found))
    elif found is None:
        console().print(Text("nobody's yet: the first app that has anything to do becomes the owner", style="dim"))
    else:
        console().print(Text(f"since {found.since:%Y-%m-%d %H:%M:%S} (UTC): {plain(str(found))}"))


def _record(found: Owner | None) -> dict[str, str] | None:
    if found is None:
        return None
    return {"container": found.container, "site": found.site, "since": found.since.isoformat()}
