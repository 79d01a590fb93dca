"""`dedup rejected`: the files that could not be read, and why."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import typer
from rich.text import Text

from dedup_app.ports.features import FeaturesRow
from dedup_app.queries.rejected import RejectedService
from dedup_cli.connection import services_of
from dedup_cli.named_images import note_prefix
from dedup_cli.presentation.formats import Format, chosen_format
from dedup_cli.presentation.output import Cell, console, counted, plain, plain_table, print_csv, print_json_list, tell
from dedup_cli.presentation.progress import progress
from dedup_cli.results.duplicates import Prefix

COLUMNS = ("path", "reason", "detail", "decoder", "since")


def rejected(
    context: typer.Context,
    reason: Annotated[str, typer.Option(metavar="REASON", help="Only for this reason, such as corrupt.")] = "",
    prefix: Prefix = "",
    output: Annotated[Format, typer.Option("--format", help="For people, or for a program.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="One page of at most this many files.")] = None,
    after: Annotated[
        str, typer.Option(metavar="CURSOR", help="Continue after the cursor that the page before has told.")
    ] = "",
) -> None:
    """List the files that could not be read, each with its reason. No image is read for it.

    `dedup ingest --rejected` has them read once more.

    Example: dedup rejected --reason corrupt --format csv
    """
    output = chosen_format(context, output, as_json=as_json)
    services = services_of(context)
    note_prefix(services, prefix)
    service = services.rejected
    with progress("rejected files", while_printing=output is not Format.TABLE) as show:
        rows = _page(service.each(reason=reason, prefix=prefix, after=after, progress=show), limit)
        if output is Format.JSON:
            print_json_list(map(_record, rows))
        elif output is Format.CSV:
            print_csv(COLUMNS, map(_record, rows))
        else:
            found = list(rows)
    if output is Format.TABLE:
        _print(found)
        if reason and not (found or prefix or after):
            tell(no_such_reason(service, reason))


def no_such_reason(service: RejectedService, reason: str) -> str:
    """The sentence that no image was rejected for this reason, with the reasons for which some were."""
    reasons = ", ".join(f"{it} ({count:,})" for it, count in service.reasons().most_common())
    return f"no image was rejected as {reason}; " + (f"reasons that there are: {reasons}" if reasons else "none was")


def _page(found: Iterator[FeaturesRow], limit: int | None) -> Iterator[FeaturesRow]:
    last: FeaturesRow | None = None
    for last in found if limit is None else islice(found, limit):
        yield last
    if last is not None and next(found, None) is not None:
        tell(f"there are more: --after {last.path.image_id}")


def _record(row: FeaturesRow) -> dict[str, Cell]:
    return {
        "path": str(row.path),
        "reason": row.status.reason,
        "detail": row.detail,
        "decoder": row.decoder,
        "since": row.updated_at.isoformat(),
    }


def _print(rows: list[FeaturesRow]) -> None:
    if rows:
        table = plain_table("reason", "file, and why")
        for row in rows:
            file = Text(plain(str(row.path)))
            table.add_row(Text(row.status.reason or "", style="yellow"), file.append(f"\n{plain(row.detail)}", "dim"))
        console().print(table)
    console().print(Text(f"{counted(len(rows), 'file')} rejected", style="dim"))
