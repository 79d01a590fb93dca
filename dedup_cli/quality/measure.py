"""`dedup measure`: how well the app finds copies of the images that it holds, and leaves others alone."""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from dedup_app.configuration.extras import how_to_install
from dedup_app.services import Services
from dedup_cli.connection import services_of
from dedup_cli.local.compare import Preset
from dedup_cli.named_images import note_prefix
from dedup_cli.presentation.failures import ExitCode, InputError
from dedup_cli.presentation.output import console, counted, plain, plain_table, tell
from dedup_cli.presentation.progress import progress_bar
from dedup_cli.presentation.written_file import check_place, write_whole
from dedup_cli.quality.plots import rate
from dedup_core.policy import PRESETS

if TYPE_CHECKING:
    from dedup_app.measure.analysis import Report
    from dedup_app.measure.sample import Sample
    from dedup_app.measure.service import MeasureService
    from dedup_app.measure.strangers import Strangers
    from dedup_app.ports.features import ImageSummary
    from dedup_changes.copy_maker import CopyMaker
    from dedup_cli.quality.measure_folder import MeasureFolder

MOST_SHOWN = 12  # changes in the table, the worst ones
MOST_ADVICE = 5
MOST_STRANGERS = 1_000  # images whose pairs are looked at: half a million, held in memory
LOOK_UPS_AN_IMAGE = 2  # rows in tables, measured: docs/benchmarks.md


@dataclass(frozen=True)
class Asked:
    """What was asked for."""

    prefix: str
    sample: int
    seed: int


def measure(
    context: typer.Context,
    *,
    prefix: Annotated[str, typer.Option(metavar="NAME", help="Only images whose names begin with this.")] = "",
    sample: Annotated[int, typer.Option(min=2, max=100_000, help="How many images are read.")] = 300,
    seed: Annotated[int, typer.Option(help="Another number draws another sample.")] = 0,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report with plots and pictures.")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all figures.")] = None,
    at_least: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit with code 1 if a smaller share of the copies is found.")
    ] = None,
    policy: Annotated[Preset | None, typer.Option(help="Judge by this preset, not by the settings.")] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep what was measured there, for `dedup tune`.")
    ] = None,
    page: Annotated[
        str, typer.Option(metavar="URL", help="The address of the review page, to which the report links pairs.")
    ] = "",
    read_price: Annotated[
        float, typer.Option(min=0, help="The price of 10,000 reads of your storage account.")
    ] = 0.005,
    jobs: Annotated[int | None, typer.Option(min=1, max=256, help="Processes. Default: the number of cores.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Say how many copies of your own images would be found: copies of a sample are made, looked up and compared.

    Each image of the sample is read once; copies are made of the picture as it is compared, at most 512 pixels wide or
    high, in memory. Nothing is written to the account. A run that was interrupted goes on where it was.

    Example: dedup measure --sample 300 --html report.html
    """
    if page and not html:
        raise InputError("--page is an address for links in the report: give --html with it")
    for file in (html, as_json):
        if file:
            check_place(file)
    from dedup_app.measure.analysis import analyze  # noqa: PLC0415 - `--help` need not wait for it

    services = services_of(context)
    note_prefix(services, prefix)
    asked = Asked(prefix, sample, seed)
    processes = jobs or os.process_cpu_count() or 1
    with _measuring(services, processes) as (service, copy_maker):
        folder = _folder(services, keep, asked)
        drawn = _drawn(service, folder, asked)
        left = _left(drawn, folder)
        if not _may_read(drawn, left, len(copy_maker.changes), read_price, yes=yes):
            return
        started = time.monotonic()
        _measure_copies(service, folder, left, of=len(drawn.images))
        strangers = _measure_strangers(service, folder, drawn)
        copy_maker.rest()  # all that was measured is held now
        report = analyze(
            drawn.images,
            list(folder.results()),
            list(folder.strangers()),
            (strangers.pairs, strangers.known_copies),
            copy_maker.changes,
            PRESETS[policy] if policy else services.settings.policy,
            services.settings.max_candidates,
        )
        name = policy or services.settings.policy_preset
        _tell(report, name, time.monotonic() - started)
        if html or as_json:
            from dedup_cli.quality import measure_page, measure_record  # noqa: PLC0415 - `--help` need not wait for them

            facts = measure_record.facts_of(drawn, folder.results(), name, prefix, seed)
            if as_json:
                record = measure_record.record_of(report, facts)
                write_whole(as_json, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
            if html:
                write_whole(
                    html, measure_page.page_of(report, facts, measure_page.MadePictures(folder, copy_maker), page)
                )
                tell(f"the report is at {html}")
        folder.finish()
    if at_least is not None and report.found < at_least:
        tell(f"{report.found:.3f} of the copies are found, less than {at_least}")
        raise typer.Exit(ExitCode.TOO_FEW_FOUND)


@contextmanager
def _measuring(services: Services, processes: int) -> "Iterator[tuple[MeasureService, CopyMaker]]":
    try:
        from dedup_changes.copy_maker import CopyMaker  # noqa: PLC0415 - `--help` need not wait for it
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is missing: {how_to_install('cli,azure,measure')}") from error
    from dedup_decoders.comparing_process import prepare  # noqa: PLC0415 - as above
    from dedup_decoders.opening import open_decoders  # noqa: PLC0415 - as above

    settings = services.settings
    # An image is decoded once for all its copies, so one decoder keeps many processes busy.
    decoders = open_decoders(settings.limits, settings.decoder_isolation, children=1)
    with decoders, CopyMaker(processes, prepare=prepare) as copy_maker:
        yield services.measure(copy_maker, decoders, processes + 1), copy_maker


def _folder(services: Services, keep: Path | None, asked: Asked) -> "MeasureFolder":
    from dedup_cli.quality.measure_folder import MeasureFolder  # noqa: PLC0415 - as above

    settings = services.settings
    place = {"account": settings.account, "namespace": settings.namespace, "container": settings.image_container}
    return MeasureFolder.open(keep, {**place, "prefix": asked.prefix, "sample": asked.sample, "seed": asked.seed})


def _drawn(service: "MeasureService", folder: "MeasureFolder", asked: Asked) -> "Sample":
    known = folder.sample
    if known is not None:
        return known
    drawn = service.sample(asked.prefix, asked.sample, asked.seed)
    if len(drawn.images) < 2:  # noqa: PLR2004 - one image has no stranger
        those = f" of those whose names begin with {plain(asked.prefix)}" if asked.prefix else ""
        raise InputError(f"there is nothing to measure: fewer than two images are indexed{those}")
    folder.put_sample(drawn)
    return drawn


def _price(cost: float) -> str:
    """To the hundredth, as prices are."""
    return f"about {cost:,.2f}" if cost >= 0.01 else "less than 0.01"  # noqa: PLR2004 - a cent of whatever coin it is


def _left(drawn: "Sample", folder: "MeasureFolder") -> "list[ImageSummary]":
    """The images of the sample that are still to be measured."""
    from dedup_app.measure.service import without  # noqa: PLC0415 - as above

    return without(drawn.images, {result.path for result in folder.results()})


def _may_read(drawn: "Sample", left: "Sequence[ImageSummary]", changes: int, read_price: float, *, yes: bool) -> bool:
    """Tell what is to be read, and ask. Raises `InputError` where nobody can answer."""
    done = len(drawn.images) - len(left)
    if not left:
        tell(f"all of the sample was measured before: {counted(done, 'image')}")
        return True
    if done:
        tell(f"going on with a run that was interrupted: {done:,} of {counted(len(drawn.images), 'image')} done")
    elif len(drawn.images) == drawn.total:
        tell(f"all images are taken: {drawn.total:,}")
    reads, size = len(left), sum(image.byte_size for image in left) / 1e6
    cost = reads * (1 + LOOK_UPS_AN_IMAGE) / 10_000 * read_price
    tell(
        f"read once: {reads:,} of {counted(drawn.total, 'image')} ({size:,.1f} MB); {reads * changes:,} copies "
        f"made in memory; reads and look-ups cost {_price(cost)} at {read_price} for 10,000, and nothing is written"
    )
    if yes:
        return True
    if not sys.stdin.isatty():
        raise InputError("nothing was measured, as nobody can be asked here: --yes goes ahead")
    return typer.confirm("Go on?", err=True)


def _measure_copies(
    service: "MeasureService", folder: "MeasureFolder", images: "Sequence[ImageSummary]", *, of: int
) -> None:
    """Measure copies of these images, which of all in the sample are left."""
    done = of - len(images)
    with progress_bar() as told:
        told("images", done, of)
        for number, result in enumerate(service.run(images, folder), done + 1):
            folder.add(result)
            told("images", number, of)


def _measure_strangers(service: "MeasureService", folder: "MeasureFolder", drawn: "Sample") -> "Strangers":
    """Compare the pairs of different pictures that are left; all that there are."""
    among = drawn.images[:MOST_STRANGERS]  # the sample is in an order by chance
    rows, strangers = service.strangers(among, len(among))
    compared = {(pair.left, pair.right) for pair in folder.strangers()}
    left = [it for it in strangers.near if (str(rows[it.left].path), str(rows[it.right].path)) not in compared]
    with progress_bar() as told:
        before = len(strangers.near) - len(left)
        told("pairs of strangers", before, len(strangers.near))
        for number, pair in enumerate(service.compared(rows, left, folder), before + 1):
            folder.add_stranger(pair)
            told("pairs of strangers", number, len(strangers.near))
    return strangers


def _tell(report: "Report", policy: str, seconds: float) -> None:
    out = console()
    table = plain_table("change", "found", "95 %", "candidates", "judged", "lost at", right=("found", "candidates"))
    for it in report.changes[:MOST_SHOWN]:
        stages = ", ".join(f"{count} {stage}" for stage, count in it.stages.items())
        verdicts = ", ".join(f"{count} {kind}" for kind, count in it.verdicts.items())
        interval = f"{it.found.low:.2f} to {it.found.high:.2f}"
        table.add_row(
            it.name, f"{it.found.share:.3f}", interval, f"{it.candidates.share:.3f}", verdicts, Text(stages, "yellow")
        )
    out.print(table, "", sep="\n")
    if (more := len(report.changes) - MOST_SHOWN) > 0:
        least = report.changes[MOST_SHOWN].found.share
        at_least = "all are found" if least == 1 else f"at least {least:.3f} are found"
        out.print(Text(f"and {counted(more, 'change')} of whose copies {at_least}", style="dim"))
    interval = f"{report.interval.low:.3f} to {report.interval.high:.3f}"
    out.print(Text(f"{report.found:.3f} of the copies are found ({interval}), judged by {plain(policy)}"))
    for kind, share in report.strangers.verdicts.items():
        pairs = counted(share.of, "pair of strangers", "pairs of strangers")
        told = f"of {pairs} {share.count:,} {'is' if share.count == 1 else 'are'} called {kind}"
        out.print(Text(f"{told} (at most {rate(share.high)})", style="dim"))
    outcomes = ", ".join(f"{count:,} {name}" for name, count in report.outcomes.items() if count)
    out.print(Text(f"images: {outcomes}; {seconds:,.0f} s", style="dim"))
    for advice in report.advice[:MOST_ADVICE]:
        told = f"{advice.setting}={advice.value} brings back copies: {advice.copies_back:,}"
        out.print(Text(f"{told}; pairs of strangers called alike: {advice.strangers_more:+,}"))
