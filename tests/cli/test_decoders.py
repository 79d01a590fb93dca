"""`dedup decoders` tells versions and floors, and says which format is refused for its library."""

import json

import pytest
from typer.testing import CliRunner

from dedup_cli.local import decoders
from dedup_cli.main import app
from dedup_core.decoding.libraries import FLOORS, Library


def run(*arguments: str) -> str:
    result = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["decoders", *arguments])
    assert result.exit_code == 0
    return result.stdout


def test_the_list_has_every_library_with_its_version_and_floor():
    listed = {it["library"]: it for libraries in json.loads(run("--json")).values() for it in libraries}
    assert {name: it["floor"] for name, it in listed.items()} == FLOORS
    for name, floor in FLOORS.items():
        assert name in run()
        assert floor in run()


def test_a_library_with_known_holes_is_said_to_be_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decoders, "all_libraries", lambda: iter([("HEIC", (Library("libheif", "1.23.0", "1.23.5"),))]))
    (line,) = [line for line in run().splitlines() if "libheif" in line]
    assert "refused: known holes" in line


def test_a_rare_format_is_said_to_be_off():
    (line,) = [line for line in run().splitlines() if line.startswith("JPEG2000")]
    assert "off unless IMAGE_FORMATS names it" in line
