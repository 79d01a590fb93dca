"""`dedup tune`: which settings of the policy would have agreed best with what people decided."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from dedup_app.configuration.extras import how_to_install
from dedup_cli.connection import services_of
from dedup_cli.presentation.failures import InputError
from dedup_cli.presentation.html_page import escaped, page
from dedup_cli.presentation.output import console, counted, plain, plain_table, print_json, tell
from dedup_cli.presentation.progress import progress
from dedup_cli.presentation.written_file import check_place, write_whole
from dedup_cli.quality.plots import Spot, curve_plot, span
from dedup_core.policy import PRESETS, Policy

if TYPE_CHECKING:
    from dedup_app.operations.rejudge import Change
    from dedup_app.tune.evidence import Evidence, Made
    from dedup_app.tune.service import CurvePoint, TuneReport

NOTHING_PROPOSED = "no settings are better than today's beyond chance: nothing is proposed"
MOST_SHOWN = 200  # changes in the table for people, as of `dedup rejudge`
PLOT_STYLE = """<style>
svg.curve { width: min(100%, 640px); height: auto } svg text { fill: var(--quiet); font: 11px system-ui, sans-serif }
.axis, .grid { stroke: var(--line) } .range { stroke: var(--copy); fill: none; opacity: .4 }
.point { fill: var(--copy) } .point.main { fill: none; stroke: var(--other); stroke-width: 2.5 }
svg text.name { fill: currentColor; font-size: 12px }
</style>"""


def tune(
    context: typer.Context,
    *,
    copies: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="What `dedup measure --keep` left: no proposal may lose these copies."),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write/--dry-run", help="Print the settings alone; or list what they would change.")
    ] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with the curve.")] = None,
    page_address: Annotated[
        str, typer.Option("--page", metavar="URL", help="The address of the review page, to which pairs are linked.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it for a program.")] = False,
) -> None:
    """Propose settings that agree better with what people decided, if any do beyond chance. Nothing is changed.

    Only what was measured before is looked at; no image is read. `dedup rejudge` with the settings judges all pairs.

    Example: dedup tune --write >> settings.env
    """
    if write and as_json:
        raise InputError("--write prints the settings alone, --json prints them with all else: give one of the two")
    if html:
        check_place(html)
    services = services_of(context)
    made = list(_made(copies)) if copies else ()
    with progress("pairs") as show:
        report = services.tune.tune(made, show)
    policy = replace(services.settings.policy, **report.settings)
    changes = list(services.tune.would_change(policy)) if report.settings and not write else []
    settings = settings_lines(policy) if report.settings else []
    if html:
        _write_page(html, report)
    if as_json:
        print_json(_record(report, changes, settings))
    elif write:
        for line in settings:
            console().print(Text(line), soft_wrap=True)
        if not settings:
            tell(NOTHING_PROPOSED)
    else:
        _print(report, changes, settings, page_address)


def settings_lines(policy: Policy) -> list[str]:
    """The policy as lines of an environment: the preset that is nearest, and the thresholds that differ from it."""
    from dedup_app.tune.moves import changed  # noqa: PLC0415 - `--help` need not wait for it

    apart = {name: changed(preset, policy) for name, preset in PRESETS.items()}
    name = min(apart, key=lambda it: len(apart[it]))
    return [f"POLICY={name}", *(f"POLICY_{it.upper()}={value:g}" for it, value in sorted(apart[name].items()))]


def _made(folder: Path) -> "Iterator[Made]":
    """The copies of a run that the search met, with the verdicts that are right for them."""
    from dedup_app.measure.stages import Stage  # noqa: PLC0415 - `--help` need not wait for it
    from dedup_app.tune.evidence import Made  # noqa: PLC0415
    from dedup_cli.quality.measure_folder import MeasureFolder  # noqa: PLC0415

    try:
        from dedup_changes.transforms import TRANSFORMS  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is missing: {how_to_install('cli,azure,measure')}") from error
    for result in MeasureFolder.kept(folder).results():
        for copy in result.copies:
            if copy.search is Stage.FOUND:
                yield Made(copy.measurement, TRANSFORMS[copy.change].right)


def _print(report: "TuneReport", changes: "Sequence[Change]", settings: list[str], page_address: str) -> None:
    out = console()
    evidence, choice = report.evidence, report.choice
    out.print(Text(_summary(evidence)))
    for why, count in evidence.left_out.items():
        out.print(Text(f"left out: {count:,} ({plain(why)})", style="dim"))
    table = plain_table("policy", "copies called so", "others called copies", "made copies judged rightly")
    for point in report.points:
        if point.on_dial is None:
            table.add_row(point.name, *_cells(point))
    out.print(table, "", sep="\n")
    unseen = (
        f"{choice.wrong_today:,} of them are contradicted today, {choice.wrong_unseen:,} by settings chosen without"
    )
    out.print(Text(f"{unseen} them (by chance alone: {choice.chance:.3f})"))
    if not report.settings:
        out.print(Text(NOTHING_PROPOSED, style="yellow"))
        return
    out.print(Text("proposed:", style="bold"), *settings, sep="\n")
    if changes:
        table = plain_table("verdict", "pair, and why", title="Stored pairs that would be judged otherwise")
        for it in islice(changes, MOST_SHOWN):
            images = Text(f"{plain(str(it.pair.left))}\n{plain(str(it.pair.right))}")
            images.append(f"\n{plain('; '.join(it.verdict.reasons))}", style="dim")
            if page_address:
                images.append(f"\n{page_address}#pair={it.pair.left.image_id}-{it.pair.right.image_id}", style="cyan")
            table.add_row(f"{it.before.value} -> {it.verdict.kind.value}", images)
        out.print("", table, sep="\n")
    out.print(
        Text(f"{counted(len(changes), 'pair')} would change; set these for the app, then `dedup rejudge`", style="dim")
    )


def _summary(evidence: "Evidence") -> str:
    decisions, copies = counted(len(evidence.judgments), "decision"), counted(evidence.copies, "copy", "copies")
    return f"{decisions}: {copies}, {counted(evidence.strangers, 'other')}"


def _cells(point: "CurvePoint") -> Iterator[str]:
    for share in (point.found, point.accused, point.made):
        yield "" if share is None else f"{share.count:,} of {share.of:,} ({share.low:.2f} to {share.high:.2f})"


def _record(report: "TuneReport", changes: "Sequence[Change]", settings: list[str]) -> dict[str, object]:
    return {
        "decisions": len(report.evidence.judgments),
        "copies": report.evidence.copies,
        "others": report.evidence.strangers,
        "left_out": report.evidence.left_out,
        "contradicted_today": report.choice.wrong_today,
        "contradicted_by_settings_chosen_without_them": report.choice.wrong_unseen,
        "chance": report.choice.chance,
        "proposed": report.settings,
        "settings": settings,
        "points": [
            {
                "policy": it.name,
                "on_dial": it.on_dial,
                "found": it.found.as_dict(),
                "accused": it.accused.as_dict(),
                "made": it.made.as_dict() if it.made else None,
            }
            for it in report.points
        ],
        "changes": [it.as_dict() for it in changes],
    }


def _write_page(file: Path, report: "TuneReport") -> None:
    summary = f"{_summary(report.evidence)}."
    spots = [Spot(it.name, span(it.accused), span(it.found), main=it.name == "today") for it in report.points]
    rows = "".join(
        f"<tr><td>{escaped(it.name)}" + "".join(f"<td>{escaped(cell)}" for cell in _cells(it)) for it in report.points
    )
    body = (
        f"{PLOT_STYLE}{curve_plot(spots, 'others called copies', 'copies called so')}"
        "<table><tr><td>policy, or its place between strict (-1) and loose (+1)<td>copies called so"
        f"<td>others called copies<td>made copies judged rightly{rows}</table>"
    )
    write_whole(file, page("Copies found against others accused", summary, body))
