"""What this tree takes beside another checkout of it: processor time of a cold start, features, comparison and search.

    git worktree add ../before 7e74f0a
    python -m benchmarks.against ../before [--rounds 7] [--images 200000] [--only search "bare pass"] [--json FILE]

Features are those of JPEG files of half a megapixel, large ones those of 11. A bare pass is an XOR and a popcount over
as many values of 256 bits as there are images, and the same in both trees.

One process of each tree does the same work in turns, a round of one and then the same round of the other, so that
whatever else the machine does meets both alike. A figure is the least of its rounds, because other programs only ever
add; a cold start is a fresh process each time. Both trees run in this Python with its libraries.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
COLD = "import function_app"
WORK = ("cold start", "features", "large features", "comparison", "search", "bare pass")
# Only names that both trees have; what differs in them is what is measured.
WORKER = """
import io, sys, time
import numpy as np
from PIL import Image
from benchmarks.index_log import bare_pass
from benchmarks.index_records import made_up, pictures, real_fingerprints
from dedup_core import FingerprintIndex, compare, extract_features

def encoded(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()

photos = [it.convert("RGB") for it in pictures(None)][:6]
files = [encoded(it, "JPEG", quality=90) for it in photos]
large = [encoded(it.resize((4000, 4000 * it.height // it.width)), "JPEG", quality=90) for it in photos[2:4]]
copies = [encoded(it.resize((it.width // 2, it.height // 2)), "JPEG", quality=80) for it in photos]
random = np.random.default_rng(1)
known = real_fingerprints(pictures(None), random, 120)
index = FingerprintIndex()
images = int(sys.argv[1])
for start in range(0, images, 50_000):
    count = min(50_000, images - start)
    records = made_up(known, count, 0.83, random)
    index.add_many(random.integers(0, 256, (count, 16), np.uint8), records, more_to_come=True)
index.settle()
columns = random.integers(0, 2**63, (4, images), np.uint64)
WORK = {
    "features": lambda: [extract_features(it) for it in files],
    "large features": lambda: [extract_features(it) for it in large],
    "comparison": lambda: [compare(*pair) for pair in zip(files, copies)],
    "search": lambda: [index.search(it) for it in known[:40]],
    "bare pass": lambda: [bare_pass(columns) for _ in range(20)],
}
print("ready", flush=True)
for line in sys.stdin:
    started = time.process_time()
    count = len(WORK[line.strip()]())
    print((time.process_time() - started) / count, flush=True)
"""


class Tree:
    """A checkout, and a process that does its work."""

    def __init__(self, root: Path, images: int) -> None:
        self._root = root
        self._environment = os.environ | {"PYTHONPATH": str(root), "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-c", WORKER, str(images)]
        self._worker = subprocess.Popen(
            command, cwd=root, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answer()

    def seconds(self, work: str) -> float:
        """Processor seconds of one piece of it."""
        if work == "cold start":
            return self._fresh(COLD) - self._fresh("pass")
        assert self._worker.stdin is not None
        self._worker.stdin.write(f"{work}\n")
        self._worker.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        self._worker.communicate()

    def _fresh(self, code: str) -> float:
        process = subprocess.Popen([sys.executable, "-c", code], cwd=self._root, env=self._environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{code!r} failed in {self._root}")
        return usage.ru_utime + usage.ru_stime

    def _answer(self) -> str:
        assert self._worker.stdout is not None
        answer = self._worker.stdout.readline()
        if not answer:
            sys.exit(f"the process of {self._root} ended")
        return answer.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="a checkout of another commit")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=200_000, help="that the search goes through")
    parser.add_argument("--only", nargs="+", choices=WORK, default=WORK)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    other = given.other.resolve()
    trees = {"before": Tree(other, given.images), "now": Tree(ROOT, given.images)}
    found: dict[str, dict[str, float]] = {}
    for work in given.only:
        rounds = [{name: tree.seconds(work) for name, tree in trees.items()} for _ in range(given.rounds + 1)][1:]
        found[work] = {name: min(it[name] for it in rounds) for name in trees}
    for tree in trees.values():
        tree.close()
    table = Table("", "before, ms", "now, ms", "now / before")
    for work, took in found.items():
        took["ratio"] = took["now"] / took["before"]
        table.add_row(work, *(f"{took[name] * 1000:.1f}" for name in trees), f"{took['ratio']:.2f}")
    Console(width=100).print(table)
    if given.json:
        command = ["git", "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(command, cwd=other, capture_output=True, text=True, check=True)
        written = {"before": commit.stdout.strip(), "images": given.images, "rounds": given.rounds, "seconds": found}
        given.json.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
