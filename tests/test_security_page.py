"""docs/security.md: every area has its threats, and every threat names tests that are there."""

import re
from pathlib import Path

from tests.defenses import DEFENSES

ROOT = Path(__file__).parent.parent
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "docs" / "security.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| area ")
]
AREAS = {"messages", "names", "decoders", "keys", "roles", "clearing up", "logs", "HTTP", "supply chain"}


def named_in(row: list[str]) -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row[-1])


def test_every_area_is_there():
    assert {row[0] for row in ROWS} == AREAS
    assert {len(row) for row in ROWS} == {4}


def test_every_threat_names_tests_and_every_test_is_there():
    assert [row[1] for row in ROWS if not named_in(row)] == []
    named = {it for row in ROWS for it in named_in(row)}
    assert [f"{file}::{name}" for file, name in sorted(named) if not is_there(ROOT / file, name)] == []


def test_every_test_of_the_page_has_a_defense_that_the_script_takes_out():
    named = {f"{file}::{name}" for row in ROWS for file, name in named_in(row)}
    assert {it.test for it in DEFENSES} == named


def test_every_piece_that_the_script_takes_out_is_where_it_looks_for_it():
    assert [it.test for it in DEFENSES if (ROOT / it.file).read_text(encoding="utf-8").count(it.there) != 1] == []


def is_there(file: Path, name: str) -> bool:
    return file.is_file() and re.search(rf"^(async )?def {name}\(", file.read_text(), re.MULTILINE) is not None
