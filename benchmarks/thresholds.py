"""Measure the distributions behind docs/thresholds.md: copies, other colors, strangers and products.

    python benchmarks/thresholds.py --limit 40 --plots docs/img --json thresholds.json

Takes photos and product shots from ../shared/data (or --photos, --products), makes copies by the transforms of
benchmarks/quality_eval, and the pairs of different photos whose fingerprints are nearest. Prints percentiles of every
measure that a threshold cuts, and draws one plot for each.
"""

import argparse
import json
import os
import re
import sys
from collections import Counter, defaultdict
from dataclasses import fields
from multiprocessing import Pool
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs as a script as well as with -m
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from benchmarks.quality_eval.known_pairs import RECOLORED, SAME_PICTURE, product_pairs  # noqa: E402
from benchmarks.quality_eval.pictures import photos_in  # noqa: E402
from dedup_changes.transforms import TRANSFORMS  # noqa: E402
from dedup_core import BALANCED, PRESETS, PairMeasurement, Policy, VerdictKind, View, decide, measure_images  # noqa: E402
from dedup_core.decoding.decoder import decode  # noqa: E402
from dedup_core.fingerprinting.hash_views import view_hashes  # noqa: E402
from dedup_core.fingerprinting.hashes import hashes_of  # noqa: E402

COPIES, OVERLAID, RECOLORED_COPIES = "copies", "large watermark", "grey and hue-shifted copies"
STRANGERS, GARMENTS, PRODUCTS = "different photos", "garments in other colors", "different products"
OVERLAYS = {"watermark-large"}
TALLIED = "duplicate or identical / altered / color_variant / distinct"
COLORS = {
    COPIES: "#1a7f5a",
    OVERLAID: "#5aa9e6",
    RECOLORED_COPIES: "#e69f00",
    GARMENTS: "#b8439e",
    STRANGERS: "#444444",
    PRODUCTS: "#c0392b",
}
type Job = tuple[str, str, Path, Path | None]
"""A class of pairs, the name of the pair, the left file, and the right one (None: a copy named after the pair)."""


def main() -> None:
    options = parse_arguments()
    photos = [photo.path for photo in photos_in(options.photos)]
    jobs = [*copy_jobs(photos, options.limit), *stranger_jobs(photos, options.strangers)]
    if options.products.is_dir():
        jobs += product_jobs(options.products, options.product_pairs)
    with Pool(options.jobs) as pool:
        measured = pool.map(run, jobs, chunksize=8)
    classes: dict[str, list[tuple[str, PairMeasurement]]] = defaultdict(list)
    for (kind, name, *_), measurement in zip(jobs, measured, strict=True):
        classes[kind].append((name, measurement))
    found = tables(classes)
    print("\n\n".join(found))
    if options.page:
        options.page.write_text(with_tables(options.page.read_text(encoding="utf-8"), found), encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(rows(classes), indent=1), encoding="utf-8")
    if options.plots:
        draw_plots(classes, options.plots)


def parse_arguments() -> argparse.Namespace:
    data = ROOT.parent / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=data / "photos")
    parser.add_argument("--products", type=Path, default=data / "product")
    parser.add_argument("--limit", type=int, default=40, help="photos that are copied by every transform")
    parser.add_argument("--strangers", type=int, default=2000, help="pairs of different photos, nearest ones first")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--product-pairs", type=int, help="at most so many of different products, spread over all")
    parser.add_argument("--plots", type=Path)
    parser.add_argument("--page", type=Path, help="put the tables in the place of those of the same name on this page")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def copy_jobs(photos: list[Path], limit: int) -> list[Job]:
    step = max(1, len(photos) // limit)
    return [(kind_of(name), name, photo, None) for photo in photos[::step][:limit] for name in TRANSFORMS]


def kind_of(transform: str) -> str:
    if "color_variant" in TRANSFORMS[transform].right:
        return RECOLORED_COPIES
    return OVERLAID if transform in OVERLAYS else COPIES


def stranger_jobs(photos: list[Path], count: int) -> list[Job]:
    """Pairs of different photos in order of the bits between them, over all views: the hardest come first."""
    hashes = {photo: hashes_of(decode(photo.read_bytes())) for photo in photos}
    known = [photo for photo in photos if len(hashes[photo])]
    whole = np.stack([hashes[photo][0] for photo in known])  # (n, 32) uint8
    ranked = []
    for i, photo in enumerate(known):
        seen = np.stack([view_hashes(hashes[photo], view)[0] for view in View])  # (8, 32)
        bits = np.bitwise_count(seen[:, None] ^ whole[None, i + 1 :]).sum(axis=2).min(axis=0)
        ranked += [(int(distance), i, i + 1 + j) for j, distance in enumerate(bits)]
    ranked.sort()
    return [(STRANGERS, f"{bits} bits", known[i], known[j]) for bits, i, j in ranked[:count]]


def product_jobs(folder: Path, count: int | None) -> list[Job]:
    pairs = product_pairs(folder)
    garments = [pair for pair in pairs if pair.relation == RECOLORED]
    others = [pair for pair in pairs if pair.relation not in (RECOLORED, SAME_PICTURE)]
    others = others[:: max(1, len(others) // count)][:count] if count else others
    return [
        *((GARMENTS, pair.relation, pair.left, pair.right) for pair in garments),
        *((PRODUCTS, pair.relation, pair.left, pair.right) for pair in others),
    ]


def run(job: Job) -> PairMeasurement:
    _, name, left, right = job
    left_data = left.read_bytes()
    right_data = TRANSFORMS[name].apply(left_data, left.name) if right is None else right.read_bytes()
    return measure_images(decode(left_data), decode(right_data))


def rows(classes: dict[str, list[tuple[str, PairMeasurement]]]) -> list[dict[str, object]]:
    measures = [field.name for field in fields(PairMeasurement) if field.type is float]
    return [
        {"class": kind, "pair": name, "verdict": decide(measurement).kind.value}
        | {measure: round(getattr(measurement, measure), 4) for measure in measures}
        for kind, pairs in classes.items()
        for name, measurement in pairs
    ]


def tables(classes: dict[str, list[tuple[str, PairMeasurement]]]) -> list[str]:
    """Percentiles of four measures, and what the presets say, each as a table in Markdown."""
    percents, found = (0, 1, 5, 50, 95, 99, 100), []
    for measure in ("structure", "color_residual", "coverage", "plain_share"):
        lines = [f"| {measure} | pairs |" + "".join(f" {percent} % |" for percent in percents)]
        lines.append("|---|---|" + "---|" * len(percents))
        for kind, pairs in classes.items():
            values = np.percentile([getattr(measurement, measure) for _, measurement in pairs], percents)
            lines.append(f"| {kind} | {len(pairs)} |" + "".join(f" {value:.2f} |" for value in values))
        found.append("\n".join(lines))
    lines = [f"| {TALLIED} | " + " | ".join(PRESETS) + " |", "|---|" + "---|" * len(PRESETS)]
    for kind, pairs in classes.items():
        lines.append(f"| {kind} |" + "".join(f" {tally(pairs, policy)} |" for policy in PRESETS.values()))
    return [*found, "\n".join(lines)]


def with_tables(page: str, found: list[str]) -> str:
    """The page with each table whose first cell is that of one of these exchanged for it."""
    for table in found:
        name = re.escape(table.partition(" |")[0])
        page = re.sub(rf"(?m)^{name} \|.*\n(?:\|.*\n)*", lambda _, table=table: f"{table}\n", page)
    return page


def tally(pairs: list[tuple[str, PairMeasurement]], policy: Policy) -> str:
    counts = Counter(decide(measurement, policy).kind for _, measurement in pairs)
    same = counts[VerdictKind.DUPLICATE] + counts[VerdictKind.IDENTICAL]
    others = (VerdictKind.ALTERED, VerdictKind.COLOR_VARIANT, VerdictKind.DISTINCT)
    return " / ".join(str(count) for count in (same, *(counts[kind] for kind in others)))


def draw_plots(classes: dict[str, list[tuple[str, PairMeasurement]]], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    structure_cuts = [BALANCED.min_altered_structure, BALANCED.min_structure]
    residual_cuts = [BALANCED.max_plain_color_residual, BALANCED.max_color_residual]
    comparable = {
        kind: [pair for pair in pairs if pair[1].coverage >= BALANCED.min_coverage] for kind, pairs in classes.items()
    }
    same_shape = {
        kind: [pair for pair in pairs if pair[1].structure >= BALANCED.min_structure]
        for kind, pairs in comparable.items()
    }
    histogram(comparable, "structure", structure_cuts, (-0.4, 1.0), folder / "thresholds-structure.png")
    histogram(same_shape, "color_residual", residual_cuts, (0.0, 30.0), folder / "thresholds-color-residual.png")
    histogram(classes, "coverage", [BALANCED.min_coverage], (0.0, 1.0), folder / "thresholds-coverage.png")
    scatter(comparable, folder / "thresholds-both.png")


def histogram(
    classes: dict[str, list[tuple[str, PairMeasurement]]],
    measure: str,
    cuts: list[float],
    span: tuple[float, float],
    file: Path,
) -> None:
    """One row for each class, as shares of it, with the thresholds of the balanced policy as lines."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only where plots are asked for

    shown = {kind: pairs for kind, pairs in classes.items() if pairs}
    figure, axes = plt.subplots(len(shown), 1, figsize=(6.4, 1.0 * len(shown) + 0.7), sharex=True)
    for axis, (kind, pairs) in zip(np.atleast_1d(axes), shown.items(), strict=True):
        values = np.clip([getattr(measurement, measure) for _, measurement in pairs], *span)
        share = np.full(len(values), 100 / len(values))
        axis.hist(values, bins=70, range=span, weights=share, color=COLORS[kind])
        axis.set_yscale("symlog", linthresh=0.1)
        axis.set_yticks([0, 1, 100], ["0", "1 %", "100 %"], fontsize=7)
        axis.set_title(f"{kind} ({len(values)} pairs)", loc="left", fontsize=8, pad=2)
        for cut in cuts:
            axis.axvline(cut, color="black", linewidth=0.9, linestyle="--")
    axes_bottom = np.atleast_1d(axes)[-1]
    axes_bottom.set_xlabel(f"{measure.replace('_', ' ')} (dashed: thresholds {', '.join(map(str, cuts))})", fontsize=8)
    figure.tight_layout(h_pad=0.4)
    figure.savefig(file, dpi=90)
    plt.close(figure)


def scatter(classes: dict[str, list[tuple[str, PairMeasurement]]], file: Path) -> None:
    """Both axes of the decision in one picture: structure across, color residual up."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only where plots are asked for

    figure, axis = plt.subplots(figsize=(6.4, 4.2))
    for kind, pairs in classes.items():
        across = [measurement.structure for _, measurement in pairs]
        up = [max(0.05, measurement.color_residual) for _, measurement in pairs]
        axis.scatter(across, up, s=5, alpha=0.5, color=COLORS[kind], label=kind, linewidths=0)
    axis.set_yscale("log")
    axis.set_xlim(-0.4, 1.02)
    line = {"color": "black", "linewidth": 0.9, "linestyle": "--"}
    axis.plot([BALANCED.min_structure] * 2, [BALANCED.max_altered_color_residual, 100], **line)
    axis.plot([BALANCED.min_structure, 1.02], [BALANCED.max_color_residual] * 2, **line)
    overlaid = [BALANCED.min_altered_structure, BALANCED.min_structure]
    axis.plot(overlaid, [BALANCED.max_altered_color_residual] * 2, **line)
    axis.plot([BALANCED.min_altered_structure] * 2, [0.05, BALANCED.max_altered_color_residual], **line)
    axis.text(0.985, 0.056, "duplicate", ha="right", fontsize=8)
    axis.text(0.985, 75, "color variant", ha="right", fontsize=8)
    axis.text(-0.37, 75, "distinct", fontsize=8)
    axis.set_xlabel("structure", fontsize=8)
    axis.set_ylabel("color residual (CIELAB)", fontsize=8)
    axis.legend(fontsize=7, loc="lower left", markerscale=2.5)
    figure.tight_layout()
    figure.savefig(file, dpi=90)
    plt.close(figure)


if __name__ == "__main__":
    main()
