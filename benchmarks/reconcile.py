# ruff: noqa: ARG002 - the ports have these arguments
"""The ledger over a large collection: seconds and memory of `dedup reconcile`, without and with `--deep`.

    python -m benchmarks.reconcile --json benchmarks/results/reconcile.json

Container, tables and log are in memory and nothing is amiss, so what is measured is the ledger's own work: parsing
every row, listing, searching. What storage adds are the calls, counted as Azure pages them (5,000 blobs, 1,000 rows).
`--deep` looks up the images of one slice in sixty-four, and the time is multiplied. Memory is what the ledger takes
beyond the index, which every instance holds anyway.
"""

import argparse
import json
import os
import time
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.index_records import made_up, pictures, real_fingerprints
from dedup_app.configuration.settings import Settings
from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.findings import PREFIXES
from dedup_app.ports.image_status import INDEXED
from dedup_app.ports.images import BLOBS_A_PAGE, BlobPage
from dedup_app.services import Services
from dedup_core.extraction import extract_features
from dedup_core.features import ImageFeatures
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.paths import ImagePath
from dedup_decoders.in_process import InProcessDecoders
from dedup_storage.logs.fingerprint_log import FingerprintLog
from dedup_storage.logs.verdict_log import VerdictLog
from dedup_storage.tables.features import AzureFeaturesTable
from dedup_storage.tables.pairs import AzurePairsTable
from dedup_storage.tables.rows import Entity, features_entity
from tests.core.pictures import encoded, scene
from tests.memory import (
    MemoryIngestQueue,
    MemoryPoisonQueues,
    MemoryQueues,
    MemoryReportsTable,
    MemorySegments,
    MemoryStatsTable,
    MemoryVerifyQueue,
)

CONTAINER = "images"
ROWS_A_PAGE = 1_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOME_SLICES = PREFIXES[::64]


class Partitions:
    """A table that is only read, by partitions as the service finds them; counts the pages that it would send."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._rows: dict[str, dict[str, Entity]] = defaultdict(dict)

    def add(self, entity: Entity) -> None:
        self._rows[entity["PartitionKey"]][entity["RowKey"]] = entity

    def get(self, partition: str, key: str, *, select: Sequence[str] | None = None) -> Entity | None:
        self.calls["rows, one by one"] += 1
        return self._rows[partition].get(key)

    def get_with_tag(self, partition: str, key: str) -> tuple[Entity, str] | None:
        found = self.get(partition, key)
        return None if found is None else (found, "tag")

    def get_many(self, keys: Sequence[tuple[str, str]], *, select: Sequence[str] | None = None) -> list[Entity]:
        return [found for key in keys if (found := self.get(*key)) is not None]

    def query_with_tags(self, condition: str = "", *, limit: int | None = None) -> Iterator[tuple[Entity, str]]:
        low, *keys = condition.split("'")[1::2]
        partitions = [low] if " eq " in condition else [it for it in self._rows if it.startswith(low)]
        first, end = keys if " eq " in condition and keys else ("", "g")
        rows = ((key, row) for it in partitions for key, row in self._rows[it].items())
        found = [(row, "tag") for key, row in rows if first <= key < end]
        self.calls["pages of rows"] += 1 + len(found) // ROWS_A_PAGE
        return iter(found)


class Listed:
    """A container of which only names and etags are asked for."""

    def __init__(self, images: int) -> None:
        self.calls: Counter[str] = Counter()
        self._images = images

    def page(self, container: str, place: str = "", most: int = BLOBS_A_PAGE) -> BlobPage:
        self.calls["pages of blobs"] += 1
        first = int(place or 0)
        end = min(first + most, self._images)
        blobs = [(name_of(number), f"0x{number:X}") for number in range(first, end)]
        return BlobPage(blobs, str(end) if end < self._images else None)

    def etag(self, path: ImagePath) -> str | None:
        raise AssertionError(f"{path} is as it was listed")


def name_of(number: int) -> str:
    return f"shop/{number:07}.jpg"


def collection(images: int) -> tuple[Services, Partitions, Partitions, Listed]:
    """An app that has taken in so many images, all different."""
    random = np.random.default_rng(1)
    packed = made_up(real_fingerprints(pictures(None), random, 60), images, 0.83, random)
    of_one = extract_features(encoded(scene(1)))
    rows, pairs, listed = Partitions(), Partitions(), Listed(images)
    log = FingerprintLog(MemorySegments())
    added = []
    for number in range(images):
        path = ImagePath(CONTAINER, name_of(number))
        fingerprints = Fingerprints.from_bytes(packed[number].tobytes())
        features: ImageFeatures = replace(of_one, fingerprints=fingerprints, sha256=f"{number:064x}")
        rows.add(features_entity(FeaturesRow(path, f"0x{number:X}", INDEXED, features, "", NOW, number + 1)))
        added.append((path.image_id, number + 1, fingerprints))
    log.add_all(added)
    services = Services(
        settings=Settings(),
        images=listed,  # type: ignore[arg-type]
        decoders=InProcessDecoders(),
        features=AzureFeaturesTable(rows),  # type: ignore[arg-type]
        pairs=AzurePairsTable(pairs),  # type: ignore[arg-type]
        stats=MemoryStatsTable(),
        reports=MemoryReportsTable(),
        verify_queue=MemoryVerifyQueue(),
        ingest_queue=MemoryIngestQueue(),
        queues=MemoryQueues({}),
        poison_queues=MemoryPoisonQueues(),
        open_index=lambda: log,
        verdict_log=VerdictLog(MemorySegments()),
        instance="benchmark",
        now=lambda: NOW,
    )
    log.refresh()
    return services, rows, pairs, listed


def measured(images: int) -> dict[str, object]:
    services, rows, pairs, listed = collection(images)
    started = time.process_time()
    ledger = services.reconcile.reconcile()
    seconds = time.process_time() - started
    assert (ledger.images, ledger.complete) == (images, images), ledger
    calls = rows.calls + pairs.calls + listed.calls
    tracemalloc.start()
    services.reconcile.reconcile(prefixes=SOME_SLICES)  # one after the other, so a few take as much as all
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    started = time.process_time()
    services.reconcile.reconcile(deep=True, prefixes=SOME_SLICES)
    deep = (time.process_time() - started) * len(PREFIXES) / len(SOME_SLICES)
    return {
        "images": images,
        "seconds": seconds,
        "deep_seconds": deep,
        "peak_bytes": peak,
        "calls": dict(calls),
        "load_average": os.getloadavg()[0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[6_250, 25_000, 100_000])
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    results = []
    for images in chosen.images:
        results.append(measured(images))
        print(json.dumps(results[-1]), flush=True)
        if chosen.json:
            chosen.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
