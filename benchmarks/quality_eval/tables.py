"""The report as tables on the terminal."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.quality_eval.summary import Report

WEAK, GOOD = 0.90, 0.95
SHORT = {"identical": "id", "duplicate": "dup", "color_variant": "color", "distinct": "dist", "unverifiable": "fail"}


def show(report: Report, console: Console) -> None:
    if "ours" in report:
        _show_ours(report["ours"], report.get("peers", {}), console)
    elif "peers" in report:
        console.print(_peers_table(report["peers"]))
    if "ours" in report and "peers" in report:
        console.print(_peers_table(report["peers"]))
    for name in ("products", "given_copies"):
        if name in report:
            console.print(_known_table(name, report[name]))
    for group in report.get("exif_groups", []):
        console.print(f"group of {len(group)}: {', '.join(group)}", highlight=False)
    for goal in report["goals"]:
        mark = "[green]met[/]   " if goal["met"] else "[red]missed[/]"
        console.print(f"{mark} {goal['promise']}: {escape(goal['found'])}", highlight=False)


def _show_ours(ours: Report, peers: Report, console: Console) -> None:
    table = Table(title=f"{ours['photos']} photos", title_justify="left")
    for heading in ("transform", "found", "candidate", "verdict", "alone", "verdicts", "false cand.", "false"):
        table.add_column(heading, justify="left" if heading in {"transform", "verdicts"} else "right")
    if peers:
        table.add_column("best peer")
    for name, row in ours["transforms"].items():
        best = [_best_peer(peers, name)] if peers else []
        table.add_row(name, *_recalls(row), _verdicts(row["verdicts"]), *_false(row), *best)
    table.add_section()
    table.add_row("mean", *_recalls(ours["mean"]))
    console.print(table)
    for name, row in ours["strangers"].items():
        console.print(
            f"different {name}: {row['pairs']:,} pairs, {row['found']:,} found, {row['candidates']:,} candidates "
            f"({row['candidate_rate']:.2e}), {_verdicts(row['verdicts'])}; "
            f"false {row['false_verdicts']} ({row['false_verdict_rate']:.2e}, "
            f"at most {row['false_verdict_rate_upper_95']:.2e})",
            highlight=False,
        )
        for item in row["false"][:10]:
            console.print(f"  FALSE {item['verdict']} {item['transform']} {item['left']} {item['right']}", style="red")
    console.print(_false_candidates_table(ours["false_candidates"]))


def _false_candidates_table(false: Report) -> Table:
    sizes = list(false["an_image"])
    table = Table(title="false candidates an image", title_justify="left")
    for heading in ("counted or fitted", "rate", *(f"among {int(size):,}" for size in sizes)):
        table.add_column(heading, justify="left" if heading.startswith("counted") else "right")
    for name, rate in false["rates"].items():
        table.add_row(name, f"{rate:.1e}", *(f"{false['an_image'][size][name]:.3g}" for size in sizes))
    return table


def _recalls(row: dict[str, Any]) -> list[str]:
    return [_colored(row[key]) for key in ("search_recall", "candidate_recall", "verdict_recall", "verdict_alone")]


def _colored(share: float) -> str:
    color = "green" if share >= GOOD else "yellow" if share >= WEAK else "red"
    return f"[{color}]{share:.3f}[/]"


def _false(row: dict[str, Any]) -> list[str]:
    return [f"{row['false_candidates_an_image']:.2f}", str(row["false_verdicts"])]


def _verdicts(counts: dict[str, int]) -> str:
    return " ".join(f"{SHORT[kind]} {counts[kind]}" for kind in SHORT if kind in counts) or "none"


def _best_peer(peers: Report, transform: str) -> str:
    name, row = max(peers.items(), key=lambda item: item[1]["recall"][transform])
    return f"{row['recall'][transform]:.3f} {name}"


def _peers_table(peers: Report) -> Table:
    table = Table(title="peers, each at its threshold for one false positive in 10,000", title_justify="left")
    for heading in ("hash", "below", "rate", "on copies", "mean recall"):
        table.add_column(heading, justify="left" if heading == "hash" else "right")
    for name, row in sorted(peers.items(), key=lambda item: -item[1]["mean_recall"]):
        rates = (f"{row['rate']:.1e}", f"{row['stranger_rate']:.1e}")
        table.add_row(name, f"{row['threshold']:.4g}", *rates, f"{row['mean_recall']:.3f}")
    return table


def _known_table(name: str, relations: Report) -> Table:
    table = Table(title=name.replace("_", " "), title_justify="left")
    for heading in ("relation", "pairs", "candidates", "verdicts of candidates", "verdicts of all"):
        table.add_column(heading, justify="right" if heading in {"pairs", "candidates"} else "left")
    for relation, row in relations.items():
        verdicts = (_verdicts(row["candidate_verdicts"]), _verdicts(row["verdicts"]))
        table.add_row(relation, str(row["pairs"]), str(row["candidates"]), *verdicts)
    return table
