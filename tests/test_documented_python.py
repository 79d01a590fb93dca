"""Every block of Python in README and the page of the library runs as it is written."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.pictures import encoded, scene

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/library.md")
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
BLOCKS = [
    pytest.param(code, id=f"{page}-{number}")
    for page in PAGES
    for number, code in enumerate(BLOCK.findall((ROOT / page).read_text(encoding="utf-8")))
    if "azure" not in code  # those want an account: tests/test_readme.py
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with the files that the pages talk of: two copies, and a stranger."""
    photos = tmp_path / "photos"
    photos.mkdir()
    picture = scene(1, (240, 180))
    for name, data in {
        "a.jpg": encoded(picture, "JPEG", quality=90),
        "b.jpg": encoded(picture.resize((120, 90)), "JPEG", quality=80),
        "c.jpg": encoded(scene(2, (240, 180)), "JPEG"),
    }.items():
        (photos / name.replace("b.jpg", "b.JPG")).write_bytes(data)  # as cameras name them
        (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("code", BLOCKS)
@pytest.mark.usefixtures("folder")
def test_documented_python_runs_as_it_is_written(code: str) -> None:
    exec(compile(code, "documented", "exec"), {"__name__": "documented"})  # noqa: S102 - our own pages


# Groups are of the paths that pairs have.
GROUPED = """
from dedup_core import ImageCopy, VerdictKind, best_copy, group_pairs
groups_of_files: list[tuple[Path, ...]] = group_pairs([(Path("a"), Path("b"), VerdictKind.DUPLICATE)])
best: Path = best_copy([ImageCopy(path) for path in groups_of_files[0]]).path
"""


def test_a_strict_type_checker_finds_no_fault_in_the_example_of_the_library_nor_in_groups_of_files() -> None:
    [code] = BLOCK.findall((ROOT / "docs/library.md").read_text(encoding="utf-8"))
    assert "from pathlib import Path\n" in code
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "-c", code + GROUPED]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_the_example_of_the_library_finds_the_copy_and_no_stranger(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [code] = BLOCK.findall((ROOT / "docs/library.md").read_text(encoding="utf-8"))
    assert len([line for line in code.splitlines() if line and not line.startswith(("from", "import"))]) <= 10
    exec(compile(code, "documented", "exec"), {"__name__": "documented"})  # noqa: S102
    assert folder.is_dir()
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("photos/b.JPG photos/a.jpg duplicate structure matches")
