"""Whoever gets the turn works for all who wait, and nobody hears of a failure that is not the matter with his own."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from dedup_app.time_limit import end_of_time, seconds_left, time_limit
from dedup_core.errors import StoreBusy
from dedup_storage.group_commit import GroupCommit

WAIT = 60


class Line:
    """Callers that stand in line in a known order behind one that holds the turn until it is let go."""

    def __init__(self, commit: Callable[[Sequence[str]], None], most: int = 10) -> None:
        self.turn = threading.Lock()
        self.together = GroupCommit(commit, self.turn, most)
        self._threads = ThreadPoolExecutor(8)

    def calls(self, *callers: tuple[str, float]) -> list[Future[None]]:
        """`callers` are the work and the seconds that there are for it."""
        with self.turn:
            futures = []
            for number, (work, seconds) in enumerate(callers, 1):
                futures.append(self._threads.submit(self._call, work, seconds))
                wait_until(lambda number=number: len(self.together._waiting) == number)
        return futures

    def _call(self, work: str, seconds: float) -> None:
        with time_limit(seconds):
            self.together.do(work)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_who_is_late_fails_alone():
    done: list[str] = []

    def commit(group: Sequence[str]) -> None:
        seconds_left(end_of_time())
        done.extend(group)

    late, *others = Line(commit).calls(("late", 0), ("a", WAIT), ("b", WAIT))
    with pytest.raises(StoreBusy) as caught:
        late.result(WAIT)
    assert caught.value.reason == "out-of-time"
    for other in others:
        other.result(WAIT)
    assert sorted(done) == ["a", "b"]


def test_whose_time_ends_while_it_works_for_all_leaves_the_others_to_try_again():
    done: list[Sequence[str]] = []

    def commit(group: Sequence[str]) -> None:
        if not done:
            done.append(())
            with time_limit(0):
                seconds_left(end_of_time())
        done.append(tuple(group))

    calls = Line(commit).calls(("a", WAIT), ("b", WAIT), ("c", WAIT))
    failures = [call.exception(WAIT) for call in calls]
    assert [getattr(it, "reason", "") for it in failures if it] == ["out-of-time"]
    finished = {work for group in done for work in group}
    assert len(finished) == 2


def test_the_others_hear_for_what_reason():
    def commit(_group: Sequence[str]) -> None:
        raise StoreBusy("403", reason="access-denied")

    failures = [call.exception(WAIT) for call in Line(commit).calls(("a", WAIT), ("b", WAIT))]
    assert [failure.reason for failure in failures] == ["access-denied"] * 2


def test_a_group_that_fails_is_no_failure_of_those_who_come_later():
    def commit(group: Sequence[str]) -> None:
        if "broken" in group:
            raise StoreBusy("503")
        done.extend(group)

    done: list[str] = []
    calls = Line(commit, most=2).calls(("broken", WAIT), ("neighbor", WAIT), ("a", WAIT), ("b", WAIT))
    failures = [call.exception(WAIT) for call in calls]
    assert [failure is not None for failure in failures] == [True, True, False, False]
    assert sorted(done) == ["a", "b"]
