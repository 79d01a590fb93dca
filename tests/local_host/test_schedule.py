"""Schedules mean what NCRONTAB means."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from dedup_app.configuration.schedule import schedule_problem
from local_host.settings import SettingsError
from local_host.timers.schedule import is_shorter_than_a_minute, parse_schedule, time_zone

NOON = datetime(2026, 3, 10, 12, 0, 0, 500_000, UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/5 * * * * *", datetime(2026, 3, 10, 12, 0, 5, tzinfo=UTC)),
        ("0 */5 * * * *", datetime(2026, 3, 10, 12, 5, tzinfo=UTC)),
        ("30 0 9-17 * * *", datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)),
        ("0 0 0 * * Mon", datetime(2026, 3, 16, tzinfo=UTC)),
        ("0 0 0 * * Monday", datetime(2026, 3, 16, tzinfo=UTC)),
        ("0 0 0 * * 0", datetime(2026, 3, 15, tzinfo=UTC)),
        ("0 0 6 1 January *", datetime(2027, 1, 1, 6, tzinfo=UTC)),
        ("*/10 * * * *", datetime(2026, 3, 10, 12, 10, tzinfo=UTC)),
    ],
)
def test_the_first_field_counts_seconds(expression: str, expected: datetime) -> None:
    assert parse_schedule(expression, {"TZ": "UTC"}).next_after(NOON) == expected


def test_day_of_month_and_day_of_week_must_both_fit() -> None:
    friday_13th = parse_schedule("0 0 0 13 * 5", {"TZ": "UTC"}).next_after(NOON)
    assert friday_13th == datetime(2026, 3, 13, tzinfo=UTC)
    assert parse_schedule("0 0 0 13 * 5", {"TZ": "UTC"}).next_after(friday_13th) == datetime(2026, 11, 13, tzinfo=UTC)


def test_a_time_zone_can_be_set() -> None:
    nine_in_berlin = parse_schedule("0 0 9 * * *", {"WEBSITE_TIME_ZONE": "Europe/Berlin"}).next_after(NOON)
    assert nine_in_berlin == datetime(2026, 3, 11, 8, tzinfo=UTC)


def test_schedules_follow_the_time_zone_of_the_process() -> None:
    nine_in_tokyo = parse_schedule("0 0 9 * * *", {"TZ": "Asia/Tokyo"}).next_after(NOON)
    assert nine_in_tokyo == datetime(2026, 3, 11, 0, tzinfo=UTC)
    assert time_zone({}).utcoffset(datetime(2026, 3, 10)) == datetime(2026, 3, 10).astimezone().utcoffset()  # noqa: DTZ001


def test_a_time_span_is_a_schedule_too() -> None:
    assert parse_schedule("00:00:10", {}).next_after(NOON) == NOON + timedelta(seconds=10)


@pytest.mark.parametrize(
    "expression",
    ["* * * *", "61 * * * * *", "0 0 0 L * *", "0 0 0 * * 5#2", "soon", "00:00:00", "0 0 0 30 2 *", "0 0 0 * * 7"],
)
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(SettingsError, match="no schedule"):
        parse_schedule(expression, {"TZ": "UTC"})


def test_the_app_refuses_by_name_exactly_what_the_host_refuses() -> None:
    chance = random.Random(1)
    ranges = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))

    def item(low: int, high: int) -> str:
        first, last, step = chance.randint(low - 1, high + 1), chance.randint(low, high + 1), chance.randint(0, 40)
        made = ("*", "*", "*", f"{first}", f"{first}-{last}", f"*/{step}", f"{first}/{step}", f"{first}-{last}/{step}")
        return chance.choice(made)

    accepted = 0
    for _ in range(500):
        text = " ".join(",".join(item(*span) for _ in range(chance.choice((1, 1, 1, 2)))) for span in ranges)
        try:
            parse_schedule(text, {"TZ": "UTC"})
        except SettingsError:
            assert schedule_problem(text) is not None, text
        else:
            assert schedule_problem(text) is None, text
            accepted += 1
    assert 50 < accepted < 450


def test_an_unknown_time_zone_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="WEBSITE_TIME_ZONE"):
        parse_schedule("0 * * * * *", {"WEBSITE_TIME_ZONE": "Middle/Earth"})


@pytest.mark.parametrize(("expression", "short"), [("*/30 * * * * *", True), ("0 * * * * *", False)])
def test_schedules_shorter_than_a_minute_are_told_apart(expression: str, *, short: bool) -> None:
    assert is_shorter_than_a_minute(parse_schedule(expression, {"TZ": "UTC"}), NOON) is short
