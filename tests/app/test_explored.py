"""What random schedules leave behind is right."""

import pytest

from tests.app.explorer import explore

SCHEDULES = 20_000
PARTS = 8


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_stale_or_false_in_any_schedule(part):
    explore(part * SCHEDULES // PARTS, SCHEDULES // PARTS)
