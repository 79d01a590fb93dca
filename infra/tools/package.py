"""Makes the zip that `azd deploy` would send, by the rules of .funcignore: `python -m infra.tools.package FILE.zip`."""

import argparse
import os
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parent.parent.parent
# The oldest time that a zip can hold: the same files make the same bytes.
NO_TIME = (1980, 1, 1, 0, 0, 0)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="where to write the package")
    file: Path = parser.parse_args(arguments).file
    file.parent.mkdir(parents=True, exist_ok=True)
    write_package(file)
    print(f"{file}: {file.stat().st_size:,} bytes")  # noqa: T201 - it talks to a person
    return 0


def write_package(file: Path) -> None:
    """Write the package; it is the same, byte for byte, as long as the files are."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(packaged_files()):
            entry = zipfile.ZipInfo(name, NO_TIME)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (ROOT / name).read_bytes(), zipfile.ZIP_DEFLATED)


def packaged_files() -> Iterator[str]:
    """What is left of this folder, as it is, by the rules of .funcignore, which are those of .gitignore."""
    ignored = GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text(encoding="utf-8").splitlines())
    for folder, folders, files in os.walk(ROOT):
        base = Path(folder).relative_to(ROOT)
        folders[:] = [it for it in folders if not ignored.match_file(f"{(base / it).as_posix()}/")]
        names = ((base / it).as_posix() for it in files)
        yield from (name for name in names if not ignored.match_file(name))


if __name__ == "__main__":
    sys.exit(main())
