"""Serves the HTTP functions, the webhooks of Event Grid and the host's own status page."""

import json
import logging
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from local_host.event_grid.blob_webhook import WEBHOOK_PATH, Reply
from local_host.event_grid.event_webhook import EVENT_TRIGGER_PATH
from local_host.http.keys import HostKeys
from local_host.http.routes import Route, find_route
from local_host.queues.trigger import system_metadata
from local_host.runtime.protos import RpcHttp, RpcHttpCookie, TypedData
from local_host.runtime.worker import Invoker
from local_host.threads import essential_thread

MAX_BODY_BYTES = 104_857_600  # what the host takes
STOP_POLL_SECONDS = 0.1
STATUS_PATH = "admin/host/status"
KEY_LEVELS = {WEBHOOK_PATH: "BLOBS", EVENT_TRIGGER_PATH: "EVENTGRID"}

logger = logging.getLogger("local_host.http")


class Webhook(Protocol):
    """What Event Grid posts to."""

    def handle(self, function_id: str, event_type: str, body: bytes) -> Reply: ...


class HttpListener:
    """A server with a thread for each connection, on 127.0.0.1 only."""

    def __init__(
        self, worker: Invoker, routes: Sequence[Route], keys: HostKeys, webhooks: Mapping[str, Webhook], host_id: str
    ) -> None:
        self.worker = worker
        self.routes = routes
        self.keys = keys
        self.webhooks = webhooks
        self.host_id = host_id
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
            if path.lower() in listener.webhooks:
                self._webhook(path.lower(), query, body)
            elif path == STATUS_PATH:
                self._status(query)
            elif not path:
                self._answer(HTTPStatus.OK, {"Content-Type": "text/plain"}, b"The Function app is running.\n")
            else:
                self._function(address.path, query, body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, the name in the base class
        logger.debug(format, *args)

    def _function(self, path: str, query: dict[str, str], body: bytes) -> None:
        listener = self.server.listener
        found = find_route(listener.routes, self.command, path)
        if found is None:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        route, parameters = found
        if not self._is_allowed(route.auth_level, query):
            return
        request = RpcHttp(
            method=self.command,
            url=f"http://{self.headers.get('Host', 'localhost')}{self.path}",
            headers=dict(self.headers.items()),
            params=parameters,
            query=query,
            body=TypedData(bytes=body),
        )
        metadata = {name: TypedData(string=value) for name, value in (query | parameters).items()}
        outcome = listener.worker.invoke(
            route.function,
            TypedData(http=request),
            metadata | system_metadata(route.function),
            "This function was called over HTTP",
        )
        if outcome.succeeded:
            self._answer_value(outcome.return_value)
        else:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _webhook(self, path: str, query: dict[str, str], body: bytes) -> None:
        if not self._is_allowed(KEY_LEVELS[path], query):
            return
        webhook = self.server.listener.webhooks[path]
        reply = webhook.handle(query.get("functionName", ""), self.headers.get("aeg-event-type", ""), body)
        content = b"" if reply.body is None else json.dumps(reply.body).encode()
        self._answer(reply.status, {"Content-Type": "application/json"} if content else {}, content)

    def _status(self, query: dict[str, str]) -> None:
        if self._is_allowed("ADMIN", query):
            content = json.dumps({"id": self.server.listener.host_id, "state": "Running"}).encode()
            self._answer(HTTPStatus.OK, {"Content-Type": "application/json"}, content)

    def _is_allowed(self, auth_level: str, query: dict[str, str]) -> bool:
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.server.listener.keys.allow(auth_level, headers, query):
            return True
        self._answer(HTTPStatus.UNAUTHORIZED)
        return False

    def _read_body(self) -> bytes | None:
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._answer(HTTPStatus.LENGTH_REQUIRED)
            return None
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length.isdigit() else HTTPStatus.BAD_REQUEST)
            return None
        return self.rfile.read(int(length))

    def _answer_value(self, value: TypedData | None) -> None:
        if value is None:
            self._answer(HTTPStatus.NO_CONTENT)
        elif value.http is None:
            self._answer(HTTPStatus.OK, {"Content-Type": "text/plain; charset=utf-8"}, _content(value))
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
