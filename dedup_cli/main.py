"""The `dedup` command: what holds for all of its subcommands, each of which has a module of its own."""

from typing import Annotated

import typer

from dedup_cli.loaded_commands import Subcommands
from dedup_cli.presentation.output import console
from dedup_core import __version__

app = typer.Typer(
    cls=Subcommands,
    help="Find near-duplicate images in an Azure Blob container, and see why they are called so.",
    epilog="Settings come from the environment or from local.settings.json in the current folder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def tell_version(asked: bool) -> None:
    """Print the version and stop, if it was asked for."""
    if asked:
        console().print(f"dedup {__version__}")
        raise typer.Exit


@app.callback()
def before_any_subcommand(
    _: Annotated[
        bool, typer.Option("--version", help="Say the version.", callback=tell_version, is_eager=True)
    ] = False,
) -> None: ...
