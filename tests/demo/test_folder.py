"""`python -m demo.folder` writes files to play with, and never over a file of somebody's own."""

import sys
from pathlib import Path

import pytest

from demo import folder


def run(monkeypatch: pytest.MonkeyPatch, place: Path) -> int:
    monkeypatch.setattr(sys, "argv", ["demo.folder", str(place)])
    monkeypatch.setattr(folder, "files", lambda: {"cat.png": b"a cat", "letter.jpg": b"Dear Sir or Madam"})
    return folder.main()


def test_a_second_run_is_as_the_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for _ in range(2):
        assert run(monkeypatch, tmp_path / "new") == 0
    assert (tmp_path / "new" / "cat.png").read_bytes() == b"a cat"


def test_a_file_of_somebody_s_own_stays_and_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "letter.jpg").write_bytes(b"my own letter")
    assert run(monkeypatch, tmp_path) == 2
    assert (tmp_path / "letter.jpg").read_bytes() == b"my own letter"
    assert not (tmp_path / "cat.png").exists()
    assert str(tmp_path / "letter.jpg") in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "taken").write_bytes(b"")
    assert run(monkeypatch, tmp_path / "taken") == 2
    assert capsys.readouterr().err.startswith("error: ")
