"""Tune: evidence in, a proposal and the curve out; nothing is read but tables, and nothing is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dedup_app.feedback.dial import dial
from dedup_app.feedback.informative_pairs import LEAST_DECISIONS, LEAST_OF_EITHER
from dedup_app.intervals import Share
from dedup_app.operations.rejudge import Change
from dedup_app.ports.features import FeaturesTable
from dedup_app.ports.pairs import PairsTable
from dedup_app.progress import Progress, no_progress
from dedup_app.tune.choice import Choice, Chooser
from dedup_app.tune.evidence import Evidence, Made, gather
from dedup_app.tune.moves import changed
from dedup_core.comparison.verdict import NO_MATTER_OF_POLICY, SAME_PICTURE, decide, kind_of
from dedup_core.errors import PermanentError
from dedup_core.policy import PRESETS, Policy

MOST_LOST = 0.005  # of the made copies that are judged rightly today
MOST_MADE = 2000  # made copies that are judged by each policy: `MOST_LOST` of them are ten
DIAL = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)


class TooFewDecisions(PermanentError):
    """What people decided is too little to tell chance from a better policy."""

    reason = "too-few-decisions"


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A policy: which share of decided copies it calls copies, and of decided strangers; made copies it judges right.

    `made` is None where no made copies are known. `on_dial` says where it lies between strict (-1) and loose (1).
    """

    name: str
    found: Share
    accused: Share
    made: Share | None
    on_dial: float | None = None


@dataclass(frozen=True, slots=True)
class TuneReport:
    """What came of it; `settings` is empty where nothing is better than today's policy beyond chance."""

    evidence: Evidence
    choice: Choice
    settings: dict[str, float]
    points: tuple[CurvePoint, ...]


class TuneService:
    """Reads the pairs table and the rows of images in decided pairs."""

    def __init__(self, *, pairs: PairsTable, features: FeaturesTable, policy: Policy) -> None:
        self._pairs = pairs
        self._features = features
        self._policy = policy

    def tune(self, made: Sequence[Made] = (), progress: Progress = no_progress) -> TuneReport:
        """The best settings by cross-validation; `progress` hears of pairs seen so far. Raises `TooFewDecisions`."""
        evidence = gather(self._pairs, self._features, progress)
        if len(evidence.judgments) < LEAST_DECISIONS or min(evidence.copies, evidence.strangers) < LEAST_OF_EITHER:
            raise TooFewDecisions(
                f"{LEAST_DECISIONS} decisions that settings could follow are needed, {LEAST_OF_EITHER} of either "
                f"kind; there are {evidence.copies} of copies and {evidence.strangers} of others: "
                "the tab Help me tune of the review page asks for those that tell most"
            )
        step = max(1, len(made) // MOST_MADE)
        guard = _Guard(made[::step], self._policy)
        chooser = Chooser(evidence.judgments, self._policy, guard.allows)
        choice = chooser.choose()
        better = choice.is_better(self._policy)
        named = {"today": self._policy, **PRESETS} | ({"proposed": choice.policy} if better else {})
        points = [self._point(name, policy, evidence, guard) for name, policy in named.items()]
        points += [self._point(f"{place:+.2f}", dial(place), evidence, guard, place) for place in DIAL]
        return TuneReport(evidence, choice, changed(self._policy, choice.policy) if better else {}, tuple(points))

    def would_change(self, policy: Policy) -> Iterator[Change]:
        """The stored pairs that this policy judges otherwise, as `dedup rejudge` would."""
        for pair in self._pairs.all():
            if pair.verdict is None or pair.measurement is None or pair.verdict.kind in NO_MATTER_OF_POLICY:
                continue
            if kind_of(pair.measurement, policy) is not pair.verdict.kind:
                yield Change(pair, pair.verdict.kind, decide(pair.measurement, policy))

    def _point(
        self, name: str, policy: Policy, evidence: Evidence, guard: "_Guard", place: float | None = None
    ) -> CurvePoint:
        called = [(it.is_copy, kind_of(it.measurement, policy) in SAME_PICTURE) for it in evidence.judgments]
        found = Share(sum(is_copy and same for is_copy, same in called), evidence.copies)
        accused = Share(sum(same and not is_copy for is_copy, same in called), evidence.strangers)
        return CurvePoint(name, found, accused, guard.share(policy), place)


class _Guard:
    """No proposal may lose what is found today of the made copies."""

    def __init__(self, made: Sequence[Made], today: Policy) -> None:
        self._made = made
        share = self.share(today)
        self._least = share.share - MOST_LOST if share else 0.0

    def share(self, policy: Policy) -> Share | None:
        if not self._made:
            return None
        right = sum(kind_of(it.measurement, policy).value in it.right for it in self._made)
        return Share(right, len(self._made))

    def allows(self, policy: Policy) -> bool:
        share = self.share(policy)
        return share is None or share.share >= self._least
