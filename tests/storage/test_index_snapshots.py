"""An index that starts from a snapshot is the one that it was, whoever dies or sleeps in between."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dedup_app.configuration.storage_connection import StorageConnection
from dedup_app.ports.index import CandidateIndex
from dedup_app.ports.superseded import Superseded
from dedup_app.time_limit import time_limit
from dedup_core.errors import StoreBusy
from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.record import Fingerprints
from dedup_storage.account.clients import open_clients
from dedup_storage.logs import index_snapshots, snapshot_keeper
from dedup_storage.logs.fingerprint_log import FingerprintLog
from dedup_storage.logs.fingerprint_records import RECORD_BYTES
from dedup_storage.logs.index_snapshots import AnotherWrites, Draft, Snapshots
from dedup_storage.logs.places import Chunk, LogPlace, SegmentFull, Segments
from dedup_storage.logs.reading import READ_BYTES
from dedup_storage.logs.segments import AzureSegments
from dedup_storage.logs.snapshot_blobs import PREFIX, RENEW_SECONDS, AzureSnapshots
from tests.azurite import Account
from tests.core.drawings import photo, working
from tests.memory import MemorySegments, MemorySnapshots
from tests.storage.candidate_index import CAT, DOG, A, Another, B, C, CandidateIndexContract, ids
from tests.storage.examples import image

NOW = datetime(2026, 3, 4, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1, minutes=1)
PLACE = LogPlace(3, 1234, "a generation", 99_999, 7)


class SnapshotsContract(ABC):
    @pytest.fixture
    @abstractmethod
    def snapshots(self) -> Snapshots: ...

    def test_nothing_is_stored_at_first(self, snapshots: Snapshots) -> None:
        assert snapshots.stored() == []
        assert snapshots.read("nothing", 0, 10) == b""

    def test_what_is_finished_is_read_back(self, snapshots: Snapshots) -> None:
        with snapshots.writing() as draft:
            draft.add(b"abc")
            draft.add(b"defg")
            assert snapshots.stored() == []
            draft.finish(PLACE)
        (stored,) = snapshots.stored()
        assert (stored.place, stored.size) == (PLACE, 7)
        assert snapshots.read(stored.name, 0, 100) == b"abcdefg"
        assert snapshots.read(stored.name, 2, 3) == b"cde"

    def test_what_is_not_finished_is_not_there(self, snapshots: Snapshots) -> None:
        with snapshots.writing() as draft:
            draft.add(b"abc")
        assert snapshots.stored() == []

    def test_the_newest_comes_first_and_deleted_ones_are_gone(self, snapshots: Snapshots) -> None:
        for number in range(3):
            with snapshots.writing() as draft:
                draft.add(b"abc")
                draft.finish(PLACE._replace(log_bytes=number))
        newest, middle, oldest = snapshots.stored()
        assert [it.place.log_bytes for it in (newest, middle, oldest)] == [2, 1, 0]
        snapshots.delete(middle.name)
        snapshots.delete(middle.name)
        assert snapshots.stored() == [newest, oldest]
        assert snapshots.read(middle.name, 0, 3) == b""


class TestMemorySnapshots(SnapshotsContract):
    @pytest.fixture
    def snapshots(self) -> MemorySnapshots:
        return MemorySnapshots()


class OnAzure:
    @pytest.fixture
    def snapshots(self, account: Account) -> Iterator[AzureSnapshots]:
        clients = open_clients(StorageConnection(account.connection_string), largest_read=READ_BYTES)
        clients.blobs.create_container("dedup-index")
        yield AzureSnapshots(clients.blobs, "dedup-index")
        clients.close()


class TestAzureSnapshots(OnAzure, SnapshotsContract):
    def test_one_instance_writes_at_a_time(self, snapshots: AzureSnapshots) -> None:
        with snapshots.writing(), pytest.raises(AnotherWrites), snapshots.writing():
            pass
        with snapshots.writing() as draft:
            draft.finish(PLACE)
        assert len(snapshots.stored()) == 1

    def test_who_lost_the_right_to_write_stores_nothing(
        self, snapshots: AzureSnapshots, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with snapshots.writing() as draft:
            draft.add(b"abc")
            draft._lease.break_lease(0)
            with snapshots.writing() as another:
                another.add(b"xyz")
                with pytest.raises(AnotherWrites):
                    draft.finish(PLACE)
                later = draft._renewed + RENEW_SECONDS + 1
                monkeypatch.setattr("dedup_storage.logs.snapshot_blobs.time.monotonic", lambda: later)
                with pytest.raises(AnotherWrites):
                    draft.add(b"def")
        assert snapshots.stored() == []

    @pytest.mark.parametrize("told", [{}, {"segment": "one"}, {"segment": "1", "offset": "0"}, {"segment": "-1"}])
    def test_a_snapshot_that_does_not_tell_its_place_stops_no_start_and_goes_away(
        self, account: Account, told: dict[str, str]
    ) -> None:
        clients = open_clients(StorageConnection(account.connection_string), largest_read=READ_BYTES)
        snapshots, segments = AzureSnapshots(clients.blobs, "dedup-index"), AzureSegments(clients.blobs, "dedup-index")
        FingerprintLog(segments, snapshots=snapshots).add_all([(A, 0, CAT)])
        clients.blobs.get_blob_client("dedup-index", f"{PREFIX}copied").upload_blob(b"abc", metadata=told)
        log = FingerprintLog(segments, snapshots=snapshots)
        assert ids(log.add_and_search(B, 0, CAT)) == [A]
        log.tend(NOW)
        assert snapshots.stored() == []
        clients.close()

    def test_there_is_no_container_before_the_first_image(self, account: Account) -> None:
        clients = open_clients(StorageConnection(account.connection_string), largest_read=READ_BYTES)
        snapshots = AzureSnapshots(clients.blobs, "dedup-index")
        assert snapshots.stored() == []
        FingerprintLog(AzureSegments(clients.blobs, "dedup-index"), snapshots=snapshots).tend(NOW)
        assert snapshots.stored() == []
        clients.close()

    def test_nothing_is_appended_to_a_segment_that_was_deleted(self, account: Account) -> None:
        clients = open_clients(StorageConnection(account.connection_string), largest_read=READ_BYTES)
        segments = AzureSegments(clients.blobs, "dedup-index")
        for number in (1, 2, 3):
            segments.append(number, b"abc")
        segments.delete(1)
        segments.delete(1)
        assert (segments.first(), segments.last()) == (2, 3)
        with pytest.raises(SegmentFull):
            segments.append(1, b"lost")
        assert segments.read(1, 0, 10).is_missing
        assert not segments.read(2, 3, 10).is_missing
        clients.close()


class World:
    """Logs that share segments and snapshots, of which each is due as soon as anything is new."""

    def __init__(self) -> None:
        self.segments = MemorySegments(max_blocks=4)
        self.snapshots = MemorySnapshots()
        self.added = 0

    def log(self) -> FingerprintLog:
        return FingerprintLog(self.segments, snapshots=self.snapshots)

    def grow(self, images: int, log: FingerprintLog | None = None) -> None:
        log = log or self.log()
        for _ in range(images):
            log.add_all([(image(str(self.added)).image_id, 0, CAT if self.added % 2 else DOG)])
            self.added += 1

    def expected(self) -> list[str]:
        return sorted(image(str(number)).image_id for number in range(1, self.added, 2))

    def found(self, log: FingerprintLog | None = None) -> list[str]:
        log = log or self.log()
        log.refresh()
        return ids(log.search(A, 0, CAT))

    def segments_read(self) -> list[int]:
        return sorted({number for number, _, length in self.segments.reads if length > 1})


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(snapshot_keeper, "LEAST_UNSAVED", RECORD_BYTES)
    monkeypatch.setattr(snapshot_keeper, "UNSAVED_SHARE", 0.0)
    monkeypatch.setattr(index_snapshots, "CHUNK_BYTES", 999)
    return World()


class TestLogWithSnapshots(CandidateIndexContract):
    """The contract of every engine, where each instance starts from a snapshot."""

    @pytest.fixture
    def another(self, world: World) -> Another:
        def start() -> CandidateIndex:
            world.log().tend(NOW)
            return world.log()

        return start


def test_a_start_reads_the_snapshot_and_what_came_after_it(world: World) -> None:
    world.grow(9)
    world.log().tend(NOW)
    world.grow(3)
    world.segments.reads.clear()
    assert world.found() == world.expected()
    assert world.segments_read() == [3]
    assert sum(length for _, _, length in world.segments.reads if length > 1) == 3 * RECORD_BYTES


def test_everything_is_as_it_was_also_what_is_removed_overwritten_and_a_part_of_a_picture(world: World) -> None:
    picture = photo("astronaut.png")
    whole = fingerprints_of(working(picture), b"whole...")
    part = fingerprints_of(working(picture.crop((50, 20, 420, 400))), b"part....")
    flat = Fingerprints(b"content.", np.zeros((0, 32), np.uint8))
    log = world.log()
    log.add_all([(A, 3, whole), (B, 4, DOG), (C, 5, CAT), (image("flat").image_id, 0, flat)])
    log.remove(B, 6)
    log.add_all([(C, 7, DOG)])
    log.tend(NOW)
    world.segments.reads.clear()
    again = world.log()
    assert again.refresh() == 3
    assert {length for _, _, length in world.segments.reads} <= {0, 1}
    for asked in (whole, part, CAT, DOG, flat):
        assert again.search("f" * 32, 0, asked) == log.search("f" * 32, 0, asked)
    assert ids(again.search("f" * 32, 0, part)) == [A]
    assert again.held(A[:2]) == log.held(A[:2])
    with pytest.raises(Superseded):
        again.add_and_search(B, 5, CAT)
    assert ids(again.add_and_search(B, 7, DOG)) == [C]


def test_what_is_gone_takes_no_room_in_a_snapshot(world: World) -> None:
    log = world.log()
    for _ in range(200):
        log.add_and_search(A, 0, CAT)
    log.tend(NOW)
    (stored,) = world.snapshots.stored()
    assert stored.size < 3 * RECORD_BYTES
    assert ids(world.log().search(B, 0, CAT)) == [A]


def test_a_snapshot_is_written_only_when_enough_is_new(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_keeper, "LEAST_UNSAVED", 10 * RECORD_BYTES)
    monkeypatch.setattr(snapshot_keeper, "UNSAVED_SHARE", 0.5)
    log, written = world.log(), set()
    for _ in range(40):
        world.grow(1, log)
        world.log().tend(NOW)
        written |= {stored.place.log_bytes // RECORD_BYTES for stored in world.snapshots.stored()}
    assert written == {10, 20, 40}


def test_another_instance_that_writes_is_left_alone(world: World) -> None:
    world.grow(3)
    world.snapshots.is_taken = True
    world.log().tend(NOW)
    assert world.snapshots.stored() == []


@pytest.mark.parametrize("damage", ["a bit", "cut short", "another order", "gone", "more at the end"])
def test_a_damaged_snapshot_is_told_and_the_one_before_it_is_used(
    world: World, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        world.grow(5)
        world.log().tend(NOW)
    newest = world.snapshots.stored()[0]
    chunks = world.snapshots.chunks[newest.name]
    if damage == "a bit":
        chunks[1] = bytes([chunks[1][0] ^ 1]) + chunks[1][1:]
    elif damage == "cut short":
        del chunks[-1]
    elif damage == "another order":
        chunks[0], chunks[1] = chunks[1], chunks[0]
    elif damage == "gone":
        read = world.snapshots.read
        world.snapshots.read = lambda name, *rest: b"" if name == newest.name else read(name, *rest)
    else:
        chunks.append(chunks[-1])
    world.segments.reads.clear()
    assert world.found() == world.expected()
    assert 1 not in world.segments_read()
    assert f'"snapshot_not_used", "snapshot": "{newest.name}"' in caplog.text


def test_segments_go_away_a_day_after_two_snapshots_have_covered_them(world: World) -> None:
    for _ in range(3):
        world.grow(6)
        world.log().tend(NOW)
    assert [it.place.segment for it in world.snapshots.stored()] == [5, 3]
    assert world.segments.first() == 1
    world.snapshots.now = TOMORROW
    world.log().tend(TOMORROW)
    assert world.segments.first() == 3
    assert world.found() == world.expected()


def log_that_begins_late(world: World) -> FingerprintLog:
    """Its first segments went away after they were covered, and so did what covered them."""
    for _ in range(3):
        world.grow(6)
        world.log().tend(NOW)
    world.log().tend(TOMORROW)
    for stored in world.snapshots.stored():
        world.snapshots.delete(stored.name)
    return world.log()


def test_a_log_whose_beginning_is_covered_by_no_good_snapshot_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    log = log_that_begins_late(world)
    log.refresh()
    assert log.damaged_bytes > 0
    assert '"log_begins_late", "segment": 3' in caplog.text
    assert log.add_all([(image(str(number)).image_id, 0, CAT) for number in range(18)]) == 18
    log.declare_whole()
    for each in (log, world.log()):
        assert each.refresh() == 18
        assert each.damaged_bytes == 0


def test_a_load_that_breaks_off_before_its_first_byte_counts_no_damage_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_that_begins_late(world)
    with monkeypatch.context() as failing:
        failing.setattr(world.segments, "read", _busy)
        with pytest.raises(StoreBusy):
            log.refresh()
    log.refresh()
    untroubled = world.log()
    untroubled.refresh()
    assert log.damaged_bytes == untroubled.damaged_bytes > 0


def _busy(number: int, offset: int, length: int) -> Chunk:
    raise StoreBusy(f"segment {number} could not be read")


def test_the_snapshot_of_a_log_that_was_replaced_is_not_used_and_goes_away(world: World) -> None:
    world.grow(6)
    world.log().tend(NOW)
    world.segments.clear()
    world.added = 0
    world.grow(3)
    assert world.found() == world.expected()
    world.log().tend(NOW)
    assert [it.place.log_bytes for it in world.snapshots.stored()] == [3 * RECORD_BYTES]


def states(world: World) -> list[FingerprintLog]:
    """Readers in every state: those that never looked, that stopped in each segment, and that took a snapshot."""
    found = [world.log()]
    for _ in range(5):
        world.grow(3)
        world.log().tend(NOW)
        reader = world.log()
        reader.refresh()
        found.append(reader)
    return found


def test_readers_that_slept_in_any_state_find_everything_and_what_they_add_is_found(world: World) -> None:
    readers = states(world)
    world.log().tend(TOMORROW)
    assert world.segments.first() > 2
    added = [image(f"late {number}").image_id for number in range(len(readers))]
    for number, reader in enumerate(readers):
        hits = ids(reader.add_and_search(added[number], 0, CAT))
        assert hits == sorted([*world.expected(), *added[:number]])
    for reader in [*readers, world.log()]:
        assert world.found(reader) == sorted([*world.expected(), *added])


def test_a_load_that_broke_off_and_goes_on_when_its_segments_are_gone_starts_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.grow(9)
    reader, read = world.log(), world.segments.read

    def break_off(number: int, offset: int, length: int) -> Chunk:
        return read(number, offset, length) if number == 1 else _busy(number, offset, length)

    with monkeypatch.context() as failing:
        failing.setattr(world.segments, "read", break_off)
        with pytest.raises(StoreBusy):
            reader.refresh()
    for _ in range(2):
        world.grow(6)
        world.log().tend(NOW)
    world.log().tend(TOMORROW)
    assert world.segments.first() > 2
    assert world.found(reader) == world.expected()
    assert reader.damaged_bytes == 0


class Killed(BaseException):
    pass


class Mortal:
    """Lets a number of calls that change something take effect, and dies at the next one: before it, or just after."""

    def __init__(self, calls: int, *, after: bool) -> None:
        self._left = calls
        self._after = after

    def __call__(self, change: object, *arguments: object) -> object:
        self._left -= 1
        if self._left < 0 and not self._after:
            raise Killed
        result = change(*arguments)
        if self._left < 0:
            raise Killed
        return result


class MortalSegments:
    def __init__(self, segments: Segments, mortal: Mortal) -> None:
        self._segments = segments
        self._mortal = mortal

    def __getattr__(self, name: str) -> object:
        method = getattr(self._segments, name)
        return (lambda *them: self._mortal(method, *them)) if name in {"append", "delete"} else method


class MortalSnapshots(MortalSegments):
    @contextmanager
    def writing(self) -> Iterator[Draft]:
        with self._segments.writing() as draft:
            yield MortalDraft(draft, self._mortal)


class MortalDraft(MortalSegments):
    def __getattr__(self, name: str) -> object:
        method = getattr(self._segments, name)
        return lambda *them: self._mortal(method, *them)


@pytest.mark.parametrize("after", [False, True])
def test_a_writer_may_be_killed_at_any_step(monkeypatch: pytest.MonkeyPatch, world: World, after: bool) -> None:
    del world
    kills = 0
    for calls in range(200):
        mine = World()
        mine.snapshots.now = NOW
        for _ in range(3):
            mine.grow(6)
            mine.log().tend(NOW)
        sleeper = mine.log()
        sleeper.refresh()
        mine.grow(6)
        mortal = Mortal(calls, after=after)
        dying = FingerprintLog(MortalSegments(mine.segments, mortal), None, MortalSnapshots(mine.snapshots, mortal))
        mine.snapshots.now = TOMORROW
        try:
            dying.tend(TOMORROW)
            dying._keeper._cleaned_up = None
            dying.tend(TOMORROW + timedelta(days=2))
            break
        except Killed:
            kills += 1
        for reader in (sleeper, mine.log()):
            assert mine.found(reader) == mine.expected()
            assert reader.damaged_bytes == 0
        mine.log().tend(TOMORROW + timedelta(days=2))
        assert mine.found() == mine.expected()
        assert len(mine.snapshots.stored()) <= 2
    else:
        pytest.fail("it never came to an end")
    assert kills > 5


def test_a_lease_that_there_is_no_time_to_give_back_hides_nothing_of_what_was_done(account: Account) -> None:
    """It ends by itself; a snapshot that was written would be told as one that failed."""
    clients = open_clients(StorageConnection(account.connection_string), largest_read=READ_BYTES)
    clients.blobs.create_container("dedup-index")
    snapshots = AzureSnapshots(clients.blobs, "dedup-index")
    with ExitStack() as over, snapshots.writing() as draft:
        draft.add(b"abc")
        draft.finish(PLACE)
        over.enter_context(time_limit(0))
    assert [it.place for it in snapshots.stored()] == [PLACE]
    clients.close()
