"""Outcomes of the demo as an app without mistakes would store them, for tests to spoil."""

from datetime import UTC, datetime
from functools import cache

from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import INDEXED, ImageStatus
from dedup_app.ports.pairs import PairRow
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.comparison.verdict import Verdict, VerdictKind
from dedup_core.loading.stats import LoaderStats
from dedup_core.paths import ImagePath
from demo import pictures as demo_pictures
from demo.check import Outcome
from demo.pictures import Picture, allowed_verdicts, is_to_be_found, readable_pairs

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@cache
def every_picture() -> tuple[Picture, ...]:
    """Those of the demo, made once for all tests: it takes seconds."""
    return tuple(demo_pictures.pictures())


def row(name: str, status: ImageStatus = INDEXED, detail: str = "") -> FeaturesRow:
    return FeaturesRow(ImagePath("images", f"demo/{name}"), "0x1", status, None, detail, NOW)


def pair(left: str, right: str, kind: VerdictKind | None) -> PairRow:
    metrics = ColorMetrics(1.25, 2.5, 0.97)
    verdict = None if kind is None else Verdict(kind, (f"said to be {kind}",), metrics, 12, "upright")
    paths = ImagePath("images", f"demo/{left}"), ImagePath("images", f"demo/{right}")
    return PairRow(*paths, "0x1", "0x2", verdict, 12, "upright", NOW)


def right_outcome(pictures: list[Picture]) -> Outcome:
    rows = {
        it.name: row(it.name) if it.readable else row(it.name, ImageStatus.rejected("corrupt"), "cut off")
        for it in pictures
    }
    pairs = {
        frozenset({left.name, right.name}): pair(left.name, right.name, min(allowed_verdicts(left, right)))
        for left, right in readable_pairs(pictures)
        if is_to_be_found(left, right)
    }
    loaders = LoaderStats(images_downloaded=20, comparisons_performed=len(pairs))
    return Outcome(rows, pairs, loaders, blob_reads=20 + len(pictures), seconds=12.3)
