"""Whatever a function has others do counts as done by the function: its time limit holds, its lines name it."""

import json
import logging

import pytest

from dedup_app.event_log import EventLog, invocation
from dedup_app.threads import Threads
from dedup_app.time_limit import end_of_time, seconds_left, time_limit
from dedup_core.errors import StoreBusy
from dedup_storage.tables.entity_table import side_by_side


def read(_key: int) -> float:
    return seconds_left(end_of_time())


@pytest.mark.parametrize("keys", [1, 2, 20])
def test_reads_side_by_side_end_with_the_function_however_many_they_are(keys: int) -> None:
    with time_limit(0), pytest.raises(StoreBusy):
        side_by_side(read, range(keys))
    with time_limit(60):
        assert all(0 < left <= 60 for left in side_by_side(read, range(keys)))


def test_each_task_is_of_whoever_asks_for_it_and_leaves_nothing_to_the_next() -> None:
    with Threads(1) as threads:
        with time_limit(60):
            assert threads.submit(end_of_time).result() < float("inf")
        assert threads.submit(end_of_time).result() == float("inf")


def test_lines_of_threads_name_the_invocation(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with invocation("abc"), Threads(2) as threads:
        list(threads.map(EventLog(__name__).info, ["one", "another"]))
    assert {json.loads(line)["invocation"] for line in caplog.messages} == {"abc"}
