"""What long work says of how far it is where nobody sees a line that changes."""

import io
import json
import sys
from pathlib import Path

import pytest

from dedup_app.ports.image_status import ImageStatus
from dedup_app.services import Services
from dedup_cli.presentation.progress import ProgressLines, progress, progress_of_parts
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.paths import ImagePath
from tests.cli.conftest import Known, Run


def test_long_work_that_nobody_watches_says_how_far_it_is_now_and_then() -> None:
    now, said = [0.0], list[str]()
    told = ProgressLines(say=said.append, clock=lambda: now[0])
    for number in range(1, 26):
        now[0] += 1.0
        told("reading", number, 2500)
    assert said == ["reading: 10 of 2,500", "reading: 20 of 2,500"]


def test_work_of_which_nobody_knows_the_length_says_how_much_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress("images") as show:
        show(100)
        monkeypatch.setattr("dedup_cli.presentation.progress.SAY_EVERY_SECONDS", 0.0)
        show(1200)
    said = capsys.readouterr()
    assert said.err == "images: 1,200\n"
    assert said.out == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_results_go_where_they_belong_while_a_terminal_shows_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress("pairs", while_printing=True) as show:
        show(100)
        sys.stdout.write("a pair\n")
    assert capsys.readouterr().out == "a pair\n"
    assert "pairs" in sys.stderr.getvalue()


def test_a_terminal_that_shows_the_results_shows_nothing_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, Terminal())
    with progress("pairs", while_printing=True) as show:
        show(100)
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize(
    "command",
    [
        ("export-decisions", "-"),
        ("export-decisions", "/dev/null"),
        ("duplicates",),
        ("duplicates", "--json"),
        ("duplicates", "--limit", "1"),
        ("tune",),
    ],
)
def test_a_command_that_reads_all_pairs_says_how_far_it_is(
    dedup: Run, known: Known, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE)
    monkeypatch.setattr("dedup_cli.presentation.progress.SAY_EVERY_SECONDS", 0.0)
    assert dedup(*command).stderr.startswith("pairs: 1\n")


@pytest.mark.parametrize("command", [("status",), ("status", "--json")])
def test_status_says_how_many_images_it_has_counted(
    dedup: Run, known: Known, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    known.image("a.jpg")
    monkeypatch.setattr("dedup_cli.presentation.progress.SAY_EVERY_SECONDS", 0.0)
    assert dedup(*command).stderr.startswith("images: 1\n")


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        (("ingest", "--all"), ("rows", "blobs")),
        (("ingest", "--rejected"), ("images",)),
        (("rejected",), ("rejected files",)),
        (("rejected", "--json"), ("rejected files",)),
        (("reindex",), ("rows", "images", "pairs")),
    ],
)
def test_a_command_that_goes_over_all_images_says_how_far_each_part_is(
    dedup: Run,
    known: Known,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE)
    known.image("c.jpg", ImageStatus.rejected("corrupt"), "it ends too early")
    services.images.put(ImagePath("images", "d.jpg"), b"d")
    monkeypatch.setattr("dedup_cli.presentation.progress.SAY_EVERY_SECONDS", 0.0)
    said = dedup(*command).stderr
    assert all(f"{part}: 1\n" in said for part in parts)


def test_a_terminal_shows_the_part_that_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_of_parts() as parts:
        for what in ("rows", "pairs"):
            parts(what)(1)
    assert "pairs: 1" in sys.stderr.getvalue()


def test_an_import_says_how_many_lines_it_has_read(dedup: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    file.write_text(json.dumps({"left": "images/a.jpg"}))
    monkeypatch.setattr("dedup_cli.presentation.progress.SAY_EVERY_SECONDS", 0.0)
    assert dedup("import-decisions", str(file)).stderr.startswith("lines: 1\n")
