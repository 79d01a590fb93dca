"""A proxy before a service of Azurite that hangs, drips, or spoils the answers that it passes on."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

type Spoil = Callable[[bytes], bytes]


def whole(answer: bytes) -> bytes:
    return answer


@dataclass
class BrokenService:
    """What it does can be changed at any time, and holds for the next request."""

    target: tuple[str, int]
    hangs: Callable[[str], bool] = lambda _request_line: False
    spoil: Spoil = whole
    drip_seconds: float = 0.0
    replays: bool = False  # whether the last answer to the same request is given again, without asking Azurite
    address: str = ""
    _answers: dict[str, bytes] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            while request := read_message(client):
                line = request.partition(b"\r\n")[0].decode()
                if self.hangs(line):
                    self._stopped.wait()
                    return
                # Kept by name: a neighbor with the same request line puts its own answer into the shared table.
                truth = self._answers[line] if self.replays and line in self._answers else self._ask(request)
                self._answers[line] = truth
                answer = self.spoil(truth)
                if self.drip_seconds:
                    for byte in answer:
                        client.sendall(bytes([byte]))
                        if self._stopped.wait(self.drip_seconds):
                            return
                else:
                    client.sendall(answer)
                if answer != truth:
                    return

    def stop(self) -> None:
        self._stopped.set()

    def _ask(self, request: bytes) -> bytes:
        with socket.create_connection(self.target, timeout=30) as service:
            service.sendall(request)
            return read_message(service, is_head=request.startswith(b"HEAD"))


def read_message(peer: socket.socket, *, is_head: bool = False) -> bytes:
    """One request or answer with its body, which is told by its length, in chunks, or missing."""
    data = b""
    while b"\r\n\r\n" not in data:
        received = peer.recv(65536)
        if not received:
            return b""
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    names = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    if b"100-continue" in names.get(b"expect", b""):
        raise NotImplementedError
    if is_head or head.split(b" ")[1] in {b"204", b"304"}:
        return data
    if b"chunked" in names.get(b"transfer-encoding", b""):
        while not body.endswith(b"0\r\n\r\n"):
            body += _more(peer)
    while len(body) < int(names.get(b"content-length", b"0")):
        body += _more(peer)
    return head + b"\r\n\r\n" + body


def _more(peer: socket.socket) -> bytes:
    received = peer.recv(65536)
    if not received:
        raise ConnectionResetError
    return received


@contextmanager
def broken_service(endpoint: str) -> Iterator[BrokenService]:
    """A service that passes everything on to `endpoint` until it is told otherwise; `address` takes its place."""
    url = urlsplit(endpoint)
    service = BrokenService((url.hostname or "", url.port or 0))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        service.address = f"http://127.0.0.1:{listener.getsockname()[1]}{url.path}"

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=service.serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield service
        finally:
            service.stop()
            listener.shutdown(socket.SHUT_RDWR)


def seconds_of(call: Callable[[], object]) -> float:
    started = time.monotonic()
    with suppress(Exception):
        call()
    return time.monotonic() - started
