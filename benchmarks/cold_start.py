"""What `import function_app` costs in CPU: the whole, what it cannot do without, and every package.

    python -m benchmarks.cold_start

The totals are user + system time of fresh processes less that of an empty one, the least of `--runs`, because other
programs on the machine only ever add to it. The table comes from `-X importtime` in one more process: a module's own
time, which the measurement itself makes longer, so it is told as a share. Exit code 1 if something is loaded that only
the first call needs: NumPy, Pillow, the table and queue SDKs.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
LIMIT_SECONDS = 0.5
OURS = ("function_app", "dedup_app", "dedup_core", "dedup_storage")
TOO_HEAVY = (
    "numpy",
    "PIL",
    "azure.data",
    "azure.storage.queue",
    "dedup_storage",
)
STEPS = {
    "azure.functions": "import azure.functions",
    "function_app": "import function_app",
    "azure.functions and the blob binding, which it cannot do without": (
        "import azure.functions; from azurefunctions.extensions.bindings import blob"
    ),
}
LINE = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \| \s*(\S+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="fresh processes for each total")
    parser.add_argument("--packages", type=int, default=16, help="lines of the table")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    arguments = parser.parse_args()
    empty = least_seconds("pass", arguments.runs)
    totals = {name: least_seconds(code, arguments.runs) - empty for name, code in STEPS.items()}
    modules = own_times()
    show_totals(totals)
    show_packages(modules, arguments.packages)
    if arguments.json:
        packages = by_package(modules)
        arguments.json.write_text(json.dumps({"cpu_seconds": totals, "shares": packages}, indent=2) + "\n")
    heavy = sorted({name for name in modules if package(name) in TOO_HEAVY})
    if heavy:
        sys.exit(f"loaded at start, though only the first call needs it: {', '.join(heavy)}")


def least_seconds(code: str, runs: int) -> float:
    """CPU seconds of a fresh process that runs the code, once to warm the disk and then the least of the runs."""
    return min([cpu_seconds(code) for _ in range(runs + 1)][1:])


def cpu_seconds(code: str) -> float:
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{code!r} failed")
    return usage.ru_utime + usage.ru_stime


def own_times() -> dict[str, int]:
    """Every module that is loaded for function_app, and the microseconds that it took by itself."""
    command = [sys.executable, "-X", "importtime", "-c", "import function_app"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    found = [LINE.fullmatch(line) for line in lines]
    start = next(number for number, line in enumerate(lines) if line.endswith("| site"))
    return {match[3]: int(match[1]) for match in found[start + 1 :] if match}


def package(module: str) -> str:
    parts = module.split(".")
    if parts[0] == "azure" and len(parts) > 1:
        return ".".join(parts[: 3 if parts[1] == "storage" else 2])
    if parts[0] in OURS or parts[0] not in sys.stdlib_module_names:
        return parts[0]
    return "standard library"


def by_package(modules: dict[str, int]) -> dict[str, float]:
    """Shares of the whole, largest first."""
    times: Counter[str] = Counter()
    for name, microseconds in modules.items():
        times[package(name)] += microseconds
    total = times.total()
    return {name: microseconds / total for name, microseconds in times.most_common()}


def show_totals(totals: dict[str, float]) -> None:
    table = Table("import", "CPU s", title="CPU of an import, beyond an empty Python")
    for name, seconds in totals.items():
        table.add_row(name, f"{seconds:.3f}")
    Console(width=120).print(table)
    verdict = "within" if totals["function_app"] <= LIMIT_SECONDS else "over"
    print(f"function_app is {verdict} the goal of {LIMIT_SECONDS} s\n")


def show_packages(modules: dict[str, int], lines: int) -> None:
    counts = Counter(package(name) for name in modules)
    table = Table("package", "modules", "share", title="What the time goes into")
    shares = by_package(modules)
    for name in [*list(shares)[:lines], *(it for it in list(shares)[lines:] if it in OURS)]:
        table.add_row(name, str(counts[name]), f"{shares[name]:.1%}", style="bold" if name in OURS else "")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
