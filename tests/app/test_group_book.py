"""Groups follow the log, also where a read of it breaks off."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Event, Lock, Semaphore, Thread

import pytest

from dedup_app.feedback.decisions import Act
from dedup_app.ports.image_status import PROCESSING
from dedup_app.records import journal
from dedup_app.records.group_book import GroupBook, VerdictLogLost
from dedup_app.records.group_records import id_of
from dedup_app.records.journal import VerdictReader, has_told
from dedup_core.errors import StoreBusy, TemporaryError
from dedup_core.groups.facts import Decided, Decision, Family
from dedup_core.groups.keeper import KeeperPolicy
from dedup_core.paths import ImagePath
from dedup_storage.logs.verdict_log import VerdictLog
from tests.app.world import Crash, World, copy_of, photo, small_scene
from tests.core.pictures import encoded


class BreakingOff:
    """A log whose first read fails when everything was given."""

    def __init__(self, log: VerdictLog) -> None:
        self._log = log
        self.fails = True

    def reader(self) -> "BreakingOff":
        self._reader: VerdictReader = self._log.reader()
        return self

    def append(self, records: object) -> None:
        raise NotImplementedError

    def new_records(self) -> Iterator[object]:
        yield from self._reader.new_records()
        if self.fails:
            self.fails = False
            raise TemporaryError("503", reason="store-busy")


def test_what_was_read_before_a_read_broke_off_is_in_the_groups() -> None:
    world = World(plain_index=True)
    for name, data in (("a.png", photo(1)), ("b.png", copy_of(1))):
        world.upload_and_ingest(name, data)
    world.verify_all()
    book = GroupBook(BreakingOff(VerdictLog(world.verdict_segments)), KeeperPolicy(), lambda _first: False)  # type: ignore[arg-type]
    with pytest.raises(TemporaryError):
        book.groups()
    [group] = book.groups()
    assert len(group.members) == 1


def die_before_the_log_knows(world: World, path: ImagePath) -> None:
    """Ingest the image, and die before the first record of it is appended."""

    def die(_number: int, step: str) -> None:
        if step == "verdict_log.append":
            raise Crash

    world.before = die
    with pytest.raises(Crash):
        world.services.ingest.ingest(path)
    world.before = lambda _number, _step: None


def test_an_image_whose_handler_died_before_the_log_knew_of_its_new_bytes_leaves_its_group() -> None:
    world = World(plain_index=True)
    for name, data in (("a.png", photo(1)), ("b.png", copy_of(1))):
        path = world.upload_and_ingest(name, data)
    world.verify_all()
    assert len(list(world.services.groups.groups(frozenset(Family)))) == 1
    world.images.put(path, photo(2))
    die_before_the_log_knows(world, path)
    assert world.row(path).status == PROCESSING
    world.services.ingest.ingest(path)
    assert list(world.start_process("another").groups.groups(frozenset(Family))) == []


def test_the_collector_rests_while_the_log_is_read_and_no_longer():
    seen = []

    class Reader:
        def new_records(self):
            seen.append(gc.isenabled())
            if len(seen) == 1:
                raise StoreBusy("later")
            return iter(())

    class Log:
        def reader(self):
            return Reader()

    book = GroupBook(Log(), KeeperPolicy(), lambda _first: False)  # type: ignore[arg-type]
    with pytest.raises(StoreBusy):
        book.groups()
    assert gc.isenabled()
    with book.current():
        seen.append(gc.isenabled())
    assert seen == [False, False, True]


def test_who_waits_while_another_reads_what_came_since_they_asked_reads_nothing(monkeypatch: pytest.MonkeyPatch):
    """Several threads of a plan look at once what is decided now."""
    lock, asked, read_on, reads = Lock(), Semaphore(0), Event(), []

    class Telling:
        def __enter__(self):
            asked.release()
            lock.acquire()

        def __exit__(self, *_: object):
            lock.release()

    class Reader:
        def new_records(self):
            reads.append("read")
            assert read_on.wait(10)
            return iter(())

    class Log:
        def reader(self):
            return Reader()

    book = GroupBook(Log(), KeeperPolicy(), lambda _first: False)  # type: ignore[arg-type]
    monkeypatch.setattr(book, "_lock", Telling())

    def look() -> None:
        with book.current():
            pass

    threads = [Thread(target=look, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
        assert asked.acquire(timeout=10)
        while not reads:  # the first one reads already when the others ask
            assert thread.is_alive()
    read_on.set()
    for thread in threads:
        thread.join(10)
    assert reads == ["read"] * 2


def with_a_group() -> World:
    world = World(plain_index=True)
    for name, data in (("a.png", photo(1)), ("b.png", copy_of(1))):
        world.upload_and_ingest(name, data)
    world.verify_all()
    return world


def test_groups_of_a_log_that_was_lost_are_not_none():
    world = with_a_group()
    world.verdict_segments.clear()
    world.time += timedelta(minutes=11)
    services = world.start_process("another")
    with pytest.raises(VerdictLogLost, match="`dedup reindex` makes it anew"):
        services.groups.groups()
    services.reindex.reindex()
    [group] = services.groups.groups()
    assert len(group.members) == 1


def test_groups_of_a_log_that_was_lost_and_goes_on_without_its_beginning_are_not_all():
    """The app appends what comes next, whether or not anybody has noticed."""
    world = with_a_group()
    a, b = (ImagePath("images", name) for name in ("a.png", "b.png"))
    world.services.decisions.decide_pair(a, b, Act.NOT_DUPLICATE, "ann")
    running = world.start_process("the page")
    assert running.groups.groups() == []
    world.verdict_segments.clear()
    world.time += timedelta(minutes=11)
    world.upload_and_ingest("c.png", encoded(small_scene(1), "JPEG", quality=60))
    world.verify_all()  # c looks like both, and the log knows nothing of what a person said about these
    world.time += timedelta(minutes=11)
    for services in (running, world.start_process("another")):
        with pytest.raises(VerdictLogLost):
            services.groups.groups()
    services.reindex.reindex()
    with services.groups.whole() as projection:
        assert projection.decided(id_of(a), id_of(b)).decision is Decision.NOT_DUPLICATE


def die_in_the_middle_of_a_reindex(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the first of several pairs has been told."""
    monkeypatch.setattr(journal, "PAIRS_AT_ONCE", 1)
    told = 0

    def die(_number: int, step: str) -> None:
        nonlocal told
        told += step == "verdict_log.append"
        if told == 3:
            raise Crash

    world.before = die
    with pytest.raises(Crash):
        world.start_process("reindex").reindex.reindex()
    world.before = lambda _number, _step: None


@pytest.mark.parametrize("has_log", [False, True])
def test_a_log_that_is_being_made_anew_is_not_all_before_it_is_made_to_the_end(monkeypatch, has_log: bool):
    """Whoever clears up meanwhile, or after it was killed, would know half of what people decided."""
    world = with_a_group()
    world.upload_and_ingest("c.png", copy_of(1))
    world.verify_all()
    world.time += timedelta(minutes=11)
    if not has_log:
        world.verdict_segments.clear()
    running = world.start_process("the page")
    die_in_the_middle_of_a_reindex(world, monkeypatch)
    for services in (running, world.start_process("another")):
        if has_log:
            assert [len(list(group.paths)) for group in services.groups.groups()] == [3]
        else:
            with pytest.raises(VerdictLogLost):
                services.groups.groups()
    world.start_process("once more").reindex.reindex()
    assert [len(list(group.paths)) for group in running.groups.groups()] == [3]


def test_a_log_that_is_made_anew_hears_of_new_verdicts_and_is_not_all_for_that(monkeypatch: pytest.MonkeyPatch):
    world = with_a_group()
    world.upload_and_ingest("c.png", copy_of(1))
    world.verify_all()
    world.time += timedelta(minutes=11)
    world.verdict_segments.clear()
    die_in_the_middle_of_a_reindex(world, monkeypatch)
    for name in ("d.png", "e.png"):
        world.upload_and_ingest(name, photo(2))
    die_in_the_middle_of_a_reindex(world, monkeypatch)
    with pytest.raises(VerdictLogLost):
        world.start_process("another").groups.groups()


def test_a_log_that_only_tells_of_images_tells_of_no_verdict():
    world = with_a_group()
    world.verdict_segments.clear()
    world.upload_and_ingest("a.png", photo(2))
    world.time += timedelta(minutes=11)
    with pytest.raises(VerdictLogLost):
        world.start_process("another").groups.groups()


def test_decisions_of_which_nobody_knows_when_they_were_made_are_no_loss():
    world = with_a_group()
    pair = next(world.pairs.all())
    decided = Decided(id_of(pair.left), id_of(pair.right), Decision.DUPLICATE, b"", b"", at=0)
    undated = replace(pair, verified_at=None, decided=decided)

    class Undated:
        def all(self):
            yield undated

    assert has_told(Undated(), world.time)  # type: ignore[arg-type]
    assert not has_told(Undated(), world.time, first_moment=1)  # type: ignore[arg-type]


def test_a_process_looks_once_whether_its_log_is_whole():
    world = with_a_group()
    services = world.start_process("the page")
    world.calls.clear()
    for _ in range(3):
        assert len(services.groups.groups()) == 1
    assert world.calls.count("pairs.all") == 1


def test_a_verdict_that_the_log_is_just_being_told_is_no_loss():
    world = with_a_group()
    world.verdict_segments.clear()
    assert world.start_process("another").groups.groups() == []


def test_a_log_that_hears_of_its_first_verdict_by_a_later_try_is_whole():
    world = World(plain_index=True)
    world.upload_and_ingest("a.png", photo(1))
    path = world.upload("b.png", photo(1))
    die_before_the_log_knows(world, path)
    world.time += timedelta(minutes=1)
    world.services.ingest.ingest(path)
    world.time += timedelta(minutes=11)
    [group] = world.services.groups.groups()
    assert len(group.members) == 1


def test_of_many_pairs_that_wait_few_are_looked_at():
    seen = 0

    class Waiting:
        def all(self):
            nonlocal seen
            while True:
                seen += 1
                yield pending

    world = with_a_group()
    pending = replace(next(world.pairs.all()), verdict=None, decided=None)
    assert not has_told(Waiting(), world.time)  # type: ignore[arg-type]
    assert seen == 1000


def test_where_nothing_was_compared_nothing_is_lost():
    world = World(plain_index=True)
    world.upload_and_ingest("a.png", photo(1))
    assert world.services.groups.groups() == []


def test_who_holds_groups_hears_of_a_log_that_was_made_anew_meanwhile():
    world = with_a_group()
    running = world.start_process("the page")
    assert len(running.groups.groups()) == 1
    world.verdict_segments.clear()
    services = world.start_process("another")
    services.reindex.reindex()
    path = world.upload_and_ingest("c.png", copy_of(1))
    world.verify_all()
    [group] = running.groups.groups()
    assert str(path) in group.paths
    world.verdict_segments.clear()
    world.time += timedelta(minutes=11)
    with pytest.raises(VerdictLogLost):
        running.groups.groups()
