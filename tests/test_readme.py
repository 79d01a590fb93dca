"""The commands of README in a fresh clone, one by one as they are written there."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.pictures import encoded, scene

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# The command of Azure is as large as all the rest together: this one knows what README gives it and uploads by the SDK.
AZ = """#!{python}
import argparse, os, sys
from pathlib import Path
from azure.storage.blob import ContainerClient
assert sys.argv[1:4] == ["storage", "blob", "upload-batch"], sys.argv
parser = argparse.ArgumentParser()
parser.add_argument("--destination", "-d", required=True)
parser.add_argument("--source", "-s", type=Path, required=True)
given = parser.parse_args(sys.argv[4:])
connection = os.environ["AZURE_STORAGE_CONNECTION_STRING"]
with ContainerClient.from_connection_string(connection, given.destination) as container:
    for path in given.source.iterdir():
        container.upload_blob(path.name, path.read_bytes())
"""


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if not line.startswith((" ", "#")) and line]


class Shell:
    """One shell that lives as long as the test, as a person's does."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._shell = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> str:
        """What the command prints; it must end well."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{command}\necho; echo END $?\n")
        self._shell.stdin.flush()
        lines = []
        for line in self._shell.stdout:
            if line.startswith("END "):
                assert line == "END 0\n", f"{command}: {''.join(lines)}"
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"the shell ended at {command}")

    def close(self) -> None:
        self._shell.communicate("exit\n", timeout=10)


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {arguments[0]}: {done.stderr}"
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What git clones, with what the working tree has changed, and with what `make` installs already installed."""
    clone = tmp_path / "clone"
    git("clone", "--quiet", "--depth", "1", ROOT.as_uri(), str(clone))
    for name in git("ls-files", "--deleted", "-z").split("\0")[:-1]:
        (clone / name).unlink(missing_ok=True)
    for name in git("ls-files", "--modified", "--others", "--exclude-standard", "-z").split("\0")[:-1]:
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    (clone / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != ".ready":
            (clone / ".venv" / part.name).symlink_to(part)
    (clone / "node_modules").mkdir()
    for part in (ROOT / "node_modules").resolve().iterdir():
        if part.name != ".ready":
            (clone / "node_modules" / part.name).symlink_to(part)
    for folder in (".venv", "node_modules"):
        (clone / folder / ".ready").touch()
    photos = clone / "my-photos"
    photos.mkdir()
    for name, data in {
        "a.png": encoded(scene(1, (240, 180))),
        "b.jpg": encoded(scene(1, (240, 180)).resize((160, 120)), "JPEG"),
        "c.png": encoded(scene(2, (240, 180))),
    }.items():
        (photos / name).write_bytes(data)
        (clone / name).write_bytes(data)
    (clone / "a.jpg").write_bytes(encoded(scene(1, (240, 180)), "JPEG"))
    return clone


@pytest.fixture
def environment(tmp_path: Path, clone: Path) -> dict[str, str]:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "az").write_text(AZ.format(python=sys.executable))
    (tools / "az").chmod(0o755)
    return os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(clone), "COLUMNS": "160"}


@pytest.fixture
def started(tmp_path: Path, clone: Path, environment: dict[str, str]) -> Iterator[str]:
    """`make start`, as README has it, in a terminal of its own; the connection string that it prints."""
    assert "make start " in README
    log = tmp_path / "start.log"
    with log.open("w") as printed:
        terminal = subprocess.Popen(
            ["make", "start"], cwd=clone, env=environment, stdout=printed, stderr=printed, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 90
        while " HTTP: " not in (told := log.read_text()):
            assert terminal.poll() is None, told
            assert time.monotonic() < deadline, told
            time.sleep(0.2)
        yield re.findall(r"connection string: (.*)", told)[0].strip()
    finally:
        os.killpg(terminal.pid, signal.SIGINT)
        terminal.wait(timeout=60)


def test_own_images_are_uploaded_and_told_apart_by_the_commands_as_they_are_written(
    clone: Path, environment: dict[str, str], started: str
) -> None:
    shell = Shell(clone, environment)
    written = commands()
    upload = written.index(next(line for line in written if line.startswith("az storage")))
    shell.run(written[upload - 1].replace("…", started))
    for line in written[upload : upload + 2]:
        shell.run(line)
    wait_until_indexed(shell, 3)
    wait_for(shell, "dedup duplicates --json", bool)
    told = {line.split("#")[0].strip(): shell.run(line) for line in written[upload + 2 : upload + 5]}
    assert re.search(r"indexed +3", told["dedup status"])
    pairs = " ".join(told["dedup duplicates"].split())
    assert "duplicate" in pairs
    assert "images/a.png" in pairs
    assert "images/b.jpg" in pairs
    assert "images/c.png" not in pairs
    assert re.search(r"1 group, 2 images", told["dedup groups"])
    [python] = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "azure" in code]
    (clone / "my-photos" / "d.png").write_bytes(encoded(scene(3, (240, 180))))
    (clone / "upload.py").write_text(python)
    shell.run("python upload.py")
    wait_until_indexed(shell, 4)
    shell.close()


def test_a_folder_and_two_files_need_no_app(clone: Path, environment: dict[str, str]) -> None:
    shell = Shell(clone, environment)
    shell.run("source .venv/bin/activate")
    scan, compare = (line for line in commands() if line.startswith(("dedup scan", "dedup compare")))
    assert "1 copy of 1" in shell.run(scan)
    assert (clone / "report.html").stat().st_size > 10_000
    assert shell.run(compare).startswith("duplicate: a.jpg and b.jpg")
    assert (clone / "why.png").read_bytes().startswith(b"\x89PNG")
    shell.close()


def wait_until_indexed(shell: Shell, count: int) -> None:
    wait_for(shell, "dedup status --json", lambda told: told["images"].get("indexed") == count)


def wait_for(shell: Shell, command: str, holds: object, limit_seconds: float = 90) -> None:
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        printed = shell.run(command)
        if holds(json.loads(printed)):  # type: ignore[operator]
            return
        time.sleep(0.5)
    pytest.fail(f"{command} did not come to what was waited for: {printed}")
