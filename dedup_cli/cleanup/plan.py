"""`dedup plan`: what would go, why, and how many bytes that saves. Nothing is changed."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from dedup_cli.connection import services_of
from dedup_cli.named_images import note_prefix
from dedup_cli.presentation.formats import Format, chosen_format
from dedup_cli.presentation.named_table import NamedRow, named_table
from dedup_cli.presentation.output import Cell, console, counted, plain, print_csv, print_json
from dedup_cli.same_settings import require_its_keepers
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.plan import Keep, KeepPlan, PlannedGroup, PlannedImage, Wanted
from dedup_core.groups.plan_file import plan_as_dict

COLUMNS = ("group", "action", "path", "bytes", "verdict", "decided_by", "why")


class Linking(StrEnum):
    """The verdicts of which something may go; of the last two only where a person decided."""

    IDENTICAL = "identical"
    DUPLICATE = "duplicate"
    ALTERED = "altered"
    COLOR_VARIANT = "color_variant"


def plan(
    context: typer.Context,
    keep: Annotated[
        Keep, typer.Option(help="Go by verdicts and by what people decided, or by what people decided alone.")
    ] = Keep.POLICY,
    verdict: Annotated[
        list[Linking] | None, typer.Option(help="Only copies with this verdict; may be repeated.")
    ] = None,
    prefix: Annotated[
        str,
        typer.Option(metavar="NAME", help="Only images whose names (without the container) begin with this may go."),
    ] = "",
    output: Annotated[Format, typer.Option("--format", help="For people, or for a program.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
) -> None:
    """Say which images could go, why, and how many bytes that saves. Nothing is changed.

    Copies go by their verdicts (identical, duplicate), except those that a person wants to keep; altered images and
    color variants go only where a person decided so.

    Example: dedup plan --keep policy --format json > plan.json
    """
    wanted = Wanted(keep, [VerdictKind(it) for it in verdict or ()], prefix)
    output = chosen_format(context, output, as_json=as_json)
    services = services_of(context)
    require_its_keepers(services)
    note_prefix(services, prefix)
    found = services.keep_plan.plan(wanted)
    match output:
        case Format.JSON:
            print_json(plan_as_dict(found))
        case Format.CSV:
            print_csv(COLUMNS, _rows(found))
        case Format.TABLE:
            _print(found)


def _rows(found: KeepPlan) -> Iterator[dict[str, Cell]]:
    """One row an image, the one that stays first."""
    for group in found.groups:
        yield _row(group, "stays", group.keeper) | {"why": "; ".join(group.why)}
        for copy in group.copies:
            why: dict[str, Cell] = {"verdict": copy.verdict, "decided_by": copy.decided_by, "why": copy.why}
            yield _row(group, "goes", copy.image) | why


def _row(group: PlannedGroup, action: str, image: PlannedImage) -> dict[str, Cell]:
    return {"group": group.group_id, "action": action, "path": str(image.path), "bytes": image.byte_size}


def _print(found: KeepPlan) -> None:
    rows: list[NamedRow | None] = []
    for group in found.groups:
        rows.append(_named("stays", group.keeper, "; ".join(group.why), style="bold"))
        rows += [_named("goes", copy.image, copy.why) for copy in group.copies]
    if rows:
        headings = NamedRow(("",), Text("image"), ("bytes",), Text("why"))
        console().print(named_table(headings, rows, console().width, right=("bytes",)))
    for it in found.left_out:
        console().print(Text(f"left out: {plain(it.path)}: {plain(it.why)}", style="yellow"), soft_wrap=True)
    images, groups = counted(len(found.copies), "image"), counted(len(found.groups), "group")
    told = f"{images} of {groups} would go ({found.bytes_to_gain:,} bytes)"
    console().print(Text(f"{told}; nothing was changed", style="dim"))


def _named(action: str, image: PlannedImage, why: str, style: str = "") -> NamedRow:
    return NamedRow((action,), Text(plain(str(image.path)), style), (f"{image.byte_size:,}",), Text(plain(why)))
