"""Starts hosts as child processes, for tests and the demo, and stops, kills and watches them."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local_host.log import CONTINUED

END_OF_LOG_LENGTH = 4000  # letters: the last traceback
STOP_TIMEOUT_SECONDS = 60.0
_ROOT = Path(__file__).parent.parent


class HostProcessError(Exception):
    """The host ended before it was ready, or did not get ready in time; the text holds the end of its log."""


@dataclass(frozen=True)
class HostStatus:
    """How to reach a running host; `azurite` is the connection string of the storage it has started itself."""

    pid: int
    host_id: str
    url: str
    functions: list[str]
    keys: dict[str, str]
    uploads_queue: str
    azurite: str | None


class HostProcess:
    """`python -m local_host start` as a child: a context manager, or `start()` and `stop()` or `kill()`.

    It stops with the process that started it. `env` is added to this process's environment. `log` is the file for
    the child's output, kept; without it the output is only read by `log_text()`.
    """

    module = "local_host"  # a subclass may run another one that takes the same arguments

    def __init__(
        self,
        app_dir: Path,
        env: Mapping[str, str] | None = None,
        *,
        lease_seconds: int | None = None,
        scan_seconds: float | None = None,
        port: int = 0,
        arguments: Sequence[str] = (),
        log: Path | None = None,
        start_timeout_seconds: float = 60.0,
    ) -> None:
        app_dir = app_dir.resolve()
        self.app_dir = app_dir
        self.start_timeout_seconds = start_timeout_seconds
        self._env = {**os.environ, **(env or {})}
        self._env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_ROOT), self._env.get("PYTHONPATH")]))
        self._folder = tempfile.TemporaryDirectory(prefix="local-host-")
        self._status_file = Path(self._folder.name) / "status.json"
        self._log = log or Path(self._folder.name) / "log.txt"
        self._arguments = [
            *("--app", str(app_dir), "--port", str(port), "--status-file", str(self._status_file)),
            "--stop-with-stdin",
            *(() if lease_seconds is None else ("--lease-seconds", str(lease_seconds))),
            *(() if scan_seconds is None else ("--scan-seconds", str(scan_seconds))),
            *arguments,
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._status: HostStatus | None = None

    @property
    def status(self) -> HostStatus:
        if self._status is None:
            raise HostProcessError("the host is not running")
        return self._status

    @property
    def pid(self) -> int:
        return self.status.pid

    @property
    def has_ended(self) -> bool:
        """Whether it ended although nobody has stopped or killed it."""
        return self._process is not None and self._process.poll() is not None

    @property
    def url(self) -> str:
        return self.status.url

    def start(self) -> Self:
        """Start the host and wait until it listens."""
        self._status_file.unlink(missing_ok=True)
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", self.module, "start", *self._arguments],
                env=self._env,
                cwd=self._folder.name,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C at the terminal is for us, who then stop it
            )
        try:
            self._status = self._wait_until_ready(self._process)
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> int:
        """Let it finish what is in flight and return its exit code; kills it when that takes too long."""
        process = self._take()
        if process is None:
            return 0
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def terminate(self) -> None:
        """Tell it to stop as Azure does, with SIGTERM: it goes on for 10 s (`--grace-seconds`), then drops the rest."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it on the spot, with SIGKILL, as a crash would."""
        process = self._take()
        if process is not None:
            process.kill()
            process.wait()

    def log_text(self) -> str:
        """Return everything that the host and the functions have logged."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._folder.cleanup()

    def _end_of_log(self) -> str:
        """Return the last entries of the log, the first of them whole: it says what its long stack trace is about."""
        text = self.log_text()
        start = max(0, len(text) - END_OF_LOG_LENGTH)
        while (start := text.rfind("\n", 0, start) + 1) and text.startswith(CONTINUED, start):
            start -= 1
        return text[start:]

    def _take(self) -> subprocess.Popen[bytes] | None:
        process, self._process, self._status = self._process, None, None
        return process

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> HostStatus:
        deadline = time.monotonic() + self.start_timeout_seconds
        while not self._status_file.exists():
            if process.poll() is not None:
                raise HostProcessError(f"the host ended with code {process.returncode}:\n{self._end_of_log()}")
            if time.monotonic() > deadline:
                raise HostProcessError(
                    f"the host was not ready within {self.start_timeout_seconds:g} s:\n{self._end_of_log()}"
                )
            time.sleep(0.05)
        content: dict[str, Any] = json.loads(self._status_file.read_text(encoding="utf-8"))
        return HostStatus(**content)
