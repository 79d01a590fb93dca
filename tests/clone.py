"""A fresh clone, a shell in it, and the app that `make start` runs there, for the tests of README and tutorial."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import cache_from_source
from pathlib import Path

from dedup_app.configuration.settings import Settings
from dedup_app.services import Services
from dedup_storage.connect import connect

ROOT = Path(__file__).parent.parent
# The command of Azure is as large as all the rest together: this one knows what the pages give it, and uploads by SDK.
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
    for path in sorted(given.source.iterdir()):
        container.upload_blob(path.name, path.read_bytes())
"""


def commands(page: str) -> list[str]:
    """The commands of a page's shell blocks, in their order."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
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
        self._shell.communicate("exit\n", timeout=60)


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {arguments[0]}: {done.stderr}"
    return done.stdout


def make_clone(clone: Path) -> Path:
    """What git clones, with what the working tree has changed, and with what `make` installs already installed."""
    git("clone", "--quiet", "--depth", "1", ROOT.as_uri(), str(clone))
    for name in git("ls-files", "--deleted", "-z").split("\0")[:-1]:
        (clone / name).unlink(missing_ok=True)
    for name in git("ls-files", "--modified", "--others", "--exclude-standard", "-z").split("\0")[:-1]:
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    take_along_what_is_compiled(clone)
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
    return clone


def take_along_what_is_compiled(clone: Path) -> None:
    """Python takes it for compiled from the clone's sources, going by their time and size: they have those of here."""
    for name in git("ls-files", "-z", "*.py").split("\0")[:-1]:
        source, copy = ROOT / name, clone / name
        compiled = Path(cache_from_source(str(source)))
        if compiled.is_file() and copy.is_file() and copy.read_bytes() == source.read_bytes():
            shutil.copystat(source, copy)
            there = Path(cache_from_source(str(copy)))
            there.parent.mkdir(exist_ok=True)
            shutil.copy2(compiled, there)


def environment_of(clone: Path) -> dict[str, str]:
    """That of a person's terminal, with an `az` and a browser that opens nothing."""
    tools = clone.with_name("tools")
    tools.mkdir()
    (tools / "az").write_text(AZ.format(python=sys.executable))
    (tools / "az").chmod(0o755)
    return os.environ | {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": str(clone),
        "COLUMNS": "160",
        "BROWSER": "true",
    }


@contextmanager
def started(clone: Path, environment: dict[str, str]) -> Iterator[str]:
    """`make start` in a terminal of its own; the connection string that it prints."""
    log = clone.with_name("start.log")
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


def services_on(connection_string: str) -> Services:
    """Services of our own, to look at what the app has done without a command for each look."""
    return connect(Settings.from_environment({"ImageStorage": connection_string}))


def wait_until_compared(services: Services, images: int) -> None:
    """Until so many images have their final status, every pair a verdict, and no message waits."""

    def is_done() -> bool:
        finished = sum(count for status, count in services.features.tally().statuses.items() if str(status) in FINAL)
        return finished == images and not services.queues.waiting() and all(it.verdict for it in services.pairs.all())

    wait_for(is_done, f"{images} compared images")


FINAL = ("indexed", "rejected:unsupported-format")


def wait_for(holds: Callable[[], bool], what: str, limit_seconds: float = 120) -> None:
    deadline = time.monotonic() + limit_seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.3)
