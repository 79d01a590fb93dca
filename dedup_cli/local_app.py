"""The app that `make start` runs in a folder: where its storage emulator listens, on whichever ports."""

import json
import os
import re
import sys
from pathlib import Path

STATUS_FILE = Path(".local_host", "status.json")
_DEVELOPMENT_STORAGE = re.compile(r"\s*UseDevelopmentStorage\s*=\s*true\s*;?\s*", re.IGNORECASE)


def means_the_emulator(connection_string: str) -> bool:
    """Whether this names the emulator of this machine, without saying on which ports."""
    return _DEVELOPMENT_STORAGE.fullmatch(connection_string) is not None


def emulator_of(folder: Path) -> str | None:
    """The connection string of the emulator that the running app of this folder has started; None without one."""
    try:
        status = json.loads((folder / STATUS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(status, dict) or not isinstance(status.get("azurite"), str):
        return None
    return str(status["azurite"]) if _is_running(status.get("pid")) else None


def _is_running(pid: object) -> bool:
    """Whether the process is there; a host that was killed leaves its status file behind."""
    if not isinstance(pid, int) or pid <= 0 or sys.platform == "win32":  # there, signal 0 would end it
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
