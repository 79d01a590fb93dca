"""`dedup compare`: the verdict about two files of this machine, without any storage account."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dedup_cli.local.local_files import limits_here, read_image_file, why_not_read
from dedup_cli.presentation.failures import ExitCode, InputError
from dedup_cli.presentation.output import console, metric_numbers, plain, print_json, verdict_text
from dedup_cli.presentation.written_file import check_place, write_whole
from dedup_core.comparison.explain import explain_png
from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.verdict import SAME_PICTURE, Verdict, decide
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.errors import ImageTooLarge, UnreadableImage
from dedup_core.fingerprinting.record import HASH_BITS
from dedup_core.policy import PRESETS
from dedup_decoders.opening import open_decoders

METRICS = ("palette distance", "pixel difference", "histogram correlation")
MEANINGS = ("CIELAB, 0 is the same", "CIELAB, 0 is the same", "1 is the same")


class Preset(StrEnum):
    """The named sets of thresholds of `dedup_core.comparison.verdict`."""

    STRICT = "strict"
    BALANCED = "balanced"
    LOOSE = "loose"


def compare(
    left: Annotated[Path, typer.Argument(metavar="A", help="An image file.")],
    right: Annotated[Path, typer.Argument(metavar="B", help="Another image file.")],
    policy: Annotated[
        Preset, typer.Option(help="How much a copy may differ; balanced is what the app uses unless told otherwise.")
    ] = Preset.BALANCED,
    explain: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw both images aligned, their difference and the numbers: a PNG."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict for a program.")] = False,
) -> None:
    """Compare two image files of this machine and say why they are copies or not. Needs no Azure.

    Ends with exit code 0 for copies (identical, duplicate) and 1 for all others.

    Example: dedup compare original.jpg suspect.png
    """
    if explain and explain.suffix.lower() not in ("", ".png"):
        raise InputError(
            f"--explain draws a PNG, and {explain} is named otherwise: name it {explain.with_suffix('.png')}"
        )
    if explain:
        check_place(explain, of=(left, right))
    left_data, right_data = _read(left), _read(right)
    with open_decoders(limits_here(), children=1) as decoders:  # a file to compare may come from anywhere
        left_image = _decoded(left, left_data, decoders.decode)
        right_image = _decoded(right, right_data, decoders.decode)
    measurement = measure_images(left_image, right_image)
    verdict = decide(measurement, PRESETS[policy], same_bytes=left_data == right_data)
    if explain:
        write_whole(explain, explain_png(left_image, right_image, measurement, verdict))
    if as_json:
        print_json(verdict_record(left, right, verdict))
    else:
        _print_verdict(left, right, verdict)
    if verdict.kind not in SAME_PICTURE:
        raise typer.Exit(ExitCode.NOT_COPIES)


def verdict_record(left: Path, right: Path, verdict: Verdict) -> dict[str, object]:
    metrics = verdict.metrics.as_dict() if verdict.metrics else {}
    return {
        "left": str(left),
        "right": str(right),
        "verdict": verdict.kind.value,
        "dominant_distance": metrics.get("dominant_distance"),
        "pixel_difference": metrics.get("pixel_difference"),
        "histogram_correlation": metrics.get("histogram_correlation"),
        "distance_bits": verdict.distance_bits,
        "view": verdict.view,
        "reasons": list(verdict.reasons),
        "regions": [region.as_dict() for region in verdict.regions],
    }


def _print_verdict(left: Path, right: Path, verdict: Verdict) -> None:
    bits = "no fingerprint" if verdict.distance_bits is None else f"{verdict.distance_bits} of {HASH_BITS} bits"
    table = Table(box=None, show_header=False, pad_edge=False)
    for line in zip(METRICS, metric_numbers(verdict.metrics), MEANINGS, strict=True):
        table.add_row(*line)
    table.add_row("fingerprint distance", bits, f"seen {verdict.view.replace('_', ' ')}")
    out = console()
    out.print(Text.assemble(verdict_text(verdict.kind), f": {plain(str(left))} and {plain(str(right))}"))
    for reason in verdict.reasons:
        out.print(Padding(Text(f"because {plain(reason)}"), (0, 0, 0, 2)))
    out.print(Padding(table, (0, 0, 0, 2)))


def _read(file: Path) -> bytes:
    try:
        if file.exists() and not (file.is_file() or file.is_dir()):  # who reads from a pipe may wait for ever
            raise InputError(f"cannot read {file}: it is a pipe or a device; write what comes from it into a file")
        return read_image_file(file)
    except ImageTooLarge as error:
        raise InputError(f"cannot compare {file}: {why_not_read(error.reason, str(error))}") from error
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror or error}; give the path of an image file") from error


def _decoded(file: Path, data: bytes, decode: Callable[[bytes], WorkingImage]) -> WorkingImage:
    try:
        return decode(data)
    except (UnreadableImage, ImageTooLarge) as error:
        raise InputError(f"cannot compare {file}: {why_not_read(error.reason, str(error))}") from error
