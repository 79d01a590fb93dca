"""Whether a copy is found among thousands of pictures of one template, and what an upload of it costs.

    python benchmarks/crowds.py FOLDER --only form --only slide --things 3000
    python benchmarks/crowds.py FOLDER --json crowds.json

FOLDER is that of benchmarks/domains.py. All things of a kind are put into one index; then copies of some of them, at
half size as JPEG quality 75 and scanned askew in gray, and new things without a copy are searched and thinned as the
app does. The rank is the place of the true one in the order of the index, before any row is read; rows read are rows of
the features table, images read what is left of them.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks.domains import MAX_CANDIDATES, makers, smaller_copy  # noqa: E402
from dedup_core import FingerprintIndex, Fingerprints  # noqa: E402
from dedup_core.decoding.given import working_image_of  # noqa: E402
from dedup_core.fingerprinting.hashes import fingerprints_of  # noqa: E402
from dedup_core.search.second_look import is_plausible, likeliest_of_crowd  # noqa: E402


def scanned_askew(picture: Image.Image) -> bytes:
    """A gray JPEG file of the whole, turned by 1.5 degrees on white."""
    stream = io.BytesIO()
    turned = picture.convert("RGB").rotate(1.5, Image.Resampling.BICUBIC, fillcolor="white")
    turned.convert("L").save(stream, "JPEG", quality=75)
    return stream.getvalue()


COPIES: dict[str, Callable[[Image.Image], bytes]] = {"half size": smaller_copy, "askew": scanned_askew}
NEW = "new"


@dataclass(frozen=True)
class Crowd:
    """What became of those asked for, all numbers by one of them; of new ones there is none to be found."""

    kind: str
    how: str
    things: int
    asked: int
    hits: float
    first: float
    within_limit: float
    worst_rank: int
    verified_true: float
    rows_read: float
    verified: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--things", type=int, default=3000, help="of each kind")
    parser.add_argument("--asked", type=int, default=100, help="copies of so many of them")
    parser.add_argument("--only", action="append", metavar="PART", help="only kinds with this in their name")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    kinds = [kind for kind in makers(options.folder) if any(part in kind for part in options.only or [""])]
    with ProcessPoolExecutor(options.jobs) as pool:
        crowds = [it for kind in kinds for it in measure(options.folder, kind, options.things, options.asked, pool)]
    show(crowds)
    if options.json:
        options.json.write_text(json.dumps([asdict(crowd) for crowd in crowds], indent=1) + "\n", encoding="utf-8")


def measure(folder: Path, kind: str, things: int, asked: int, pool: ProcessPoolExecutor) -> list[Crowd]:
    held = dict(enumerate(pool.map(partial(_original, folder, kind), range(things), chunksize=16)))
    index: FingerprintIndex[str] = FingerprintIndex()
    for number, fingerprints in held.items():
        index.add(_name(number), fingerprints)
    wanted = [round(it) for it in np.linspace(0, things - 1, asked)]
    unknown = range(things, things + asked)
    queries = {how: (wanted, list(pool.map(partial(_copy, folder, kind, how), wanted, chunksize=4))) for how in COPIES}
    queries[NEW] = (list(unknown), list(pool.map(partial(_original, folder, kind), unknown, chunksize=4)))
    return [_crowd(kind, how, index, held, *query) for how, query in queries.items()]


def _crowd(
    kind: str,
    how: str,
    index: FingerprintIndex[str],
    held: dict[int, Fingerprints],
    wanted: list[int],
    queries: list[Fingerprints],
) -> Crowd:
    rows = [_asked(index, held, number, query) for number, query in zip(wanted, queries, strict=True)]
    ranks, hits, verified_true, rows_read, verified = (np.array(column) for column in zip(*rows, strict=True))
    return Crowd(
        kind=kind,
        how=how,
        things=len(held),
        asked=len(wanted),
        hits=float(hits.mean()),
        first=float((ranks == 1).mean()),
        within_limit=float((ranks <= MAX_CANDIDATES).mean()),
        worst_rank=int(ranks.max()),
        verified_true=float(verified_true.mean()),
        rows_read=float(rows_read.mean()),
        verified=float(verified.mean()),
    )


def _asked(
    index: FingerprintIndex[str], held: dict[int, Fingerprints], number: int, copy: Fingerprints
) -> tuple[int, int, bool, int, int]:
    """Rank (after all hits, if it is none), number of hits, whether the true one is verified, rows read, verified."""
    hits = index.search(copy)
    found = [int(hit.image_id, 16) for hit in hits]
    candidates, read = [], 0
    for hit in hits:
        read += 1
        if is_plausible(copy, held[int(hit.image_id, 16)], hit):
            candidates.append((hit, held[int(hit.image_id, 16)]))
            if len(candidates) == MAX_CANDIDATES:
                break
    left = [int(candidates[place][0].image_id, 16) for place in likeliest_of_crowd(copy, candidates)]
    rank = found.index(number) + 1 if number in found else len(index) + 1
    return rank, len(hits), number in left, read, len(left)


def _name(number: int) -> str:
    return f"{number:032x}"


def _original(folder: Path, kind: str, number: int) -> Fingerprints:
    return fingerprints_of(working_image_of(makers(folder)[kind](number).convert("RGB")), f"{number:08}".encode())


def _copy(folder: Path, kind: str, how: str, number: int) -> Fingerprints:
    return fingerprints_of(working_image_of(COPIES[how](makers(folder)[kind](number))), b"the copy")


def show(crowds: list[Crowd]) -> None:
    columns = "kind, asked, things, hits, true one first, among 100, worst rank, verified, rows read, images read"
    table = Table(*columns.split(", "))
    for it in crowds:
        found = [f"{it.first:.2f}", f"{it.within_limit:.2f}", f"{it.worst_rank:,}", f"{it.verified_true:.2f}"]
        found = ["none"] * len(found) if it.how == NEW else found
        costs = (f"{it.rows_read:.1f}", f"{it.verified:.1f}")
        table.add_row(it.kind, it.how, f"{it.things:,}", f"{it.hits:.0f}", *found, *costs)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


if __name__ == "__main__":
    main()
