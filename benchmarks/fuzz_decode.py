"""Decode many damaged files, each in a process that may die, and count how each of them ended.

    python benchmarks/fuzz_decode.py --files 20000 --seed 1
    python benchmarks/fuzz_decode.py --atheris-seconds 120
    python benchmarks/fuzz_decode.py --folder FOLDER    # every file of a folder as it is, each in its own process

Every file is one of the pictures drawn in `tests/core/odd_files.py`, damaged by a seeded mutator. A file may end as a
picture or as one of the two permanent errors; anything else, a dead process, more than 2 s or more than 400 MB is a
finding: its bytes are written to `--findings`, and the exit code is 1.
"""

import argparse
import json
import random
import resource
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from dedup_core.decoding.decoder import decode  # noqa: E402
from dedup_core.decoding.formats import ALL_FORMATS  # noqa: E402
from dedup_core.errors import ImageTooLarge, UnreadableImage  # noqa: E402
from dedup_core.limits import DecodeLimits  # noqa: E402
from tests.core.mutations import mutate  # noqa: E402
from tests.core.odd_files import sound_files  # noqa: E402

HEADER_ENDS = (struct.error, IndexError, OverflowError)
EVERY_FORMAT = DecodeLimits(formats=ALL_FORMATS)
MAX_SECONDS = 2.0
MAX_BYTES = 400_000_000
ADDRESS_SPACE_BYTES = 4 << 30  # a runaway allocation fails instead of taking the machine along


def main() -> int:
    arguments = parse_arguments()
    if arguments.one_file:
        print(json.dumps(measure_file(arguments.one_file.read_bytes())))
        return 0
    if arguments.folder:
        return run_folder(arguments.folder)
    if arguments.worker:
        return work(arguments.seed, arguments.start, arguments.files)
    if arguments.atheris_seconds:
        return run_atheris(arguments.atheris_seconds, arguments.findings)
    return run_mutator(arguments.seed, arguments.files, arguments.findings)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--atheris-seconds", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--one-file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--start", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def damaged_file(seed: int, number: int, sound: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    dice = random.Random(f"{seed}:{number}")
    name, data = sound[number % len(sound)]
    return name, mutate(data, dice, donors=[other for _, other in sound])


def run_mutator(seed: int, files: int, findings: Path) -> int:
    """Feed the workers; one that dies is replaced by one that begins with the file after its last."""
    outcomes: Counter[str] = Counter()
    slowest, largest, failures, start = 0.0, 0, 0, 0
    sound = sound_files()
    while start < files:
        command = [sys.executable, __file__, "--worker", f"--seed={seed}", f"--start={start}", f"--files={files}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as worker:
            assert worker.stdout is not None
            for line in worker.stdout:
                number, outcome, seconds, growth = json.loads(line)
                start = number + 1
                outcomes[outcome] += 1
                slowest, largest = max(slowest, seconds), max(largest, growth)
                if "ESCAPED" in outcome or seconds > MAX_SECONDS or growth > MAX_BYTES:
                    failures += keep(findings, seed, number, sound, f"{outcome} {seconds:.2f} s {growth:,} bytes")
        if worker.returncode:
            failures += keep(findings, seed, start, sound, f"process died with {worker.returncode}")
            outcomes["DIED"] += 1
            start += 1
    for outcome, count in outcomes.most_common():
        print(f"{count:7,}  {outcome}")
    print(f"{files:7,}  files; slowest {slowest:.2f} s, most memory {largest / 1e6:.0f} MB, findings {failures}")
    return 1 if failures else 0


def run_folder(folder: Path) -> int:
    failures, slowest, largest = 0, 0.0, 0
    for path in sorted(file for file in folder.iterdir() if file.is_file()):
        command = [sys.executable, __file__, "--one-file", str(path)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        outcome, seconds, growth = json.loads(done.stdout) if done.returncode == 0 else ("DIED", 0.0, 0)
        slowest, largest = max(slowest, seconds), max(largest, growth)
        failures += "DIED" in outcome or "ESCAPED" in outcome or seconds > MAX_SECONDS or growth > MAX_BYTES
        print(f"{path.name[:40]:40} {seconds * 1000:6.0f} ms {growth / 1e6:4.0f} MB  {outcome}")
    print(f"slowest {slowest:.2f} s, most memory {largest / 1e6:.0f} MB, findings {failures}")
    return 1 if failures else 0


def measure_file(data: bytes) -> tuple[str, float, int]:
    """Outcome, processor seconds and growth of the process, which has decoded nothing before."""
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    outcome = classify(data)
    return outcome, time.process_time() - started, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) * 1024


def keep(findings: Path, seed: int, number: int, sound: list[tuple[str, bytes]], what: str) -> int:
    findings.mkdir(exist_ok=True)
    name, data = damaged_file(seed, number, sound)
    path = findings / f"{seed}-{number}-{name}"
    path.write_bytes(data)
    print(f"FINDING {path}: {what}", flush=True)
    return 1


def work(seed: int, start: int, files: int) -> int:
    sound = sound_files()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(start, files):
        name, data = damaged_file(seed, number, sound)
        started = time.process_time()
        outcome = classify(data)
        seconds = time.process_time() - started
        new_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        kind = name.split("-", maxsplit=1)[0]
        print(json.dumps([number, f"{kind:5} {outcome}", seconds, (new_peak - peak) * 1024]), flush=True)
        peak = new_peak
    return 0


def classify(data: bytes) -> str:
    try:
        image = decode(data, EVERY_FORMAT)
    except (UnreadableImage, ImageTooLarge) as error:
        # A decoder complains in these ways; anything else may be a fault of ours that `corrupt` would hide.
        usual = error.__cause__ is None or isinstance(error.__cause__, (OSError, SyntaxError, ValueError, *HEADER_ENDS))
        return f"{type(error).__name__} {error.reason}" + ("" if usual else f" ({type(error.__cause__).__name__})")
    except BaseException as error:  # noqa: BLE001 - just this is what the fuzzer looks for
        return f"ESCAPED {type(error).__name__}"
    return "decoded" if image.pixels.shape[2] == 3 else "ESCAPED wrong shape"


def run_atheris(seconds: int, findings: Path) -> int:
    """Coverage-guided fuzzing of our own Python (headers, modes, profiles), for a bounded time."""
    import atheris  # noqa: PLC0415 - only this mode needs it

    findings.mkdir(exist_ok=True)
    corpus = findings / "corpus"
    corpus.mkdir(exist_ok=True)
    for name, data in sound_files():
        (corpus / name).write_bytes(data)

    def one_input(data: bytes) -> None:
        outcome = classify(data)
        if "ESCAPED" in outcome:
            raise RuntimeError(outcome)

    atheris.instrument_all()
    options = [f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=2000", f"-artifact_prefix={findings}/"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one_input)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
