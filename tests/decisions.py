"""Decisions of a person, as tests put them in."""

from dataclasses import replace

from dedup_app.ports.pairs import PairRow
from dedup_app.records.group_records import id_of
from dedup_core.groups.facts import Decided, Decision


def decided(pair: PairRow, decision: str = "keep_both", at: int = 1) -> PairRow:
    """The pair with a decision about whatever bytes there are."""
    first, second = sorted((id_of(pair.left), id_of(pair.right)))
    return replace(pair, decided=Decided(first, second, Decision(decision), b"", b"", by="ann", at=at))
