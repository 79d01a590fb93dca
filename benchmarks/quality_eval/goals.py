"""What the project promises of detection quality, and whether this run keeps it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.quality_eval.known_pairs import RECOLORED, SAME_PICTURE
from benchmarks.quality_eval.rates import FALSE_POSITIVE_RATE
from benchmarks.quality_eval.summary import Report
from dedup_changes.transforms import TRANSFORMS

LEAST_MEAN_RECALL = 0.99
LEAST_RECALL = 0.90
PARTS = (
    *("phone-screenshot", "collage", "page", "square-crop", "caption", "tiled-mark", "sticker", "print-photographed"),
    *("rotate-7", "rotate-10", "inverted"),
)
LEAST_RECALL_OF_PARTS = 0.95
TURNED = ("rotate-20", "rotate-20-expand", "rotate-45-expand")
LEAST_RECALL_OF_TURNED = 0.80
NO_TONES = ("half-darkened", "blur-strong", "inverted")
LEAST_TONES = 0.95
LEAST_COLORS = 0.98
TIE = 0.01
LEAST_RECOLORED = 0.95
MOST_FALSE_CANDIDATES = 2.0
MILLION = "1000000"
EXIF_GROUPS = [9, 9]
SAME = ("identical", "duplicate")


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise: what was found, and whether that keeps it."""

    promise: str
    found: str
    met: bool


def goals(report: Report) -> list[Goal]:
    """The promises that this report can speak of: a run may leave out peers or known pairs."""
    found: list[Goal] = []
    if "ours" in report:
        found += _detection(report["ours"])
    if "ours" in report and "peers" in report:
        found.append(_ahead(report["ours"]["transforms"], report["peers"]))
    if "products" in report:
        found += _known(report["products"])
        sizes = sorted(len(group) for group in report["exif_groups"])
        found.append(
            Goal("the 18 EXIF orientations of 2 pictures are 2 groups", f"groups of {sizes}", sizes == EXIF_GROUPS)
        )
    return found


def as_report(report: Report) -> list[dict[str, Any]]:
    return [asdict(goal) for goal in goals(report)]


def _detection(ours: Report) -> Iterator[Goal]:
    recalls = {name: row["verdict_recall"] for name, row in ours["transforms"].items()}
    first = [name for name in recalls if TRANSFORMS[name].part == "first"]
    if first:
        mean = sum(recalls[name] for name in first) / len(first)
        promise = f"mean recall of the verdict over the first {len(first)} transforms is at least {LEAST_MEAN_RECALL}"
        yield Goal(promise, f"{mean:.3f}", mean >= LEAST_MEAN_RECALL)
    for promise, names, least in (
        (f"each of the first {len(first)}", first, LEAST_RECALL),
        (", ".join(PARTS), PARTS, LEAST_RECALL_OF_PARTS),
        (", ".join(TURNED), TURNED, LEAST_RECALL_OF_TURNED),
    ):
        yield from _least(promise, {name: recalls[name] for name in names if name in recalls}, least)
    for promise, part, verdict, least in (
        ("changes of tone are duplicate", "tone", "duplicate", LEAST_TONES),
        ("gray with more contrast, sepia, duotone are color_variant", "color", "color_variant", LEAST_COLORS),
    ):
        shares = {
            name: row["verdicts"].get(verdict, 0) / row["copies"]
            for name, row in ours["transforms"].items()
            if TRANSFORMS[name].part == part and name not in NO_TONES
        }
        yield from _least(promise, shares, least)
    strangers = ours["strangers"]["originals"]
    yield Goal(
        "no two different photos are identical or duplicate",
        str(strangers["false_verdicts"]),
        not strangers["false_verdicts"],
    )
    rate = max(row["false_verdict_rate"] for row in ours["strangers"].values())
    yield Goal("at most 1 false verdict in 10,000 pairs", f"{rate:.1e}", rate <= FALSE_POSITIVE_RATE)
    false = ours["false_candidates"]["an_image"][MILLION]["verified, copies"]
    yield Goal(
        f"at most {MOST_FALSE_CANDIDATES:g} false candidates an image among a million",
        f"{false:.2f}",
        false <= MOST_FALSE_CANDIDATES,
    )


def _least(promise: str, shares: dict[str, float], least: float) -> Iterator[Goal]:
    """The lowest of some shares, all of which are to reach `least`; nothing where none was measured."""
    if shares:
        worst = min(shares, key=lambda name: shares[name])
        yield Goal(f"{promise}: at least {least}", f"{shares[worst]:.3f} ({worst})", shares[worst] >= least)


def _ahead(rows: Report, peers: Report) -> Goal:
    behind = [
        f"{transform} ({row['verdict_recall']:.3f}, {name} {peer['recall'][transform]:.3f})"
        for transform, row in rows.items()
        for name, peer in peers.items()
        if row["verdict_recall"] < peer["recall"][transform] - TIE
    ]
    return Goal(
        "ahead of every other hash for every transform, 1 % apart is a tie", "; ".join(behind) or "yes", not behind
    )


def _known(products: Report) -> Iterator[Goal]:
    recolored = products[RECOLORED]
    false = _same(recolored["verdicts"])
    yield Goal("no garment in another color is identical or duplicate", str(false), not false)
    share = recolored["candidate_verdicts"].get("color_variant", 0) / max(1, recolored["candidates"])
    text = f"{share:.3f} of {recolored['candidates']} candidates"
    yield Goal(
        f"at least {LEAST_RECOLORED} of the garments in other colors are color_variant", text, share >= LEAST_RECOLORED
    )
    others = {name: row for name, row in products.items() if name not in {RECOLORED, SAME_PICTURE}}
    wrong = [
        f"{pair['left']} and {pair['right']}"
        for row in others.values()
        for pair in row["details"]
        if pair["verdict"] in SAME and pair["candidate"]
    ]
    yield Goal("no two different products, logos or screenshots are duplicate", "; ".join(wrong) or "none", not wrong)


def _same(verdicts: dict[str, int]) -> int:
    return sum(verdicts.get(kind, 0) for kind in SAME)
