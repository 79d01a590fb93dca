"""Processor time of a comparison, now and in an earlier checkout of the project, pair by pair in turn.

    git worktree add /tmp/earlier 7e74f0a
    python -m benchmarks.comparison --photos DIR --against /tmp/earlier
    python -m benchmarks.comparison --photos DIR --against /tmp/earlier --limit 8 --json comparison.json

Each checkout has one process of its own, and both measure the same decoded files; decoding is not counted, and memory
is kept as each app keeps it. Of each pair the fastest of `--rounds` counts, so that other programs on the machine
change little; a row is the ratio of the sums.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPIES = {
    "saved again": "jpeg-50",
    "half size": "resize-0.5",
    "crop of 5 %": "crop-5-each-side",
    "crop to 85 %": "crop-random-85",
    "mirrored": "mirrored",
}
STRANGERS = "strangers"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

type Pairs = dict[str, list[tuple[str, str]]]


def main() -> None:
    if sys.argv[1:] == ["--child"]:
        answer_in_turn()
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of different pictures")
    parser.add_argument("--against", type=Path, required=True, help="another checkout of the project")
    parser.add_argument("--limit", type=int, default=16, help="photos, spread over the folder (16)")
    parser.add_argument("--rounds", type=int, default=3, help="times that each pair is measured by each (3)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="comparison-") as folder:
        pairs = write_pairs(options.photos, options.limit, Path(folder))
        seconds = measure(pairs, {"earlier": options.against.resolve(), "now": ROOT}, options.rounds)
    show(seconds)
    if options.json:
        options.json.write_text(json.dumps(seconds, indent=1) + "\n")


def write_pairs(photos: Path, limit: int, folder: Path) -> Pairs:
    """Photos with their copies, and with the next photo of the sample."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.quality_eval.pictures import photos_in  # noqa: PLC0415 - the children must import nothing of it
    from dedup_changes.transforms import TRANSFORMS  # noqa: PLC0415

    found = [photo.path for photo in photos_in(photos)]
    sample = found[:: max(1, len(found) // limit)][:limit]
    pairs: Pairs = defaultdict(list)
    for photo in sample:
        for row, transform in COPIES.items():
            copy = folder / f"{photo.stem}-{transform}"
            copy.write_bytes(TRANSFORMS[transform].apply(photo.read_bytes(), photo.name))
            pairs[row].append((str(photo), str(copy)))
    pairs[STRANGERS] = [(str(left), str(right)) for left, right in zip(sample, sample[1:] + sample[:1], strict=True)]
    return pairs


def measure(pairs: Pairs, checkouts: dict[str, Path], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Row -> name of the checkout -> seconds of each pair."""
    children = {name: start(checkout) for name, checkout in checkouts.items()}
    seconds: dict[str, dict[str, list[float]]] = {row: {name: [] for name in children} for row in pairs}
    for row, of_row in pairs.items():
        for pair in of_row:
            tries = [{name: ask(child, pair) for name, child in children.items()} for _ in range(rounds)]
            for name in children:
                seconds[row][name].append(min(it[name] for it in tries))
    for child in children.values():
        child.communicate()
    return seconds


def start(checkout: Path) -> subprocess.Popen[str]:
    environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(checkout)}
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve()), "--child"],
        env=environment,
        cwd=checkout,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ask(child: subprocess.Popen[str], pair: tuple[str, str]) -> float:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps(pair) + "\n")
    child.stdin.flush()
    return float(child.stdout.readline())


def forgetting() -> Callable[[], None]:
    """What forgets all that the checkout holds of a comparison."""
    for module in ("dedup_core.comparison.overlap.part", "dedup_core.comparison.part"):  # now, and before
        with suppress(ImportError):
            return importlib.import_module(module).forget_parts
    return lambda: None  # it holds nothing


def answer_in_turn() -> None:
    """For each line of the input, two names of files, the processor seconds that measuring them takes."""
    sys.path[0] = os.environ["PYTHONPATH"]
    from dedup_core import measure_images  # noqa: PLC0415 - of the checkout, which has its own

    # Not by what an import finds: an installed checkout answers for what another one lacks.
    if Path(sys.path[0], "dedup_core", "decoding").is_dir():
        from dedup_core.decoding.decoder import decode  # noqa: PLC0415
    else:  # a checkout from before dedup_core had subpackages
        from dedup_core.decode import decode  # noqa: PLC0415
    if Path(sys.path[0], "dedup_decoders").is_dir():
        from dedup_decoders.allocator import return_large_buffers_at_once  # noqa: PLC0415

        return_large_buffers_at_once()
    forget_parts = forgetting()

    last: tuple[list[str], list] | None = None
    for line in sys.stdin:
        names = json.loads(line)
        if last is None or last[0] != names:
            last = names, [decode(Path(name).read_bytes()) for name in names]
            measure_images(*last[1])  # whatever is made once for a size of picture is there
        forget_parts()  # of the same pair before
        started = time.process_time()
        measure_images(*last[1])
        print(time.process_time() - started, flush=True)


def show(seconds: dict[str, dict[str, list[float]]]) -> None:
    print(f"{'':14}{'pairs':>6}{'earlier ms':>12}{'now ms':>9}{'ratio':>8}")
    for row, of_row in seconds.items():
        earlier, now = (sum(of_row[name]) for name in ("earlier", "now"))
        count = len(of_row["now"])
        print(f"{row:14}{count:6}{earlier / count * 1000:12.1f}{now / count * 1000:9.1f}{now / earlier:8.2f}")


if __name__ == "__main__":
    main()
