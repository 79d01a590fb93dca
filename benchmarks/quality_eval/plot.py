"""The report as a picture: recall per transform, ours against the best peers."""

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from benchmarks.quality_eval.summary import Report

PEERS_SHOWN = 3

mpl.use("Agg")


def draw(report: Report, path: Path) -> None:
    """Write the plot as PNG. Transforms run from the best to the worst of the final verdict."""
    rows = report["ours"]["transforms"]
    names = sorted(rows, key=lambda name: (rows[name]["verdict_recall"], rows[name]["candidate_recall"]))
    series = {
        "candidate stage": ("o", "#7aa6c2", [rows[name]["candidate_recall"] for name in names]),
        "final verdict": ("D", "#0b3c5d", [rows[name]["verdict_recall"] for name in names]),
    }
    peers = sorted(report.get("peers", {}).items(), key=lambda item: -item[1]["mean_recall"])[:PEERS_SHOWN]
    for (name, row), marker, color in zip(peers, "x+1", ("#c1440e", "#d98e04", "#6b8e23"), strict=False):
        series[name] = (marker, color, [row["recall"][transform] for transform in names])
    figure, axes = plt.subplots(figsize=(9, 0.24 * len(names) + 1.6), layout="constrained")
    for label, (marker, color, values) in series.items():
        axes.plot(values, range(len(names)), marker, color=color, label=label, markersize=6, linestyle="none")
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.set_xlim(-0.02, 1.02)
    axes.grid(axis="both", color="#e5e5e5", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_xlabel("recall at no more than 1 false positive in 10,000 pairs")
    axes.set_title(f"Copies of {report['copied']} among {report['photos']} photos", loc="left")
    figure.legend(loc="outside lower center", ncols=len(series), fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
