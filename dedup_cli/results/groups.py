"""`dedup groups`: which images are the same picture, and which copy of each is the one to keep."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Annotated

import typer
from rich.text import Text

from dedup_app.queries.review import GroupFilter, State
from dedup_app.records.group_book import SAME, SAME_SHAPE
from dedup_cli.connection import services_of
from dedup_cli.named_images import note_prefix
from dedup_cli.presentation.formats import Format, chosen_format
from dedup_cli.presentation.named_table import NamedRow, named_table
from dedup_cli.presentation.output import Cell, console, counted, plain, print_csv, print_json_list
from dedup_cli.results.duplicates import Prefix, Since
from dedup_core.groups.facts import ImageFacts
from dedup_core.groups.group import Group, Member, asked_about

COLUMNS = ("group", "verdict", "path", "keep", "why", "width", "height", "bytes", "decision", "decided_by", "unsure")


def groups(
    context: typer.Context,
    color_variants: Annotated[
        bool, typer.Option("--color-variants", help="List groups of the same thing in other colors, too.")
    ] = False,
    output: Annotated[Format, typer.Option("--format", help="For people, or for a program.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    prefix: Prefix = "",
    since: Since = None,
) -> None:
    """List groups of images that are the same picture, each with the copy to keep and why.

    A group is a keeper and the images verified directly against it. What a person decided about a pair counts more than
    its verdict. Nothing is ever deleted.

    Example: dedup groups --prefix uploads/ --format csv
    """
    families = SAME_SHAPE if color_variants else SAME
    start = None if since is None else since.replace(tzinfo=UTC)
    wanted = GroupFilter(state=State.ALL, prefix=prefix, since=start)
    output = chosen_format(context, output, as_json=as_json)
    services = services_of(context)
    note_prefix(services, prefix)
    found = [it for it in services.review.matching(wanted) if it.family in families]
    if output is Format.JSON:
        print_json_list(map(_record, found))
    elif output is Format.CSV:
        print_csv(COLUMNS, (row for group in found for row in _rows(group)))
    else:
        _print(found)


def _record(group: Group) -> dict[str, object]:
    return {
        "id": group.id,
        "best": group.keeper.path,
        "why": group.why,
        "unsure": group.is_unsure,
        "verdict": group.family.value,
        "decided": group.is_decided,
        "images": [_image(*it) for it in zip(group.images, _keep(group), (None, *group.members), strict=True)],
    }


def _image(image: ImageFacts, keep: str, member: Member | None) -> dict[str, object]:
    decision, by = _decision(member)
    size = {"width": image.width, "height": image.height, "bytes": image.byte_size}
    return {"path": image.path, **size, "decision": decision, "decided_by": by, "unsure": keep == "unsure"}


def _decision(member: Member | None) -> tuple[str, str]:
    """What was decided about the image and the keeper, and by whom; both empty where nothing was."""
    decided = member.decided if member else None
    return (decided.decision.value, decided.by) if decided and decided.decision else ("", "")


def _rows(group: Group) -> Iterator[dict[str, Cell]]:
    """One row an image, the keeper first."""
    for image, keep, member in zip(group.images, _keep(group), (None, *group.members), strict=True):
        is_keeper = image is group.keeper
        decision, by = _decision(member)
        yield {
            "group": group.id,
            "verdict": group.family.value,
            "path": image.path,
            # One yes in each group, so that nobody who goes by it loses a picture.
            "keep": "yes" if is_keeper else "no",
            "why": "; ".join(group.why) if is_keeper else "",
            "width": image.width,
            "height": image.height,
            "bytes": image.byte_size,
            "decision": decision,
            "decided_by": by,
            "unsure": "yes" if keep == "unsure" else "no",
        }


def _keep(group: Group) -> Iterator[str]:
    """Of each image, the keeper first, whether to keep it: `yes`, `no`, or `unsure` where a person has to choose."""
    yield "unsure" if group.is_unsure else "yes"
    yield from ("unsure" if member.is_unsure or asked_about(member) else "no" for member in group.members)


def _print(found: Sequence[Group]) -> None:
    rows = []
    for number, group in enumerate(found, 1):
        for image, keep in zip(group.images, _keep(group), strict=True):
            size = f"{image.width} x {image.height}" if image.width else "unknown"
            name = Text(plain(image.path), style="bold" if keep == "yes" else "")
            word = {"yes": "keep", "no": "", "unsure": "unsure"}[keep]
            told = ": ".join(filter(None, (word, "; ".join(group.why)))) if image is group.keeper else word
            rows.append(NamedRow((str(number),), name, (size, f"{image.byte_size:,}"), Text(told)))
    if rows:
        headings = NamedRow(("group",), Text("image"), ("pixels", "bytes"), Text(""))
        console().print(named_table(headings, rows, console().width, right=("group", "pixels", "bytes")))
    images = sum(1 + len(group.members) for group in found)
    console().print(Text(f"{counted(len(found), 'group')}, {counted(images, 'image')}", style="dim"))
