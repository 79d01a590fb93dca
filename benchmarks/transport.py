"""Processor time of a download by our transport and by the SDK's own, in turns, from a server on this machine.

python -m benchmarks.transport
"""

import socket
import threading
import time

from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient

from dedup_storage.account.transport import LimitedTransport

SIZES = {"an image of 200 KB": 200_000, "a chunk of the log, 16 MB": 16 * 1024 * 1024}
ROUNDS = 20


def main() -> None:
    for what, size in SIZES.items():
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=answer_all, args=(server, size), daemon=True).start()
            address = f"http://127.0.0.1:{server.getsockname()[1]}/account"
            clients = {
                "sdk": client(address, RequestsTransport(connection_data_block_size=4096)),
                "ours": client(address, LimitedTransport()),
            }
            seconds = dict.fromkeys(clients, 0.0)
            for _ in range(ROUNDS):
                for name, service in clients.items():
                    started = time.thread_time()
                    data = service.get_blob_client("images", "a").download_blob().readall()
                    seconds[name] += time.thread_time() - started
                    assert len(data) == size
        per_read = {name: round(total / ROUNDS * 1000, 1) for name, total in seconds.items()}
        print(
            f"{what}: {per_read} ms of processor time; ours takes {seconds['ours'] / seconds['sdk']:.2f} of the SDK's"
        )


def client(address: str, transport: RequestsTransport) -> BlobServiceClient:
    key = {"account_name": "account", "account_key": "c2VjcmV0"}
    return BlobServiceClient(address, credential=key, transport=transport, max_single_get_size=max(SIZES.values()))


def answer_all(server: socket.socket, size: int) -> None:
    head = (
        f"HTTP/1.1 206 Partial Content\r\nContent-Length: {size}\r\nContent-Range: bytes 0-{size - 1}/{size}\r\n"
        'ETag: "0x1"\r\nx-ms-blob-type: BlockBlob\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n'
    ).encode()
    body = bytes(size)
    while True:
        connection, _ = server.accept()
        threading.Thread(target=answer, args=(connection, head + body), daemon=True).start()


def answer(connection: socket.socket, whole: bytes) -> None:
    with connection, connection.makefile("rb") as requests:
        while requests.readline():
            while requests.readline().strip():
                pass
            connection.sendall(whole)


if __name__ == "__main__":
    main()
