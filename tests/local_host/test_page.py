"""docs/local-host.md names files and tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "local-host.md").read_text()
HERE = Path(__file__).parent
TESTS = "\n".join(path.read_text() for path in sorted(HERE.glob("test_*.py")))


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(test_\w+)…?`", PAGE)
    assert len(named) > 10
    assert [name for name in named if f"def {name}" not in TESTS] == []


def test_every_file_that_the_tables_name_is_there() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    files = {name for row in rows for name in re.findall(r"`((?:\w+/)?\w+\.(?:py|cjs))`", row)}
    known = {str(path.relative_to(ROOT / "local_host")) for path in (ROOT / "local_host").rglob("*.*")}
    known |= {path.name for path in HERE.glob("test_*.py")} | {"function_app.py"}
    assert files - known == set()


def test_every_test_file_is_named_once_or_speaks_for_itself() -> None:
    own = {
        "test_arguments.py",
        "test_azurite.py",
        "test_bindings.py",
        "test_settings.py",
        "test_http_routes.py",
        "test_page.py",
    }
    missing = {path.name for path in HERE.glob("test_*.py")} - own
    assert [name for name in sorted(missing) if f"`{name}`" not in PAGE] == []
