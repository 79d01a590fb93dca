"""The report as Markdown tables, written into a page between marks: what was found, and what other hashes find."""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.quality_eval.summary import Report
from dedup_app.intervals import Share

OURS = "<!-- results: written by benchmarks/quality.py -->", "<!-- end of results -->"
OTHERS = "<!-- other hashes: written by benchmarks/quality.py -->", "<!-- end of other hashes -->"
PEERS_SHOWN = ("imagehash pHash 256", "PDQ 256", "PDQ 256, 8 views")


def write_into(page: Path, report: Report) -> None:
    """Replace what stands between the marks: nothing else, so a run without other hashes leaves their table alone."""
    write_between(page, *OURS, our_tables(report))
    if "peers" in report:
        write_between(page, *OTHERS, tables_beside_others(report))


def write_between(page: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between two marks. Raises `ValueError` if the page lacks one."""
    before, first, rest = page.read_text(encoding="utf-8").partition(begin)
    _, second, after = rest.partition(end)
    if not first or not second:
        raise ValueError(f"{page} lacks the line {end if first else begin}")
    page.write_text(f"{before}{first}\n\n{text}\n{second}{after}", encoding="utf-8")


def our_tables(report: Report) -> str:
    ours = report["ours"]
    rows = [[name, *_recalls(row), _counts(row["verdicts"])] for name, row in ours["transforms"].items()]
    mean = ours["mean"]
    rows.append(["**mean**", *_recalls(mean), ""])
    parts = [
        _told(report),
        _goals(report["goals"]),
        _presets(ours["presets"]),
        _table(["transform", "found", "candidate", "final verdict", "verdicts"], rows),
        _strangers(ours["strangers"]),
        "### False candidates an image",
        _false_candidates(ours["false_candidates"]),
    ]
    if "products" in report:
        parts += _known_pairs(report)
    return "\n\n".join(parts) + "\n"


def _known_pairs(report: Report) -> list[str]:
    return [
        "### Product shots",
        _known(report["products"]),
        "### Given copies",
        _known(report["given_copies"]),
        f"Groups of EXIF orientations: {' and '.join(str(len(group)) for group in report['exif_groups'])} pictures.",
    ]


def _recalls(row: Report) -> list[str]:
    return [_share(row["search_recall"]), _share(row["candidate_recall"]), f"**{_share(row['verdict_recall'])}**"]


def tables_beside_others(report: Report) -> str:
    ours, peers = report["ours"], report["peers"]
    return f"{_told(report)}\n\n{_transforms(ours, peers)}\n\nEach at its own threshold:\n\n{_peers(peers)}\n"


def _told(report: Report) -> str:
    return f"Command: `{report['command']}`, {report['photos']} photos. {_copied(report)}"


def _copied(report: Report) -> str:
    return f"Copies of {report['copied']} of them, by {len(report['ours']['transforms'])} transforms."


def _goals(goals: list[Report]) -> str:
    return _table(
        ["goal", "found", "met"], [[row["promise"], row["found"], "yes" if row["met"] else "**no**"] for row in goals]
    )


def _presets(presets: Report) -> str:
    rows = [
        [
            f"`{name}`",
            f"**{_share(row['verdict_recall'])}**",
            f"{row['found']:,} of {row['copies']:,} ({found.low:.3f} to {found.high:.3f})",
            f"{row['originals_called']:,} of {row['pairs_of_originals']:,}",
            f"{row['copies_called']:,} of {row['pairs_of_copies']:,}",
        ]
        for name, row in presets.items()
        for found in [Share(row["found"], row["copies"])]
    ]
    head = ["`POLICY`", "final verdict, mean", "copies (95 %)", "originals taken for each other", "copies for others"]
    return _table(head, rows)


def _transforms(ours: Report, peers: Report) -> str:
    def row(name: str, of_ours: Report, of_peers: dict[str, float]) -> list[str]:
        best = max(of_peers, key=of_peers.__getitem__)
        shown = [_share(of_peers[peer]) for peer in PEERS_SHOWN]
        return [name, *_recalls(of_ours)[1:], f"{_share(of_peers[best])} {best}", *shown]

    rows = [
        row(name, it, {peer: found["recall"][name] for peer, found in peers.items()})
        for name, it in ours["transforms"].items()
    ]
    rows.append(row("**mean**", ours["mean"], {peer: found["mean_recall"] for peer, found in peers.items()}))
    return _table(["transform", "candidate", "final verdict", "best other hash", *PEERS_SHOWN], rows)


def _peers(peers: Report) -> str:
    rows = [
        [
            name,
            f"{row['threshold']:.4g}",
            f"{row['rate']:.1e}",
            f"{row['stranger_rate']:.1e}",
            _share(row["mean_recall"]),
        ]
        for name, row in sorted(peers.items(), key=lambda item: -item[1]["mean_recall"])
    ]
    return _table(["hash", "matches below", "false among originals", "false among copies", "mean recall"], rows)


def _strangers(strangers: Report) -> str:
    rows = [
        [
            f"{name} against other originals",
            f"{row['pairs']:,}",
            f"{row['found']:,}",
            f"{row['candidates']:,}",
            f"{row['candidate_rate']:.1e}",
            _counts(row["verdicts"]),
            str(row["false_verdicts"]),
            f"{row['false_verdict_rate']:.1e}",
        ]
        for name, row in strangers.items()
    ]
    head = ["pairs of", "pairs", "found", "candidates", "rate", "their verdicts", "identical or duplicate", "rate"]
    return _table(head, rows)


def _false_candidates(false: Report) -> str:
    sizes = list(false["an_image"])
    rows = [
        [name, f"{rate:.1e}", *(f"{false['an_image'][size][name]:.3g}" for size in sizes)]
        for name, rate in false["rates"].items()
    ]
    return _table(["measured or fitted on", "rate", *(f"among {int(size):,}" for size in sizes)], rows)


def _known(relations: Report) -> str:
    rows = [
        [
            relation,
            str(row["pairs"]),
            str(row["candidates"]),
            _counts(row["candidate_verdicts"]),
            _counts(row["verdicts"]),
        ]
        for relation, row in relations.items()
    ]
    return _table(["pairs", "number", "candidates", "verdicts of candidates", "verdicts of all"], rows)


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _share(value: float) -> str:
    return f"{value:.3f}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())) or "none"
