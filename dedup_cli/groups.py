"""`dedup groups`: which images are the same picture, and which copy of each is the best."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from dedup_app.ports import ImageSummary, PairRow
from dedup_app.services import Services
from dedup_cli.connection import services_of
from dedup_cli.output import console, plain, plain_table, print_json
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups import SAME_PICTURE, SAME_SHAPE, ImageCopy, best_copy, group_pairs
from dedup_core.paths import ImagePath

type Group = tuple[ImageCopy, Sequence[ImageCopy]]  # the best copy, and all copies


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
    found = _groups(services_of(context), SAME_SHAPE if color_variants else SAME_PICTURE)
    if as_json:
        print_json([{"best": str(best.path), "images": [_record(copy) for copy in copies]} for best, copies in found])
    else:
        _print(found)


def _groups(services: Services, linking: frozenset[VerdictKind]) -> list[Group]:
    links = [(pair.left, pair.right, kind) for pair in services.pairs.all() if (kind := _kind(pair)) in linking]
    rows = services.features.summaries({path.image_id for left, right, _ in links for path in (left, right)})

    def is_there(path: ImagePath) -> bool:
        return path.image_id not in rows or rows[path.image_id].is_alive

    present = [(left, right, kind) for left, right, kind in links if kind and is_there(left) and is_there(right)]
    groups = [
        [_copy(path, rows.get(path.image_id)) for path in paths] for paths in group_pairs(present, linking=linking)
    ]
    return [(best_copy(copies), copies) for copies in groups]


def _kind(pair: PairRow) -> VerdictKind | None:
    if pair.decision in list(VerdictKind):
        return VerdictKind(pair.decision)
    return pair.verdict.kind if pair.verdict else None


def _copy(path: ImagePath, row: ImageSummary | None) -> ImageCopy:
    return ImageCopy(path, row.width, row.height, row.byte_size) if row else ImageCopy(path)


def _record(copy: ImageCopy) -> dict[str, object]:
    return {"path": str(copy.path), "width": copy.width, "height": copy.height, "bytes": copy.byte_size}


def _print(found: Sequence[Group]) -> None:
    table = plain_table("group", "image", "pixels", "bytes", "", right=("group", "pixels", "bytes"))
    for number, (best, copies) in enumerate(found, 1):
        for copy in sorted(copies, key=lambda copy: copy != best):
            size = f"{copy.width} x {copy.height}" if copy.width else "unknown"
            name = Text(plain(str(copy.path)), style="bold" if copy == best else "")
            table.add_row(str(number), name, size, f"{copy.byte_size:,}", "best" if copy == best else "")
    if found:
        console().print(table)
    images = sum(len(copies) for _, copies in found)
    told = f"{len(found)} group{'' if len(found) == 1 else 's'}, {images} images"
    console().print(Text(told, style="dim"))
