"""Processor time of each call to storage that an image or a comparison makes, by this checkout's clients.

    python -m benchmarks.calls --rounds 200 --json calls.json

Azurite answers in a process of its own; what is told is the processor time of the calling thread, the median call.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dedup_app.configuration.settings import Settings
from dedup_core.paths import ImagePath
from dedup_storage.account.clients import StorageClients, open_clients
from dedup_storage.images.blobs import AzureImages
from dedup_storage.logs.reading import READ_BYTES
from dedup_storage.logs.segments import AzureSegments
from dedup_storage.messaging.queues import send_text
from dedup_storage.tables.entity_table import EntityTable
from local_host.azurite import Azurite

PICTURE_BYTES = 130_000
FEATURES = {f"bytes_{number}": bytes(400) for number in range(12)} | {
    f"text_{number}": "x" * 60 for number in range(14)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="calls of each kind, in turns (200)")
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="calls-") as folder, Azurite(Path(folder)) as azurite:
        settings = Settings.from_environment({"ImageStorage": azurite.connection_string})
        clients = open_clients(settings.require_image_storage(), largest_read=READ_BYTES)
        measured = measure(calls(clients), arguments.rounds)
        clients.close()
    for name, milliseconds in measured.items():
        print(f"{name:28} {milliseconds:6.2f} ms")
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=2) + "\n")


def calls(clients: StorageClients) -> dict[str, Callable[[int], object]]:
    container = clients.blobs.create_container("images")
    container.upload_blob("a.jpg", bytes(PICTURE_BYTES))
    images, path = AzureImages(clients.blobs, max_bytes=READ_BYTES), ImagePath("images", "a.jpg")
    etag = images.etag(path)
    segments, table = AzureSegments(clients.blobs, "dedup-index"), EntityTable(clients.tables, "features")
    segments.append(1, bytes(400))
    queue = clients.queues.create_queue("verify-pairs")
    keys = {"PartitionKey": "00", "RowKey": "row"}
    tags = [table.upsert(keys | FEATURES, keep_other_columns=False)]
    return {
        "read an image": lambda _: images.read(path),
        "read an image, unchanged": lambda _: images.read(path, unless_etag=etag),
        "append to the log": lambda _: segments.append(1, bytes(400)),
        "read the tail of the log": lambda _: segments.read(1, 0, 400),
        "read a row": lambda _: table.get_with_tag("00", "row"),
        "look for a missing row": lambda number: table.get("00", f"no {number}"),
        "create a row": lambda number: table.create(keys | FEATURES | {"RowKey": str(number)}),
        "update a status": lambda number: tags.append(
            table.update(keys | {"status": str(number)}, tags.pop(), keep_other_columns=True)
        ),
        "send a message": lambda _: send_text(queue, "{}" * 100),
    }


def measure(kinds: dict[str, Callable[[int], object]], rounds: int) -> dict[str, float]:
    """Milliseconds of processor time by kind of call; the first calls, which connect, do not count."""
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(rounds + 2):
        for name, call in kinds.items():
            started = time.thread_time()
            call(number)
            seconds[name].append(time.thread_time() - started)
    return {name: statistics.median(times[2:]) * 1000 for name, times in seconds.items()}


if __name__ == "__main__":
    main()
