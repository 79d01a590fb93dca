"""One Azurite in memory on free ports; every test takes an account of its own, so that none sees another's data."""

import base64
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local_host import azurite as emulator

ACCOUNTS = 2000


@dataclass(frozen=True, slots=True)
class Request:
    """One line of Azurite's access log: what the storage side saw."""

    method: str
    target: str
    status: int


@dataclass(frozen=True, slots=True)
class Account:
    """A storage account; `connection_string` is all that an app needs."""

    name: str
    connection_string: str
    azurite: emulator.Azurite = field(repr=False)

    @property
    def blob_endpoint(self) -> str:
        return self._endpoint("Blob")

    @property
    def queue_endpoint(self) -> str:
        return self._endpoint("Queue")

    @property
    def table_endpoint(self) -> str:
        return self._endpoint("Table")

    def requests(self) -> list[Request]:
        """Every request to this account so far, in the order in which they were answered."""
        ours = (f"/{self.name}/", f"/{self.name}?")
        return [
            Request(request.method, request.url, request.status)
            for request in self.azurite.requests()
            if request.url.startswith(ours)
        ]

    def _endpoint(self, service: str) -> str:
        parts = dict(part.split("=", 1) for part in self.connection_string.rstrip(";").split(";"))
        return parts[f"{service}Endpoint"]


def account_names() -> Iterator[str]:
    return (f"test{number:05}" for number in range(ACCOUNTS))


@dataclass(slots=True)
class Azurite:
    """A running Azurite."""

    emulator: emulator.Azurite
    names: Iterator[str] = field(default_factory=account_names)

    def new_account(self) -> Account:
        name = next(self.names)
        return Account(name, self.emulator.connection_string_of(name), self.emulator)


@contextmanager
def run_azurite() -> Iterator[Azurite]:
    """Start Azurite, wait until its three services listen, stop it at the end."""
    keys = {name: base64.b64encode(name.encode()).decode() for name in account_names()}
    with (
        tempfile.TemporaryDirectory(prefix="azurite-") as folder,
        emulator.Azurite(access_log=Path(folder) / "access.log", accounts=keys) as running,
    ):
        yield Azurite(running)
