"""What `dedup scan` found out, in one file of the user's cache folder: keys and values without names or pictures."""

import os
import sqlite3
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import Final

import dedup_app.scan
import dedup_core
from dedup_app.scan.memory import ScanMemory
from dedup_core.limits import DecodeLimits

MOST_BYTES: Final = 1024**3  # of some hundred thousand files
MOST_BEFORE: Final = MOST_BYTES * 3 // 4  # with more of it what the last scan did not use goes
WRITE_AFTER: Final = 200  # values,
WRITE_EVERY_SECONDS: Final = 5.0  # or after so long: who stops a scan loses no more
FRESH_SECONDS: Final = 3.0  # the coarsest clock of a file system, and more: until then a write may leave no trace
BUSY_SECONDS: Final = 2.0  # while another scan writes
_DECODE: Final = ("numpy", "pillow", "pillow-heif")


@contextmanager
def scan_memory(limits: DecodeLimits) -> Iterator[ScanMemory]:
    """What earlier scans by the same code found out; nothing where there is no place for it."""
    cache = _opened(limits)
    if cache is None:
        yield ScanMemory()
        return
    with closing(cache):
        yield ScanMemory(cache, stamp_of)


def cache_folder() -> Path:
    """Where the system wants it. Raises `RuntimeError` where nobody has a home."""
    if sys.platform == "win32":
        place = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        place = Path.home() / "Library" / "Caches"
    else:
        place = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(place) / "near-duplicate-images"


def stamp_of(name: str) -> bytes | None:
    """Another one whenever the file is another: by its path, size and times, of which nobody can turn back the last.

    None where that cannot be told, as of a file that was just written.
    """
    try:
        it = Path(name).lstat()
    except OSError:
        return None
    if max(it.st_mtime, it.st_ctime) > time.time() - FRESH_SECONDS:
        return None
    seen = f"\0{it.st_size}\0{it.st_mtime_ns}\0{it.st_ctime_ns}"
    return sha256(os.fsencode(Path(name).absolute()) + seen.encode()).digest()


class ScanCache:
    """Values by keys in an SQLite file, for all threads. Errors of the file end its use, and never the scan."""

    def __init__(self, file: Path) -> None:
        """Raises `sqlite3.Error`."""
        self._lock = Lock()
        self._new: dict[bytes, bytes] = {}
        self._used: list[bytes] = []
        self._written_at = time.monotonic()
        self._file = file
        self._database: sqlite3.Connection | None = sqlite3.connect(
            file, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None
        )
        try:
            self._run = self._begin(self._database)
        except sqlite3.Error:
            self._database.close()
            raise

    def get(self, key: bytes) -> bytes | None:
        with self._lock:
            if self._database is None:
                return None
            try:
                row = self._database.execute("SELECT value, run FROM known WHERE key = ?", (key,)).fetchone()
            except sqlite3.Error as error:
                self._give_up(error)
                return None
            if row is None:
                return None
            value, run = row
            if run != self._run:
                self._used.append(key)
            with suppress(zlib.error):  # its checksum tells
                return zlib.decompress(value)
            return None

    def put(self, key: bytes, value: bytes) -> None:
        with self._lock:
            self._new[key] = zlib.compress(value, 1)
            if len(self._new) >= WRITE_AFTER or time.monotonic() - self._written_at > WRITE_EVERY_SECONDS:
                self._write()

    def close(self) -> None:
        with self._lock:
            self._write()
            if self._database is not None:
                self._database.close()
                self._database = None

    def _begin(self, database: sqlite3.Connection) -> int:
        """The number of this run, once there is room."""
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("CREATE TABLE IF NOT EXISTS known (key BLOB PRIMARY KEY, value BLOB, run INTEGER)")
        last, page_bytes = _number(database, "user_version"), _number(database, "page_size")
        if (_number(database, "page_count") - _number(database, "freelist_count")) * page_bytes > MOST_BEFORE:
            database.execute("DELETE FROM known WHERE run < ?", (last,))
        database.execute(f"PRAGMA max_page_count = {MOST_BYTES // page_bytes}")
        database.execute(f"PRAGMA user_version = {last + 1}")
        return last + 1

    def _write(self) -> None:
        new, self._new = [(key, value, self._run) for key, value in self._new.items()], {}
        used, self._used = [(self._run, key) for key in self._used], []
        self._written_at = time.monotonic()
        if self._database is None:
            return
        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                self._database.executemany("UPDATE known SET run = ? WHERE key = ?", used)
                self._database.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?)", new)
        except sqlite3.OperationalError:
            pass  # it is full, or another scan writes: what is there can be read all the same
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: sqlite3.Error) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
        if not isinstance(error, sqlite3.OperationalError):  # it is damaged
            _remove(self._file)


def _opened(limits: DecodeLimits) -> ScanCache | None:
    try:
        folder = cache_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / f"scan-{_made_by(limits)}.sqlite"
        for other in folder.glob("scan-*.sqlite"):
            if other != file:
                _remove(other)
    except (OSError, RuntimeError):
        return None
    for _ in range(2):
        try:
            return ScanCache(file)
        except sqlite3.OperationalError:  # another scan writes, or the folder takes no files
            return None
        except sqlite3.DatabaseError:  # it is damaged
            _remove(file)
    return None


def _remove(file: Path) -> None:
    """The file, and what SQLite would take for a part of the next one."""
    for it in (file, file.with_name(f"{file.name}-journal")):
        with suppress(OSError):
            it.unlink()


def _made_by(limits: DecodeLimits) -> str:
    """Another one whenever the code that decodes, compares and remembers, or the formats that are read, may be."""
    here = Path(__file__)
    folders = Path(dedup_core.__file__).parent, Path(dedup_app.scan.__file__).parent
    sources = [
        (it.name, it.stat()) for it in (here, *(it for folder in folders for it in sorted(folder.rglob("*.py"))))
    ]
    seen = [f"{name} {it.st_size} {it.st_mtime_ns}" for name, it in sources]
    return sha256("\n".join([*seen, *map(_version_of, _DECODE), *sorted(limits.formats)]).encode()).hexdigest()[:16]


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _number(database: sqlite3.Connection, pragma: str) -> int:
    return int(database.execute(f"PRAGMA {pragma}").fetchone()[0])
