"""Readers share the lock, a writer has it alone, and neither waits for ever."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dedup_core.errors import StoreBusy
from dedup_storage.logs.shared_lock import SharedLock

SECONDS = 30


def test_readers_hold_it_at_the_same_time() -> None:
    lock, together = SharedLock(), threading.Barrier(3)

    def read() -> None:
        with lock.reading():
            together.wait(timeout=SECONDS)

    with ThreadPoolExecutor(3) as threads:
        for reader in [threads.submit(read) for _ in range(3)]:
            reader.result(timeout=SECONDS)


def test_a_writer_waits_for_readers_and_new_readers_wait_for_it() -> None:
    lock, order = SharedLock(), []
    reading, leave = threading.Event(), threading.Event()

    def first_reader() -> None:
        with lock.reading():
            reading.set()
            assert leave.wait(timeout=SECONDS)
            order.append("first reader")

    def writer() -> None:
        with lock.writing():
            order.append("writer")

    def later_reader() -> None:
        with lock.reading():
            order.append("later reader")

    with ThreadPoolExecutor(3) as threads:
        running = [threads.submit(first_reader)]
        assert reading.wait(timeout=SECONDS)
        running.append(threads.submit(writer))
        deadline = time.monotonic() + SECONDS
        while lock._writers == 0:
            assert time.monotonic() < deadline
            leave.wait(0.001)
        running.append(threads.submit(later_reader))
        leave.wait(0.05)
        assert order == []
        leave.set()
        for thread in running:
            thread.result(timeout=SECONDS)
    assert order == ["first reader", "writer", "later reader"]


def test_writers_exclude_each_other_and_readers_see_whole_changes() -> None:
    lock, values = SharedLock(), [0, 0]

    def write() -> None:
        for _ in range(200):
            with lock.writing():
                values[0] += 1
                threading.Event().wait(0)
                values[1] += 1

    def read() -> bool:
        same = True
        for _ in range(200):
            with lock.reading():
                same &= values[0] == values[1]
        return same

    with ThreadPoolExecutor(6) as threads:
        writers, readers = [threads.submit(write) for _ in range(3)], [threads.submit(read) for _ in range(3)]
        for thread in writers:
            thread.result(timeout=SECONDS)
        assert all(thread.result(timeout=SECONDS) for thread in readers)
    assert values == [600, 600]


def test_it_is_free_again_after_a_failure() -> None:
    lock = SharedLock()
    for holding in (lock.reading, lock.writing):
        with pytest.raises(StoreBusy), holding():
            raise StoreBusy("503")
    with lock.writing():
        assert lock._readers == 0
