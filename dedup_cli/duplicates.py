"""`dedup duplicates`: the verified pairs of one image or of all of them."""

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from dedup_app.ports import PairRow
from dedup_app.services import Services
from dedup_cli.connection import image_path, services_of
from dedup_cli.failures import InputError
from dedup_cli.output import (
    PENDING,
    Cell,
    console,
    metric_numbers,
    plain,
    plain_table,
    print_csv,
    print_json,
    verdict_text,
)
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.paths import ImagePath

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


class Kind(StrEnum):
    """What `--kind` can ask for: a verdict, or a pair that still waits for one."""

    IDENTICAL = VerdictKind.IDENTICAL
    DUPLICATE = VerdictKind.DUPLICATE
    ALTERED = VerdictKind.ALTERED
    COLOR_VARIANT = VerdictKind.COLOR_VARIANT
    DISTINCT = VerdictKind.DISTINCT
    UNVERIFIABLE = VerdictKind.UNVERIFIABLE
    PENDING = PENDING


_NUMBERS = ("palette", "pixels", "histogram")

LIKE_EACH_OTHER = (Kind.IDENTICAL, Kind.DUPLICATE, Kind.ALTERED, Kind.COLOR_VARIANT)


def duplicates(
    context: typer.Context,
    path: Annotated[
        str | None, typer.Argument(metavar="PATH", help="An image, as container/name or URL; without it, every pair.")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="For people, or for a program.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    kind: Annotated[
        list[Kind] | None, typer.Option(help="Only these; may be repeated. Default: pairs that look alike.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Pairs of every kind.")] = False,
) -> None:
    """List pairs of images that look alike, each with its verdict, its color metrics and the reasons.

    Pairs of images that were deleted or are no images any more are left out, unless --all is given.

    Example: dedup duplicates images/shirts/red.jpg --kind duplicate --format csv
    """
    services = services_of(context)
    wanted = set(Kind) if everything else set(kind or LIKE_EACH_OTHER)
    known = sorted(_pairs(services, path, pending=Kind.PENDING in wanted), key=_order)
    chosen = [pair for pair in known if _kind(pair) in wanted]
    missing = set() if everything else _missing_images(services, chosen)
    present = [pair for pair in chosen if not missing & {pair.left.image_id, pair.right.image_id}]
    if as_json or output is Format.JSON:
        print_json([pair_record(pair) for pair in present])
    elif output is Format.CSV:
        print_csv(COLUMNS, (_flat(pair_record(pair)) for pair in present))
    else:
        others = [pair for pair in known if _kind(pair) not in wanted]
        _print_table(present, others, len(chosen) - len(present))


def pair_record(pair: PairRow) -> dict[str, object]:
    """What programs get of a pair; the keys are those of `COLUMNS`."""
    verdict = pair.verdict
    metrics = verdict.metrics if verdict else None
    return {
        "left": str(pair.left),
        "right": str(pair.right),
        "verdict": _kind(pair).value,
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


def _pairs(services: Services, path: str | None, *, pending: bool) -> Iterable[PairRow]:
    if path is None:
        return services.pairs.all()
    image = image_path(services, path)
    _must_be_known(services, image)
    # Only verified pairs stand under both images; to find the others takes a look at all.
    waiting = (
        [it for it in services.pairs.all() if it.verdict is None and image in (it.left, it.right)] if pending else []
    )
    return [*services.pairs.of_image(image), *waiting]


def _must_be_known(services: Services, image: ImagePath) -> None:
    row = services.features.get(image.image_id)
    if row is None:
        raise InputError(f"no image {image} is known: check the spelling (container/name), or `dedup ingest {image}`")
    if row.status.is_rejected:
        raise InputError(f"{image} was rejected as {row.status.reason}, so it has no pairs: {row.detail}")


def _missing_images(services: Services, pairs: Sequence[PairRow]) -> set[str]:
    """Ids of images that were compared once and by now are deleted, or overwritten with what is no image."""
    compared = [pair for pair in pairs if pair.verdict and pair.verdict.metrics]
    rows = services.features.summaries({path.image_id for pair in compared for path in (pair.left, pair.right)})
    return {image_id for image_id, row in rows.items() if not row.is_alive}


def _kind(pair: PairRow) -> Kind:
    return Kind(pair.verdict.kind.value) if pair.verdict else Kind.PENDING


def _order(pair: PairRow) -> tuple[int, ImagePath, ImagePath]:
    return list(Kind).index(_kind(pair)), pair.left, pair.right


def _flat(record: dict[str, object]) -> dict[str, Cell]:
    return {key: _cell(key, value) for key, value in record.items()}


def _cell(key: str, value: object) -> Cell:
    if isinstance(value, list):
        return json.dumps(value) if key == "regions" else "; ".join(value)
    return value if isinstance(value, str | int | float) else None


def _print_table(chosen: Sequence[PairRow], others: Sequence[PairRow], gone: int) -> None:
    if chosen:
        table = plain_table("verdict", "palette", "pixels", "histogram", "pair, and why", right=_NUMBERS)
        for pair in chosen:
            kind, metrics = (pair.verdict.kind, pair.verdict.metrics) if pair.verdict else (None, None)
            table.add_row(verdict_text(kind), *metric_numbers(metrics), _images_and_why(pair))
        console().print(table)
    summary = f"{len(chosen)} pair{'' if len(chosen) == 1 else 's'}"
    if others or gone:
        counts = {kind.value: sum(_kind(pair) is kind for pair in others) for kind in Kind}
        counts["of images that are gone"] = gone
        told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        summary += f"; not shown: {told} (--all shows them)"
    console().print(Text(summary, style="dim"))


def _images_and_why(pair: PairRow) -> Text:
    images = Text(f"{plain(str(pair.left))}\n{plain(str(pair.right))}")
    if pair.decision:
        images.append(f"\ndecided by a person: {plain(pair.decision)}", style="bold")
    if pair.verdict and pair.verdict.reasons:
        images.append("\n" + plain("; ".join(pair.verdict.reasons)), style="dim")
    return images
