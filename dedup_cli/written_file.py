"""The file that a command is asked to write: what is wrong with it is said before the work, not after an hour of it."""

import os
from contextlib import suppress
from pathlib import Path

from dedup_cli.failures import InputError

STANDARD_OUTPUT = Path("-")  # as many programs call it; tables and numbers go there already


def check_place(file: Path) -> None:
    """Raises `InputError` where no file can come to lie."""
    if file == STANDARD_OUTPUT:
        raise InputError("cannot write to -: give the path of a file instead")
    if not file.parent.is_dir():
        raise InputError(f"cannot write {file}: {file.parent} is no folder")
    if file.is_dir():
        raise InputError(f"cannot write {file}: it is a folder; give the path of a new file in it")


def write_whole(file: Path, text: str) -> None:
    """Write all of it, or leave what was there: no disk that is full, and no Ctrl-C, leaves half a page behind.

    Raises `InputError` where it cannot be written.
    """
    try:
        if file.exists() and not file.is_file():  # a pipe or a device: nothing may take its place
            file.write_text(text, encoding="utf-8")
        else:
            _replace(Path(os.path.realpath(file)), text)
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror or error}; give the path of a new file") from error


def _replace(file: Path, text: str) -> None:
    part = file.parent / f".{os.getpid()}.part"
    try:
        part.write_text(text, encoding="utf-8")
        with suppress(FileNotFoundError):  # there was none
            part.chmod(file.stat().st_mode & 0o777)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
