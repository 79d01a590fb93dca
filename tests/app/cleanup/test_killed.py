"""Killed before and after each call, and gone on with: every blob is whole at every moment, and in the end."""

from datetime import timedelta

import pytest

from dedup_app.cleanup.outcome import Fate
from dedup_app.cleanup.ports import Copying
from tests.app.cleanup.scenes import Scene, dying, scene

LEASED = "somebody holds a lease on it"
MOST_CALLS = 400
MONTH = timedelta(days=30)


def assert_nothing_is_lost(it: Scene) -> None:
    """Each image is at its place or in quarantine, whole; what stays was not touched."""
    away = {blob.copied_from: path for path, blob in it.quarantined.items() if blob.copying is Copying.DONE}
    for path, (data, blob) in it.before.items():
        there = it.now_at(path)
        if there is None:
            assert path in it.going
            quarantined = it.now_at(away[path])
            assert quarantined is not None
            there = quarantined
        assert (there[0], there[1].content) == (data, blob.content)


def assert_all_is_as_it_was(it: Scene) -> None:
    assert it.world.images.paths() == set(it.before)
    assert_nothing_is_lost(it)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("then_undo", [False, True], ids=["resumed", "undone"])
def test_apply_killed_at_any_call_loses_nothing_and_can_be_resumed_or_undone(after: bool, then_undo: bool):
    for number in range(1, MOST_CALLS):
        it = scene()
        with dying(it.world, number, after=after) as died:
            it.apply()
        assert_nothing_is_lost(it)
        if not then_undo:
            foreseen = {outcome.path: outcome for outcome in it.applying().check(it.plan, it.manifest)}
            # A check cannot tell whose lease it is that the killed run left.
            assert {outcome.why.rpartition(": ")[2] for outcome in foreseen.values()} <= {"", LEASED}, number
            done = it.apply()
            assert {outcome.fate for outcome in done} == {Fate.GONE}, number
            assert [foreseen[each.path].is_from_before for each in done] == [each.is_from_before for each in done]
            assert_nothing_is_lost(it)
            assert [it.now_at(path) for path in it.going] == [None] * 3
            assert {message.path for message in it.world.ingest_queue.messages} == set(it.going)
        if it.manifest.lines:
            assert not any(outcome.is_refused for outcome in it.undo())
        assert_all_is_as_it_was(it)
        if not died[0]:
            assert number > 30
            return
    pytest.fail("it never ended")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_undo_killed_at_any_call_loses_nothing_and_can_be_resumed(after: bool):
    for number in range(1, MOST_CALLS):
        it = scene()
        it.apply()
        it.world.ingest_queue.messages.clear()
        with dying(it.world, number, after=after) as died:
            it.undo()
        assert_nothing_is_lost(it)
        assert {outcome.fate for outcome in it.undo()} == {Fate.BACK}
        assert_all_is_as_it_was(it)
        assert {message.path for message in it.world.ingest_queue.messages} == set(it.going)
        if not died[0]:
            assert number > 15
            return
    pytest.fail("it never ended")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_purge_killed_at_any_call_can_be_resumed_and_touches_nothing_else(after: bool):
    for number in range(1, MOST_CALLS):
        it = scene()
        it.apply()
        it.world.time += 2 * MONTH
        with dying(it.world, number, after=after) as died:
            it.purge(MONTH)
        assert {outcome.fate for outcome in it.purge(MONTH)} == {Fate.ENDED}
        stays = set(it.before) - set(it.going)
        assert it.world.images.paths() == stays
        assert {path: it.now_at(path) for path in stays} == {path: it.before[path] for path in stays}
        if not died[0]:
            assert number > 5
            return
    pytest.fail("it never ended")
