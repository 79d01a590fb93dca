"""How storage is reached: with a time limit on each wait, and one on the whole call, however slowly an answer comes.

The time limits of the SDKs are for a single wait for bytes: a service that sends one byte now and then is never late.
"""

import io
import socket
from http.client import HTTPResponse
from typing import Any, override

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Retry

from dedup_app.time_limit import end_of_time, seconds_left

CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
# One call of ours with all its tries. 64 MB, the largest image, need a megabyte a second.
CALL_SECONDS = 60.0
POOL_SIZE = 32  # as many connections are kept as threads call at a time
BLOCK_BYTES = 32_768  # what the SDK's own transport takes
BODY_BLOCK_BYTES = 128 * 1024  # of a body; the SDK's 4 KB take three times as long: benchmarks/transport.py


class LimitedTransport(RequestsTransport):  # type: ignore[misc]
    """The SDKs' transport with limits; clients may share none, because each closes its own.

    `send` raises `StoreBusy` once the time is over, and no retry policy of the SDKs goes on after that.
    """

    def __init__(self) -> None:
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter())
        super().__init__(
            session=session,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            connection_data_block_size=BODY_BLOCK_BYTES,
        )

    @override
    def send(self, request: Any, **kwargs: Any) -> Any:
        left = seconds_left(end_of_time())
        kwargs["connection_timeout"] = min(CONNECT_SECONDS, left)
        kwargs["read_timeout"] = min(READ_SECONDS, left)
        return super().send(request, **kwargs)


class _TimedReads(io.RawIOBase):
    """What a socket receives; each wait is within the limit that was in force when the request was sent."""

    def __init__(self, received: io.RawIOBase, connection: socket.socket) -> None:
        self._received = received
        self._connection = connection
        self._read_seconds = connection.gettimeout() or READ_SECONDS
        self._ends_at = end_of_time()

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(min(self._read_seconds, seconds_left(self._ends_at)))
        return self._received.readinto(buffer)

    @override
    def close(self) -> None:
        self._received.close()
        super().close()


class _TimedSocket:
    """The only thing that `http.client` wants of a socket to read an answer from."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def makefile(self, mode: str) -> io.BufferedReader:
        received: Any = self._connection.makefile(mode, buffering=0)  # type: ignore[call-overload]
        return io.BufferedReader(_TimedReads(received, self._connection))


class _TimedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_TimedSocket(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Connection(HTTPConnection):
    response_class = _TimedResponse


class _SecureConnection(HTTPSConnection):
    response_class = _TimedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def __init__(self) -> None:
        # Trying again is the SDKs' own business.
        super().__init__(pool_maxsize=POOL_SIZE, max_retries=Retry(total=False, redirect=False, raise_on_status=False))

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, blocksize=BLOCK_BYTES)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
