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
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers, requote_uri
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Retry

from dedup_app.time_limit import OUT_OF_TIME, end_of_time, seconds_left
from dedup_core.errors import StoreBusy

CONNECT_SECONDS = 5.0  # a server that is there answers in milliseconds
READ_SECONDS = 20.0  # a third of `CALL_SECONDS`: after one that waited in vain there is time for another
# One call of ours with all its tries. 64 MB, the largest image, need a megabyte a second.
CALL_SECONDS = 60.0
POOL_SIZE = 32  # as many connections are kept as threads call at a time
ERROR = 400
BODILESS = frozenset({"GET", "HEAD"})
BLOCK_BYTES = 32_768  # what the SDK's own transport takes
BODY_BLOCK_BYTES = 128 * 1024  # of a body; the SDK's 4 KB take three times as long: benchmarks/transport.py


class LimitedTransport(RequestsTransport):  # type: ignore[misc]
    """The SDKs' transport with limits; clients may share none, because each closes its own.

    `send` raises `StoreBusy` once the time is over, or would be after a pause that the service asks for, and no retry
    policy of the SDKs goes on after that.
    """

    def __init__(self) -> None:
        session = _Session()
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
        response = super().send(request, **kwargs)
        if response.status_code >= ERROR:
            _refuse_a_long_pause(response)
        return response


def _refuse_a_long_pause(response: Any) -> None:
    """Let a busy service be asked again after the pause that it wants (`Retry-After`) only if there is time for that.

    The SDK of tables and that of topics wait as long as they are told: past the end of the function, which the host
    ends with all that runs beside it.
    """
    asked = str(response.headers.get("Retry-After", ""))
    if asked.isdecimal() and int(asked) >= seconds_left(end_of_time()):
        response.internal_response.close()
        raise StoreBusy(f"the service is busy ({response.status_code}) and asks for {asked} s", reason=OUT_OF_TIME)


class _Session(requests.Session):
    """What the SDKs need of a session: a request that is ready already goes to its connection as it is.

    The usual one works out cookies, logins, redirects and the environment's proxies anew for each request:
    docs/decisions/0013-calls-to-storage.md.
    """

    def __init__(self) -> None:
        super().__init__()
        self._environments: dict[str, dict[str, Any]] = {}

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        body = options.get("data")
        if options.get("files") or not isinstance(body, bytes | str | None):
            return super().request(method, url, **options)
        request = requests.PreparedRequest()
        request.method, request.url, request.headers = method, requote_uri(url), CaseInsensitiveDict(options["headers"])
        request.body = body.encode() if isinstance(body, str) else body
        if method not in BODILESS:
            request.headers["Content-Length"] = str(len(request.body or b""))
        stream = bool(options.get("stream"))
        environment = self._environment(url) | {"stream": stream, "timeout": options.get("timeout")}
        response = self.get_adapter(url).send(request, **environment)
        if not stream:
            response.content  # noqa: B018 - reads it, and gives the connection back
        return response

    def _environment(self, url: str) -> dict[str, Any]:
        """Proxies and certificates that the environment names for this server, as they were at its first request."""
        server = url[: url.find("/", len("https://"))]
        if server not in self._environments:
            self._environments[server] = self.merge_environment_settings(url, {}, None, None, None)
        return self._environments[server]


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


class _OneWrite:
    """Head and small body of a request in one write, so that neither side wakes up twice."""

    _held: bytearray | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._held = bytearray()
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]
            self._flush()
        finally:
            self._held = None

    def send(self, data: Any) -> None:
        if self._held is None or not isinstance(data, bytes) or len(self._held) + len(data) > BLOCK_BYTES:
            self._flush()
            super().send(data)  # type: ignore[misc]
        else:
            self._held += data

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, None  # from here on as it comes, what a proxy is told first too
            super().send(held)  # type: ignore[misc]


class _Connection(_OneWrite, HTTPConnection):
    response_class = _TimedResponse


class _SecureConnection(_OneWrite, HTTPSConnection):
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

    @override
    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """The response without cookies, which storage has none of; the SDK copies the headers for itself."""
        response = requests.Response()
        response.status_code, response.reason, response.raw = resp.status, resp.reason, resp
        response.headers = resp.headers
        response.encoding = get_encoding_from_headers(resp.headers)
        response.url, response.request = str(req.url), req
        return response
