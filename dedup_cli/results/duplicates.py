"""`dedup duplicates`: the verified pairs of one image or of all of them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from dedup_app.ports.pairs import PairRow
from dedup_app.queries.paging import pair_cursor
from dedup_app.queries.pair_list import LIKE_EACH_OTHER, PairFilter, PairKind, PairList, PairListService
from dedup_cli.connection import services_of
from dedup_cli.named_images import image_path, note_prefix
from dedup_cli.presentation.failures import InputError
from dedup_cli.presentation.formats import chosen_format
from dedup_cli.presentation.output import (
    console,
    counted,
    metric_numbers,
    plain,
    plain_table,
    print_csv,
    print_json_list,
    tell,
    verdict_text,
)
from dedup_cli.presentation.progress import progress
from dedup_cli.presentation.written_file import check_place
from dedup_cli.results.pair_export import COLUMNS, flat_record, pair_record, write_parquet

Prefix = Annotated[str, typer.Option(metavar="NAME", help="Only with an image whose name begins with this.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], metavar="DATE", help="Only what was verified since then (UTC)."
    ),
]


class Format(StrEnum):
    """How to print the pairs."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


STREAMED = (Format.JSON, Format.CSV)  # to standard output, pair by pair
_NUMBERS = ("palette", "pixels", "histogram")


def duplicates(
    context: typer.Context,
    path: Annotated[
        str | None, typer.Argument(metavar="PATH", help="An image, as container/name or URL; without it, every pair.")
    ] = None,
    *,
    output: Annotated[Format, typer.Option("--format", help="For people, or for a program.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    kind: Annotated[
        list[PairKind] | None, typer.Option(help="Only these; may be repeated. Default: pairs that look alike.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Pairs of every kind.")] = False,
    prefix: Prefix = "",
    since: Since = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="One page of at most this many pairs. Not with PATH.")
    ] = None,
    after: Annotated[
        str, typer.Option(metavar="CURSOR", help="Continue after the cursor that the page before has told.")
    ] = "",
    file: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Where to write the Parquet file.")
    ] = None,
) -> None:
    """List pairs of images that look alike, each with its verdict, its color metrics and the reasons.

    Pairs of images that were deleted or are no images any more are left out, unless --all is given.

    Example: dedup duplicates images/shirts/red.jpg --kind duplicate --format csv
    """
    output = chosen_format(context, output, as_json=as_json)
    if everything and kind:
        raise InputError("--all is for pairs of every kind: leave out --all or --kind")
    if (file is not None) is not (output is Format.PARQUET):
        raise InputError("a Parquet file needs both: --format parquet --output pairs.parquet")
    if file is not None:
        check_place(file)
    if path is not None and (limit or after):
        raise InputError("--limit and --after page through all pairs; leave out PATH")
    services = services_of(context)
    note_prefix(services, prefix)
    kinds = tuple(PairKind) if everything else tuple(kind or LIKE_EACH_OTHER)
    wanted = PairFilter(kinds, prefix, None if since is None else since.replace(tzinfo=UTC), everything)
    if path is None and (output is not Format.TABLE or limit or after):
        pairs = _page(services.pair_list, wanted, after, limit, is_printed=output in STREAMED)
        _print(pairs, output, file)
        return
    image = None if path is None else image_path(services, path)
    with progress("pairs") as show:
        found = services.pair_list.pairs(image, wanted, show)
    if found.is_too_plain:
        tell(f"{image} is too plain to be searched for: only identical files are found")
    if output is Format.TABLE:
        _print_table(found)
    else:
        _print(found.pairs, output, file)


def _print(pairs: Iterable[PairRow], output: Format, file: Path | None) -> None:
    """Print them, or write them to the file; all but a table as they come, so that few are held."""
    if output is Format.TABLE:
        found = list(pairs)
        _print_pairs(found)
        console().print(Text(counted(len(found), "pair"), style="dim"))
    elif output is Format.JSON:
        print_json_list(map(pair_record, pairs))
    elif output is Format.CSV:
        print_csv(COLUMNS, map(flat_record, pairs))
    elif file is not None:
        console().print(Text(f"{counted(write_parquet(file, pairs), 'pair')} written to {plain(str(file))}"))


def _page(
    pair_list: PairListService, wanted: PairFilter, after: str, limit: int | None, *, is_printed: bool
) -> Iterator[PairRow]:
    """The pairs of one page; where there is another one, its cursor is told when the last of them is out.

    `is_printed`: each is printed as it comes.
    """
    with progress("pairs", while_printing=is_printed) as show:
        found = pair_list.each(wanted, after, show)
        last: PairRow | None = None
        for last in found if limit is None else islice(found, limit):
            yield last
        if last is not None and next(found, None) is not None:
            first, second = sorted((last.left.image_id, last.right.image_id))
            tell(f"there are more: --after {pair_cursor(first, second)}")


def _print_table(found: PairList) -> None:
    _print_pairs(found.pairs)
    summary = counted(len(found.pairs), "pair")
    hidden = [f"{found.of_other_kinds[kind]} {kind}" for kind in PairKind if found.of_other_kinds[kind]]
    if found.of_gone_images:
        hidden.append(f"{found.of_gone_images} of images that are gone")
    if hidden:
        summary += f"; not shown: {', '.join(hidden)} (--all shows them)"
    console().print(Text(summary, style="dim"))


def _print_pairs(pairs: Sequence[PairRow]) -> None:
    if not pairs:
        return
    table = plain_table("verdict", "palette", "pixels", "histogram", "pair, and why", right=_NUMBERS)
    for pair in pairs:
        kind, metrics = (pair.verdict.kind, pair.verdict.metrics) if pair.verdict else (None, None)
        table.add_row(verdict_text(kind), *metric_numbers(metrics), _images_and_why(pair))
    console().print(table)


def _images_and_why(pair: PairRow) -> Text:
    images = Text(f"{plain(str(pair.left))}\n{plain(str(pair.right))}")
    if pair.decision:
        images.append(f"\ndecided by a person: {plain(pair.decision)}", style="bold")
    if pair.verdict and pair.verdict.reasons:
        images.append("\n" + plain("; ".join(pair.verdict.reasons)), style="dim")
    return images
