"""`dedup groups`: which images are the same picture, and which copy of each is the one to keep."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from dedup_app.group_book import SAME, SAME_SHAPE
from dedup_cli.connection import services_of
from dedup_cli.output import console, plain, plain_table, print_json
from dedup_core.groups.facts import ImageFacts
from dedup_core.groups.projection import Group


def groups(
    context: typer.Context,
    color_variants: Annotated[
        bool, typer.Option("--color-variants", help="List groups of the same thing in other colors, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the groups for a program.")] = False,
) -> None:
    """List groups of images that are the same picture, each with the copy to keep and why.

    A group is a keeper and the images verified directly against it. What a person decided about a pair counts more than
    its verdict. Nothing is ever deleted.

    Example: dedup groups --json
    """
    found = services_of(context).groups.groups(SAME_SHAPE if color_variants else SAME)
    if as_json:
        print_json([_record(group) for group in found])
    else:
        _print(found)


def _record(group: Group) -> dict[str, object]:
    return {
        "best": group.keeper.path,
        "why": [reason.sentence for reason in group.reasons],
        "verdict": group.family.value,
        "decided": group.is_decided,
        "images": [_image(image) for image in group.images],
    }


def _image(image: ImageFacts) -> dict[str, object]:
    return {"path": image.path, "width": image.width, "height": image.height, "bytes": image.byte_size}


def _print(found: Sequence[Group]) -> None:
    table = plain_table("group", "image", "pixels", "bytes", "", right=("group", "pixels", "bytes"))
    for number, group in enumerate(found, 1):
        why = f"keep: {'; '.join(reason.sentence for reason in group.reasons)}" if group.reasons else "keep"
        for image in group.images:
            is_keeper = image is group.keeper
            size = f"{image.width} x {image.height}" if image.width else "unknown"
            name = Text(plain(image.path), style="bold" if is_keeper else "")
            table.add_row(str(number), name, size, f"{image.byte_size:,}", why if is_keeper else "")
    if found:
        console().print(table)
    images = sum(1 + len(group.members) for group in found)
    told = f"{len(found)} group{'' if len(found) == 1 else 's'}, {images} images"
    console().print(Text(told, style="dim"))
