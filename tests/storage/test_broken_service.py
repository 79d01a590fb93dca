"""The proxy of `broken_service` tells the truth until it is told otherwise."""

import http.client
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.storage.broken_service import broken_service


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


def test_neighbors_with_the_same_request_line_keep_their_answers_and_their_connections() -> None:
    both_asked = threading.Barrier(2, timeout=60)

    def wait_for_the_neighbor(answer: bytes) -> bytes:
        both_asked.wait()
        return answer

    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with broken_service(f"http://127.0.0.1:{server.server_port}") as proxy, ThreadPoolExecutor(2) as callers:
            proxy.spoil = wait_for_the_neighbor

            def answers(caller: int) -> list[bytes]:
                connection = http.client.HTTPConnection(urlsplit(proxy.address).netloc)
                told = []
                for turn in range(10):
                    connection.request("POST", "/rows", f"{caller} {turn}".encode())
                    told.append(connection.getresponse().read())
                connection.close()
                return told

            for caller, told in enumerate(callers.map(answers, range(2))):
                assert told == [f"{caller} {turn}".encode() for turn in range(10)]
        server.shutdown()
