"""`dedup status`: what the app has done, what waits, and what went wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from dedup_app.feedback.precision import PrecisionReport
from dedup_app.ports.image_status import ImageStatus
from dedup_app.ports.queues import QueueLengths
from dedup_app.ports.reports import DecodersReport, RejectedMessage, StatsReport
from dedup_app.queries.overview import Overview
from dedup_cli.connection import services_of
from dedup_cli.operations.ledger import ledger_record, ledger_table
from dedup_cli.operations.precision import precision_record, precision_table
from dedup_cli.operations.watch import watch_queues
from dedup_cli.presentation.failures import InputError
from dedup_cli.presentation.output import console, counted, plain, plain_table, print_json
from dedup_cli.presentation.progress import progress
from dedup_core.loading.stats import READS_PER_COMPARISON_BEFORE, LoaderStats
from dedup_core.messages import message_excerpt

DECODERS = {
    "confined": "confined: separate processes that can only compute",
    "separate": "separate, not confined: {cause}",
    "off": "off: files are decoded in the process of the app",
}


def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for a program.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow the queues until they are empty: how fast, and how long still.")
    ] = False,
) -> None:
    """Show images by status, queue lengths, messages that failed, and the latest statistics.

    Example: dedup status --json
    """
    if watch and as_json:
        raise InputError("--watch is for people: leave it out with --json")
    services = services_of(context)
    if watch:
        watch_queues(services)
        return
    with progress("images") as show:
        found = services.overview.read(progress=show)
    seen = services.precision.report()
    if as_json:
        print_json(_record(found) | {"seen": precision_record(seen)})
    else:
        _print(found, seen)


def reads_a_comparison(totals: LoaderStats) -> float | None:
    """How many downloads one comparison took on average; None before the first comparison."""
    return totals.images_downloaded / totals.comparisons_performed if totals.comparisons_performed else None


def _record(found: Overview) -> dict[str, object]:
    report = found.report
    return {
        "images": _by_name(found.images),
        "ledger": ledger_record(found.ledger),
        "queues": {name: asdict(lengths) for name, lengths in found.queues.items()},
        "poison_messages": [_message_record(message) for message in found.poison_messages],
        "rejected_messages": [_message_record(message) for message in found.rejected_messages],
        "statistics": None
        if report is None
        else {
            "day": report.day,
            "reported_at": report.reported_at.isoformat(),
            "instances": report.instances,
            **report.totals.as_dict(),
            "reads_a_comparison": reads_a_comparison(report.totals),
        },
        "decoders": None
        if found.decoders is None
        else {**asdict(found.decoders), "started_at": found.decoders.started_at.isoformat()},
    }


def _by_name(images: Mapping[ImageStatus, int]) -> dict[str, int]:
    return {str(status): count for status, count in images.items()}


def _message_record(message: RejectedMessage) -> dict[str, str]:
    return {
        **asdict(message),
        "excerpt": message_excerpt(message.excerpt),
        "rejected_at": message.rejected_at.isoformat(),
    }


def _print(found: Overview, seen: PrecisionReport) -> None:
    sections = {
        "Images": _images_table(_by_name(found.images)),
        _completeness(found.ledger.oldest): ledger_table(found.ledger, found.images_known),
        "Queues": _queues_table(found.queues),
        "Statistics": _report_table(found.report),
        "Seen by people": precision_table(seen),
        "Decoders": _decoders_table(found.decoders),
        "Poison messages (failed on every try)": _messages_table(found.poison_messages),
        "Rejected messages (nobody can act on them)": _messages_table(found.rejected_messages),
    }
    out = console()
    for title, table in sections.items():
        if table is not None:
            out.print(Text(title, style="bold cyan"), table, "", sep="\n")


def _completeness(oldest: datetime | None) -> str:
    """The title says from when it is: slices are looked at in turn, some of them once a day."""
    return f"Completeness (looked at since {oldest.astimezone(UTC):%Y-%m-%d %H:%M}, UTC)" if oldest else "Completeness"


def _images_table(counts: dict[str, int]) -> Table:
    table = plain_table("status", "images", right=("images",))
    for name, images in sorted(counts.items()):
        table.add_row(Text(plain(name)), f"{images:,}")
    if not counts:
        table.add_row(Text("none yet: upload images to the container, or `dedup ingest --all`", style="dim"), "0")
    return table


def _queues_table(queues: Mapping[str, QueueLengths]) -> Table:
    table = plain_table("queue", "waiting", "poison", right=("waiting", "poison"))
    for name, lengths in sorted(queues.items()):
        poison = Text(f"{lengths.poison:,}", style="bold red" if lengths.poison else "")
        table.add_row(name, f"{lengths.waiting:,}", poison)
    return table


def _report_table(report: StatsReport | None) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    if report is None:
        table.add_row(Text("no report yet: the timer writes one when the app has run for some minutes", style="dim"))
        return table
    totals, reads = report.totals, reads_a_comparison(report.totals)
    tried = totals.comparisons_performed + totals.comparisons_failed
    lines = {
        "reported at (UTC)": f"{report.reported_at:%Y-%m-%d %H:%M:%S}, for {report.day}",
        "instances": str(report.instances),
        "comparisons": f"{totals.comparisons_performed:,} done, {totals.comparisons_failed:,} failed",
        "images read": f"{totals.images_downloaded:,} ({totals.bytes_downloaded / 1e6:,.1f} MB)",
        "reads a comparison": "none yet"
        if reads is None
        else f"{reads:.2f} instead of {READS_PER_COMPARISON_BEFORE}, which each metric on its own would take "
        f"({counted(totals.reads_saved, 'read')} saved)",
        "success rate": f"{totals.success_rate:.1%}" if tried else "none yet",
        "failures": ", ".join(f"{count:,} {reason}" for reason, count in totals.failures_by_reason.items()) or "none",
    }
    for name, value in lines.items():
        table.add_row(name, Text(plain(value)))
    return table


def _decoders_table(report: DecodersReport | None) -> Table | None:
    if report is None:
        return None
    table = Table(box=None, show_header=False, pad_edge=False)
    style = "" if report.isolation == "confined" else "yellow"
    table.add_row("decoders", Text(plain(DECODERS[report.isolation].format(cause=report.cause)), style=style))
    table.add_row("started at (UTC)", f"{report.started_at:%Y-%m-%d %H:%M:%S}, the latest of all processes")
    for name, cause in report.refused.items():
        table.add_row("refused", Text(plain(f"{name} files: known holes in {cause}"), style="bold red"))
    return table


def _messages_table(messages: Sequence[RejectedMessage]) -> Table | None:
    if not messages:
        return None
    table = plain_table("queue", "when (UTC)", "message", "why")
    for message in messages:
        when = f"{message.rejected_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(message.queue, when, Text(plain(message_excerpt(message.excerpt))), Text(plain(message.reason)))
    return table
