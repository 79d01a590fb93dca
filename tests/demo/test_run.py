"""The demo against the real app: a few of its pictures, so that it stays quick; `make demo` takes all of them."""

from collections.abc import Iterator

import pytest
from rich.console import Console

from demo import __main__ as command
from demo.check import mistakes
from demo.pictures import Picture
from demo.run import GaveUpError, RunningApp, running_app, upload, wait
from tests.demo.outcomes import every_picture, right_outcome

FEW = ("china.jpg", "china-copy.jpg", "china-half.jpg", "rocket.jpg", "letter.jpg")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with running_app(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="module")
def few() -> list[Picture]:
    return [picture for picture in every_picture() if picture.name in FEW]


def test_the_app_says_the_right_thing_about_every_picture(app: RunningApp, few: list[Picture]):
    seen = []
    upload(app, few)
    outcome = wait(app, few, seen.append)
    assert mistakes(few, outcome) == []
    assert set(outcome.rows) == set(FEW)
    assert seen[-1].finished == len(few)
    # Each image once when it landed, and whatever the comparisons took.
    assert outcome.blob_reads == len(few) + outcome.loaders.images_downloaded


def test_an_app_that_does_not_finish_is_given_up_with_what_is_missing_and_the_log(app: RunningApp, few: list[Picture]):
    with pytest.raises(GaveUpError) as raised:
        wait(app, [*few, *few], lambda _: None, limit_seconds=0.1)
    assert "of 10 images are finished" in str(raised.value)
    assert "Executing 'Functions." in str(raised.value)


def test_the_command_ends_with_0_when_all_is_right_and_with_1_when_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    everything = [*every_picture()]
    outcome = right_outcome(everything)
    monkeypatch.setattr(command, "pictures", lambda: everything)
    monkeypatch.setattr(command, "_run", lambda *_: outcome)
    assert command.main() == 0
    outcome.rows.pop("rocket.jpg")
    assert command.main() == 1
    assert "rocket.jpg has no features row" in capsys.readouterr().out


def test_the_command_tells_in_words_why_it_could_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fail(shown: list[Picture], out: Console) -> None:
        raise GaveUpError("After 300 s [1 of 27] images are finished.")

    monkeypatch.setattr(command, "pictures", list)
    monkeypatch.setattr(command, "_run", fail)
    assert command.main() == 1
    assert capsys.readouterr().err == "The demo failed. After 300 s [1 of 27] images are finished.\n"
