"""`dedup scan` beside what others use for a folder: files a second, processor time, copies found, strangers accused.

    python -m benchmarks.scan FOLDER [--photos 120] [--peers PYTHON] [--json FILE]

FOLDER holds photographs of which no two are copies. They are put into a new folder with copies of each (half the size,
mirrored, cropped, recompressed, brighter, framed), and every program is given that folder, whole process and all cores;
`dedup scan` once more with what it remembers. PYTHON is an interpreter that has `imagededup` and `czkawka` (the binding
of czkawka's core; its command is not in a package registry of Python): what it lacks is left out and said so.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
SAME = ("identical", "duplicate")

type Change = Callable[[Image.Image], Image.Image]
CHANGES: dict[str, tuple[Change, str, dict[str, int]]] = {
    "half": (lambda it: it.resize((it.width // 2, it.height // 2)), "JPEG", {"quality": 85}),
    "mirrored": (lambda it: it.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "JPEG", {"quality": 85}),
    "cropped": (lambda it: it.crop((it.width // 10, it.height // 10, it.width, it.height)), "JPEG", {"quality": 85}),
    "recompressed": (lambda it: it, "JPEG", {"quality": 40}),
    "brighter": (lambda it: ImageEnhance.Brightness(it).enhance(1.2), "PNG", {}),
    "framed": (lambda it: ImageOps.expand(it, it.width // 12, "white"), "WEBP", {"quality": 80}),
}
PEERS = {
    "imagededup PHash": """
import json, sys
from imagededup.methods import PHash
found = PHash(verbose=False).find_duplicates(image_dir=sys.argv[1])
print(json.dumps([[a, b] for a, others in found.items() for b in others]))
""",
    "czkawka (its core, similarity 10)": """
import json, sys
from pathlib import Path
from itertools import combinations
from czkawka import ImageSimilarity
finder = ImageSimilarity()
finder.set_directories([Path(sys.argv[1])])
finder.set_similarity(10)
print(json.dumps([[a.name, b.name] for group in finder.find_similar() for a, b in combinations(group, 2)]))
""",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=120, help="how many of them (120)")
    parser.add_argument("--peers", help="an interpreter that has the others installed")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scan-") as name:
        folder = Path(name)
        files = make_copies(given.folder, given.photos, folder)
        rows = []
        with tempfile.TemporaryDirectory(prefix="scan-cache-") as cache:
            for program in ("dedup scan", "dedup scan, once more"):
                with measured() as spent:
                    pairs = ours(folder, cache)
                rows.append(judged(program, files, pairs, spent))
        for peer, code in PEERS.items() if given.peers else ():
            with measured() as spent:
                found = theirs(given.peers, code, folder)
            if found is None:
                Console().print(f"{peer} is left out: {given.peers} cannot import it")
            else:
                rows.append(judged(peer, files, found, spent))
    show(rows)
    if given.json:
        given.json.write_text(json.dumps({"files": len(files), "rows": rows}, indent=1) + "\n")


def make_copies(photos: Path, count: int, folder: Path) -> dict[str, str]:
    """Originals and copies in the folder: the photo that each file shows."""
    shows = {}
    for path in sorted(it for it in photos.iterdir() if it.suffix.lower() in {".jpg", ".jpeg", ".png"})[:count]:
        name = f"{path.stem}{path.suffix}"
        (folder / name).write_bytes(path.read_bytes())
        shows[name] = path.stem
        picture = Image.open(path).convert("RGB")
        for change, (make, kind, options) in CHANGES.items():
            name = f"{path.stem}-{change}.{kind.lower()}"
            make(picture).save(folder / name, kind, **options)
            shows[name] = path.stem
    return shows


@dataclass
class Spent:
    """Of a program with all its processes."""

    seconds: float = 0.0
    processor_seconds: float = 0.0


@contextmanager
def measured() -> Iterator[Spent]:
    spent = Spent()
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    yield spent
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent.seconds = time.monotonic() - started
    spent.processor_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ours(folder: Path, cache: str) -> set[frozenset[str]]:
    """Every pair inside of a group."""
    command = [sys.executable, "-m", "dedup_cli", "scan", str(folder), "--json"]
    environment = os.environ | {"XDG_CACHE_HOME": cache}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    pairs = set()
    for group in json.loads(done.stdout)["groups"]:
        names = [Path(it["path"]).name for it in (group["keep"], *group["copies"])]
        pairs |= {frozenset(pair) for pair in combinations(names, 2)}
    return pairs


def theirs(python: str, code: str, folder: Path) -> set[frozenset[str]] | None:
    done = subprocess.run([python, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        raise SystemExit(done.stderr)
    return {frozenset(pair) for pair in json.loads(done.stdout.splitlines()[-1])}


def judged(program: str, shows: dict[str, str], pairs: set[frozenset[str]], spent: Spent) -> dict[str, object]:
    """A copy is found if it is paired with any other file of its photo; a stranger accused is a pair of two photos."""
    right = [pair for pair in pairs if len({shows[name] for name in pair}) == 1]
    paired = {name for pair in right for name in pair}
    copies = [name for name in shows if "-" in name and name.rpartition("-")[2].partition(".")[0] in CHANGES]
    missed = {change: sum(f"-{change}." in name and name not in paired for name in copies) for change in CHANGES}
    return {
        "program": program,
        "files_per_second": len(shows) / spent.seconds,
        "processor_ms_per_file": 1000 * spent.processor_seconds / len(shows),
        "copies": len(copies),
        "copies_found": sum(name in paired for name in copies),
        "missed": {change: count for change, count in missed.items() if count},
        "strangers_accused": len(pairs) - len(right),
        "load_average": os.getloadavg()[0],
    }


def show(rows: list[dict[str, object]]) -> None:
    table = Table(title="copies in a folder")
    for column in ("", "files a second", "processor ms a file", "copies found", "missed", "pairs of strangers"):
        table.add_column(column, justify="right")
    for row in rows:
        found = f"{row['copies_found']} of {row['copies']}"
        speed, missed = f"{row['files_per_second']:.1f}", str(row["missed"] or "")
        table.add_row(
            str(row["program"]),
            speed,
            f"{row['processor_ms_per_file']:.0f}",
            found,
            missed,
            str(row["strangers_accused"]),
        )
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
