"""The schedules of timer triggers: NCRONTAB with six fields (or five, without seconds), and time spans."""

import calendar
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from local_host.settings import SettingsError, parse_time_span

FIELDS_WITH_SECONDS = 6
_SEVEN = re.compile(r"(?:^|[,-])0?7\b")
LOCAL_TIME = Path("/etc/localtime")
_NAMES = [name.upper() for name in (*calendar.month_name, *calendar.day_name) if name]


class Schedule(Protocol):
    def next_after(self, moment: datetime) -> datetime:
        """Return the first time after this one (both in UTC)."""


class CronSchedule:
    """An NCRONTAB expression, in a time zone."""

    def __init__(self, expression: str, zone: tzinfo = UTC) -> None:
        fields = [_field(field) for field in expression.upper().split()]
        if fields and _SEVEN.search(fields[-1]):
            raise CronSimError("Sunday is 0, and not 7")
        self._expression = " ".join(fields)
        self._zone = zone
        self.next_after(datetime.now(UTC))

    def next_after(self, moment: datetime) -> datetime:
        simulation = CronSim(self._expression, moment.astimezone(self._zone))
        # In NCRONTAB a day must fit both the day-of-month and the day-of-week field; Vixie cron takes either.
        simulation.day_and = True
        return next(simulation).astimezone(UTC)


class IntervalSchedule:
    """A time span such as `00:05:00`: the same pause again and again."""

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def next_after(self, moment: datetime) -> datetime:
        return moment + self._interval


def parse_schedule(text: str, environ: Mapping[str, str]) -> Schedule:
    """Return the schedule a timer trigger names; raises SettingsError when it is none."""
    if ":" in text:
        return _interval(text)
    try:
        return CronSchedule(text, time_zone(environ))
    except (CronSimError, StopIteration) as error:
        raise SettingsError(
            f"{text!r} is no schedule: it takes {FIELDS_WITH_SECONDS} fields (second minute hour day month "
            f"day-of-week), as in '0 */5 * * * *' ({str(error) or 'it never comes'})"
        ) from error


def time_zone(environ: Mapping[str, str]) -> tzinfo:
    """Return the zone of schedules: WEBSITE_TIME_ZONE, TZ, or the machine's own, which in Azure is UTC."""
    name = environ.get("WEBSITE_TIME_ZONE") or environ.get("TZ")
    try:
        if name:
            return ZoneInfo(name)
        with LOCAL_TIME.open("rb") as file:
            return ZoneInfo.from_file(file)
    except FileNotFoundError:
        return UTC
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        variable = "WEBSITE_TIME_ZONE" if environ.get("WEBSITE_TIME_ZONE") else "TZ"
        raise SettingsError(f"{variable}={name!r} is no time zone such as Europe/Berlin") from error


def is_shorter_than_a_minute(schedule: Schedule, now: datetime) -> bool:
    """Say whether a schedule runs so often that its state is not worth a blob."""
    first = schedule.next_after(now)
    return schedule.next_after(first) - first < timedelta(minutes=1)


def _interval(text: str) -> IntervalSchedule:
    try:
        seconds = parse_time_span(text)
    except ValueError as error:
        raise SettingsError(f"{text!r} is no schedule: {error}") from error
    if seconds <= 0:
        raise SettingsError(f"{text!r} is no schedule: the time span is empty")
    return IntervalSchedule(seconds)


def _field(field: str) -> str:
    """Shorten full names; refuse what CronSim knows and NCRONTAB does not."""
    for name in _NAMES:
        field = field.replace(name, name[:3])
    if "#" in field or field in {"L", "LW"} or (field[:-1].isdigit() and field.endswith("L")):
        raise CronSimError(f"{field} means nothing in NCRONTAB")
    return field
