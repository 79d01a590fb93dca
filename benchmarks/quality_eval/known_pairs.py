"""Pairs of product shots and of given copies for which a person knows the answer, and what is said of them."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from benchmarks.quality_eval.ours import Search
from benchmarks.quality_eval.pictures import ORIGINAL, Photo, photos_in
from benchmarks.quality_eval.workers import Task, Workers
from dedup_core import PermanentError, Policy, Verdict, VerdictKind, decide, extract_features

RECOLORED = "same garment and pose, other color"
OTHER_VIEW = "same garment, other view"
SAME_PICTURE = "same picture"
EXIF = "EXIF orientations"
ONE_PICTURE = {VerdictKind.IDENTICAL, VerdictKind.DUPLICATE, VerdictKind.ALTERED}

# Looked at one by one: the only pairs of the product set, garments aside, that show the same picture twice.
SAME_PRODUCT_PICTURES = {
    frozenset({"grocery-Fruit_Apple-Granny-Smith.jpg", "grocery-Granny-Smith_Iconic.jpg-Granny-Smith.jpg"}),
    frozenset({"logo-dgpe_logo_128-dupeguru.png", "logo-dgpe_logo_32-dupeguru.png"}),
}


@dataclass(frozen=True, slots=True)
class KnownPair:
    """Two pictures and what they are to each other; `candidate` and `verdict` are filled in by `judge`."""

    relation: str
    left: Path
    right: Path
    candidate: bool = False
    verdict: Verdict | None = None


def product_pairs(folder: Path) -> list[KnownPair]:
    """Every pair within one set of the product folder (garments, logos, screenshots, ...)."""
    rows = {row["file"]: row for row in _rows(folder / "sources.tsv")}
    paths = [photo.path for photo in photos_in(folder) if photo.name in rows and _is_image(photo.path)]
    return [
        KnownPair(_product_relation(rows[left.name], rows[right.name]), left, right)
        for left, right in combinations(paths, 2)
        if rows[left.name]["set"] == rows[right.name]["set"]
    ]


def copies_pairs(folder: Path) -> list[KnownPair]:
    """Every pair within one group of the copies folder, named after the edits."""
    rows = {row["file"]: row for row in _rows(folder / "truth.tsv")}
    pairs = combinations([photo.path for photo in photos_in(folder)], 2)
    return [
        KnownPair(_copies_relation(rows[left.name], rows[right.name]), left, right)
        for left, right in pairs
        if rows[left.name]["group"] == rows[right.name]["group"]
    ]


def judge(pairs: list[KnownPair], policy: Policy, workers: Workers) -> list[KnownPair]:
    """Verify every pair, whether the search would bring it up or not, and say whether it would."""
    paths = sorted({path for pair in pairs for path in (pair.left, pair.right)})
    features = {
        photo.path: found for (photo, _), found in workers.features([(Photo(p), ORIGINAL) for p in paths]).items()
    }
    search = Search.over({Photo(path): features[path] for path in paths})
    near = {path: search.ask(features[path]).candidates for path in paths}
    hits = [near[pair.left].get(Photo(pair.right)) for pair in pairs]
    views = [hit.view if hit else None for hit in hits]
    tasks = [
        Task((Photo(pair.left), ORIGINAL), ((Photo(pair.right), view),))
        for pair, view in zip(pairs, views, strict=True)
    ]
    judged = []
    for pair, view, (measurement,) in zip(pairs, views, workers.measurements(tasks), strict=True):
        same_bytes = features[pair.left].sha256 == features[pair.right].sha256
        verdict = decide(measurement, policy, same_bytes=same_bytes)
        judged.append(KnownPair(pair.relation, pair.left, pair.right, view is not None, verdict))
    return judged


def groups_of(pairs: list[KnownPair]) -> list[set[str]]:
    """Groups of names joined by candidates that show the same picture; each orientation has its number on it."""
    groups: list[set[str]] = []
    for pair in pairs:
        names = {pair.left.name, pair.right.name}
        if pair.candidate and pair.verdict and pair.verdict.kind in ONE_PICTURE:
            joined = [group for group in groups if group & names]
            groups = [group for group in groups if not group & names] + [names.union(*joined)]
    return groups


def _product_relation(left: dict[str, str], right: dict[str, str]) -> str:
    if frozenset({left["file"], right["file"]}) in SAME_PRODUCT_PICTURES:
        return SAME_PICTURE
    if left["set"] == "magento" and left["group"] == right["group"]:
        is_front = all(row["variant"].endswith("_main") for row in (left, right))
        return RECOLORED if is_front else OTHER_VIEW
    if left["set"] == "grocery" and left["group"] == right["group"]:
        return "grocery, same shelf"
    return f"{left['set']}, different things"


def _copies_relation(left: dict[str, str], right: dict[str, str]) -> str:
    if left["group"].startswith("exif"):
        return EXIF
    edits = sorted({row["edit"] for row in (left, right)} - {"original"})
    return " against ".join(edits)


def _is_image(path: Path) -> bool:
    """Some files of the set are symbolic links that were stored as text."""
    try:
        extract_features(path.read_bytes())
    except PermanentError:
        return False
    return True


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream, delimiter="\t")
