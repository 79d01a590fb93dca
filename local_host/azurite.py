"""Starts and stops Azurite, the storage emulator, on free ports."""

import fcntl
import io
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

ACCOUNT = "devstoreaccount1"
# The well-known key of the emulator, the same on every machine.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
DEFAULT_PORTS = (10000, 10001, 10002)
FREE_PORTS = (0, 0, 0)
WATCH_SECONDS = 0.2
STOP_TIMEOUT_SECONDS = 10.0
LOCK_TIMEOUT_SECONDS = 10.0  # how long an Azurite whose host was killed may take to leave

_KNOCK = "/knock/"  # no account is called that
_PACKAGE = Path(__file__).parent
_SCRIPT = _PACKAGE.parent / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (\S+)")
_REQUEST = re.compile(r'"(?P<method>[A-Z]+) (?P<url>\S+) HTTP/[\d.]+" (?P<status>\d{3})')


class AzuriteError(Exception):
    """Azurite could not be started; the text says why."""


class PortTakenError(AzuriteError):
    """Another program listens on one of the ports."""


@dataclass(frozen=True)
class StorageRequest:
    """One line of Azurite's access log: what really reached the storage."""

    method: str
    url: str
    status: int


class Azurite:
    """One Azurite process: a context manager, or `start()` and `stop()`. It stops with the process that started it.

    Without `location` everything stays in memory. With `access_log` every request is written to that file, so that
    reads can be counted at the storage side with `requests()`. `accounts` (name to base64 key) are there instead of the
    usual one.
    """

    def __init__(
        self,
        location: Path | None = None,
        *,
        access_log: Path | None = None,
        ports: tuple[int, int, int] = FREE_PORTS,
        accounts: Mapping[str, str] | None = None,
        start_timeout_seconds: float = 60.0,
    ) -> None:
        self.location = location
        self.access_log = access_log
        self.start_timeout_seconds = start_timeout_seconds
        self.ports = ports
        self._accounts = {ACCOUNT: ACCOUNT_KEY} if accounts is None else accounts
        self._endpoints: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def connection_string(self) -> str:
        """The connection string of the usual account."""
        return self.connection_string_of(ACCOUNT)

    def connection_string_of(self, account: str) -> str:
        """The connection string of one of the accounts."""
        blob, queue, table = (self._url(service, account) for service in ("Blob", "Queue", "Table"))
        return (
            f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={self._accounts[account]};"
            f"BlobEndpoint={blob};QueueEndpoint={queue};TableEndpoint={table};"
        )

    @property
    def blob_url(self) -> str:
        return self._url("Blob", ACCOUNT)

    @property
    def pid(self) -> int:
        return self._running().pid

    def start(self) -> Self:
        if self._process is not None:
            raise AzuriteError("Azurite is already running")
        with self._open_log() as log:
            self._process = self._spawn(log)
            try:
                self._wait_until_listening(Path(log.name))
            except BaseException:
                self.stop()
                raise
        return self

    def stop(self) -> None:
        """Stop it in order, so that a location on disk is complete; does nothing when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()  # azurite_preload.cjs waits for this
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def watch(self, on_end: Callable[[int], None]) -> None:
        """Have `on_end` called with its exit code, in another thread, if it ends although nobody has stopped it."""
        threading.Thread(target=self._watch, args=(self._running(), on_end), name="azurite-watch", daemon=True).start()

    def requests(self) -> list[StorageRequest]:
        """Return every request that the storage has answered since the start, oldest first."""
        if self.access_log is None:
            raise AzuriteError("Azurite was started without an access log")
        self._knock(self.access_log)
        found = _REQUEST.finditer(self.access_log.read_text(encoding="utf-8"))
        requests = [StorageRequest(line["method"], line["url"], int(line["status"])) for line in found]
        return [request for request in requests if not request.url.startswith(_KNOCK)]

    def _watch(self, process: subprocess.Popen[bytes], on_end: Callable[[int], None]) -> None:
        while process.poll() is None:
            time.sleep(WATCH_SECONDS)
        if self._process is process:  # `stop` lets go of it before it ends it
            on_end(process.returncode)

    def _knock(self, access_log: Path) -> None:
        """Send a request of our own and wait for its line: Azurite answers first and logs then, one after the other."""
        target = f"{_KNOCK}{uuid.uuid4().hex}"
        with suppress(urllib.error.HTTPError), urllib.request.urlopen(f"{self._endpoints['Blob']}{target}", timeout=30):  # noqa: S310
            pass
        deadline = time.monotonic() + self.start_timeout_seconds
        while target not in access_log.read_text(encoding="utf-8"):
            if time.monotonic() > deadline:
                raise AzuriteError(f"Azurite has not logged a request within {self.start_timeout_seconds:g} s")
            time.sleep(0.01)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _url(self, service: str, account: str) -> str:
        self._running()
        return f"{self._endpoints[service]}/{account}"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AzuriteError("Azurite is not running")
        return self._process

    def _open_log(self) -> io.BufferedWriter:
        if self.access_log is None:
            return tempfile.NamedTemporaryFile(prefix="azurite-", suffix=".log")  # type: ignore[return-value]
        self.access_log.parent.mkdir(parents=True, exist_ok=True)
        return self.access_log.open("wb")

    def _spawn(self, log: io.BufferedWriter) -> subprocess.Popen[bytes]:
        command = [*_program(), "--disableTelemetry", "--skipApiVersionCheck"]
        for service, port in zip(("blob", "queue", "table"), self.ports, strict=True):
            command += [f"--{service}Port", str(port)]
        if self.access_log is None:
            command.append("--silent")
        if self.location is None:
            return self._popen([*command, "--inMemoryPersistence"], log)
        with _locked(self.location, min(LOCK_TIMEOUT_SECONDS, self.start_timeout_seconds)) as lock:
            return self._popen([*command, "--location", str(self.location)], log, keep_open=lock.fileno())

    def _popen(
        self, command: list[str], log: io.BufferedWriter, keep_open: int | None = None
    ) -> subprocess.Popen[bytes]:
        accounts = ";".join(f"{name}:{key}" for name, key in self._accounts.items())
        return subprocess.Popen(  # noqa: S603
            command,
            env={**os.environ, "AZURITE_ACCOUNTS": accounts},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C at the terminal is for the host, which stops Azurite last
            pass_fds=() if keep_open is None else (keep_open,),
        )

    def _wait_until_listening(self, log: Path) -> None:
        process = self._running()
        deadline = time.monotonic() + self.start_timeout_seconds
        while len(self._endpoints) < len(DEFAULT_PORTS):
            text = log.read_text(encoding="utf-8", errors="replace")
            self._endpoints = dict(_LISTENING.findall(text))
            if "EADDRINUSE" in text:
                raise PortTakenError(f"One of the ports {self.ports} is taken")
            if process.poll() is not None:
                raise AzuriteError(f"Azurite ended at once with code {process.returncode}:\n{text[-2000:]}")
            if time.monotonic() > deadline:
                raise AzuriteError(f"Azurite was not ready within {self.start_timeout_seconds:g} s:\n{text[-2000:]}")
            time.sleep(0.05)


def _program() -> list[str]:
    node = shutil.which("node")
    if node is None:
        raise AzuriteError("Azurite needs Node 20: install it, so that `node` is found")
    if not _SCRIPT.exists():
        raise AzuriteError(f"Azurite is not installed in {_SCRIPT.parents[2]}: run `npm ci` (or `make setup`)")
    return [node, "--require", str(_PACKAGE / "azurite_preload.cjs"), str(_SCRIPT)]


def _locked(location: Path, timeout_seconds: float) -> io.TextIOWrapper:
    """Lock a data folder: Azurite inherits the lock, so a folder belongs to one Azurite until that one is gone."""
    location.mkdir(parents=True, exist_ok=True)
    lock = (location / ".lock").open("w")
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                lock.close()
                raise AzuriteError(f"Another Azurite uses {location}: stop it, or choose another folder") from None
            time.sleep(0.1)
        else:
            return lock
