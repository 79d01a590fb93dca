"""`dedup reconcile`: what it says, and what it has mended."""

import json
import re

import pytest

from dedup_app.services import Services
from dedup_cli.operations import reconcile
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath
from tests.app.world import photo
from tests.cli.conftest import Run

A, B = (ImagePath("images", f"{name}.png") for name in "ab")


@pytest.fixture
def one_missing(services: Services) -> None:
    for path in (A, B):
        services.images.put(path, photo(1))
    services.ingest.ingest(A)


@pytest.mark.usefixtures("one_missing")
def test_it_says_how_many_are_complete_and_what_is_amiss(dedup: Run, services: Services):
    told = dedup("reconcile").output
    assert "1 of 2 images complete; 1 broken: `dedup reconcile --fix`" in told
    assert "blobs that the app has not taken in: 1" in told
    record = json.loads(dedup("reconcile", "--json").output)
    assert (record["images"], record["complete"], record["broken"], record["found"]) == (2, 1, 1, {"missing": 1})
    assert services.ingest_queue.messages == []
    status = dedup("status").output
    assert "1 of 2 images complete" in status
    assert re.search(r"Completeness \(looked at since \d{4}-\d\d-\d\d \d\d:\d\d, UTC\)", status)
    assert json.loads(dedup("status", "--json").output)["ledger"]["broken"] == 1


def test_blobs_with_names_that_no_path_may_have_are_counted(dedup: Run, services: Services, monkeypatch):
    services.images.put(A, photo(1))
    services.ingest.ingest(A)
    blobs = [*services.images.names("images"), ("new\nline.png", "0x1"), ("tab\there.png", "0x2")]
    monkeypatch.setattr("tests.memory.MemoryImages.names", lambda _images, _container: iter(blobs))
    assert "2 blobs left out, because of characters that no path may have" in dedup("reconcile").output
    assert json.loads(dedup("reconcile", "--json").output)["left_out"] == 2


@pytest.mark.usefixtures("one_missing")
def test_it_mends_and_is_empty_then(dedup: Run, services: Services):
    assert "mended, or queued to be" in dedup("reconcile", "--fix", "--deep").output
    assert services.ingest_queue.messages == [IngestMessage(B)]
    services.ingest.handle_message(services.ingest_queue.messages.pop().to_json(), "1")
    assert "2 of 2 images complete\n" in dedup("reconcile", "--deep").output


@pytest.mark.usefixtures("one_missing")
def test_whoever_looks_sees_how_far_it_is_and_how_long_it_may_take(dedup: Run, monkeypatch: pytest.MonkeyPatch):
    shown: list[str] = []
    monkeypatch.setattr(reconcile, "_is_watched", lambda: True)
    monkeypatch.setattr("rich.status.Status.update", lambda _line, text: shown.append(text))
    dedup("reconcile")
    assert shown[:1] == ["2 blobs listed"]
    assert shown[1].startswith("1 of 256 slices, ")
    assert shown[-1] == "256 of 256 slices, 0 s left"


@pytest.mark.usefixtures("one_missing")
def test_without_a_terminal_lines_say_how_far_it_is(dedup: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dedup_cli.presentation.progress.SAY_EVERY_SECONDS", 0.0)
    said = dedup("reconcile").stderr.splitlines()
    assert said[:2] == ["blobs: 2", "slices: 1 of 256"]
    assert said[-1] == "slices: 256 of 256"


def test_force_is_for_images_that_are_named(dedup: Run, services: Services):
    services.images.put(A, b"an image")
    assert dedup("ingest", "--all", "--force").exit_code == 2
    assert dedup("ingest", "images/a.png", "--force").exit_code == 0
    assert services.ingest_queue.messages == [IngestMessage(A, force=True)]
