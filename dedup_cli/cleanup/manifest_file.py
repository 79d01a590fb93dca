"""The manifest as a file: one line of JSON for each step, on the disk before the next one begins, never taken back."""

import json
import os
import platform
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Any

from dedup_app.cleanup.record import InvalidManifest
from dedup_cli.presentation.failures import InputError

type Entry = Mapping[str, Any]

CHUNK_BYTES = 64 * 1024  # a plan of 200,000 images makes some 250 MB of entries: nobody holds them all
BEGINNING = b'{"manifest":'  # of the first entry, as `append` writes it
_PLAN = re.compile(rb'\s*\{\s*"plan":')


class ManifestFile:
    """The `Manifest` port on an open file that nobody else works on."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._lock = Lock()  # around what goes by the place in the file
        self.place = f"{platform.node()}:{Path(str(file.name)).resolve()}"

    def entries(self) -> Iterator[Entry]:
        return (self.entry(number, line) for number, line in enumerate(self.lines(), 1))

    def entry(self, number: int, line: bytes) -> Entry:
        """What a line says. Raises `InvalidManifest`."""
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidManifest(f"line {number} of {self._file.name} is damaged: {error}") from error
        if not isinstance(entry, dict):
            raise InvalidManifest(f"line {number} of {self._file.name} is no entry of a manifest")
        return entry

    def lines(self) -> Iterator[bytes]:
        """Those that have an end, without it. What is appended comes after all of them."""
        at, rest = 0, b""
        while True:
            with self._lock:
                self._file.seek(at)
                chunk = self._file.read(CHUNK_BYTES)
                self._file.seek(0, os.SEEK_END)
            if not chunk:
                return
            at += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines

    def append(self, entry: Entry) -> None:
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            written = self._file.write(line)
            if written != len(line):
                self._file.truncate(self._file.seek(-written, os.SEEK_CUR))  # else it would spoil the next line
                raise OSError(f"{self._file.name} could not be written to: is the disk full?")
        os.fsync(self._file.fileno())


@contextmanager
def open_manifest(path: Path, *, create: bool) -> Iterator[ManifestFile]:
    """The manifest at the path, for this process alone. Raises `InputError`, and `InvalidManifest` for a damaged one.

    A last line without an end is what a killed run left of a step that it then did not take: it is cut off. Nothing is
    cut off from any other file.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe or device, which would be read for ever
            raise InputError(f"cannot use the manifest {path}: it is no file; give the path of one that stays")
        with path.open("ab+" if create else "rb+", buffering=0) as file:
            _lock(file, path)
            file.seek(0)
            _must_be_a_manifest(path, file.read(CHUNK_BYTES))
            manifest = ManifestFile(file)
            whole = 0
            for number, line in enumerate(manifest.lines(), 1):
                manifest.entry(number, line)  # all of them are sound, or nothing is cut off
                whole += len(line) + 1
            file.truncate(whole)
            file.seek(0, os.SEEK_END)
            _sync_folder(path)
            try:
                yield manifest
            except InvalidManifest as error:
                raise InvalidManifest(f"{path}: {error}") from error
    except OSError as error:
        raise InputError(f"cannot use the manifest {path}: {error.strerror or error}") from error


def _must_be_a_manifest(path: Path, text: bytes) -> None:
    if text[: len(BEGINNING)] == BEGINNING[: len(text)]:
        return
    what = "a plan and no manifest" if _PLAN.match(text) else "no manifest"
    raise InvalidManifest(f"{path} is {what}: `dedup apply` says where it writes the manifest")


def _lock(file: FileIO, path: Path) -> None:
    try:
        if os.name == "nt":
            import msvcrt  # noqa: PLC0415 - there is none elsewhere

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl  # noqa: PLC0415 - there is none on Windows

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise InputError(f"another command works on {path}: wait until it has ended") from error


def _sync_folder(path: Path) -> None:
    """A new file is in its folder for good only once the folder is on the disk."""
    if os.name == "nt":
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
