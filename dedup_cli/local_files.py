"""How files of this machine are decoded: with the usual limits, in the formats that `IMAGE_FORMATS` names."""

import os

from dedup_app.setting_reader import SettingReader
from dedup_core.limits import COMMON_FORMATS, DecodeLimits

FORMATS = "IMAGE_FORMATS"
FORMAT_OFF = "format-off"


def limits_here() -> DecodeLimits:
    """Raises `InvalidSetting`."""
    return DecodeLimits(formats=SettingReader(os.environ).formats(FORMATS, COMMON_FORMATS))


def why_not_read(reason: str, detail: str) -> str:
    """The sentence about a file that was refused, with the setting that it is for where there is one."""
    return f"{detail} ({FORMATS} in the environment names them)" if reason == FORMAT_OFF else detail
