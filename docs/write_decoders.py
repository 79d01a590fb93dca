"""Writes the table of native libraries in docs/decoding.md from what is installed: `python docs/write_decoders.py`."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from dedup_core.decoding.libraries import BY_FORMAT, FLOORS, PACKAGES, libraries_of

PAGE = Path(__file__).parent / "decoding.md"
_BLOCK = re.compile(r"(<!-- from write_decoders.py -->\n).*?(<!-- end -->)", re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when the page is stale")
    check = parser.parse_args(arguments).check
    page = PAGE.read_text(encoding="utf-8")
    fresh = _BLOCK.sub(lambda block: f"{block[1]}\n{table()}\n\n{block[2]}", page)
    if page == fresh:
        return 0
    if check:
        print("docs/decoding.md is not what is installed: run python docs/write_decoders.py", file=sys.stderr)  # noqa: T201
        return 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


def table() -> str:
    """One row a library: which formats it takes part in, the version inside the pinned wheel, and its floor."""
    versions = {library.name: library.version for name in BY_FORMAT for library in libraries_of(name)}
    lines = ["| library | in the wheel of | version there | not used below | for |", "|---|---|---|---|---|"]
    for name, floor in FLOORS.items():
        formats = ", ".join(it for it, names in BY_FORMAT.items() if name in names)
        package = PACKAGES.get(name, "pillow")
        lines.append(f"| {name} | {package} | {versions[name] or 'not there'} | {floor} | {formats} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
