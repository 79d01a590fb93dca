"""What `dedup measure` found, as JSON: every share with its interval, every lost copy with the stage that lost it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from dedup_app.measure.analysis import Report
from dedup_app.measure.results import ImageResult
from dedup_app.measure.sample import Sample, Stratum


@dataclass(frozen=True)
class Facts:
    """What was asked for, what was drawn, and what was read for it."""

    policy: str
    prefix: str
    seed: int
    names: tuple[str, ...]
    total: int
    too_small: int
    strata: dict[Stratum, tuple[int, int]]
    images_read: int
    bytes_read: int


def facts_of(drawn: Sample, results: Iterable[ImageResult], policy: str, prefix: str, seed: int) -> Facts:
    """The facts of a run."""
    read = Counter({"images": 0, "bytes": 0})
    for result in results:
        read.update(images=result.bytes > 0, bytes=result.bytes)
    names = tuple(str(image.path) for image in drawn.images)
    return Facts(policy, prefix, seed, names, drawn.total, drawn.too_small, drawn.strata, read["images"], read["bytes"])


def record_of(report: Report, facts: Facts) -> dict[str, object]:
    """The whole report, ready for JSON."""
    of = report.strangers
    return {
        "policy": facts.policy,
        "prefix": facts.prefix,
        "seed": facts.seed,
        "images": {"drawn": len(facts.names), "of": facts.total, "too_small": facts.too_small, **report.outcomes}
        | {"names": list(facts.names)},
        "strata": [{**asdict(it), "drawn": drawn, "of": count} for it, (drawn, count) in facts.strata.items()],
        "images_read": facts.images_read,
        "bytes_read": facts.bytes_read,
        "found": report.found,
        "interval": report.interval.as_dict(),
        "changes": {
            it.name: {
                "candidates": it.candidates.as_dict(),
                "found": it.found.as_dict(),
                "same": it.same.as_dict(),
                "verdicts": it.verdicts,
                "lost_at": {stage.value: count for stage, count in it.stages.items()},
                "lost": [
                    {"image": lost.image, "stage": lost.stage.value, "verdict": lost.verdict.kind.value}
                    | {"reasons": list(lost.verdict.reasons)}
                    for lost in it.lost
                ],
            }
            for it in report.changes
        },
        "strangers": {
            "pairs": of.pairs,
            "known_copies": of.known_copies,
            "compared": of.compared,
            "candidates": of.candidates.as_dict(),
            "verdicts": {kind: share.as_dict() for kind, share in of.verdicts.items()},
            "closest": [
                {"left": pair.left, "right": pair.right, "candidate": pair.candidate}
                | {"verdict": verdict.kind.value, "reasons": list(verdict.reasons)}
                for pair, verdict in of.closest
            ],
        },
        "policies": {
            it.name: {"found": it.found, "interval": it.interval.as_dict(), "strangers": it.strangers.as_dict()}
            for it in report.points
        },
        "slices": [
            {"by": it.by, "name": it.name, "images": it.images, "found": it.found.as_dict()} for it in report.slices
        ],
        "advice": [asdict(it) for it in report.advice],
    }
