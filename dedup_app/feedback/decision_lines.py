"""Decisions of people as lines of JSON: one line a pair, with nothing in it that is of one account only.

    {"left": "images/a.jpg", "right": "images/b.jpg", "decisions": [{"decision": "duplicate", "keeper": "left",
     "left_content": "…", "right_content": "…", "by": "ann", "at": "2026-11-26T07:00:00.000000+00:00"}]}

The last decision of a line holds, those before it are what was decided before; `decision` is null where it was taken
back. A content is the first 16 bytes of the SHA-256 of the file that was decided about, empty for whatever is there.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, datetime
from itertools import pairwise
from typing import Any

from dedup_app.ports.pairs import PairRow
from dedup_app.records.group_records import id_of, microseconds, moment
from dedup_core.errors import InvalidPath, PermanentError
from dedup_core.groups.facts import CONTENT_BYTES, Decided, Decision
from dedup_core.paths import ImagePath

MOST_BY = 200  # letters of a name
SIDES = ("left", "right")


class InvalidDecisionLine(PermanentError):
    """The line is not one that `dedup export-decisions` writes."""

    reason = "invalid-decision"


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A pair and all that was decided about it, the oldest first; never empty."""

    left: ImagePath
    right: ImagePath
    decisions: tuple[Decided, ...]

    @property
    def paths(self) -> tuple[ImagePath, ImagePath]:
        """The left one and the right one."""
        return self.left, self.right


def is_unicode(name: str) -> bool:
    """Whether a person's name can be stored: JSON and the arguments of a command may hold halves of surrogate pairs."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def line_of(pair: PairRow) -> str:
    """The line of a pair that was decided about."""
    if pair.decided is None:
        raise ValueError("nothing was decided about this pair")
    left = id_of(pair.left)
    decisions = [_record(it, left) for it in (*pair.decision_history, pair.decided)]
    return json.dumps({"left": str(pair.left), "right": str(pair.right), "decisions": decisions}, ensure_ascii=False)


def parse_line(line: bytes, *, container: str, exported_from: str = "") -> DecisionLine:
    """Read a line about images of `container`, or of `exported_from`, which is taken for it.

    Raises `InvalidDecisionLine`.
    """
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidDecisionLine(f"{_what_is_wrong(error)}; a line is what `dedup export-decisions` writes") from error
    record = _object(record, "the line")
    left, right = (_path(record, side, container, exported_from) for side in SIDES)
    if left == right:
        raise InvalidDecisionLine(f"{left} is on both sides")
    decisions = record.get("decisions")
    if not isinstance(decisions, list) or not decisions:
        raise InvalidDecisionLine("'decisions' must be a list with at least one decision")
    found = tuple(_decided(_object(it, "a decision"), left, right) for it in decisions)
    if any(later.at < earlier.at for earlier, later in pairwise(found)):
        raise InvalidDecisionLine("'decisions' must come in the order of their moments")
    return DecisionLine(left, right, found)


def _what_is_wrong(error: ValueError | RecursionError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON ({error.msg} at letter {error.colno:,})"
    return "its JSON is nested too deep, or has a number that is too long"


def _record(decided: Decided, left: bytes) -> dict[str, str | None]:
    contents = decided.first_content.hex(), decided.second_content.hex()
    left_content, right_content = contents if decided.first == left else contents[::-1]
    return {
        "decision": decided.decision.value if decided.decision else None,
        "keeper": None if not decided.keeper else "left" if decided.keeper == left else "right",
        "left_content": left_content,
        "right_content": right_content,
        "by": decided.by,
        "at": moment(decided.at).isoformat(timespec="microseconds"),
    }


def _decided(record: Mapping[str, Any], left: ImagePath, right: ImagePath) -> Decided:
    keeper = _one_of(record, "keeper", SIDES)
    decision = _one_of(record, "decision", [it.value for it in Decision])
    sides = sorted(
        ((id_of(path), _content(record, f"{side}_content")) for side, path in zip(SIDES, (left, right), strict=True))
    )
    (first, first_content), (second, second_content) = sides
    kept = {"left": id_of(left), "right": id_of(right)}.get(keeper or "", b"")
    by = record.get("by")
    if not isinstance(by, str) or len(by) > MOST_BY or not is_unicode(by):
        raise InvalidDecisionLine(f"'by' must be a name of up to {MOST_BY} letters")
    return Decided(
        first,
        second,
        Decision(decision) if decision else None,
        first_content,
        second_content,
        keeper=kept,
        by=by,
        at=_moment(record),
    )


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidDecisionLine(f"{what} must be an object")
    return value


def _path(record: Mapping[str, Any], side: str, container: str, exported_from: str) -> ImagePath:
    text = record.get(side)
    if not isinstance(text, str):
        raise InvalidDecisionLine(f"'{side}' must name an image as text")
    try:
        path = ImagePath.parse(text, containers={container, exported_from} - {""})
        return ImagePath(container, path.name) if path.container == exported_from else path
    except InvalidPath as error:
        raise InvalidDecisionLine(f"'{side}': {error}") from error


def _one_of(record: Mapping[str, Any], name: str, known: Collection[str]) -> str | None:
    value = record.get(name, "missing")
    if value is not None and (not isinstance(value, str) or value not in known):
        raise InvalidDecisionLine(f"'{name}' must be {', '.join(known)} or null")
    return value


def _content(record: Mapping[str, Any], name: str) -> bytes:
    text = record.get(name)
    try:
        content = bytes.fromhex(text) if isinstance(text, str) else None
    except ValueError:
        content = None
    if content is None or len(content) not in (0, CONTENT_BYTES):
        raise InvalidDecisionLine(f"'{name}' must be {2 * CONTENT_BYTES} hexadecimal digits, or empty")
    return content


def _moment(record: Mapping[str, Any]) -> int:
    text = record.get("at")
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        at = None
    # After the last moment that there is nothing could be decided.
    if at is None or at.tzinfo is None or microseconds(at) < 0 or at.year == MAXYEAR:
        raise InvalidDecisionLine("'at' must be a moment with a time zone, such as 2026-11-26T07:00:00+00:00")
    return microseconds(at)
