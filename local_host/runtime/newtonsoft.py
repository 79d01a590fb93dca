"""JSON as the host reads and writes it, with Newtonsoft.Json: dates and numbers are not left as they are."""

import json
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

MAX_DEPTH = 64  # JsonReader.MaxDepth; what is deeper counts as no JSON

# What its reader takes for a date: 19 to 40 characters, with up to seven digits of a second that count.
_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d(?::?\d\d)?)?")
_LONGEST_DATE = 40  # letters: seconds, a fraction and a zone have fewer, and longer texts are not searched
_TICK_DIGITS = 7  # a tick is 100 ns


class _Moment(NamedTuple):
    """A date in UTC, or as written where it names no zone; `zone` is how that is written again."""

    moment: datetime
    fraction: str
    zone: str


def parse(text: str) -> Any:
    """Parse JSON; raises ValueError for what is none, or is nested deeper than 64."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH}") from None
    _check_depth(value)
    return value


def parse_object(text: str) -> dict[str, Any]:
    """Parse a JSON object; raises ValueError for anything else."""
    value = parse(text)
    if not isinstance(value, dict):
        raise ValueError("no JSON object")  # noqa: TRY004, it is the text that is wrong
    return value


def as_text(value: str | float) -> str:
    """Return a scalar as .NET writes it for any culture: `1.0` as 1, `true` as True, a date as MM/dd/yyyy HH:mm:ss."""
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    date = _date(value)
    return value if date is None else f"{date.moment:%m/%d/%Y %H:%M:%S}"


def compact(value: Any) -> str:
    """Return JSON without white space, its dates in UTC."""
    return json.dumps(_with_dates(value), separators=(",", ":"), ensure_ascii=False)


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level := [it for it in level if isinstance(it, dict | list)]:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        level = [inner for it in level for inner in (it.values() if isinstance(it, dict) else it)]


def _with_dates(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_dates(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_dates(inner) for inner in value]
    date = _date(value) if isinstance(value, str) else None
    if date is None:
        return value
    fraction = f".{date.fraction}" if date.fraction else ""
    return f"{date.moment:%Y-%m-%dT%H:%M:%S}{fraction}{date.zone}"


def _date(text: str) -> _Moment | None:
    match = _DATE.fullmatch(text) if len(text) <= _LONGEST_DATE else None
    if match is None:
        return None
    seconds, fraction, zone = match.groups(default="")
    try:
        moment = datetime.fromisoformat(seconds + zone)
    except ValueError:
        return None
    fraction = fraction[:_TICK_DIGITS].rstrip("0")
    if not zone:
        return _Moment(moment, fraction, "")
    return _Moment(moment.astimezone(UTC), fraction, "Z" if zone == "Z" else "+00:00")


def _number(value: float) -> str:
    """Return a double as Double.ToString() does: the shortest digits, an exponent from 1E+15 on and below 0.0001."""
    sign, digits, exponent = _decimal(value)
    point = len(digits) + exponent  # where the decimal point stands, counted from the first digit
    if -3 <= point <= 15:  # noqa: PLR2004, its bounds
        if point <= 0:
            return f"{sign}0.{'0' * -point}{digits}"
        whole, rest = digits[:point].ljust(point, "0"), digits[point:]
        return f"{sign}{whole}.{rest}" if rest else f"{sign}{whole}"
    mantissa = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{sign}{mantissa}E{point - 1:+03d}"


def _decimal(value: float) -> tuple[str, str, int]:
    """Return sign, digits without zeros at the end, and the exponent of the last digit."""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    shown = digits.rstrip("0")
    if not shown:
        return "-" if str(value).startswith("-") else "", "0", 0
    return "-" if value < 0 else "", shown, int(exponent or 0) - len(fraction) + len(digits) - len(shown)
