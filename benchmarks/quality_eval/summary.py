"""What was found, added up: per transform, over pairs of strangers, at other sizes of collection, of known pairs."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.quality_eval.known_pairs import KnownPair, groups_of
from benchmarks.quality_eval.ours import Evaluation, Judged, Stranger
from benchmarks.quality_eval.pictures import ORIGINAL
from benchmarks.quality_eval.rates import fit_tail, threshold_at_rate, upper_bound_of_clusters
from dedup_changes.transforms import TRANSFORMS
from dedup_core import SAME_PICTURE, Policy, decide
from dedup_core.policy import PRESETS
from dedup_core.search.hit import MAX_DISTANCE_BITS
from dedup_core.search.second_look import SURE_DISTANCE_BITS

COLLECTION_SIZES = (10_000, 1_000_000)
MISSES_SHOWN = 200
LEAST_PAIRS_OF_A_TAIL = 1000

type Report = dict[str, Any]


def summarize(evaluation: Evaluation, photos: int) -> Report:
    """The report of our side, ready for JSON."""
    by_transform: dict[str, list[Judged]] = {}
    for item in evaluation.copies:
        by_transform.setdefault(item.transform, []).append(item)
    like_for_like = threshold_at_rate(list(evaluation.pair_distances.values()))
    rows = {
        name: _transform_row(items, _of(evaluation.strangers, name), like_for_like)
        for name, items in by_transform.items()
    }
    return {
        "photos": photos,
        "transforms": rows,
        "mean": {key: _mean(row[key] for row in rows.values()) for key in RECALLS},
        "presets": {name: _preset(evaluation, photos, policy) for name, policy in PRESETS.items()},
        "strangers": _strangers(evaluation, photos),
        "false_candidates": _false_candidates(evaluation, photos),
        "fingerprint_threshold_at_rate": like_for_like,
        "misses": [_told(item) for item in evaluation.copies if not is_found(item)][:MISSES_SHOWN],
    }


RECALLS = ("search_recall", "candidate_recall", "verdict_recall", "verdict_alone", "fingerprint_recall_at_rate")


def is_right(item: Judged) -> bool:
    """Whether the verdict on a copy is right, however the pair came up."""
    return item.verdict.kind in TRANSFORMS[item.transform].right


def is_found(item: Judged) -> bool:
    return item.candidate and is_right(item)


def _preset(evaluation: Evaluation, photos: int, policy: Policy) -> Report:
    """What this policy says of the same measurements: the point that it has on the curve of `dedup measure`."""
    by_transform: dict[str, list[bool]] = {}
    for item in evaluation.copies:
        right = decide(item.measurement, policy).kind in TRANSFORMS[item.transform].right
        by_transform.setdefault(item.transform, []).append(item.candidate and right)
    originals = [item for item in evaluation.strangers if item.transform == ORIGINAL]
    copies = [item for item in evaluation.strangers if item.transform != ORIGINAL]
    called = [sum(decide(it.measurement, policy).kind in SAME_PICTURE for it in items) for items in (originals, copies)]
    return {
        "verdict_recall": _mean(map(_mean, by_transform.values())),
        "found": sum(map(sum, by_transform.values())),
        "copies": len(evaluation.copies),
        "originals_called": called[0],
        "pairs_of_originals": photos * (photos - 1) // 2,
        "copies_called": called[1],
        "pairs_of_copies": len(evaluation.copies) * (photos - 1),
    }


def _transform_row(items: list[Judged], strangers: list[Judged], like_for_like: float) -> Report:
    return {
        "copies": len(items),
        "search_recall": _mean(item.found for item in items),
        "candidate_recall": _mean(item.candidate for item in items),
        "verdict_recall": _mean(is_found(item) for item in items),
        "verdict_alone": _mean(is_right(item) for item in items),
        "fingerprint_recall_at_rate": _mean(item.distance_bits < like_for_like for item in items),
        "verdicts": dict(Counter(str(item.verdict.kind) for item in items)),
        "false_candidates_an_image": len(strangers) / len(items),
        "false_verdicts": sum(item.verdict.kind in SAME_PICTURE for item in strangers),
        "missed": sorted(item.left for item in items if not is_found(item))[:10],
    }


def _strangers(evaluation: Evaluation, photos: int) -> Report:
    """Pairs of different originals, and copies with other photos' originals."""
    originals = _of(evaluation.strangers, ORIGINAL)
    copies = [item for item in evaluation.strangers if item.transform != ORIGINAL]
    report: Report = {}
    for name, items, pairs in (
        ("originals", originals, photos * (photos - 1) // 2),
        ("copies", copies, len(evaluation.copies) * (photos - 1)),
    ):
        false = [item for item in items if item.verdict.kind in SAME_PICTURE]
        report[name] = {
            "pairs": pairs,
            "found": sum((item.transform == ORIGINAL) == (name == "originals") for item in evaluation.strangers_found),
            "candidates": len(items),
            "candidate_rate": len(items) / pairs,
            "verdicts": dict(Counter(str(item.verdict.kind) for item in items)),
            "false_verdicts": len(false),
            "false_verdict_rate": len(false) / pairs,
            "false_verdict_rate_upper_95": _at_most(false, pairs, photos),
            "false": [_told(item) for item in false[:MISSES_SHOWN]],
        }
    return report


def _false_candidates(evaluation: Evaluation, photos: int) -> Report:
    distances = list(evaluation.pair_distances.values())
    pairs = {True: len(distances), False: len(evaluation.copies) * (photos - 1)}
    rates: dict[str, float] = {}
    for stage, items in (("found", evaluation.strangers_found), ("verified", evaluation.strangers)):
        for name, of_originals in (("originals", True), ("copies", False)):
            counted = [item for item in items if (item.transform == ORIGINAL) == of_originals]
            rates[f"{stage}, {name}"] = len(counted) / pairs[of_originals]
            rates[f"{stage}, {name}, at most"] = _at_most(counted, pairs[of_originals], photos)
    if len(distances) >= LEAST_PAIRS_OF_A_TAIL:
        tail = fit_tail(distances)
        rates["verified by bits, normal tail"] = tail.rate_normal(SURE_DISTANCE_BITS)
        rates["verified by bits, exponential tail"] = tail.rate_exponential(SURE_DISTANCE_BITS)
    return {
        "max_distance_bits": MAX_DISTANCE_BITS,
        "nearest_pairs": [
            {"left": left, "right": right, "distance_bits": distance}
            for (left, right), distance in sorted(evaluation.pair_distances.items(), key=lambda item: item[1])[:20]
        ],
        "rates": rates,
        "an_image": {
            str(size): {name: rate * size for name, rate in rates.items()} for size in (photos, *COLLECTION_SIZES)
        },
    }


def _at_most(items: Sequence[Judged | Stranger], pairs: int, photos: int) -> float:
    """Upper bound (95 %) of a rate of pairs, of which all that are made of the same two photos are one cluster."""
    clusters = Counter(frozenset((item.left, item.right)) for item in items)
    return upper_bound_of_clusters(clusters.values(), pairs, photos * (photos - 1) // 2)


def write_pairs(evaluation: Evaluation, path: Path) -> None:
    """Every measured pair with all that was measured of it, for plots and for setting thresholds."""
    with path.open("w", encoding="utf-8") as stream:
        for item in (*evaluation.copies, *evaluation.strangers):
            stream.write(json.dumps(_told(item) | {"measurement": asdict(item.measurement)}) + "\n")


def summarize_known(pairs: list[KnownPair]) -> Report:
    """Verdicts by relation, and each pair whose verdict a person should look at."""
    relations: dict[str, list[KnownPair]] = {}
    for pair in pairs:
        relations.setdefault(pair.relation, []).append(pair)
    return {
        relation: {
            "pairs": len(items),
            "candidates": sum(pair.candidate for pair in items),
            "verdicts": dict(Counter(str(pair.verdict.kind) for pair in items if pair.verdict)),
            "candidate_verdicts": dict(
                Counter(str(pair.verdict.kind) for pair in items if pair.verdict and pair.candidate)
            ),
            "details": [
                _told_known(pair)
                for pair in items
                if pair.candidate or (pair.verdict and pair.verdict.kind in SAME_PICTURE)
            ],
        }
        for relation, items in relations.items()
    }


def summarize_groups(pairs: list[KnownPair]) -> list[list[str]]:
    return sorted(sorted(group) for group in groups_of(pairs))


def _told(item: Judged) -> Report:
    return {
        "transform": item.transform,
        "left": item.left,
        "right": item.right,
        "candidate": item.candidate,
        "distance_bits": item.distance_bits,
        "shared_keypoints": item.shared_keypoints,
        "verdict": str(item.verdict.kind),
        "view": item.verdict.view,
        "metrics": item.verdict.metrics.as_dict() if item.verdict.metrics else None,
        "reasons": list(item.verdict.reasons),
    }


def _told_known(pair: KnownPair) -> Report:
    assert pair.verdict is not None
    return {
        "left": pair.left.name,
        "right": pair.right.name,
        "candidate": pair.candidate,
        "verdict": str(pair.verdict.kind),
        "metrics": pair.verdict.metrics.as_dict() if pair.verdict.metrics else None,
        "reasons": list(pair.verdict.reasons),
    }


def _of(items: list[Judged], transform: str) -> list[Judged]:
    return [item for item in items if item.transform == transform]


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
