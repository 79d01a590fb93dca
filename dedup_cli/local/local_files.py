"""How files of this machine are decoded: with the usual limits, in the formats that `IMAGE_FORMATS` names."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from dedup_app.configuration.setting_reader import SettingReader
from dedup_core.errors import ImageTooLarge
from dedup_core.limits import COMMON_FORMATS, DEFAULT_LIMITS, DecodeLimits

FORMATS = "IMAGE_FORMATS"
FORMAT_OFF = "format-off"


def limits_here() -> DecodeLimits:
    """Raises `InvalidSetting`."""
    return DecodeLimits(formats=SettingReader(os.environ).formats(FORMATS, COMMON_FORMATS))


def read_image_file(file: Path) -> bytes:
    """The bytes of a file, none of a larger one than is decoded. Raises `ImageTooLarge` or `OSError`."""
    with file.open("rb") as opened:
        return _image_bytes(opened)


def read_listed_file(file: Path) -> bytes:
    """The same of a file that nobody has named, as `open_listed_file` opens it."""
    with open_listed_file(file) as opened:
        return _image_bytes(opened)


def open_listed_file(file: Path) -> BinaryIO:
    """A file that was found in a folder. Raises `OSError` also for the pipe or device that has taken its place.

    Opening that would wait for whoever writes into it, for ever if nobody does.
    """
    opened = open(file, "rb", opener=_without_waiting)  # noqa: SIM115 - whoever asks closes it
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        raise OSError(errno.EINVAL, "it is a pipe or a device by now")
    return opened


def _without_waiting(file: str, flags: int) -> int:
    return os.open(file, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has neither the flag nor such files


def _image_bytes(opened: BinaryIO) -> bytes:
    size = os.fstat(opened.fileno()).st_size
    data = b"" if size > DEFAULT_LIMITS.max_bytes else opened.read(DEFAULT_LIMITS.max_bytes + 1)
    size = max(size, len(data))  # it may grow while it is read
    if size > DEFAULT_LIMITS.max_bytes:
        limit = f"the limit is {DEFAULT_LIMITS.max_bytes:,}"
        raise ImageTooLarge(f"the file has {size:,} bytes, {limit}", reason="too-many-bytes")
    return data


def why_not_read(reason: str, detail: str) -> str:
    """The sentence about a file that was refused, with the setting that it is for where there is one."""
    return f"{detail} ({FORMATS} in the environment names them)" if reason == FORMAT_OFF else detail
