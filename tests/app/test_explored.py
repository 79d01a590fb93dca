"""What random schedules leave behind is right."""

import pytest

from tests.app.explorer import explore

SCHEDULES = 5_000  # 35 s of processor; CI plays more beside the tests
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_stale_or_false_in_any_schedule(part):
    explore(part * SCHEDULES // PARTS, SCHEDULES // PARTS)
