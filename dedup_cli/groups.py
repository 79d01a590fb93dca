"""`dedup groups`: which images are the same picture, and which copy of each is the best."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from dedup_app.grouping import PictureGroup
from dedup_cli.connection import services_of
from dedup_cli.output import console, plain, plain_table, print_json
from dedup_core.groups import SAME_PICTURE, SAME_SHAPE, ImageCopy


def groups(
    context: typer.Context,
    color_variants: Annotated[
        bool, typer.Option("--color-variants", help="Put the same thing in other colors into one group, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the groups for a program.")] = False,
) -> None:
    """List groups of images that are the same picture, each with its best copy: most pixels, then most bytes.

    What a person decided about a pair counts more than its verdict. Nothing is ever deleted.

    Example: dedup groups --json
    """
    found = services_of(context).grouping.groups(SAME_SHAPE if color_variants else SAME_PICTURE)
    if as_json:
        print_json([{"best": str(it.best.path), "images": [_record(copy) for copy in it.copies]} for it in found])
    else:
        _print(found)


def _record(copy: ImageCopy) -> dict[str, object]:
    return {"path": str(copy.path), "width": copy.width, "height": copy.height, "bytes": copy.byte_size}


def _print(found: Sequence[PictureGroup]) -> None:
    table = plain_table("group", "image", "pixels", "bytes", "", right=("group", "pixels", "bytes"))
    for number, group in enumerate(found, 1):
        best = group.best
        for copy in (best, *(copy for copy in group.copies if copy != best)):
            size = f"{copy.width} x {copy.height}" if copy.width else "unknown"
            name = Text(plain(str(copy.path)), style="bold" if copy == best else "")
            table.add_row(str(number), name, size, f"{copy.byte_size:,}", "best" if copy == best else "")
    if found:
        console().print(table)
    images = sum(len(group.copies) for group in found)
    told = f"{len(found)} group{'' if len(found) == 1 else 's'}, {images} images"
    console().print(Text(told, style="dim"))
