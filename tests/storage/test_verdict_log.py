"""The verdict log gives every reader all records, also over segments, and skips what is damaged."""

import threading
import time
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

import pytest

from dedup_app.records.journal import LogReplaced
from dedup_core.comparison.sides import Side, Sides
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import StoreBusy
from dedup_core.groups.columns import KINDS, LINKS
from dedup_core.groups.facts import Decided, Decision, ImageFacts, Link, Rebuild
from dedup_storage.account.clients import StorageClients
from dedup_storage.logs import reading as log_reading
from dedup_storage.logs import verdict_log
from dedup_storage.logs.places import BlockPlace
from dedup_storage.logs.segments import AzureSegments
from dedup_storage.logs.verdict_log import PREFIX, VerdictLog, VerdictReader
from dedup_storage.logs.verdict_records import HEAD, Unread, read_records, record_bytes
from tests.memory import MemorySegments

A, B = b"a" * 16, b"b" * 16
IMAGE = ImageFacts(A, "images/größer <img src=x>.jpg", 7, b"c" * 16, 4000, 3000, 5_000_000_000 % 2**32, "JPEG")
GONE = ImageFacts(B, "images/b.jpg", 9, is_alive=False)
FULL = ImageFacts(B, "images/b.jpg", 2, b"d" * 16, 1, 2, 3, "PNG", 85, True, 640, True, True, 1_700_000_000_000_000)
SIDES = Sides(Side(0.62, is_framed=True), Side(is_overlaid=True))
LINK = Link(A, B, VerdictKind.ALTERED, 7, 9, 1_700_000_000_000_000, is_upright=False, sides=SIDES)
DECIDED = Decided(A, B, Decision.KEEP_BOTH, b"c" * 16, b"d" * 16, A, "Zoë", 1_700_000_000_000_001)
UNDONE = Decided(A, B, None, b"", b"")
RECORDS = [IMAGE, GONE, FULL, LINK, Link(A, B, VerdictKind.IDENTICAL), DECIDED, UNDONE]
MIXED = [LINK, DECIDED, IMAGE, UNDONE, Link(A, B, VerdictKind.IDENTICAL), GONE, FULL]


def read(data: bytes) -> tuple[list[object], Unread]:
    unread = Unread()
    return list(read_records(data, unread)), unread


def new(reader: VerdictReader) -> list[object]:
    return [record for records in reader.new_records() for record in records]


def test_records_come_back_as_they_were():
    assert read(b"".join(map(record_bytes, RECORDS))) == (RECORDS, Unread())
    assert read(b"".join(map(record_bytes, MIXED))) == (RECORDS, Unread())


def test_a_verdict_of_a_kind_that_a_later_version_knows_is_passed_over():
    data = bytearray(record_bytes(LINK))
    data[HEAD.size + LINKS.fields["kind"][1]] = len(KINDS)
    data[:4] = zlib.crc32(data[4:]).to_bytes(4, "little")
    assert read(bytes(data) + record_bytes(IMAGE)) == ([IMAGE], Unread())


def test_a_reader_learns_where_between_the_records_a_rebuild_began_and_ended():
    log = VerdictLog(MemorySegments())
    log.append([IMAGE, Rebuild.BEGUN, LINK, Rebuild.ENDED, Rebuild.BEGUN, DECIDED])
    read_so = [(list(records), records.rebuild) for records in log.reader().new_records()]
    began, ended = Rebuild.BEGUN, Rebuild.ENDED
    assert read_so == [([IMAGE], began), ([LINK], ended), ([], began), ([DECIDED], None)]


@pytest.mark.parametrize("step", [1, 7, 100])
def test_records_may_be_cut_anywhere(step):
    data, unread, found = b"".join(map(record_bytes, RECORDS)), Unread(), []
    for start, stop in pairwise([*range(0, len(data), step), len(data)]):
        found += read_records(data[start:stop], unread)
    assert (found, unread) == (RECORDS, Unread())


def test_a_damaged_record_costs_itself_alone():
    data = bytearray(b"".join(map(record_bytes, RECORDS)))
    data[len(record_bytes(IMAGE)) + 40] ^= 1
    found, unread = read(bytes(data))
    assert found == [IMAGE, *RECORDS[2:]]
    assert unread.damaged == 1


def test_rubbish_between_records_is_passed_over():
    found, unread = read(record_bytes(IMAGE) + b"rubbish" * 9 + record_bytes(LINK))
    assert found == [IMAGE, LINK]
    assert unread.damaged == 1


@pytest.mark.parametrize("place", range(HEAD.size))
@pytest.mark.parametrize("step", [7, 100_000])
def test_a_record_whose_head_is_damaged_takes_no_other_with_it(place, step):
    """Its length may say anything, and so may what looks like the mark of another one."""
    damaged = bytearray(record_bytes(LINK))
    damaged[place] ^= 0xFF
    damaged[30:36] = b"VL\1\1\xff\xff"
    data = record_bytes(IMAGE) + damaged + b"".join(map(record_bytes, RECORDS))
    unread, found = Unread(), []
    for start in range(0, len(data), step):
        found += read_records(data[start : start + step], unread)
    found += read_records(b"", unread, is_end=True)
    assert sorted(map(repr, found)) == sorted(map(repr, [IMAGE, *RECORDS]))
    assert unread == Unread(damaged=1)


def test_a_record_that_pretends_to_be_longer_than_the_log_hides_none_after_it():
    segments = MemorySegments()
    damaged = bytearray(record_bytes(LINK))
    damaged[HEAD.size - 1] = 0xFF
    segments.append(1, bytes(damaged) + record_bytes(IMAGE))
    reader = VerdictLog(segments).reader()
    assert new(reader) == [IMAGE]
    VerdictLog(segments).append([LINK])
    assert new(reader) == [LINK]


def test_a_reader_gets_each_record_once_over_segments():
    segments = MemorySegments(max_blocks=2)
    log = VerdictLog(segments)
    reader = log.reader()
    assert new(reader) == []
    found = []
    for record in RECORDS:
        log.append([record])
        found += new(reader)
    assert found == RECORDS
    assert new(VerdictLog(segments).reader()) == RECORDS
    VerdictLog(segments).append([IMAGE])  # another process, which has to find the end
    assert new(reader) == [IMAGE]


@pytest.mark.parametrize("later", [[IMAGE], RECORDS, [*RECORDS, *RECORDS]])
def test_a_reader_notices_that_the_log_was_deleted_and_made_anew_however_long_it_is(later):
    segments = MemorySegments()
    VerdictLog(segments).append(RECORDS)
    reader = VerdictLog(segments).reader()
    assert new(reader) == RECORDS
    assert new(reader) == []
    segments.clear()
    with pytest.raises(LogReplaced):
        new(reader)
    VerdictLog(segments).append(later)
    with pytest.raises(LogReplaced):
        new(reader)
    assert sorted(map(repr, new(VerdictLog(segments).reader()))) == sorted(map(repr, later))


def test_a_log_is_read_from_the_first_segment_that_is_there():
    segments = MemorySegments(max_blocks=1)
    log = VerdictLog(segments)
    for record in (IMAGE, LINK, DECIDED):
        log.append([record])
    segments.delete(1)
    assert new(log.reader()) == [LINK, DECIDED]


def test_a_segment_that_ends_where_a_read_does_is_no_other_one(monkeypatch):
    monkeypatch.setattr(log_reading, "READ_BYTES", len(record_bytes(LINK)))
    segments = MemorySegments()
    log = VerdictLog(segments)
    reader = log.reader()
    for count in (1, 2, 3):
        log.append([LINK] * count)
        assert new(reader) == [LINK] * count


def appended_while_one_is_on_its_way(segments: MemorySegments, log: VerdictLog, records: list[object]) -> list[Future]:
    """The appends of several threads that all wait for one that was there before them."""
    append, started, go = segments.append, threading.Event(), threading.Event()

    def slow(number: int, block: bytes) -> BlockPlace:
        started.set()
        assert go.wait(timeout=60)
        return append(number, block)

    segments.append = slow
    with ThreadPoolExecutor(1 + len(records)) as threads:
        first = threads.submit(log.append, [IMAGE])
        assert started.wait(timeout=60)
        later = [threads.submit(log.append, [record]) for record in records]
        deadline = time.monotonic() + 60
        while len(log._together._waiting) < len(records):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        go.set()
    return [first, *later]


def test_threads_that_append_at_the_same_moment_share_a_block():
    segments = MemorySegments()
    log = VerdictLog(segments)
    for done in appended_while_one_is_on_its_way(segments, log, RECORDS):
        done.result(timeout=60)
    assert segments.appends == 2
    assert sorted(map(repr, new(log.reader()))) == sorted(map(repr, [IMAGE, *RECORDS]))


def test_much_that_waits_is_appended_in_blocks_that_the_service_takes(monkeypatch):
    monkeypatch.setattr(verdict_log, "BLOCK_BYTES", 2 * len(record_bytes(LINK)))
    segments = MemorySegments()
    log = VerdictLog(segments)
    for done in appended_while_one_is_on_its_way(segments, log, [LINK] * 7):
        done.result(timeout=60)
    assert segments.appends == 1 + 4
    assert new(log.reader()).count(LINK) == 7


def test_an_append_that_fails_fails_for_all_who_shared_it():
    segments = MemorySegments()
    log = VerdictLog(segments)
    append = segments.append

    def refusing(number: int, block: bytes) -> BlockPlace:
        if segments.appends == 1:
            raise StoreBusy("503")
        return append(number, block)

    segments.append = refusing
    first, *later = appended_while_one_is_on_its_way(segments, log, [LINK, DECIDED])
    first.result(timeout=60)
    for done in later:
        with pytest.raises(StoreBusy):
            done.result(timeout=60)
    assert new(log.reader()) == [IMAGE]


def test_damage_is_told_once_also_by_a_read_that_breaks_off_after_it(monkeypatch, caplog):
    segments = MemorySegments()
    damaged = bytearray(record_bytes(IMAGE))
    damaged[-1] ^= 1
    segments.append(1, bytes(damaged) + record_bytes(LINK))
    monkeypatch.setattr(log_reading, "READ_BYTES", len(damaged))
    reader, read = VerdictLog(segments).reader(), segments.read

    def broken(number, offset, length):
        if offset:
            raise StoreBusy("503")
        return read(number, offset, length)

    with monkeypatch.context() as failing:
        failing.setattr(segments, "read", broken)
        with pytest.raises(StoreBusy):
            new(reader)
    assert new(reader) == [LINK]
    assert caplog.text.count('"verdict_log_damaged", "skipped_records": 1') == 1


def test_it_lies_in_append_blobs(clients: StorageClients):
    segments = AzureSegments(clients.blobs, "dedup-index", PREFIX)
    log = VerdictLog(segments)
    reader = log.reader()
    assert new(reader) == []
    log.append(RECORDS)
    assert new(reader) == RECORDS
    log.append([LINK])
    assert new(reader) == [LINK]
    assert new(reader) == []
    for blob in clients.blobs.get_container_client("dedup-index").list_blob_names():
        clients.blobs.get_blob_client("dedup-index", blob).delete_blob()
    VerdictLog(segments).append([IMAGE])
    with pytest.raises(LogReplaced):
        new(reader)
