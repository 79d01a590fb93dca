"""The pairs that are worth most to decide about: near a threshold, spread over the kinds of verdicts."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from dedup_app.feedback.dial import dial
from dedup_app.ports.features import FeaturesTable, ImageSummary
from dedup_app.ports.findings import PREFIXES
from dedup_app.ports.pairs import PairRow, PairsTable, image_ids
from dedup_app.records.group_book import GroupBook
from dedup_app.records.group_records import facts_of
from dedup_core.comparison.verdict import NO_MATTER_OF_POLICY, VerdictKind, decide
from dedup_core.errors import PermanentError
from dedup_core.groups.facts import FAMILIES, Decision, ImageFacts
from dedup_core.policy import Policy

# That `dedup tune` needs, which is not deployed: docs/measure.md#tuned-by-what-people-decided
LEAST_DECISIONS: Final = 40
LEAST_OF_EITHER: Final = 8
MOST_LOOKED: Final = 4_000  # rows of pairs for one question: a few requests to storage
PLACES: Final = tuple(step / 8 for step in range(1, 9))  # of the dial, to either side


class UnknownPair(PermanentError):
    """One of the two is no image of this app."""

    reason = "unknown-image"


@dataclass(frozen=True, slots=True)
class InformativePair:
    """A pair to decide about; `pair` is None where it was never compared.

    `turns_into` is the verdict that it would have at `distance` from today's policy: 0 is at the limit, 1 at a preset.
    """

    left: ImageFacts
    right: ImageFacts
    pair: PairRow | None
    turns_into: VerdictKind | None = None
    distance: float = 1.0


@dataclass(frozen=True, slots=True)
class TuningProgress:
    """How far people have come with the decisions that `dedup tune` needs, and what is left to ask them.

    `copies` and `others` count decisions that settings could follow. Of the pairs that were looked at, `near_decided`
    lie near a threshold and are decided; `far_grouped` lie near none, are not decided and are shown in groups.
    `all_looked_at`: whether there are no other pairs.
    """

    copies: int
    others: int
    near_decided: int
    far_grouped: int
    all_looked_at: bool


class InformativePairService:
    """Reads rows of pairs and of their images; what was decided it knows from the group book."""

    def __init__(self, *, pairs: PairsTable, features: FeaturesTable, book: GroupBook, policy: Policy) -> None:
        self._pairs = pairs
        self._features = features
        self._book = book
        self._policy = policy

    def most_informative(self, most: int, seed: int) -> list[InformativePair]:
        """Up to `most` pairs, those near a threshold first, of every turn of a verdict into another in turn."""
        by_turn: defaultdict[tuple[VerdictKind, VerdictKind], list[tuple[float, str, PairRow]]] = defaultdict(list)
        for pair in self._looked_at(seed):
            if pair.decision is not None or not _is_judged_by_policy(pair):
                continue
            turn = turn_of(pair, self._policy)
            if turn is not None and pair.verdict is not None:
                distance, kind = turn
                by_turn[pair.verdict.kind, kind].append((distance, f"{pair.left}{pair.right}", pair))
        queues = [(turn, sorted(found, key=lambda it: it[:2])) for turn, found in sorted(by_turn.items())]
        chosen: list[tuple[PairRow, float, VerdictKind]] = []
        while queues and len(chosen) < 2 * most:  # some images may be gone by now
            for (_, kind), queue in queues:
                distance, _, pair = queue.pop(0)
                chosen.append((pair, distance, kind))
            queues = [(turn, queue) for turn, queue in queues if queue]
        rows = self._features.summaries(image_ids(pair for pair, *_ in chosen))
        found = (self._as_they_are(pair, rows, kind, distance) for pair, distance, kind in chosen)
        return [it for it in found if it is not None][:most]

    def pair(self, left_id: str, right_id: str) -> InformativePair:
        """Any two images, compared or not. Raises `UnknownPair`."""
        rows = self._features.summaries([left_id, right_id])
        if left_id == right_id or {left_id, right_id} != rows.keys():
            raise UnknownPair("no image with this id is known")
        pair = self._pairs.get(rows[left_id].path, rows[right_id].path)
        return InformativePair(facts_of(rows[left_id]), facts_of(rows[right_id]), pair)

    def progress(self, seed: int) -> TuningProgress:
        """What there is to say where `most_informative` with the same seed finds nothing."""
        pairs = list(self._looked_at(seed))
        near_decided = far_grouped = 0
        for pair in filter(_is_judged_by_policy, pairs):
            is_near = turn_of(pair, self._policy) is not None
            if pair.decision is not None:
                near_decided += is_near
            elif not is_near and pair.verdict is not None and pair.verdict.kind in FAMILIES:
                far_grouped += 1
        decisions = list(self._decisions())
        copies = decisions.count(Decision.DUPLICATE)
        return TuningProgress(copies, len(decisions) - copies, near_decided, far_grouped, len(pairs) < MOST_LOOKED)

    def _decisions(self) -> Iterator[Decision]:
        """Those that `gather` would find, without a look at the tables."""
        with self._book.current() as known:
            for _, _, link, decided in known.decisions():
                is_followed = link is not None and link.kind not in NO_MATTER_OF_POLICY
                if is_followed and decided.decision in {Decision.DUPLICATE, Decision.NOT_DUPLICATE}:
                    yield decided.decision

    def _looked_at(self, seed: int) -> Iterator[PairRow]:
        """Pairs of slices in an order by chance."""
        prefixes = random.Random(seed).sample(PREFIXES, len(PREFIXES))  # noqa: S311 - no secret
        return islice((pair for prefix in prefixes for pair in self._pairs.with_prefix(prefix)), MOST_LOOKED)

    def _as_they_are(
        self, pair: PairRow, rows: dict[str, ImageSummary], kind: VerdictKind, distance: float
    ) -> InformativePair | None:
        left, right = (rows.get(path.image_id) for path in pair.paths)
        if left is None or right is None or not (left.is_alive and right.is_alive):
            return None
        if (left.version, right.version) != (pair.left_version, pair.right_version):
            return None
        return InformativePair(facts_of(left), facts_of(right), pair, kind, distance)


def _is_judged_by_policy(pair: PairRow) -> bool:
    return pair.measurement is not None and pair.verdict is not None and pair.verdict.kind not in NO_MATTER_OF_POLICY


def turn_of(pair: PairRow, policy: Policy) -> tuple[float, VerdictKind] | None:
    """How far the dial has to be turned for another verdict, and which; None if no preset gives another one."""
    if pair.measurement is None:
        return None
    today = decide(pair.measurement, policy).kind
    for near in PLACES:
        for place in (-near, near):
            kind = decide(pair.measurement, dial(place, policy)).kind
            if kind is not today:
                return near, kind
    return None
