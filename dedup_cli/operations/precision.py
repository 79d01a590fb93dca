"""What people have seen of the precision, for `dedup status`."""

from rich.table import Table
from rich.text import Text

from dedup_app.feedback.precision import PrecisionReport, Seen, SeenPart
from dedup_cli.presentation.output import plain, plain_table
from dedup_core.comparison.verdict import SAME_PICTURE

MOST_PARTS = 6  # folders and months in the table for people


def precision_record(report: PrecisionReport) -> dict[str, object]:
    """All of it, for a program."""
    return {
        "is_low": report.is_low,
        "verdicts": _by_verdict(report.seen),
        "folders": {part.name: _by_verdict(part.seen) for part in report.folders},
        "months": {part.name: _by_verdict(part.seen) for part in report.months},
        "kinds": {month: {kind.value: count for kind, count in of.items()} for month, of in report.kinds},
    }


def precision_table(report: PrecisionReport) -> Table | None:
    """How many pairs of each verdict were looked at, and how many were no copies; None before the first decision."""
    if not report.seen:
        return None
    table = plain_table("verdict", "looked at", "no copies", "95 %", "", right=("looked at", "no copies"))
    for it in report.seen:
        style = "bold red" if report.is_low and it.verdict in SAME_PICTURE else ""
        _add(table, it, "", style)
    parts: list[SeenPart] = [*report.months[:MOST_PARTS], *report.folders[:MOST_PARTS]]
    for part in parts if len(report.months) + len(report.folders) > 2 else ():  # noqa: PLR2004 - one of each says nothing
        for it in part.seen:
            _add(table, it, part.name, "dim")
    return table


def _add(table: Table, seen: Seen, where: str, style: str) -> None:
    share = seen.denied
    interval = f"{share.low:.1%} to {share.high:.1%}"
    cells = (seen.verdict.value, f"{share.of:,}", f"{share.count:,}", interval, plain(where))
    table.add_row(*(Text(cell, style=style) for cell in cells))


def _by_verdict(seen: tuple[Seen, ...]) -> dict[str, dict[str, float | int]]:
    return {
        it.verdict.value: {
            "looked_at": it.denied.of,
            "no_copies": it.denied.count,
            "low": it.denied.low,
            "high": it.denied.high,
        }
        for it in seen
    }
