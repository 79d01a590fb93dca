"""A proxy before a storage service that answers 503, resets, cuts answers short, or acts when nobody waits any more."""

import math
import random
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import urlsplit

SERVICES = ("Blob", "Queue", "Table")
BUSY = (
    b"HTTP/1.1 503 The server is busy.\r\nx-ms-error-code: ServerBusy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)
RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER without waiting
# From before the caller's next try to long after its last one, as likely in each order of magnitude.
LATE_SECONDS = (0.05, 10.0)
BODILESS = (b"204", b"304")
UPSTREAM_SECONDS = 60.0


@dataclass
class Faults:
    """The dice of all proxies of a run, and what they threw. `share` of the requests go wrong; 0 ends all faults."""

    share: float
    seed: int
    requests: int = 0
    thrown: Counter[str] = field(default_factory=Counter)
    images_read: int = 0  # whole images that went to a caller
    empty_cut: int = 0  # answers with an empty image that were cut, of which the caller may miss nothing
    late: int = 0  # writes that have not taken effect yet
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    def throw(self, request: bytes) -> str:
        """What happens to this request; empty if all goes well."""
        writes = not request.startswith((b"GET", b"HEAD"))
        with self._lock:
            self.requests += 1
            if self._dice.random() >= self.share:
                return ""
            kinds = ("busy", "reset", "answer lost", "cut header", "cut body", *(["late", "late"] if writes else []))
            kind = self._dice.choice(kinds)
            self.thrown[kind] += 1
            return kind

    def number(self, low: float, high: float) -> float:
        with self._lock:
            return self._dice.uniform(low, high)

    def count(self, name: str, by: int) -> None:
        with self._lock:
            setattr(self, name, getattr(self, name) + by)


@dataclass
class Proxy:
    """One service as one host sees it; while `busy_until` is not over, every request is answered 503."""

    target: tuple[str, int]
    faults: Faults
    images_path: bytes = b""  # requests for images begin so
    busy_until: float = 0.0

    def serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), client.makefile("rb") as requests:
            upstream: tuple[socket.socket, BinaryIO] | None = None
            try:
                while request := read_message(requests):
                    if upstream is not None and _has_ended(upstream[0]):
                        _close_both(upstream)
                        upstream = None
                    upstream = upstream or self._connect()
                    if not self._answer(client, request, *upstream):
                        return
            finally:
                if upstream is not None:
                    _close_both(upstream)

    def _answer(self, client: socket.socket, request: bytes, service: socket.socket, answers: BinaryIO) -> bool:
        """Whether the connection can go on."""
        fault = self.faults.throw(request)
        if fault == "busy" or time.monotonic() < self.busy_until:
            client.sendall(BUSY)
            return False
        if fault == "late":
            self.faults.count("late", 1)
            threading.Thread(target=self._send_late, args=(request,), daemon=True).start()
        if fault in ("late", "reset"):
            _reset(client)
            return False
        service.sendall(request)
        answer = read_message(answers, is_head=request.startswith(b"HEAD"))
        head, _, body = answer.partition(b"\r\n\r\n")
        if fault == "answer lost" or not answer:
            _reset(client)
            return False
        asks_image = bool(self.images_path) and request.startswith(b"GET " + self.images_path)
        has_image = asks_image and head.split(b" ")[1][:2] == b"20"
        if fault.startswith("cut"):
            first, end = (0, len(head)) if fault == "cut header" else (len(head), len(answer))
            client.sendall(answer[: int(self.faults.number(first, end))])
            if has_image and not body:
                self.faults.count("empty_cut", 1)
            return False
        client.sendall(answer)
        if has_image:
            self.faults.count("images_read", 1)
        return b"connection: close" not in head.lower()

    def _send_late(self, request: bytes) -> None:
        low, high = map(math.log, LATE_SECONDS)
        time.sleep(math.exp(self.faults.number(low, high)))
        service, answers = self._connect()
        with service, answers, suppress(OSError):
            service.sendall(request)
            read_message(answers)
        self.faults.count("late", -1)

    def _connect(self) -> tuple[socket.socket, BinaryIO]:
        service = socket.create_connection(self.target, timeout=UPSTREAM_SECONDS)
        service.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return service, service.makefile("rb")


def read_message(stream: BinaryIO, *, is_head: bool = False) -> bytes:
    """One request or answer with its body; nothing if the peer has closed."""
    lines = [stream.readline()]
    length, chunked = 0, False
    while lines[-1] not in (b"\r\n", b""):
        lines.append(stream.readline())
        name, _, value = lines[-1].lower().partition(b":")
        if name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = b"chunked" in value
    head = b"".join(lines)
    if not head or is_head or lines[0].split(b" ")[1] in BODILESS:
        return head
    return head + (b"".join(_chunks(stream)) if chunked else stream.read(length))


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while size := stream.readline():
        yield size
        length = int(size.split(b";")[0], 16)
        yield stream.read(length + len(b"\r\n"))
        if length == 0:
            return


def _close_both(upstream: tuple[socket.socket, BinaryIO]) -> None:
    for end in upstream:
        end.close()


def _has_ended(service: socket.socket) -> bool:
    """Whether the service has closed a connection that rested, of which our caller, whose own is open, cannot know."""
    return bool(select.select([service], [], [], 0)[0])


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    client.shutdown(socket.SHUT_RD)


@dataclass
class FaultyStorage:
    """An account behind proxies of its own."""

    proxies: list[Proxy]
    connection_string: str

    def be_busy(self, seconds: float) -> None:
        """Answer nothing but 503 for so long."""
        for proxy in self.proxies:
            proxy.busy_until = time.monotonic() + seconds


@contextmanager
def faulty_storage(connection_string: str, container: str, faults: Faults) -> Iterator[FaultyStorage]:
    """The account of the connection string, as a host reaches it whose calls go wrong."""
    parts = dict(part.split("=", 1) for part in connection_string.rstrip(";").split(";"))
    with ExitStack() as stack:
        proxies = []
        for name in SERVICES:
            url = urlsplit(parts[f"{name}Endpoint"])
            images = f"{url.path}/{container}/".encode() if name == "Blob" else b""
            proxy = Proxy((url.hostname or "", url.port or 0), faults, images)
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
            stack.callback(_close, listener)
            threading.Thread(target=_accept, args=(listener, proxy), daemon=True).start()
            parts[f"{name}Endpoint"] = f"http://127.0.0.1:{listener.getsockname()[1]}{url.path}"
            proxies.append(proxy)
        yield FaultyStorage(proxies, ";".join(f"{name}={value}" for name, value in parts.items()))


def _accept(listener: socket.socket, proxy: Proxy) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=proxy.serve, args=(client,), daemon=True).start()


def _close(listener: socket.socket) -> None:
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
