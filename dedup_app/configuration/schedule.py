"""Schedules as a timer trigger reads them (NCRONTAB), checked so that a wrong one is refused by its setting's name."""

import re
from typing import NamedTuple

_VALUE = r"\d{1,2}|[A-Z]{3}"
_ITEM = re.compile(rf"(?:(?P<all>\*)|(?P<first>{_VALUE})(?:-(?P<last>{_VALUE}))?)(?:/(?P<step>\d{{1,2}}))?")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # days of the months


class _Field(NamedTuple):
    """What may stand in one place: numbers of a range, and names that count from its lowest."""

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        return self.names.index(text) + self.lowest if text in self.names else int(text)


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("weekday", 0, 6, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")),
)


def schedule_problem(text: str) -> str | None:
    """Say what is wrong with a schedule of six fields; None when it is one, and comes at some time."""
    parts = text.upper().split()
    if len(parts) != len(_FIELDS):
        return f"it takes six fields {{{' '.join(field.name for field in _FIELDS)}}}"
    chosen = {}
    for field, part in zip(_FIELDS, parts, strict=True):
        try:
            chosen[field.name] = {number for item in part.split(",") for number in _numbers(field, item)}
        except ValueError:
            names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
            known = f"{field.lowest} to {field.highest}{names}, * or */n"
            return f"of its six fields, {field.name} is {part!r}, but takes {known}"
    if all(min(chosen["day"]) > _LONGEST[month - 1] for month in chosen["month"]):
        return "its day is never in its months"
    return None


def _numbers(field: _Field, item: str) -> range:
    """The numbers that one item of a list means; raises ValueError when it means none."""
    match = _ITEM.fullmatch(item)
    if match is None:
        raise ValueError(item)
    step = int(match["step"] or 1)
    if match["all"]:
        first, last = field.lowest, field.highest
    else:
        first = field.number(match["first"])
        # A step without an end goes on to the highest: 5/15 is 5, 20, 35, 50.
        last = field.number(match["last"]) if match["last"] else field.highest if match["step"] else first
    if step < 1 or not field.lowest <= first <= last <= field.highest:
        raise ValueError(item)
    return range(first, last + 1, step)
