"""The file that a command is asked to write: what is wrong with it is said before the work, not after an hour of it."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dedup_cli.presentation.failures import InputError

STANDARD_OUTPUT = Path("-")  # as many programs call it; tables and numbers go there already


def check_place(file: Path, *, of: Iterable[Path] = ()) -> None:
    """Raises `InputError` where no file can come to lie, or where one of those lies that the result is `of`."""
    if file == STANDARD_OUTPUT:
        raise InputError("cannot write to -: give the path of a file instead")
    if str(file).startswith("--"):  # the option before it took it
        raise InputError(f"cannot write to {file}: the name of a file is missing before it")
    try:
        if not file.parent.is_dir():
            raise InputError(f"cannot write {file}: {file.parent} is no folder")
        if file.is_dir():
            raise InputError(f"cannot write {file}: it is a folder; give the path of a new file in it")
        if file.exists() and any(it.exists() and it.samefile(file) for it in of):
            raise InputError(
                f"cannot write {file}: it is one of the files that are looked at; give the path of a new file"
            )
        folder = file.resolve().parent
        if (file.is_file() or not file.exists()) and not os.access(folder, os.W_OK | os.X_OK):
            raise InputError(f"cannot write {file}: no file may be made in {folder}; give another path")
    except OSError as error:  # a folder above it may not be entered, or its name is too long
        raise InputError(f"cannot write {file}: {error.strerror or error}; give the path of a new file") from error


def write_whole(file: Path, content: str | bytes) -> None:
    """Write all of it, or leave what was there: no disk that is full, and no Ctrl-C, leaves half a page behind.

    Raises `InputError` where it cannot be written.
    """
    try:
        with written_whole(file) as place:
            place.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror or error}; give the path of a new file") from error


@contextmanager
def written_whole(file: Path) -> Iterator[Path]:
    """Where to write what takes the place of `file` once all is written; nothing does where that fails.

    A link stays, and what it names is replaced. Into a pipe or a device is written as it is.
    """
    if file.exists() and not file.is_file():  # asked of the name itself: behind `/dev/fd/63` no path leads to a pipe
        yield file
        return
    place = file.resolve()
    # Nobody can guess it, and have put a link there to a file of ours, where others may write into the folder, too.
    part = place.parent / f".{secrets.token_hex(8)}.part"
    try:
        yield part
        with suppress(FileNotFoundError):  # there was none
            part.chmod(place.stat().st_mode & 0o777)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
