"""What people decided about pairs that were measured, and what is known of made copies: all that tuning rests on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import batched

from dedup_app.ports.features import FeaturesTable, ImageSummary
from dedup_app.ports.pairs import PAIRS_AT_ONCE, PairRow, PairsTable, image_ids
from dedup_app.progress import Progress, no_progress, with_progress
from dedup_app.records.current_pairs import is_current
from dedup_app.records.group_records import facts_of
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.verdict import NO_MATTER_OF_POLICY
from dedup_core.groups.facts import Decision


@dataclass(frozen=True, slots=True)
class Judgment:
    """A pair that a person decided about; `is_copy` is what they said."""

    left: str
    right: str
    measurement: PairMeasurement
    is_copy: bool


@dataclass(frozen=True, slots=True)
class Made:
    """A made copy that the search met, and the verdicts that are right for it."""

    measurement: PairMeasurement
    right: frozenset[str]


@dataclass(slots=True)
class Evidence:
    """`left_out` counts decisions that no policy could follow, by why."""

    judgments: list[Judgment] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def copies(self) -> int:
        return sum(it.is_copy for it in self.judgments)

    @property
    def strangers(self) -> int:
        return len(self.judgments) - self.copies

    def leave_out(self, why: str) -> None:
        self.left_out[why] = self.left_out.get(why, 0) + 1


def gather(pairs: PairsTable, features: FeaturesTable, progress: Progress = no_progress) -> Evidence:
    """Every decision about the images as they are now whose pair was measured; no image is read.

    `progress` hears how many pairs were seen so far, decided or not.
    """
    evidence = Evidence()
    seen = with_progress(pairs.all(), progress)
    decided = (pair for pair in seen if pair.decided is not None and pair.decided.decision is not None)
    for group in batched(decided, PAIRS_AT_ONCE, strict=False):
        rows = features.summaries(image_ids(group))
        for judgment in _judgments(group, rows, evidence):
            evidence.judgments.append(judgment)
    return evidence


def _judgments(pairs: Iterable[PairRow], rows: dict[str, ImageSummary], evidence: Evidence) -> Iterator[Judgment]:
    for pair in pairs:
        decision = pair.decided.decision if pair.decided else None
        if decision is Decision.KEEP_BOTH:
            evidence.leave_out("both are kept, which says nothing about a copy")
        elif not is_current(pair, rows) or not _is_about_both(pair, rows):
            evidence.leave_out("an image was overwritten or deleted since")
        elif pair.verdict is not None and pair.verdict.kind in NO_MATTER_OF_POLICY:
            evidence.leave_out("the same bytes, or not readable: no matter of settings")
        elif pair.measurement is None:
            evidence.leave_out("not measured by this version: `dedup rejudge --remeasure`")
        else:
            is_copy = decision is Decision.DUPLICATE
            yield Judgment(str(pair.left), str(pair.right), pair.measurement, is_copy)


def _is_about_both(pair: PairRow, rows: dict[str, ImageSummary]) -> bool:
    """Whether its decision is about both images as they are now."""
    facts = [facts_of(rows[path.image_id]) for path in pair.paths]
    return pair.decided is not None and pair.decided.is_about({it.image_id: it.content for it in facts})
