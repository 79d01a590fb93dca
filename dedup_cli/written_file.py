"""The file that a command is asked to write: what is wrong with it is said before the work, not after an hour of it."""

from pathlib import Path

from dedup_cli.failures import InputError


def check_place(file: Path) -> None:
    """Raises `InputError` where no file can come to lie."""
    if not file.parent.is_dir():
        raise InputError(f"cannot write {file}: {file.parent} is no folder")
    if file.is_dir():
        raise InputError(f"cannot write {file}: it is a folder; give the path of a new file in it")
