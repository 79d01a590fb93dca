"""Makes the zip that is deployed, and its list of materials: `python -m infra.tools.package FILE.zip`.

The files are those that `azd deploy` would send, by the rules of .funcignore. The libraries of requirements.txt are in
`.python_packages`, so that nothing has to be built in Azure (docs/deploy.md says when that goes wrong). With them all
modules are compiled: a package cannot be written to there, so each process would compile what it loads anew.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parent.parent.parent
# The oldest time that a zip can hold: the same files make the same bytes.
NO_TIME = (1980, 1, 1, 0, 0, 0)
PACKING = zipfile.ZIP_DEFLATED
# Where the Functions worker looks for libraries.
LIBRARIES = PurePosixPath(".python_packages", "lib", "site-packages")
# Wheels that were downloaded, by what they were asked for: to find them in an index again takes pip 20 s each time.
WHEELS = ROOT / "dist" / "wheels"
PYTHON = "3.13"
MACHINE = "x86_64"
NEWEST_GLIBC = 36  # 2.36, that of Debian 12, on which Functions run
PLATFORMS = (*(f"manylinux_2_{minor}_{MACHINE}" for minor in range(NEWEST_GLIBC, 4, -1)), f"manylinux2014_{MACHINE}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="where to write the package")
    parser.add_argument("--without-libraries", action="store_true", help="for a build in Azure")
    given = parser.parse_args(arguments)
    given.file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        if not given.without_libraries:
            install_libraries(Path(folder))
            from infra.tools.sbom import write_sbom  # noqa: PLC0415 - loads NumPy and Pillow, for packages that are built here

            write_sbom(Path(folder), given.file.with_suffix(".cdx.json"))
        write_package(given.file, None if given.without_libraries else Path(folder))
    print(f"{given.file}: {given.file.stat().st_size:,} bytes")  # noqa: T201 - it talks to a person
    return 0


def install_libraries(folder: Path) -> None:
    """Put what requirements.txt says into the folder, as wheels for the machines of Functions, whatever runs here.

    Wheels of before that pip does not take, since one is damaged, are downloaded again. Raises `CalledProcessError`
    where a library has no such wheel, or a newer glibc would be needed.
    """
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    target = ["--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON]
    target += [part for platform in PLATFORMS for part in ("--platform", platform)]
    # No dependencies beyond the listed ones: the list is complete, tests/infra/test_package.py checks it.
    requirements = ROOT / "requirements.txt"
    listed = ["--no-deps", "--requirement", str(requirements)]
    wheels = WHEELS / hashlib.sha256(" ".join(target).encode() + requirements.read_bytes()).hexdigest()[:16]
    download = [*pip, "download", *target, *listed, "--dest"]
    # It looks at the hash of each once more.
    offline = ["--no-index", "--find-links", str(wheels), "--no-compile", "--target", str(folder)]
    install = [*pip, "install", *target, *listed, *offline]
    if wheels.exists():
        if subprocess.run(install, check=False).returncode == 0:  # noqa: S603
            return
        shutil.rmtree(wheels, ignore_errors=True)
    _put_into(wheels, download)
    subprocess.run(install, check=True)  # noqa: S603


def _put_into(wheels: Path, download: list[str]) -> None:
    """Download there, all or nothing."""
    WHEELS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WHEELS, ignore_cleanup_errors=True) as arriving:
        subprocess.run([*download, arriving], check=True)  # noqa: S603
        try:
            Path(arriving).rename(wheels)
        except OSError:
            if not wheels.exists():  # else somebody else was faster
                raise


def write_package(file: Path, libraries: Path | None = None) -> None:
    """Write the package; it is the same, byte for byte, as long as the files are."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in packaged_files():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
        if libraries is not None:
            # Commands of libraries are of no use there, and hold this machine's path to Python.
            shutil.copytree(libraries, tree / LIBRARIES, ignore=lambda at, _: ["bin"] if Path(at) == libraries else [])
            add_bytecode(tree)
        entries = {it.relative_to(tree).as_posix(): it for it in tree.rglob("*") if it.is_file()}
        with zipfile.ZipFile(file, "w") as archive:
            for name, source in sorted(entries.items()):
                entry = zipfile.ZipInfo(name, NO_TIME)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, source.read_bytes(), PACKING)


def add_bytecode(tree: Path) -> None:
    """Compile every module, for good: a package has neither the times that Python looks at, nor anybody who edits it.

    Raises `RuntimeError` where another Python than that of Functions runs this.
    """
    if sys.version_info[:2] != tuple(map(int, PYTHON.split("."))):
        raise RuntimeError(f"Functions run Python {PYTHON}, and this is {sys.version}: run `make package` with theirs")
    compiler = [sys.executable, "-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash"]
    compiler += ["-x", "/site-packages/.*/tests/"]  # those of libraries, which nobody imports
    # What fails are files of libraries for other versions of Python, which nobody imports.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}  # the same files make the same bytecode
    subprocess.run([*compiler, "-s", str(tree), str(tree)], env=environment, check=False)  # noqa: S603


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
