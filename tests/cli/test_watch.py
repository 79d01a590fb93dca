"""`dedup status --watch` follows the queues until they are empty."""

import pytest

from dedup_cli.operations import watch
from dedup_cli.operations.watch import Rate, watch_queues
from dedup_core.errors import StoreBusy, TemporaryError
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath
from tests.app.world import World
from tests.cli.conftest import Run


@pytest.fixture
def world() -> World:
    world = World(plain_index=True)
    for number in range(40):
        world.ingest_queue.send(IngestMessage(ImagePath("images", f"{number}.jpg")))
    return world


def test_it_tells_rate_and_time_left_and_ends_when_nothing_waits(world: World, capsys: pytest.CaptureFixture[str]):
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        del world.ingest_queue.messages[:10]

    watch_queues(world.services, sleep=sleep, clock=lambda: now[0])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "40 messages wait (40 in ingest-images)"
    assert lines[1] == "30 messages wait (30 in ingest-images); 2.0 a second less; about 15 s left"
    assert lines[-1] == "nothing waits any more"
    assert now[0] == 30.0  # emptied after four looks, and calm for two more


def test_what_comes_in_faster_than_it_goes_has_no_time_left():
    rate = Rate()
    rate.add(0, 10)
    assert rate.a_second is None
    rate.add(10, 30)
    assert (rate.a_second, rate.seconds_left()) == (-2.0, None)
    rate.add(watch.SPAN_SECONDS + 10, 0)
    assert len(rate.looks) == 2  # what is too long ago counts no more


def test_after_the_last_upload_it_goes_down_at_once_and_has_a_time_left():
    rate = Rate()
    for moment, waiting in ((0, 0), (5, 900), (10, 1000), (15, 990)):
        rate.add(moment, waiting)
    assert (rate.a_second or 0) < 0  # one lower count is not yet a turn: the service counts only about
    rate.add(20, 980)
    assert (rate.a_second, rate.seconds_left()) == (2.0, 490.0)


def test_ctrl_c_ends_it_with_what_still_waits(world: World, capsys: pytest.CaptureFixture[str]):
    def sleep(_seconds: float) -> None:
        raise KeyboardInterrupt

    watch_queues(world.services, sleep=sleep)
    assert capsys.readouterr().out.splitlines()[-1] == "40 messages wait"


def test_an_outage_of_storage_is_told_once_and_waited_for(world: World, capsys: pytest.CaptureFixture[str]):
    now = [0.0]
    count = world.services.queues.lengths

    def lengths():
        if 5 < now[0] <= 20:
            raise StoreBusy("Could not count the messages in ingest-images: no answer")
        return count()

    def sleep(seconds: float) -> None:
        now[0] += seconds
        del world.ingest_queue.messages[:10]

    world.services.queues.lengths = lengths
    watch_queues(world.services, sleep=sleep, clock=lambda: now[0])
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == "nothing waits any more"
    [outage, end] = told.err.splitlines()
    assert outage.startswith("Could not count the messages in ingest-images: no answer; it goes on as soon as storage")
    assert end == "storage answers again"


def test_ctrl_c_ends_it_in_an_outage_too(world: World, capsys: pytest.CaptureFixture[str]):
    def lengths():
        raise StoreBusy("no answer")

    def sleep(_seconds: float) -> None:
        raise KeyboardInterrupt

    world.services.queues.lengths = lengths
    watch_queues(world.services, sleep=sleep)  # before anything was seen
    assert capsys.readouterr().out == ""


def test_a_permission_that_is_missing_ends_it(world: World):
    def lengths():
        raise TemporaryError("Could not count", reason="access-denied")

    world.services.queues.lengths = lengths
    with pytest.raises(TemporaryError):
        watch_queues(world.services, sleep=lambda _seconds: None)


def test_the_commands_follow(dedup: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watch, "EVERY_SECONDS", 0.0)
    assert "nothing waits any more" in dedup("status", "--watch").output
    assert "nothing waits any more" in dedup("ingest", "--all", "--watch").output
    assert "leave it out with --json" in dedup("status", "--watch", "--json").stderr
    assert "give --all with it" in dedup("ingest", "--watch", "images/a.jpg").stderr
