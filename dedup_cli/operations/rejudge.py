"""`dedup rejudge`: what was measured of all pairs, judged once more by the policy of the settings."""

from typing import Annotated

import typer
from rich.text import Text

from dedup_app.operations.rejudge import Change, RejudgeReport
from dedup_cli.connection import services_of
from dedup_cli.presentation.output import console, counted, plain, plain_table, print_json
from dedup_cli.presentation.progress import progress
from dedup_cli.same_settings import require_its_policy

MOST_SHOWN = 200  # changes in the table for people; programs get all


def rejudge(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; list what would change.")] = False,
    remeasure: Annotated[
        bool,
        typer.Option("--remeasure", help="Queue pairs that were measured by an earlier version for a verification."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all changes and the counts for a program.")] = False,
) -> None:
    """Judge all pairs once more by the policy of the settings, from what was measured; no image is read.

    What people decided stays. Groups follow at once.

    Example: dedup rejudge --dry-run
    """
    services = services_of(context)
    if not dry_run:
        require_its_policy(services)
    report, shown = RejudgeReport(), list[Change]()
    with progress("pairs") as show:
        for change in services.rejudge.rejudge(report, dry_run=dry_run, remeasure=remeasure, progress=show):
            if as_json or len(shown) < MOST_SHOWN:
                shown.append(change)
    if as_json:
        print_json(_record(report, shown, services.settings.policy_preset))
    else:
        _print(report, shown, services.settings.policy_preset, dry_run=dry_run)


def _record(report: RejudgeReport, changes: list[Change], policy: str) -> dict[str, object]:
    return {
        "policy": policy,
        "judged": report.judged,
        "changed": dict(report.changed),
        "reworded": report.reworded,
        "not_measured": report.not_measured,
        "queued": report.queued,
        "overtaken": report.overtaken,
        "changes": [it.as_dict() for it in changes],
    }


def _print(report: RejudgeReport, changes: list[Change], policy: str, *, dry_run: bool) -> None:
    out = console()
    if changes:
        table = plain_table("verdict", "pair, and why")
        for it in changes:
            images = Text(f"{plain(str(it.pair.left))}\n{plain(str(it.pair.right))}")
            images.append(f"\n{plain('; '.join(it.verdict.reasons))}", style="dim")
            table.add_row(f"{it.before.value} -> {it.verdict.kind.value}", images)
        out.print(table)
    changed = sum(report.changed.values())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(report.changed.items()))
    did = "would change" if dry_run else "changed"
    stay = report.judged - changed - report.overtaken
    told = f"judged by {plain(policy)}: {counted(report.judged, 'pair')}; {changed:,} {did}"
    out.print(Text(f"{told}{f' ({kinds})' if kinds else ''}, {stay:,} stay"))
    if report.overtaken:
        out.print(Text(f"overtaken by a verification meanwhile: {counted(report.overtaken, 'pair')}", style="dim"))
    if report.not_measured:
        what = f"queued for a verification: {report.queued:,}" if report.queued else "--remeasure queues them"
        told = f"not judged: {counted(report.not_measured, 'pair')} measured by an earlier version ({what})"
        out.print(Text(told, style="yellow"))
