"""Fingerprints are appended, read back and searched, by one process or several, whatever else fails."""

import threading
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dedup_app.configuration.storage_connection import StorageConnection
from dedup_core.errors import StoreBusy
from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.search.hit import Hit
from dedup_storage.account.clients import StorageClients, open_clients
from dedup_storage.logs import reading as log_reading
from dedup_storage.logs.fingerprint_log import FingerprintLog
from dedup_storage.logs.fingerprint_records import RECORD_BYTES, addition
from dedup_storage.logs.places import BlockPlace, SegmentFull, Segments
from dedup_storage.logs.reading import READ_BYTES
from dedup_storage.logs.segments import AzureSegments
from tests.azurite import Account
from tests.core.drawings import photo, working
from tests.memory import MemorySegments
from tests.storage.candidate_index import CAT, DOG, MANY, A, Another, B, C, CandidateIndexContract, ids
from tests.storage.examples import image
from tests.storage.limited_blob_service import limited_blob_service

MAX_BLOCKS = MANY


class SegmentsContract(ABC):
    @pytest.fixture
    @abstractmethod
    def segments(self) -> Segments: ...

    def test_no_segment_is_there_before_the_first_append(self, segments: Segments) -> None:
        assert segments.last() == 0
        assert segments.read(1, 0, 100).data == b""

    def test_blocks_are_read_back_from_any_offset(self, segments: Segments) -> None:
        segments.append(1, b"abc")
        segments.append(1, b"def")
        assert segments.read(1, 0, 100).data == b"abcdef"
        assert segments.read(1, 2, 3).data == b"cde"
        assert segments.last() == 1

    def test_nothing_is_read_at_the_end(self, segments: Segments) -> None:
        segments.append(1, b"abc")
        assert segments.read(1, 3, 100).data == b""
        assert segments.read(1, 4, 100).data == b""

    def test_a_full_segment_refuses_blocks_and_the_next_one_takes_them(self, segments: Segments) -> None:
        for _ in range(MAX_BLOCKS):
            segments.append(1, b"x")
        for _ in range(2):
            with pytest.raises(SegmentFull):
                segments.append(1, b"y")
        segments.append(2, b"y")
        assert segments.last() == 2
        assert segments.read(1, 0, 100).data == b"x" * MAX_BLOCKS

    def test_of_many_first_appends_none_is_lost(self, segments: Segments) -> None:
        with ThreadPoolExecutor(MAX_BLOCKS) as threads:
            list(threads.map(lambda number: segments.append(1, bytes([number])), range(MAX_BLOCKS)))
        assert sorted(segments.read(1, 0, 100).data) == list(range(MAX_BLOCKS))


class InMemory:
    @pytest.fixture
    def segments(self) -> MemorySegments:
        return MemorySegments(max_blocks=MAX_BLOCKS)


class OnAzure:
    @pytest.fixture
    def segments(self, account: Account) -> Iterator[AzureSegments]:
        with limited_blob_service(account.blob_endpoint, max_blocks=MAX_BLOCKS) as endpoint:
            limited = account.connection_string.replace(account.blob_endpoint, endpoint)
            clients = open_clients(StorageConnection(limited), largest_read=READ_BYTES)
            yield AzureSegments(clients.blobs, "dedup-index")
            clients.close()


class LogContract(CandidateIndexContract):
    @pytest.fixture
    def another(self, segments: Segments) -> Another:
        return lambda: FingerprintLog(segments)


class TestMemoryLog(InMemory, LogContract):
    pass


class TestAzureLog(OnAzure, LogContract):
    pass


class TestMemorySegments(InMemory, SegmentsContract):
    pass


class TestAzureSegments(OnAzure, SegmentsContract):
    pass


class SlowSegments(MemorySegments):
    """Segments whose appends wait until they may go on, so that others come to wait behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.started = threading.Event()
        self.blocks: list[int] = []

    def append(self, number: int, block: bytes) -> BlockPlace:
        self.started.set()
        assert self.go.wait(timeout=60)
        place = super().append(number, block)
        self.blocks.append(len(block) // RECORD_BYTES)
        return place


def wait_for(log: FingerprintLog, waiting: int) -> None:
    deadline = threading.Event()
    for _ in range(1000):
        if len(log._together._waiting) == waiting:
            return
        deadline.wait(0.01)
    raise AssertionError(f"{len(log._together._waiting)} are waiting, not {waiting}")


def test_appends_that_wait_share_one_block_and_one_read() -> None:
    segments = SlowSegments()
    log = FingerprintLog(segments)
    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(log.add_and_search, A, 0, CAT)
        assert segments.started.wait(timeout=60)
        later = [threads.submit(log.add_and_search, image(str(number)).image_id, 0, CAT) for number in range(8)]
        wait_for(log, 8)
        segments.go.set()
        assert len(first.result(timeout=60)) in {0, 8}
        found = [future.result(timeout=60) for future in later]
    assert segments.blocks == [1, 8]
    assert len(segments.reads) == 1  # the second block landed where the first read had ended
    assert all(len(hits) == 8 for hits in found)


def test_a_long_log_is_read_several_reads_ahead_in_order_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dedup_storage.logs.reading.READ_BYTES", 3 * RECORD_BYTES)
    segments = MemorySegments(max_blocks=20)
    log = FingerprintLog(segments)
    for number in range(31):
        log.add_all([(image(str(number % 25)).image_id, 0, DOG if number < 25 else CAT)])
    segments.reads.clear()
    late = FingerprintLog(segments)
    assert late.refresh() == 25
    assert ids(late.add_and_search(A, 0, CAT)) == sorted(image(str(number)).image_id for number in range(6))
    offsets = [(number, offset) for number, offset, length in segments.reads if length]
    assert len(offsets) == len(set(offsets))
    assert sum(length for _, _, length in segments.reads) == 31 * RECORD_BYTES  # its own record is not read at all


def test_a_log_in_the_place_of_another_is_noticed_though_it_has_come_to_the_same_byte() -> None:
    segments = MemorySegments()
    log = FingerprintLog(segments)
    for name in "abc":
        log.add_and_search(image(name).image_id, 0, DOG)
    segments.clear()
    FingerprintLog(segments).add_all([(image(name).image_id, 0, CAT) for name in "xyz"])
    assert len(log.add_and_search(A, 0, CAT)) == 3


def test_an_answer_that_does_not_say_where_a_block_landed_is_followed_by_a_read() -> None:
    class Silent(MemorySegments):
        def append(self, number: int, block: bytes) -> BlockPlace:
            super().append(number, block)
            return BlockPlace(-1, 0)

    segments = Silent()
    log = FingerprintLog(segments)
    assert [ids(log.add_and_search(it, 0, CAT)) for it in (A, B, C)] == [[], [A], sorted([A, B])]
    assert len(segments.reads) == 3


def test_parts_of_pictures_are_found_after_a_load_in_many_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the last read brings nothing, and when a load broke off and was taken up again."""
    monkeypatch.setattr("dedup_storage.logs.reading.READ_BYTES", 3 * RECORD_BYTES)
    picture = photo("astronaut.png")
    whole = fingerprints_of(working(picture), b"whole...")
    part = fingerprints_of(working(picture.crop((50, 20, 420, 400))), b"part....")

    class Interrupted(MemorySegments):
        broken = True

        def read(self, number: int, offset: int, length: int) -> bytes:
            if offset and self.broken:
                raise StoreBusy("the connection was reset")
            return super().read(number, offset, length)

    segments = Interrupted()
    FingerprintLog(segments).add_all([(A, 0, whole), (B, 0, DOG)])
    log = FingerprintLog(segments)
    segments.append(1, addition(image("d").image_id, DOG))
    with pytest.raises(StoreBusy):
        log.refresh()
    segments.broken = False
    assert log.refresh() == 3
    assert [(hit.image_id, hit.shared_keypoints > 2) for hit in log.add_and_search(C, 0, part)] == [(A, True)]


def test_a_part_finds_its_picture_while_a_rebuilt_log_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is appended anew can be found all the time, by whoever searches between two of many reads."""
    monkeypatch.setattr("dedup_storage.logs.reading.READ_BYTES", 2 * RECORD_BYTES)
    picture = photo("astronaut.png")
    whole = fingerprints_of(working(picture), b"whole...")
    part = fingerprints_of(working(picture.crop((50, 20, 420, 400))), b"part....")
    hits: list[list[Hit]] = []

    class Searched(MemorySegments):
        def read(self, number: int, offset: int, length: int) -> bytes:
            if offset == 3 * RECORD_BYTES:
                hits.append(log.index.search(part))
            return super().read(number, offset, length)

    segments = Searched()
    log = FingerprintLog(segments)
    FingerprintLog(segments).add_all([(A, 0, whole)])
    assert log.refresh() == 1
    FingerprintLog(segments).add_all([(image(name).image_id, 0, whole if name == "a" else DOG) for name in "abcdef"])
    assert log.refresh() == 6
    assert [ids(found) for found in hits] == [[A]]


def test_searches_of_several_threads_go_on_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(3)
    search = FingerprintIndex.search

    def searching_together(index: FingerprintIndex, fingerprints: Fingerprints) -> list[Hit]:
        if fingerprints == CAT:
            together.wait(timeout=60)
        return search(index, fingerprints)

    segments = SlowSegments()
    log = FingerprintLog(segments)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(log.add_and_search, A, 0, DOG)
        assert segments.started.wait(timeout=60)
        later = [threads.submit(log.add_and_search, image(str(number)).image_id, 0, CAT) for number in range(3)]
        wait_for(log, 3)
        monkeypatch.setattr(FingerprintIndex, "search", searching_together)
        segments.go.set()
        assert first.result(timeout=60) == []
        assert all(len(future.result(timeout=60)) == 2 for future in later)


def test_no_byte_of_the_log_is_read_twice() -> None:
    segments = MemorySegments(max_blocks=3)
    logs = [FingerprintLog(segments), FingerprintLog(segments)]
    for number in range(20):
        logs[number % 2].add_and_search(image(str(number)).image_id, 0, DOG)
    for log in logs:
        log.refresh()
    assert sum(length for _, _, length in segments.reads) == 2 * 20 * RECORD_BYTES


def test_an_append_that_failed_fails_for_all_who_shared_it_and_can_be_tried_again() -> None:
    class Failing(SlowSegments):
        def append(self, number: int, block: bytes) -> BlockPlace:
            if self.started.is_set() and self.go.is_set() and not self.blocks[1:]:
                self.blocks.append(len(block) // RECORD_BYTES)
                raise StoreBusy("503")
            return super().append(number, block)

    segments = Failing()
    log = FingerprintLog(segments)
    with ThreadPoolExecutor(5) as threads:
        first = threads.submit(log.add_and_search, A, 0, CAT)
        assert segments.started.wait(timeout=60)
        later = [threads.submit(log.add_and_search, image(str(number)).image_id, 0, CAT) for number in range(4)]
        wait_for(log, 4)
        segments.go.set()
        assert first.result(timeout=60) == []
        for future in later:
            with pytest.raises(StoreBusy):
                future.result(timeout=60)
    assert ids(log.add_and_search(B, 0, CAT)) == [A]


def test_an_append_whose_answer_was_lost_is_harmless_when_repeated() -> None:
    class Forgetful(MemorySegments):
        forgetful = True

        def append(self, number: int, block: bytes) -> BlockPlace:
            place = super().append(number, block)
            if self.forgetful:
                raise StoreBusy("the connection was reset")
            return place

    segments = Forgetful()
    log = FingerprintLog(segments)
    with pytest.raises(StoreBusy):
        log.add_and_search(A, 0, CAT)
    segments.forgetful = False
    assert log.add_and_search(A, 0, CAT) == []
    assert ids(log.add_and_search(B, 0, CAT)) == [A]


def test_an_instance_that_died_after_its_append_has_still_told_the_others() -> None:
    class Dying(MemorySegments):
        def read(self, number: int, offset: int, length: int) -> bytes:
            raise KeyboardInterrupt(number, offset, length)

    dying = Dying()
    with pytest.raises(KeyboardInterrupt):
        FingerprintLog(dying).add_and_search(A, 0, CAT)
    survivors = MemorySegments()
    survivors._segments, survivors._generation = dying._segments, dying._generation
    assert ids(FingerprintLog(survivors).add_and_search(B, 0, CAT)) == [A]


@pytest.mark.parametrize("damage", ["a bit", "half a record", "a byte too many", "a record that is no record"])
def test_what_comes_after_damage_is_found_and_the_damage_is_told(damage: str, caplog: pytest.LogCaptureFixture) -> None:
    flipped = bytearray(addition(A, CAT))
    flipped[-1] ^= 1
    segments = MemorySegments()
    segments.append(1, addition(image("first").image_id, CAT))
    blocks = {"a bit": bytes(flipped), "half a record": addition(A, CAT)[:171], "a byte too many": b"F"}
    segments.append(1, blocks.get(damage, b"FP" * (RECORD_BYTES // 2)))
    segments.append(1, addition(B, CAT))
    log = FingerprintLog(segments)
    assert ids(log.add_and_search(C, 0, CAT)) == sorted([B, image("first").image_id])
    lost = len(segments._segments[0][1])
    assert log.damaged_bytes == lost
    assert f'"log_damaged", "skipped_bytes": {lost}' in caplog.text
    FingerprintLog(segments).declare_whole()
    log.refresh()
    assert log.damaged_bytes == FingerprintLog(segments).damaged_bytes == 0
    assert ids(log.search(A, 0, CAT)) == sorted([B, C, image("first").image_id])


def test_damage_at_the_end_waits_for_what_comes_after_it() -> None:
    segments = MemorySegments()
    segments.append(1, addition(A, CAT) + addition(B, CAT)[:99])
    log = FingerprintLog(segments)
    assert log.refresh() == 1
    assert ids(log.add_and_search(C, 0, CAT)) == [A]
    assert log.damaged_bytes == 99


def test_a_long_log_with_damage_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "READ_BYTES", 3 * RECORD_BYTES + 1)
    segments = MemorySegments()
    for number in range(40):
        segments.append(1, addition(image(str(number)).image_id, CAT) + b"junk"[: number % 4])
    log = FingerprintLog(segments)
    assert log.refresh() == 40
    assert log.damaged_bytes == 10 * (1 + 2 + 3) - 3  # what stands at the end is not given up yet


def test_a_log_in_the_place_of_another_is_noticed_however_long_it_is() -> None:
    segments = MemorySegments()
    ours, theirs = FingerprintLog(segments), FingerprintLog(segments)
    ours.add_and_search(A, 1, DOG)
    segments.clear()
    for number in range(9):
        theirs.add_and_search(image(str(number)).image_id, 1, CAT)
    assert len(ours.add_and_search(B, 1, CAT)) == 9


def test_a_log_that_was_deleted_is_read_anew(caplog: pytest.LogCaptureFixture) -> None:
    segments = MemorySegments(max_blocks=3)
    ours, theirs = FingerprintLog(segments), FingerprintLog(segments)
    for number in range(5):
        ours.add_and_search(image(str(number)).image_id, 0, DOG)
    segments.clear()
    theirs.add_and_search(A, 0, CAT)
    assert ids(ours.add_and_search(B, 0, CAT)) == [A]
    assert ours.refresh() == 2
    assert "log_is_another" in caplog.text


def test_a_search_costs_one_append_and_a_read_only_after_others_wrote(
    clients: StorageClients, account: Account
) -> None:
    log = FingerprintLog(AzureSegments(clients.blobs, "dedup-index"))
    log.add_and_search(A, 0, CAT)
    before = len(account.requests())
    log.add_and_search(B, 0, CAT)
    log.remove(A, 0)
    assert [request.method for request in account.requests()[before:]] == ["PUT", "PUT"]
    other = FingerprintLog(AzureSegments(clients.blobs, "dedup-index"))
    other.add_all([(C, 0, CAT)])
    before = len(account.requests())
    assert ids(log.add_and_search(A, 1, CAT)) == sorted([B, C])
    assert [request.method for request in account.requests()[before:]] == ["PUT", "GET"]


def older_record(image_id: str, hashes: bytes, kind: int = 1) -> bytes:
    """A record as the app before wrote it, with fingerprints of scheme 1."""
    body = b"FP\x01" + bytes([kind]) + bytes(4) + bytes.fromhex(image_id) + b"content!" + hashes + bytes(240)
    return zlib.crc32(body).to_bytes(4, "little") + body


def test_images_of_the_scheme_before_are_found_until_they_are_brought_over() -> None:
    older, segments = MemorySegments(), MemorySegments()
    hashes = CAT.hashes.tobytes()
    damaged, asking = bytes(4) + older_record(C, hashes)[4:], image("asking.jpg").image_id
    older.append(1, older_record(A, hashes) + older_record(B, hashes) + damaged)
    log = FingerprintLog(segments, older)
    assert set(ids(log.add_and_search(asking, 0, CAT))) == {A, B}
    log.remove(B, 1)
    log.add_all([(A, 1, DOG)])
    assert ids(FingerprintLog(segments, older).add_and_search(asking, 0, CAT)) == []
