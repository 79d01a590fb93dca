"""What `dedup scan` remembers on disk: bounded, given up where it is damaged, and of no file that may have changed."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dedup_cli.local import scan_cache
from dedup_cli.local.scan_cache import ScanCache, scan_memory, stamp_of
from dedup_cli.main import app
from dedup_core.decoding.headers.header import Header
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.features import ImageFeatures
from dedup_core.limits import DEFAULT_LIMITS
from dedup_decoders import opening
from dedup_decoders.in_process import InProcessDecoders
from tests.core.pictures import encoded, scene


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(scan_cache, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ScanCache]:
    with closing(ScanCache(tmp_path / "cache.sqlite")) as it:
        yield it


def long_ago(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it had been written, in every respect, before now; the time of a change of a file cannot be set."""
    now = file.stat().st_ctime + 60
    monkeypatch.setattr(time, "time", lambda: now)


def test_the_command_remembers_and_forgets_when_told(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, data in {"a.png": encoded(scene(1, (240, 180))), "b.jpg": encoded(scene(1, (240, 180)), "JPEG")}.items():
        (folder / name).write_bytes(data)
    long_ago(folder / "b.jpg", monkeypatch)
    decoded: list[int] = []

    class Counted(InProcessDecoders):
        def features_and_picture(self, data: bytes, header: Header | None = None) -> tuple[ImageFeatures, WorkingImage]:
            decoded.append(len(data))
            return super().features_and_picture(data, header)

    monkeypatch.setattr(opening, "open_decoders", lambda *_, **__: Counted())

    def scan(*arguments: str) -> tuple[str, int]:
        decoded.clear()
        return CliRunner().invoke(app, ["scan", str(folder), "--json", *arguments]).stdout, len(decoded)

    found, _ = scan()
    assert len(json.loads(found)["groups"]) == 1
    assert scan() == (found, 0)
    assert scan("--no-cache") == (found, 2)
    [file] = place.iterdir()
    assert b"a.png" not in file.read_bytes()
    file.write_bytes(b"no database at all" * 1_000)
    assert scan() == (found, 2)
    assert scan() == (found, 0)


def test_values_are_there_for_the_next_scan(tmp_path: Path) -> None:
    with closing(ScanCache(tmp_path / "cache.sqlite")) as cache:
        cache.put(b"key", b"value")
    with closing(ScanCache(tmp_path / "cache.sqlite")) as cache:
        assert (cache.get(b"key"), cache.get(b"other")) == (b"value", None)


def test_who_is_killed_loses_the_last_seconds_alone(
    cache: ScanCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_cache, "WRITE_EVERY_SECONDS", -1.0)
    cache.put(b"key", b"value")
    with closing(ScanCache(tmp_path / "cache.sqlite")) as other:
        assert other.get(b"key") == b"value"


def test_a_value_that_was_damaged_is_none(cache: ScanCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_cache, "WRITE_AFTER", 1)
    cache.put(b"key", b"value" * 9)
    with closing(sqlite3.connect(tmp_path / "cache.sqlite")) as database, database:
        [[value]] = database.execute("SELECT value FROM known").fetchall()
        database.execute("UPDATE known SET value = ?", (value[:-3] + b"\0\0\0",))
    assert cache.get(b"key") is None


def test_a_file_that_is_damaged_meanwhile_ends_its_use_and_goes(tmp_path: Path) -> None:
    file = tmp_path / "cache.sqlite"
    with closing(ScanCache(file)) as cache:
        for number in range(500):
            cache.put(b"%d" % number, os.urandom(2_000))
    with closing(ScanCache(file)) as cache:
        size = file.stat().st_size
        with file.open("r+b") as damaged:
            damaged.seek(4096)
            damaged.write(b"\xff" * (size - 4096))
        assert [cache.get(b"%d" % number) for number in range(500)] == [None] * 500
        cache.put(b"new", b"value")
    assert not file.exists()


def test_it_is_bounded_and_keeps_what_the_last_scan_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_cache, "MOST_BYTES", 400_000)
    monkeypatch.setattr(scan_cache, "MOST_BEFORE", 200_000)
    file = tmp_path / "cache.sqlite"
    with closing(ScanCache(file)) as cache:
        for number in range(80):
            cache.put(b"%d" % number, os.urandom(2_500))
    with closing(ScanCache(file)) as cache:
        assert all(cache.get(b"%d" % number) for number in range(20))
    with closing(ScanCache(file)) as cache:
        assert [bool(cache.get(b"%d" % number)) for number in (19, 20)] == [True, False]
        for number in range(1_000):
            cache.put(b"more %d" % number, os.urandom(2_500))
        assert cache.get(b"19")  # full, and can still be read
    assert file.stat().st_size <= 400_000


def test_while_another_scan_writes_nothing_waits_for_long(
    cache: ScanCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_cache, "WRITE_AFTER", 1)
    monkeypatch.setattr(scan_cache, "BUSY_SECONDS", 0.0)
    with (
        closing(ScanCache(tmp_path / "cache.sqlite")) as other,
        closing(sqlite3.connect(tmp_path / "cache.sqlite", isolation_level=None)) as writing,
    ):
        writing.execute("BEGIN IMMEDIATE")
        other.put(b"key", b"value")
        assert other.get(b"key") is None
        writing.execute("ROLLBACK")
        other.put(b"key", b"value")
        assert cache.get(b"key") == b"value"


def test_a_file_of_the_same_size_and_time_is_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"one")
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    assert stamp_of(str(file)) is None  # a write to it within the same tick would leave no trace
    long_ago(file, monkeypatch)
    before = stamp_of(str(file))
    assert before is not None
    assert stamp_of(str(file)) == before
    deadline = time.monotonic() + 5
    while file.stat().st_ctime_ns <= times[1]:  # a tick of the clock of the file system
        assert time.monotonic() < deadline
        file.write_bytes(b"two")
        os.utime(file, ns=times)
    assert stamp_of(str(file)) not in (None, before)
    assert stamp_of(str(tmp_path / "b.png")) is None


def test_what_other_code_found_out_is_removed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scan_memory(DEFAULT_LIMITS):
        [before] = place.iterdir()
    monkeypatch.setattr(scan_cache, "version", lambda _: "of tomorrow")
    with scan_memory(DEFAULT_LIMITS):
        [after] = place.iterdir()
    assert before != after


def test_a_machine_without_a_place_for_it_scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(scan_cache, "cache_folder", lambda: tmp_path / "file" / "cache")
    with scan_memory(DEFAULT_LIMITS) as memory:
        assert memory.stamp(str(tmp_path / "file")) is None
