"""Measure how well copies are found and strangers left alone, next to other perceptual hashes.

    python benchmarks/quality.py                                   all photos of ../shared/data, all peers (long)
    python benchmarks/quality.py --limit 60 --no-peers             after a change of the core: about a minute
    python benchmarks/quality.py --limit 60 --no-peers --no-known --only crop --only rotate
    python benchmarks/quality.py --photos ~/Pictures --limit 200   any folder of distinct pictures
    python benchmarks/quality.py --copies-of 24                    all photos held, copies of 24 of them: minutes

Every photo is copied by every transform of dedup_changes/transforms.py, through real encoded bytes. Each copy is looked
up among all originals and every candidate is verified; `candidate` is the share of copies whose own original the search
brings up, `verdict` the share that besides ends as `identical` or `duplicate` (of grey and hue-shifted copies also
`color_variant`), `alone` the share with such a verdict had the search brought all of them up. Pairs of different photos
that are candidates are verified too. Copies and peers' hashes are kept in --cache, and features and measurements for as
long as the code of the core that they rest on stays. The JSON file names what was missed and why, and every false
verdict.

Peers come from benchmarks/requirements.txt. Each has the threshold at which at most one pair of different originals in
10,000 matches; pairs that tie at the limit stay out (quality_eval/rates.py).
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs as a script as well as with -m
# Matrices of 64 x 64 gain nothing from threads, and on a busy machine their waiting takes ten times the work.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402

from benchmarks.quality_eval import goals, known_pairs, markdown, ours, summary, tables  # noqa: E402
from benchmarks.quality_eval.pictures import USUAL_CACHE, Cache, Photo, photos_in  # noqa: E402
from benchmarks.quality_eval.workers import Workers  # noqa: E402
from dedup_changes.transforms import TRANSFORMS  # noqa: E402
from dedup_core import BALANCED, LOOSE, STRICT, Policy  # noqa: E402

POLICIES = {"strict": STRICT, "balanced": BALANCED, "loose": LOOSE}
LEAST_PHOTOS = 5


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 160)
    photos = photos_in(options.photos or options.data / "photos", options.limit)
    copied = chosen(photos, options)
    transforms = [name for name in TRANSFORMS if any(part in name for part in options.only or [""])]
    if len(photos) < LEAST_PHOTOS or not transforms:
        sys.exit(f"nothing to measure: {len(photos)} photos, {len(transforms)} transforms")
    cache = Cache(options.cache)
    report: summary.Report = {"command": " ".join(["python", *sys.argv]), "photos": len(photos), "copied": len(copied)}
    if options.ours:
        with Workers(cache, options.jobs, _progress) as workers:
            evaluation = ours.evaluate(photos, copied, transforms, POLICIES[options.policy], workers)
        report["ours"] = summary.summarize(evaluation, len(photos))
        if options.pairs:
            summary.write_pairs(evaluation, options.pairs)
    if options.known:
        with Workers(cache, options.jobs, _progress) as workers:
            report |= _known(options.data, POLICIES[options.policy], workers)
    if options.peers:
        report["peers"] = _peers(photos, copied, transforms, cache, options.jobs)
    report["goals"] = goals.as_report(report)
    tables.show(report, console)
    if options.rates:
        kept = ("copies", "candidate_recall", "verdict_recall", "verdicts")
        rates = {name: {key: row[key] for key in kept} for name, row in report["ours"]["transforms"].items()}
        options.rates.write_text(json.dumps(rates, indent=1) + "\n", encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if options.page:
        markdown.write_into(options.page, report)
    if options.plot:
        from benchmarks.quality_eval import plot  # noqa: PLC0415 - slow to import

        plot.draw(report, options.plot)


def chosen(photos: list[Photo], options: argparse.Namespace) -> list[Photo]:
    """The photos that copies are made of."""
    if options.copies_of_sample:
        drawn = json.loads(options.copies_of_sample.read_text(encoding="utf-8"))["images"]["names"]
        names = {name.rpartition("/")[2] for name in drawn}
        found = [photo for photo in photos if photo.name in names]
        if len(found) < len(names):
            sys.exit(f"{len(names) - len(found)} images of the sample are not among the photos")
        return found
    count = min(options.copies_of or len(photos), len(photos))
    return [photos[place * len(photos) // count] for place in range(count)]


def _known(data: Path, policy: Policy, workers: Workers) -> summary.Report:
    products = known_pairs.judge(known_pairs.product_pairs(data / "product"), policy, workers)
    copies = known_pairs.judge(known_pairs.copies_pairs(data / "copies"), policy, workers)
    exif = [pair for pair in copies if pair.relation == known_pairs.EXIF]
    return {
        "products": summary.summarize_known(products),
        "given_copies": summary.summarize_known(copies),
        "exif_groups": summary.summarize_groups(exif),
    }


def _peers(photos: list[Photo], copied: list[Photo], transforms: list[str], cache: Cache, jobs: int) -> summary.Report:
    from benchmarks.quality_eval.peer_run import run_peers  # noqa: PLC0415 - its packages may not be installed

    return {
        result.name: {
            "threshold": result.threshold,
            "rate": result.rate,
            "stranger_rate": result.stranger_rate,
            "mean_recall": sum(result.recall.values()) / len(result.recall),
            "recall": result.recall,
        }
        for result in run_peers(photos, copied, transforms, cache, jobs, _progress)
    }


def _progress[T](work: Iterable[T], total: int, title: str) -> Iterable[T]:
    return track(work, title, total, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the data sets")
    parser.add_argument("--photos", type=Path, help="folder of photos, no two of them alike (default: DATA/photos)")
    parser.add_argument("--limit", type=int, help="only so many photos, spread evenly over the folder")
    parser.add_argument("--copies-of", type=int, metavar="N", help="copies of only so many; all photos are searched")
    parser.add_argument(
        "--copies-of-sample",
        type=Path,
        metavar="FILE",
        help="copies of the images in what `dedup measure --json` wrote",
    )
    parser.add_argument("--only", action="append", metavar="PART", help="only transforms with this in their name")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes")
    parser.add_argument("--policy", choices=POLICIES, default="balanced", help="thresholds of the verdict")
    parser.add_argument("--pairs", type=Path, help="write every measured pair to this file, one JSON object a line")
    parser.add_argument("--json", type=Path, help="write everything that was found to this file")
    parser.add_argument(
        "--rates", type=Path, help="write only what became of the copies by each transform to this file"
    )
    parser.add_argument("--plot", type=Path, help="draw the recalls into this PNG")
    parser.add_argument("--page", type=Path, help="write the tables into this Markdown page, between its marks")
    parser.add_argument("--cache", type=Path, default=USUAL_CACHE, help="where copies and peers' hashes are kept")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="leave the other hashes out")
    parser.add_argument("--no-known", dest="known", action="store_false", help="leave products and given copies out")
    parser.add_argument("--no-ours", dest="ours", action="store_false", help="leave this project's detection out")
    return parser


if __name__ == "__main__":
    main()
