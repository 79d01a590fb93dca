"""Small Function apps, written into a folder, that note what they were given in a file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.local_host.conftest import wait_until

HOST_JSON = {
    "version": "2.0",
    "extensions": {
        "queues": {"messageEncoding": "none", "maxPollingInterval": "00:00:00.300", "maxDequeueCount": 2},
    },
}

BEGINNING = """
import asyncio, json, logging, os, threading, time
import azure.functions as func

app = func.FunctionApp()
lock = threading.Lock()

def note(**values):
    with lock, open(os.environ["NOTES"], "a") as notes:
        notes.write(json.dumps(values) + "\\n")
"""

BLOBS = "from azurefunctions.extensions.bindings import blob\n"  # half a second of each start: only where it is used


class App:
    """An app in a folder of its own."""

    def __init__(self, folder: Path, code: str, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.notes_file = folder / "notes.jsonl"
        folder.mkdir(exist_ok=True)
        (folder / "function_app.py").write_text((BLOBS if "blob." in code else "") + BEGINNING + code)
        (folder / "host.json").write_text(json.dumps(HOST_JSON))
        values = {"NOTES": str(self.notes_file), **settings}
        (folder / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))

    def notes(self, kind: str) -> list[dict[str, Any]]:
        """What the functions have noted under this kind, in the order of time."""
        if not self.notes_file.exists():
            return []
        lines = self.notes_file.read_text().splitlines(keepends=True)
        noted = [json.loads(line) for line in lines if line.endswith("\n")]
        return [{key: value for key, value in each.items() if key != "kind"} for each in noted if each["kind"] == kind]

    def wait_for_notes(self, kind: str, count: int, seconds: float = 40.0) -> list[dict[str, Any]]:
        wait_until(lambda: len(self.notes(kind)) >= count, seconds)
        return self.notes(kind)
