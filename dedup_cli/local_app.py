"""The app that `make start` runs in a folder: its storage emulator, on whichever ports, and its queue of uploads."""

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

STATUS_FILE = Path(".local_host", "status.json")
_DEVELOPMENT_STORAGE = re.compile(r"\s*UseDevelopmentStorage\s*=\s*true\s*;?\s*", re.IGNORECASE)


def means_the_emulator(connection_string: str) -> bool:
    """Whether this names the emulator of this machine, without saying on which ports."""
    return _DEVELOPMENT_STORAGE.fullmatch(connection_string) is not None


@dataclass(frozen=True, slots=True)
class LocalApp:
    """The emulator that it has started, as a connection string, and the queue in which its host announces blobs."""

    emulator: str
    uploads_queue: str


def local_app_of(folder: Path) -> LocalApp | None:
    """The app that runs in this folder on an emulator of its own; None without one."""
    try:
        status = json.loads((folder / STATUS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(status, dict) or not isinstance(status.get("azurite"), str):
        return None
    app = LocalApp(status["azurite"], str(status.get("uploads_queue", "")))
    return app if _is_running(status.get("pid")) else None


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
