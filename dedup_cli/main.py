"""The `dedup` command: one module a subcommand, put together here."""

from typing import Annotated

import typer

from dedup_cli.apply import apply
from dedup_cli.compare import compare
from dedup_cli.decision_files import export_decisions, import_decisions
from dedup_cli.decoders import decoders
from dedup_cli.duplicates import duplicates
from dedup_cli.enqueue import enqueue
from dedup_cli.failures import SentencesForErrors
from dedup_cli.groups import groups
from dedup_cli.ingest import ingest
from dedup_cli.measure import measure
from dedup_cli.output import console
from dedup_cli.owner import owner
from dedup_cli.plan import plan
from dedup_cli.poison import poison
from dedup_cli.purge import purge
from dedup_cli.reconcile import reconcile
from dedup_cli.reindex import reindex
from dedup_cli.rejected import rejected
from dedup_cli.rejudge import rejudge
from dedup_cli.report import report
from dedup_cli.review import review
from dedup_cli.scan import scan
from dedup_cli.status import status
from dedup_cli.tune import tune
from dedup_cli.undo import undo
from dedup_core import __version__

app = typer.Typer(
    cls=SentencesForErrors,
    help="Find near-duplicate images in an Azure Blob container, and see why they are called so.",
    epilog="Settings come from the environment or from local.settings.json in the current folder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    *(scan, duplicates, groups, report, review, rejected, status, compare),
    *(plan, apply, undo, purge),
    *(enqueue, ingest, reconcile, poison, reindex, rejudge, decoders),
    *(measure, tune),
    *(owner, export_decisions, import_decisions),
):
    app.command()(command)


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
