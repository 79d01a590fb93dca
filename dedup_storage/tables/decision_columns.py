"""A person's decision <-> columns of a pair's row, in both directions; all their names begin alike."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dedup_app.feedback.decision_lines import MOST_BY
from dedup_app.records.group_records import moment, parse_decision
from dedup_core.groups.facts import Decided

HALF_DECIDED = "decision_is_halfway"  # in the pair's own row, until its copy and the verdict log have heard, too


def decision_columns(decided: Decided, history: Sequence[Decided]) -> dict[str, Any]:
    """All of them, so that none of an earlier decision is left."""
    return {
        "decision": decided.decision.value if decided.decision else "",
        "decision_by": decided.by[:MOST_BY],
        "decision_at": moment(decided.at),
        "decision_json": json.dumps(_values(decided)),
        "decision_history": json.dumps([_values(it) for it in history]),
    }


def decided_of(entity: Mapping[str, Any], key: tuple[bytes, bytes]) -> tuple[Decided | None, tuple[Decided, ...]]:
    """What was decided last, and before that. One written by hand is about whatever bytes there are."""
    if stored := entity.get("decision_json"):
        return _decided(json.loads(stored), key), tuple(
            _decided(it, key) for it in json.loads(entity.get("decision_history") or "[]")
        )
    decision = parse_decision(str(entity.get("decision") or ""))
    return (Decided(*key, decision, b"", b"") if decision else None), ()


def _values(decided: Decided) -> list[str | int]:
    contents = decided.first_content.hex(), decided.second_content.hex()
    return [decided.decision.value if decided.decision else "", *contents, decided.keeper.hex(), decided.by, decided.at]


def _decided(values: list[Any], key: tuple[bytes, bytes]) -> Decided:
    decision, first, second, keeper, by, at = values
    contents = bytes.fromhex(first), bytes.fromhex(second)
    return Decided(*key, parse_decision(decision), *contents, bytes.fromhex(keeper), str(by), int(at))
