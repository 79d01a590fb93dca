"""README and the pages say what was measured, and all of them the same."""

import json
from pathlib import Path

import pytest

from docs import figures, measured
from docs.results import RESULTS


@pytest.mark.parametrize("page", figures.PAGES)
def test_the_page_says_what_was_measured(page: str) -> None:
    assert not figures.update(figures.ROOT / page, write=False)


def test_a_page_with_another_number_is_found_and_mended(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("It takes <!-- figure: million-gb-seconds -->210<!-- --> GB-seconds.\n")
    assert figures.update(page, write=False)
    assert figures.update(page, write=True)
    said = page.read_text()
    assert f">{round(measured.million().gb_seconds, -4):,.0f}<" in said
    assert not figures.update(page, write=True)


def test_every_result_is_said_to_be_made_by_a_command() -> None:
    said = (RESULTS / "README.md").read_text(encoding="utf-8")
    files = list(RESULTS.glob("*.json"))
    assert files
    for file in files:
        assert json.loads(file.read_text(encoding="utf-8"))
        assert f"| `{file.name}` | `python -m benchmarks." in said
