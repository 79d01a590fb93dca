"""Whoever gets the turn works for all who wait, and nobody hears of a failure that is not the matter with his own."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from dedup_app.time_limit import end_of_time, seconds_left, time_limit
from dedup_core.errors import StoreBusy
from dedup_storage.logs.group_commit import GroupCommit

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
    failure = late.exception(WAIT)
    for other in others:
        other.result(WAIT)
    # Another one may have had the turn before, and have done its work as well.
    assert (getattr(failure, "reason", ""), "late" in done) in {("out-of-time", False), ("", True)}
    assert {"a", "b"} <= set(done)


def test_who_is_late_does_nothing_when_the_turn_comes():
    done: list[str] = []
    (late,) = Line(done.extend).calls(("late", 0))
    with pytest.raises(StoreBusy) as caught:
        late.result(WAIT)
    assert (caught.value.reason, done) == ("out-of-time", [])


def test_whose_time_ends_while_it_works_for_all_leaves_the_others_to_try_again():
    done: list[str] = []

    def commit(group: Sequence[str]) -> None:
        if end_of_time() < time.monotonic() + WAIT / 2:
            wait_until(lambda: end_of_time() < time.monotonic())
            raise StoreBusy("nothing came")
        done.extend(group)

    # Whichever of them has the turn first, the one with time is told that its work is done, and it is.
    _, other = Line(commit).calls(("a", 0.3), ("b", WAIT))
    other.result(WAIT)
    assert "b" in done


def test_a_call_that_takes_too_long_is_over_for_all_who_shared_it():
    """Each of them would wait as long once more, one after the other."""
    tried: list[Sequence[str]] = []

    def hang(group: Sequence[str]) -> None:
        tried.append(group)
        with time_limit(0):
            seconds_left(end_of_time())

    failures = [call.exception(WAIT) for call in Line(hang).calls(*((str(number), WAIT) for number in range(6)))]
    assert [getattr(failure, "reason", "") for failure in failures] == ["out-of-time"] * 6
    assert len(tried) == 1


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
