"""How files of this machine are decoded: with the usual limits, in the formats that `IMAGE_FORMATS` names."""

import os
from pathlib import Path

from dedup_app.setting_reader import SettingReader
from dedup_core.errors import ImageTooLarge
from dedup_core.limits import COMMON_FORMATS, DEFAULT_LIMITS, DecodeLimits

FORMATS = "IMAGE_FORMATS"
FORMAT_OFF = "format-off"


def limits_here() -> DecodeLimits:
    """Raises `InvalidSetting`."""
    return DecodeLimits(formats=SettingReader(os.environ).formats(FORMATS, COMMON_FORMATS))


def read_image_file(file: Path) -> bytes:
    """The bytes of a file, none of a larger one than is decoded. Raises `ImageTooLarge` or `OSError`."""
    size = file.stat().st_size
    if size > DEFAULT_LIMITS.max_bytes:
        limit = f"the limit is {DEFAULT_LIMITS.max_bytes:,}"
        raise ImageTooLarge(f"the file has {size:,} bytes, {limit}", reason="too-many-bytes")
    return file.read_bytes()


def why_not_read(reason: str, detail: str) -> str:
    """The sentence about a file that was refused, with the setting that it is for where there is one."""
    return f"{detail} ({FORMATS} in the environment names them)" if reason == FORMAT_OFF else detail
