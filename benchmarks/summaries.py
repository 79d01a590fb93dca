"""Rows of many images out of a large features table: in ranges where they lie close together, and one by one, in turns.

    python -m benchmarks.summaries --rows 20000 --shares 0.5 0.2 0.05 0.02

A share of all images is asked for, as `dedup plan` and `dedup duplicates` ask for those of groups. What is told is the
processor time of this process, without Azurite's, and the storage operations by its access log.
"""

import argparse
import hashlib
import random
import tempfile
import time
from collections.abc import Callable, Collection
from itertools import batched, groupby
from pathlib import Path

from azure.data.tables import TableClient

from benchmarks.storage_operations import taken_apart
from dedup_app.configuration.settings import Settings
from dedup_storage.account.clients import open_clients
from dedup_storage.logs.reading import READ_BYTES
from dedup_storage.tables.entity_table import EntityTable
from dedup_storage.tables.many_rows import Keys, read_many
from dedup_storage.tables.rows import SUMMARY_COLUMNS, Entity
from local_host.azurite import Azurite

FEATURES = {f"bytes_{number}": bytes(400) for number in range(12)}
SUMMARY = {
    "path": f"images/{'x' * 40}.jpg",
    "etag": "0x8DCAFE",
    "status": "indexed",
    "scheme": 3,
    "sha256": "0" * 64,
    "width": 4000,
    "height": 3000,
    "byte_size": 4_000_000,
    "version": 1_780_000_000,
    "format": "JPEG",
}
type Read = Callable[[EntityTable, Collection[Keys]], list[Entity]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.5, 0.2, 0.05, 0.02])
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="summaries-") as folder,
        Azurite(Path(folder) / "azurite", access_log=Path(folder) / "requests.log") as azurite,
    ):
        settings = Settings.from_environment({"ImageStorage": azurite.connection_string})
        clients = open_clients(settings.require_image_storage(), largest_read=READ_BYTES)
        table = EntityTable(clients.tables, "features")
        ids = sorted(hashlib.sha256(str(number).encode()).hexdigest()[:32] for number in range(arguments.rows))
        fill(clients.tables.create_table("features"), ids)
        ways: dict[str, Read] = {
            "one by one": lambda table, keys: table.get_many(keys, select=SUMMARY_COLUMNS),
            "close ones together": lambda table, keys: read_many(table, keys, select=SUMMARY_COLUMNS),
        }
        for share in arguments.shares:
            asked = random.Random(7).sample(ids, int(share * len(ids)))
            for name, read in ways.items():
                operations = -count(azurite)
                started = time.process_time()
                found = read(table, [(it[:2], it) for it in asked])
                seconds = time.process_time() - started
                operations += count(azurite)
                assert len(found) == len(asked)
                print(
                    f"{share:5.2f} of {len(ids):,} rows, {name:20} {seconds / len(asked) * 1000:6.2f} ms a row, "
                    f"{operations / len(asked):5.3f} operations a row"
                )
        clients.close()


def fill(client: TableClient, ids: list[str]) -> None:
    for partition, of_it in groupby(ids, lambda it: it[:2]):
        for part in batched(of_it, 50, strict=False):
            client.submit_transaction(
                [("create", {"PartitionKey": partition, "RowKey": it, **SUMMARY, **FEATURES}) for it in part]
            )


def count(azurite: Azurite) -> int:
    return sum(taken_apart(request)[0] == "features" for request in azurite.requests())


if __name__ == "__main__":
    main()
