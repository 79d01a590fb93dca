"""Serves the HTTP functions, the webhooks of Event Grid and the host's own status page."""

import json
import logging
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from local_host.event_grid.blob_webhook import WEBHOOK_PATH
from local_host.event_grid.delivery import Delivery, Reply
from local_host.event_grid.event_webhook import EVENT_TRIGGER_PATH
from local_host.http.admin import AdminPages
from local_host.http.keys import Access, HostKeys
from local_host.http.routes import Route, find_route
from local_host.runtime.protos import RpcHttp, RpcHttpCookie, TypedData
from local_host.runtime.worker import Invoker
from local_host.threads import essential_thread

MAX_BODY_BYTES = 104_857_600  # what the host takes
MAX_LINE_BYTES = 4096
STOP_POLL_SECONDS = 0.1
KEY_LEVELS = {WEBHOOK_PATH: "blobs_extension", EVENT_TRIGGER_PATH: "eventgrid_extension"}
WEBHOOK_METHODS = frozenset({"GET", "POST", "DELETE", "OPTIONS"})
TEXT = {"Content-Type": "text/plain; charset=utf-8"}

logger = logging.getLogger("local_host.http")


class Webhook(Protocol):
    """What Event Grid posts to."""

    def handle(self, delivery: Delivery) -> Reply: ...


class HttpListener:
    """A server with a thread for each connection, on 127.0.0.1 only."""

    def __init__(
        self,
        worker: Invoker,
        routes: Sequence[Route],
        keys: HostKeys,
        webhooks: Mapping[str, Webhook],
        admin: AdminPages,
    ) -> None:
        self.worker = worker
        self.routes = routes
        self.keys = keys
        self.webhooks = webhooks
        self.admin = admin
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._in_flight = 0
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError("the HTTP listener has no port yet")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def bind(self, port: int) -> None:
        """Take a port, 0 for any free one; raises OSError when it is taken."""
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.listener = self

    def start(self) -> None:
        if self._server is None:
            raise RuntimeError("the HTTP listener has no port yet")
        self._thread = essential_thread("http", partial(self._server.serve_forever, STOP_POLL_SECONDS))
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections; requests that are being answered go on."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()

    def join(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight == 0)
        if self._server is not None:
            self._server.server_close()

    def __enter__(self) -> None:
        with self._changed:
            self._in_flight += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._in_flight -= 1
            self._changed.notify_all()


class _Server(ThreadingHTTPServer):
    listener: HttpListener
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002, the base class calls it so
        error = sys.exception()
        if not isinstance(error, ConnectionError):  # a caller that hung up is no news
            logger.error("A request of %s could not be answered", client_address, exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "local_host"
    server: _Server

    def handle_request(self) -> None:
        listener = self.server.listener
        with listener:
            body = self._read_body()
            if body is None:
                return
            address = urlsplit(self.path)
            query = {key: ",".join(values) for key, values in parse_qs(address.query, keep_blank_values=True).items()}
            path = address.path.strip("/")
            admin_level = listener.admin.level(path.lower())
            if path.lower() in listener.webhooks and self.command in WEBHOOK_METHODS:
                self._webhook(path.lower(), query, body)
            elif admin_level is not None:
                self._admin(admin_level, path, query, body)
            else:
                self._function(address.path, query, body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, the name in the base class
        logger.debug(format, *args)

    def _function(self, path: str, query: dict[str, str], body: bytes) -> None:
        listener = self.server.listener
        found = find_route(listener.routes, self.command, path)
        if found is None:
            if path == "/":
                self._answer(HTTPStatus.OK, TEXT, b"The Function app is running.\n")
            else:
                self._answer(HTTPStatus.NOT_FOUND)
            return
        route, parameters = found
        if not self._is_allowed(route.auth_level, query):
            return
        request = RpcHttp(
            method=self.command,
            url=f"http://{self.headers.get('Host', 'localhost')}{self.path}",
            headers={name.lower(): value for name, value in self.headers.items()},
            params=parameters,
            query={name: value for name, value in query.items() if value},
            body=TypedData(bytes=body),
        )
        metadata = {name: TypedData(string=value) for name, value in (query | parameters).items()}
        outcome = listener.worker.invoke(
            route.function, TypedData(http=request), metadata, "This function was called over HTTP"
        )
        if outcome.succeeded:
            self._answer_value(outcome.return_value)
        else:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _webhook(self, path: str, query: dict[str, str], body: bytes) -> None:
        if not self._is_allowed(KEY_LEVELS[path], query):
            return
        delivery = Delivery(
            query.get("functionName", ""),
            self.headers.get("aeg-event-type", ""),
            body,
            self.command,
            self.headers.get("WebHook-Request-Origin", ""),
        )
        reply = self.server.listener.webhooks[path].handle(delivery)
        self._answer(reply.status, {**(TEXT if reply.text else {}), **reply.headers}, reply.text.encode())

    def _admin(self, level: str, path: str, query: dict[str, str], body: bytes) -> None:
        if self._is_allowed(level, query):
            page = self.server.listener.admin.answer(self.command, path.lower(), body)
            content = b"" if page.content is None else json.dumps(page.content).encode()
            self._answer(page.status, {"Content-Type": "application/json; charset=utf-8"} if content else {}, content)

    def _is_allowed(self, auth_level: str, query: dict[str, str]) -> bool:
        headers = {name.lower(): value for name, value in self.headers.items()}
        match self.server.listener.keys.check(auth_level, headers, query):
            case Access.GRANTED:
                return True
            case Access.NO_KEY:
                self._answer(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": "Bearer"})
            case Access.OTHER_SCOPE:
                self._answer(HTTPStatus.FORBIDDEN)
        return False

    def _read_body(self) -> bytes | None:
        """Return the body; None when it was too long (500, as in the host) or made no sense (400) and is answered."""
        try:
            if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
                return b"".join(self._chunks())
            length = int(self.headers.get("Content-Length", "0"))
            if not 0 <= length <= MAX_BODY_BYTES:
                raise OverflowError  # noqa: TRY301, as for chunks
            return self.rfile.read(length)
        except OverflowError:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        except ValueError:
            status = HTTPStatus.BAD_REQUEST
        self.close_connection = True
        self._answer(status)
        return None

    def _chunks(self) -> Iterator[bytes]:
        """Yield the pieces of a chunked body; raises ValueError for what is none, OverflowError when it is too long."""
        total = 0
        while size := int(self.rfile.readline(MAX_LINE_BYTES).partition(b";")[0], 16):
            total += size
            if size < 0 or total > MAX_BODY_BYTES:
                raise OverflowError
            yield self.rfile.read(size)
            self.rfile.readline(MAX_LINE_BYTES)
        while self.rfile.readline(MAX_LINE_BYTES).strip():  # trailers
            pass

    def _answer_value(self, value: TypedData | None) -> None:
        if value is None:
            self._answer(HTTPStatus.NO_CONTENT)
        elif value.http is None:
            self._answer(HTTPStatus.OK, TEXT, _content(value))
        else:
            response = value.http
            headers = dict(response.headers)
            cookies = [_cookie(cookie) for cookie in response.cookies or ()]
            self._answer(int(response.status_code), headers, _content(response.body), cookies)

    def _answer(
        self, status: int, headers: dict[str, str] | None = None, content: bytes = b"", cookies: Sequence[str] = ()
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                self.send_header(name, value)
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        if status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            self.wfile.write(content)


for _method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
    setattr(_Handler, f"do_{_method}", _Handler.handle_request)  # the base class looks for these names


def _content(value: TypedData | None) -> bytes:
    if value is None:
        return b""
    content = next((part for part in (value.bytes, value.string, value.json) if part is not None), b"")
    return content.encode() if isinstance(content, str) else bytes(content)


def _cookie(cookie: RpcHttpCookie) -> str:
    parts = [f"{cookie.name}={cookie.value}"]
    for label, field in (("Domain", cookie.domain), ("Path", cookie.path), ("Max-Age", cookie.max_age)):
        if field is not None and field.value != "":
            parts.append(f"{label}={field.value:g}" if isinstance(field.value, float) else f"{label}={field.value}")
    if cookie.expires is not None:
        parts.append(f"Expires={BaseHTTPRequestHandler.date_time_string(None, cookie.expires.value.seconds)}")  # type: ignore[arg-type]
    if cookie.secure is not None and cookie.secure.value:
        parts.append("Secure")
    if cookie.http_only is not None and cookie.http_only.value:
        parts.append("HttpOnly")
    if cookie.same_site:
        parts.append(f"SameSite={cookie.same_site}")
    return "; ".join(parts)
