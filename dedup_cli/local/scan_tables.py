"""What a scan found, as people read it: tables of groups, look-alikes and files that were not read."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from dedup_app.scan.folder_scan import ScanReport
from dedup_app.scan.groups import CopyGroup
from dedup_cli.local.local_files import why_not_read
from dedup_cli.presentation.named_table import NamedRow, named_table
from dedup_cli.presentation.output import console, counted, plain, plain_table, verdict_text
from dedup_core.groups.facts import ImageFacts


def print_report(report: ScanReport, seconds: float, html: Path | None) -> None:
    """Print tables of what was found, and a line of how much that is; `html` is where the page is."""
    out = console()
    if report.groups:
        out.print(_groups_table(report.groups, out.width), "", sep="\n")
    if report.look_alikes:
        table = plain_table("verdict", "pair, and why", title="Look-alikes that are no copies")
        for pair in report.look_alikes:
            files, why = Text(f"{plain(pair.left.path)}\n{plain(pair.right.path)}"), "; ".join(pair.verdict.reasons)
            table.add_row(verdict_text(pair.verdict.kind), files.append(f"\n{why}", style="dim"))
        out.print(table, "", sep="\n")
    if report.unreadable:
        rows = [
            NamedRow((), Text(plain(it.name)), (), Text(plain(why_not_read(it.reason, it.detail)), style="yellow"))
            for it in report.unreadable
        ]
        what = "file or folder" if any(it.is_folder for it in report.unreadable) else "file"
        headings = NamedRow((), Text(what), (), Text("why"))
        out.print(named_table(headings, rows, out.width, title="Not read"), "", sep="\n")
    out.print(Text(_summary(report, seconds)))
    if html:
        out.print(Text(f"the page is at {plain(str(html))}", style="dim"))


def _summary(report: ScanReport, seconds: float) -> str:
    copies = sum(len(group.copies) for group in report.groups)
    gain = sum(group.bytes_to_gain for group in report.groups)
    told = [
        f"{counted(report.images, 'image')} in {seconds:,.1f} s",
        f"{counted(copies, 'copy', 'copies')} of {counted(len(report.groups), 'picture')} ({gain / 1e6:,.1f} MB)",
    ]
    return "; ".join([*told, *besides(report)])


def besides(report: ScanReport) -> list[str]:
    """What was found besides the groups, in words."""
    told = []
    if report.look_alikes:
        told.append(counted(len(report.look_alikes), "look-alike that is no copy", "look-alikes that are no copies"))
    if report.unreadable:
        folders = sum(it.is_folder for it in report.unreadable)
        counts = {"file": len(report.unreadable) - folders, "folder": folders}
        told.append(f"{' and '.join(counted(count, what) for what, count in counts.items() if count)} not read")
    if report.too_plain:
        images = counted(len(report.too_plain), "image")
        told.append(f"{images} too plain to be searched for (only identical files are found)")
    return told


def _groups_table(groups: Sequence[CopyGroup], width: int) -> Table:
    rows: list[NamedRow | None] = []
    for group in groups:
        rows += [None] if rows else []
        rows.append(_named(Text("keep", style="bold green"), group.keeper, "; ".join(group.why), style="bold"))
        for copy in group.copies:
            rows.append(_named(verdict_text(copy.verdict.kind), copy.facts, "; ".join(copy.verdict.reasons)))
    headings = NamedRow(("",), Text("file"), ("pixels", "bytes"), Text("why"))
    return named_table(headings, rows, width, right=("pixels", "bytes"))


def _named(word: Text, facts: ImageFacts, why: str, style: str = "") -> NamedRow:
    sizes = f"{facts.width} x {facts.height}", f"{facts.byte_size:,}"
    return NamedRow((word,), Text(plain(facts.path), style=style), sizes, Text(why, style="dim"))
