"""Whether the app said the right thing about every picture and every pair of the demo."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import INDEXED
from dedup_app.ports.pairs import PairRow
from dedup_core.loading.stats import LoaderStats
from demo.pictures import Picture, allowed_verdicts, is_to_be_found, readable_pairs

READS_OF_A_LONE_PAIR = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the app stored, by picture name, and its loaders' totals; `blob_reads` are all that the storage served."""

    rows: Mapping[str, FeaturesRow]
    pairs: Mapping[frozenset[str], PairRow]
    loaders: LoaderStats
    blob_reads: int
    seconds: float

    def pair(self, left: Picture, right: Picture) -> PairRow | None:
        return self.pairs.get(frozenset({left.name, right.name}))

    @property
    def reads_a_comparison(self) -> float:
        return self.loaders.images_downloaded / max(self.loaders.comparisons_performed, 1)


def mistakes(pictures: list[Picture], outcome: Outcome) -> list[str]:
    """Everything that is wrong, one sentence each; empty when the app did its job."""
    return [*_wrong_rows(pictures, outcome), *_wrong_pairs(pictures, outcome), *_too_many_reads(outcome)]


def _wrong_rows(pictures: list[Picture], outcome: Outcome) -> Iterator[str]:
    for picture in pictures:
        row = outcome.rows.get(picture.name)
        if row is None:
            yield f"{picture.name} has no features row"
        elif picture.readable and row.status != INDEXED:
            yield f"{picture.name} is {row.status} instead of {INDEXED}: {row.detail}"
        elif not picture.readable and not (row.status.is_rejected and row.detail):
            yield f"{picture.name} is {row.status} instead of rejected with a reason"


def _wrong_pairs(pictures: list[Picture], outcome: Outcome) -> Iterator[str]:
    for left, right in readable_pairs(pictures):
        pair = outcome.pair(left, right)
        allowed = allowed_verdicts(left, right)
        if pair is None:
            if is_to_be_found(left, right):
                yield f"{left.name} and {right.name} were not found to be {_told(allowed)}"
        elif pair.verdict is None:
            yield f"{left.name} and {right.name} have no verdict"
        elif pair.verdict.kind not in allowed:
            reasons = "; ".join(pair.verdict.reasons)
            yield f"{left.name} and {right.name} are {pair.verdict.kind} instead of {_told(allowed)}: {reasons}"


def _too_many_reads(outcome: Outcome) -> Iterator[str]:
    if not outcome.loaders.comparisons_performed:
        yield "the statistics count no comparison"
    if outcome.reads_a_comparison > READS_OF_A_LONE_PAIR:
        yield f"{outcome.reads_a_comparison:.1f} reads a comparison are more than {READS_OF_A_LONE_PAIR}"


def _told(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds))
