"""What long work says of how far it is where nobody sees a line that changes."""

import pytest

from dedup_cli.progress import ProgressLines, progress


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
        monkeypatch.setattr("dedup_cli.progress.SAY_EVERY_SECONDS", 0.0)
        show(1200)
    said = capsys.readouterr()
    assert said.err == "images: 1,200\n"
    assert said.out == ""
