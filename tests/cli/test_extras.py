"""What is installed without an extra works by itself, and what needs one says so in a sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.drawings import drawn
from tests.core.pictures import encoded

WITHOUT = """
import sys
allowed, missing = {allowed}, {missing}
class Refusing:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in missing or (allowed and top not in allowed and top not in sys.stdlib_module_names):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refusing())
"""
LIBRARY = ("numpy", "PIL", "dedup_core")
COMMAND = "from dedup_cli.__main__ import main; main()"
EXTRA_AZURE = ("azure", "azurefunctions", "requests", "urllib3")


def run(
    code: str, *arguments: str, folder: Path, allowed: tuple[str, ...] = (), missing: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run the code where only `allowed` packages are installed, or all but the `missing` ones."""
    program = WITHOUT.format(allowed=allowed, missing=missing) + code
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture = drawn(1)
    (tmp_path / "a.png").write_bytes(encoded(picture))
    (tmp_path / "b.jpg").write_bytes(encoded(picture, "JPEG"))
    (tmp_path / "local.settings.json").write_text('{"Values": {"ImageStorage": "UseDevelopmentStorage=true"}}')
    return tmp_path


def test_the_library_needs_numpy_and_pillow_only(folder: Path) -> None:
    code = """
from pathlib import Path
from dedup_core import FingerprintIndex, compare, extract_features
a, b = Path("a.png").read_bytes(), Path("b.jpg").read_bytes()
index = FingerprintIndex()
index.add("a", extract_features(a).fingerprints)
print([hit.image_id for hit in index.search(extract_features(b).fingerprints)], compare(a, b).kind)
"""
    done = run(code, folder=folder, allowed=LIBRARY)
    assert (done.stdout, done.stderr) == ("['a'] duplicate\n", "")


def test_the_command_names_its_extra_in_place_of_a_traceback(folder: Path) -> None:
    done = run(COMMAND, folder=folder, allowed=(*LIBRARY, "dedup_cli"))
    assert done.returncode == 1
    assert done.stderr.startswith("error: the command `dedup` needs the package ")
    assert "in a clone, pip install '.[cli]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_files_are_compared_without_azure_and_an_app_is_asked_with_its_extra(folder: Path) -> None:
    done = run(COMMAND, "compare", "a.png", "b.jpg", folder=folder, missing=EXTRA_AZURE)
    assert (done.returncode, done.stderr) == (0, "")
    asked = run(COMMAND, "status", folder=folder, missing=EXTRA_AZURE)
    assert asked.returncode == 3
    assert "in a clone, pip install '.[cli,azure]'" in asked.stderr
    assert "Traceback" not in asked.stderr


OPENED = """
from dedup_app.configuration.settings import Settings
from dedup_core.errors import InvalidSetting
from dedup_storage.index_engine import open_index
try:
    open_index(Settings.from_environment({"INDEX_URL": "postgresql://app@host/dedup"}), None)
except InvalidSetting as error:
    print(error)
"""


@pytest.mark.parametrize("package", ["psycopg", "psycopg_pool"])
def test_an_index_in_postgresql_is_asked_with_its_extra(folder: Path, package: str) -> None:
    opened = run(OPENED, folder=folder, missing=(package,))
    assert opened.stdout == (
        f"INDEX_URL is asked with the package {package}, which comes with an extra: "
        "in a clone, pip install '.[cli,azure,postgres]'\n"
    )
