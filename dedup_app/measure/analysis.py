"""What a run says: by change, by preset, about strangers; and which settings would bring lost copies back."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from statistics import fmean

from dedup_app.intervals import Share
from dedup_app.measure.copies import Change
from dedup_app.measure.results import CopyResult, ImageResult, Outcome, StrangerPair
from dedup_app.measure.slices import Slice, slices_of
from dedup_app.measure.stages import Stage, is_found, stage_of_verdict
from dedup_app.ports.features import ImageSummary
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.verdict import SAME_PICTURE, Verdict, VerdictKind, decide
from dedup_core.policy import LOOSE, PRESETS, Policy

TODAY = "today"
ACCUSED = SAME_PICTURE | {VerdictKind.ALTERED, VerdictKind.COLOR_VARIANT}
MOST_CLOSEST = 24  # pairs shown on the page, each with two pictures in it


@dataclass(frozen=True, slots=True)
class Lost:
    """A copy that was not found or not judged rightly."""

    image: str
    change: str
    stage: Stage
    rank: int
    verdict: Verdict
    measurement: PairMeasurement


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """One change: `found` is a candidate and judged rightly, `same` called identical or duplicate, as a candidate."""

    name: str
    part: str
    candidates: Share
    found: Share
    same: Share
    verdicts: Mapping[str, int]
    stages: Mapping[Stage, int]
    lost: tuple[Lost, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A policy on the curve: the mean share of copies found over all changes, and strangers called copies.

    `interval` is that of all copies together.
    """

    name: str
    found: float
    interval: Share
    strangers: Share


@dataclass(frozen=True, slots=True)
class Advice:
    """One setting and a value that brings lost copies back: how many, and how many strangers more it calls alike.

    `copies_back` is less those that are judged rightly today and would not be any more.
    """

    setting: str
    value: str
    copies_back: int
    strangers_more: int


@dataclass(frozen=True, slots=True)
class StrangerReport:
    """Pairs that are no copies by all that is known; `verdicts` are those of candidates, each with its share of all."""

    pairs: int
    known_copies: int
    candidates: Share
    verdicts: Mapping[str, Share]
    compared: int
    closest: tuple[tuple[StrangerPair, Verdict], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a run says. `found` is the mean over all changes, `interval` that of all copies together."""

    outcomes: Mapping[str, int]
    changes: tuple[ChangeReport, ...]
    found: float
    interval: Share
    strangers: StrangerReport
    points: tuple[Point, ...]
    advice: tuple[Advice, ...]
    slices: tuple[Slice, ...]


def analyze(
    images: Sequence[ImageSummary],
    results: Sequence[ImageResult],
    strangers: Sequence[StrangerPair],
    pairs: tuple[int, int],
    changes: Sequence[Change],
    policy: Policy,
    max_candidates: int,
) -> Report:
    """The report by this policy; `pairs` are the pairs of strangers in all, and the known copies among the images."""
    copies = [(result.path, copy) for result in results for copy in result.copies]
    by_change: defaultdict[str, list[tuple[str, CopyResult]]] = defaultdict(list)
    for path, copy in copies:
        by_change[copy.change].append((path, copy))
    reports = [_change(change, by_change[change.name], policy) for change in changes if by_change[change.name]]
    right = {change.name: change.right for change in changes}
    return Report(
        outcomes={outcome.value: sum(it.outcome is outcome for it in results) for outcome in Outcome},
        changes=tuple(sorted(reports, key=lambda it: (it.found.share, it.name))),
        found=fmean(it.found.share for it in reports) if reports else 0.0,
        interval=Share(sum(it.found.count for it in reports), sum(it.found.of for it in reports)),
        strangers=_strangers(strangers, *pairs, policy),
        points=tuple(
            _point(name, it, by_change, right, _accused(strangers, pairs[0], it))
            for name, it in {TODAY: policy, **PRESETS}.items()
        ),
        advice=tuple(_advice(reports, [copy for _, copy in copies], strangers, right, policy, max_candidates)),
        slices=slices_of(results, images, right, policy),
    )


def _change(change: Change, copies: Sequence[tuple[str, CopyResult]], policy: Policy) -> ChangeReport:
    judged = [(path, copy, decide(copy.measurement, policy)) for path, copy in copies]
    stages: Counter[Stage] = Counter()
    lost, same = [], 0
    for path, copy, verdict in judged:
        is_candidate = copy.search is Stage.FOUND
        stage = stage_of_verdict(copy.measurement, policy, change.right) if is_candidate else copy.search
        same += is_candidate and verdict.kind in SAME_PICTURE
        stages[stage] += 1
        if stage is not Stage.FOUND:
            lost.append(Lost(path, change.name, stage, copy.rank, verdict, copy.measurement))
    return ChangeReport(
        name=change.name,
        part=change.part,
        candidates=Share(sum(copy.search is Stage.FOUND for _, copy in copies), len(copies)),
        found=Share(stages.pop(Stage.FOUND, 0), len(copies)),
        same=Share(same, len(copies)),
        verdicts=dict(Counter(v.kind.value for _, copy, v in judged if copy.search is Stage.FOUND).most_common()),
        stages=dict(stages.most_common()),
        lost=tuple(sorted(lost, key=lambda it: (it.stage, it.image))),
    )


def _strangers(found: Sequence[StrangerPair], pairs: int, known_copies: int, policy: Policy) -> StrangerReport:
    judged = [(pair, decide(pair.measurement, policy)) for pair in found]
    counts = Counter(verdict.kind for pair, verdict in judged if pair.candidate)
    kinds = sorted(ACCUSED | counts.keys(), key=list(VerdictKind).index)
    return StrangerReport(
        pairs=pairs,
        known_copies=known_copies,
        candidates=Share(sum(pair.candidate for pair in found), pairs),
        verdicts={kind.value: Share(counts[kind], pairs) for kind in kinds},
        compared=len(found),
        closest=tuple(sorted(judged, key=_closeness)[:MOST_CLOSEST]),
    )


def _closeness(judged: tuple[StrangerPair, Verdict]) -> tuple[bool, int, float]:
    """What is called a copy first, then what is most alike."""
    pair, verdict = judged
    return not pair.candidate, list(VerdictKind).index(verdict.kind), -pair.measurement.structure


def _point(
    name: str,
    policy: Policy,
    by_change: Mapping[str, Sequence[tuple[str, CopyResult]]],
    right: Mapping[str, frozenset[str]],
    strangers: Share,
) -> Point:
    shares = [
        Share(sum(is_found(copy.search, copy.measurement, policy, right[change]) for _, copy in copies), len(copies))
        for change, copies in by_change.items()
    ]
    together = Share(sum(it.count for it in shares), sum(it.of for it in shares))
    return Point(name, fmean(it.share for it in shares) if shares else 0.0, together, strangers)


def _accused(strangers: Iterable[StrangerPair], pairs: int, policy: Policy) -> Share:
    called = sum(pair.candidate and decide(pair.measurement, policy).kind in SAME_PICTURE for pair in strangers)
    return Share(called, pairs)


def _advice(
    reports: Sequence[ChangeReport],
    copies: Sequence[CopyResult],
    strangers: Sequence[StrangerPair],
    right: Mapping[str, frozenset[str]],
    policy: Policy,
    max_candidates: int,
) -> list[Advice]:
    """Single thresholds as `loose` has them, and more candidates; what accuses no stranger first."""
    lost = [it for report in reports for it in report.lost]
    advice = []
    if beyond := [it for it in lost if it.stage is Stage.BEYOND]:
        most = max(max_candidates + 1, *(it.rank for it in beyond))
        advice.append(Advice("MAX_CANDIDATES", str(most), len(beyond), 0))
    candidates = [pair.measurement for pair in strangers if pair.candidate]
    found = [copy for copy in copies if copy.search is Stage.FOUND]
    now = sum(decide(it.measurement, policy).kind.value in right[it.change] for it in found)
    alike = _alike(candidates, policy)
    for field in fields(Policy):
        value = getattr(LOOSE, field.name)
        try:
            other = replace(policy, **{field.name: value})
        except ValueError:
            continue  # alone it would cross another threshold
        if not any(decide(it.measurement, other).kind.value in right[it.change] for it in lost):
            continue
        then = sum(decide(it.measurement, other).kind.value in right[it.change] for it in found)
        if then > now:
            more = _alike(candidates, other) - alike
            advice.append(Advice(f"POLICY_{field.name.upper()}", f"{value:g}", then - now, more))
    return sorted(advice, key=lambda it: (it.strangers_more > 0, -it.copies_back, it.setting))


def _alike(measurements: Sequence[PairMeasurement], policy: Policy) -> int:
    return sum(decide(it, policy).kind in ACCUSED for it in measurements)
