"""The app of another checkout under the local host, clocks and storage of this one, to compare two commits."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
OURS = ("local_host", "node_modules")  # taken from here, whatever is compared
CLOCKS = "clocked_host.py"
# Run by the interpreter of the other checkout, because only its own code reads its tables.
LOOK = """
import json, os
from benchmarks.pipeline import look_into_tables
print(json.dumps(look_into_tables(dict(os.environ))))
"""


def linked(checkout: Path, folder: Path) -> Path:
    """A folder of links that reads as the checkout, but with the local host and the clocks of this one.

    So the two commits differ in the app alone. Raises `ValueError` if there is no app in the checkout.
    """
    checkout = checkout.resolve()
    if not (checkout / "function_app.py").is_file():
        raise ValueError(f"{checkout} is no checkout of this project: it has no function_app.py")
    folder.mkdir()
    for entry in checkout.iterdir():
        if entry.name not in {*OURS, "benchmarks"} and not entry.name.startswith("."):
            (folder / entry.name).symlink_to(entry)
    for name in OURS:
        (folder / name).symlink_to(HERE / name)
    (folder / "benchmarks").mkdir()
    for entry in (checkout / "benchmarks").iterdir():
        if entry.name != CLOCKS:
            (folder / "benchmarks" / entry.name).symlink_to(entry)
    (folder / "benchmarks" / CLOCKS).symlink_to(HERE / "benchmarks" / CLOCKS)
    return folder


def packaged(checkout: Path, folder: Path) -> Path:
    """As `linked`, but with the app's modules compiled, as the package holds them that is deployed.

    Else each process would compile them anew wherever Python is told to write no bytecode, and a checkout of more
    modules would pay for what no instance does.
    """
    linked(checkout, folder)
    for link in [folder / "function_app.py", *folder.glob("dedup_*")]:
        source = link.resolve()
        link.unlink()
        if source.is_dir():
            shutil.copytree(source, link, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, link)
        compiler = [sys.executable, "-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash", str(link)]
        subprocess.run(compiler, check=True)
    return folder


def look_with(folder: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """What the checkout's own benchmark says of the tables that its app has filled."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def commit_of(checkout: Path) -> str:
    """The commit that is checked out there, marked where files differ from it."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
