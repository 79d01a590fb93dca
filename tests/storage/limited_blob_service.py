"""A blob service in front of Azurite whose append blobs are full after a few blocks, as Azure's are after 50,000."""

import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

FULL = (
    b'<?xml version="1.0" encoding="utf-8"?><Error><Code>BlockCountExceedsLimit</Code>'
    b"<Message>The committed block count cannot exceed the maximum limit of 50,000 blocks.</Message></Error>"
)


@contextmanager
def limited_blob_service(endpoint: str, *, max_blocks: int) -> Iterator[str]:
    """The address of a service that passes everything on to `endpoint`, except blocks past the limit of a blob."""
    target = urlsplit(endpoint)
    committed: Counter[str] = Counter()
    lock = threading.Lock()

    class Forward(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = urlsplit(self.path)
            if parse_qs(url.query).get("comp") == ["appendblock"]:
                with lock:  # counting and appending are one step, as they are in the service
                    if committed[url.path] >= max_blocks:
                        self.answer(409, {"x-ms-error-code": "BlockCountExceedsLimit"}, FULL)
                        return
                    committed[url.path] += self.pass_on(body) == 201
            else:
                self.pass_on(body)

        do_GET = do_PUT = forward  # noqa: N815 - the names that http.server calls

        def pass_on(self, body: bytes) -> int:
            connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=30)
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            self.answer(response.status, dict(response.getheaders()), response.read())
            connection.close()
            return response.status

        def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in {"content-length", "transfer-encoding", "connection", "date", "server"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Forward)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{target.path}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
