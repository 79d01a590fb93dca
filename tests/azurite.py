"""One Azurite in memory on free ports; every test takes an account of its own, so that none sees another's data."""

import base64
import itertools
import os
import re
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

EXECUTABLE = Path(__file__).parent.parent / "node_modules" / ".bin" / "azurite"
ACCOUNTS = 2000
START_TIMEOUT_SECONDS = 60
LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (http://\S+)")
REQUEST = re.compile(r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/1\.\d" (?P<status>\d+|-) ')


def account_names() -> Iterator[str]:
    return (f"test{number:05}" for number in range(ACCOUNTS))


@dataclass(frozen=True, slots=True)
class Request:
    """One line of Azurite's access log: what the storage side saw; status 0 where the client hung up."""

    method: str
    target: str
    status: int


@dataclass(frozen=True, slots=True)
class Account:
    """A storage account; `connection_string` is all that an app needs."""

    name: str
    connection_string: str
    blob_endpoint: str
    queue_endpoint: str
    table_endpoint: str
    log: Path

    def requests(self) -> list[Request]:
        """Every request to this account so far, in the order in which they were answered."""
        _wait_for_log(self.blob_endpoint, self.log)
        ours = (f"/{self.name}/", f"/{self.name}?")
        return [
            Request(match["method"], match["target"], int(match["status"].replace("-", "0")))
            for match in REQUEST.finditer(self.log.read_text())
            if match["target"].startswith(ours)
        ]


@dataclass(slots=True)
class Azurite:
    """A running Azurite."""

    endpoints: dict[str, str]
    log: Path
    names: Iterator[str] = field(default_factory=account_names)

    def new_account(self) -> Account:
        name = next(self.names)
        blob, queue, table = (f"{self.endpoints[kind]}/{name}" for kind in ("Blob", "Queue", "Table"))
        connection_string = (
            f"DefaultEndpointsProtocol=http;AccountName={name};AccountKey={key_of(name)};"
            f"BlobEndpoint={blob};QueueEndpoint={queue};TableEndpoint={table};"
        )
        return Account(name, connection_string, blob, queue, table, self.log)


def key_of(account: str) -> str:
    return base64.b64encode(account.encode()).decode()


@contextmanager
def run_azurite() -> Iterator[Azurite]:
    """Start Azurite, wait until its three services listen, stop it at the end."""
    if not EXECUTABLE.exists():
        raise RuntimeError(f"Azurite is missing ({EXECUTABLE}): run `npm ci` (or `make setup`) in the root first")
    accounts = ";".join(f"{name}:{key_of(name)}" for name in account_names())
    ports = itertools.chain.from_iterable((f"--{service}Port", "0") for service in ("blob", "queue", "table"))
    with tempfile.TemporaryDirectory(prefix="azurite-") as folder:
        log = Path(folder) / "access.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [str(EXECUTABLE), "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", *ports],
                cwd=folder,
                env={**os.environ, "AZURITE_ACCOUNTS": accounts},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield Azurite(_wait_until_listening(process, log), log)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_log(endpoint: str, log: Path) -> None:
    """Wait until the log, which is written a little later, holds all that was answered before now."""
    marker = f"/marker-{uuid.uuid4().hex}"
    with suppress(HTTPError):
        urlopen(endpoint.rpartition("/")[0] + marker, timeout=START_TIMEOUT_SECONDS)  # noqa: S310 - our own http
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while marker not in log.read_text():
        if time.monotonic() > deadline:
            raise RuntimeError("Azurite writes no access log")
        time.sleep(0.01)


def _wait_until_listening(process: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        endpoints = dict(LISTENING.findall(log.read_text()))
        if len(endpoints) == 3:
            return endpoints
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"Azurite did not start within {START_TIMEOUT_SECONDS} s; it said:\n{log.read_text()}")
