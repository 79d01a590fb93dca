"""Whether a copy is found among thousands of pictures of one template, and what an upload of it costs.

    python benchmarks/crowds.py FOLDER --only form --only slide --things 3000
    python benchmarks/crowds.py FOLDER --json crowds.json

FOLDER is that of benchmarks/domains.py. All things of a kind are put into one index; then copies of some of them at
half size as JPEG quality 75 are searched and thinned as the app does. The rank is the place of the true one in the
order of the index, before any row is read; rows read are rows of the features table, images read what is left of them.
"""

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks.domains import MAX_CANDIDATES, makers, smaller_copy  # noqa: E402
from dedup_core import FingerprintIndex, Fingerprints  # noqa: E402
from dedup_core.decoding.given import working_image_of  # noqa: E402
from dedup_core.fingerprinting.hashes import fingerprints_of  # noqa: E402
from dedup_core.search.second_look import is_plausible, likeliest_of_crowd  # noqa: E402


@dataclass(frozen=True)
class Crowd:
    """What became of the copies asked for, all numbers by copy."""

    kind: str
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
        crowds = [measure(options.folder, kind, options.things, options.asked, pool) for kind in kinds]
    show(crowds)
    if options.json:
        options.json.write_text(json.dumps([asdict(crowd) for crowd in crowds], indent=1) + "\n", encoding="utf-8")


def measure(folder: Path, kind: str, things: int, asked: int, pool: ProcessPoolExecutor) -> Crowd:
    held = dict(enumerate(pool.map(partial(_original, folder, kind), range(things), chunksize=16)))
    wanted = [round(it) for it in np.linspace(0, things - 1, asked)]
    copies = list(pool.map(partial(_copy, folder, kind), wanted, chunksize=4))
    index: FingerprintIndex[str] = FingerprintIndex()
    for number, fingerprints in held.items():
        index.add(_name(number), fingerprints)
    rows = [_asked(index, held, number, copy) for number, copy in zip(wanted, copies, strict=True)]
    ranks, hits, verified_true, rows_read, verified = (np.array(column) for column in zip(*rows, strict=True))
    return Crowd(
        kind=kind,
        things=things,
        asked=asked,
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


def _copy(folder: Path, kind: str, number: int) -> Fingerprints:
    return fingerprints_of(working_image_of(smaller_copy(makers(folder)[kind](number))), b"the copy")


def show(crowds: list[Crowd]) -> None:
    columns = "kind, things, hits, true one first, among 100, worst rank, verified, rows read, images read"
    table = Table(*columns.split(", "))
    for it in crowds:
        shares = (f"{share:.2f}" for share in (it.first, it.within_limit))
        numbers = (f"{it.verified_true:.2f}", f"{it.rows_read:.1f}", f"{it.verified:.1f}")
        table.add_row(it.kind, f"{it.things:,}", f"{it.hits:.0f}", *shares, f"{it.worst_rank:,}", *numbers)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


if __name__ == "__main__":
    main()
