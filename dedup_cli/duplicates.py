"""`dedup duplicates`: the verified pairs of one image or of all of them."""

import json
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from dedup_app.pair_list import LIKE_EACH_OTHER, PairKind, PairList
from dedup_app.ports import PairRow
from dedup_cli.connection import image_path, services_of
from dedup_cli.output import (
    Cell,
    console,
    metric_numbers,
    plain,
    plain_table,
    print_csv,
    print_json,
    verdict_text,
)

COLUMNS = (
    "left",
    "right",
    "verdict",
    "dominant_distance",
    "pixel_difference",
    "histogram_correlation",
    "distance_bits",
    "view",
    "reasons",
    "regions",
    "decision",
    "verified_at",
)


class Format(StrEnum):
    """How to print the pairs."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


_NUMBERS = ("palette", "pixels", "histogram")


def duplicates(
    context: typer.Context,
    path: Annotated[
        str | None, typer.Argument(metavar="PATH", help="An image, as container/name or URL; without it, every pair.")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="For people, or for a program.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    kind: Annotated[
        list[PairKind] | None, typer.Option(help="Only these; may be repeated. Default: pairs that look alike.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Pairs of every kind.")] = False,
) -> None:
    """List pairs of images that look alike, each with its verdict, its color metrics and the reasons.

    Pairs of images that were deleted or are no images any more are left out, unless --all is given.

    Example: dedup duplicates images/shirts/red.jpg --kind duplicate --format csv
    """
    services = services_of(context)
    found = services.pair_list.pairs(
        None if path is None else image_path(services, path),
        PairKind if everything else kind or LIKE_EACH_OTHER,
        of_gone_images=everything,
    )
    if as_json or output is Format.JSON:
        print_json([pair_record(pair) for pair in found.pairs])
    elif output is Format.CSV:
        print_csv(COLUMNS, (_flat(pair_record(pair)) for pair in found.pairs))
    else:
        _print_table(found)


def pair_record(pair: PairRow) -> dict[str, object]:
    """What programs get of a pair; the keys are those of `COLUMNS`."""
    verdict = pair.verdict
    metrics = verdict.metrics if verdict else None
    return {
        "left": str(pair.left),
        "right": str(pair.right),
        "verdict": PairKind.of(pair).value,
        "dominant_distance": metrics.dominant_distance if metrics else None,
        "pixel_difference": metrics.pixel_difference if metrics else None,
        "histogram_correlation": metrics.histogram_correlation if metrics else None,
        "distance_bits": pair.distance_bits,
        "view": pair.view,
        "reasons": list(verdict.reasons) if verdict else [],
        "regions": [region.as_dict() for region in verdict.regions] if verdict else [],
        "decision": pair.decision,
        "verified_at": pair.verified_at.isoformat() if pair.verified_at else None,
    }


def _flat(record: dict[str, object]) -> dict[str, Cell]:
    return {key: _cell(key, value) for key, value in record.items()}


def _cell(key: str, value: object) -> Cell:
    if isinstance(value, list):
        return json.dumps(value) if key == "regions" else "; ".join(value)
    return value if isinstance(value, str | int | float) else None


def _print_table(found: PairList) -> None:
    if found.pairs:
        table = plain_table("verdict", "palette", "pixels", "histogram", "pair, and why", right=_NUMBERS)
        for pair in found.pairs:
            kind, metrics = (pair.verdict.kind, pair.verdict.metrics) if pair.verdict else (None, None)
            table.add_row(verdict_text(kind), *metric_numbers(metrics), _images_and_why(pair))
        console().print(table)
    summary = f"{len(found.pairs)} pair{'' if len(found.pairs) == 1 else 's'}"
    hidden = [f"{found.of_other_kinds[kind]} {kind}" for kind in PairKind if found.of_other_kinds[kind]]
    if found.of_gone_images:
        hidden.append(f"{found.of_gone_images} of images that are gone")
    if hidden:
        summary += f"; not shown: {', '.join(hidden)} (--all shows them)"
    console().print(Text(summary, style="dim"))


def _images_and_why(pair: PairRow) -> Text:
    images = Text(f"{plain(str(pair.left))}\n{plain(str(pair.right))}")
    if pair.decision:
        images.append(f"\ndecided by a person: {plain(pair.decision)}", style="bold")
    if pair.verdict and pair.verdict.reasons:
        images.append("\n" + plain("; ".join(pair.verdict.reasons)), style="dim")
    return images
