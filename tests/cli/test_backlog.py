"""`dedup ingest --all` and `dedup reindex`: a whole container, a whole log."""

import json

import pytest

from dedup_app.services import Services
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath
from tests.cli.conftest import Run
from tests.core.pictures import encoded, scene

A, B = (ImagePath("images", f"{name}.png") for name in "ab")


@pytest.fixture
def one_known_of_two(services: Services) -> None:
    for path in (A, B):
        services.images.put(path, encoded(scene(1, (160, 120))))
    services.ingest.ingest(A)


@pytest.mark.usefixtures("one_known_of_two")
def test_only_what_is_not_known_of_a_container_is_queued(dedup: Run, services: Services):
    result = dedup("ingest", "--all")
    assert (result.exit_code, services.ingest_queue.messages) == (0, [IngestMessage(B)])
    assert "queued: 1 of 2 blobs" in result.output
    services.ingest_queue.messages.clear()
    assert json.loads(dedup("ingest", "--all", "--json").output) == {"blobs": 2, "queued": 1, "unusable": []}


def test_a_name_that_no_path_may_have_is_told(dedup: Run, services: Services, monkeypatch):
    monkeypatch.setattr(services.images, "names", lambda _container: iter([("a\nb.png", "0x1")]))
    assert "left out" in dedup("ingest", "--all").output
    assert "a\\nb.png" in dedup("ingest", "--all").output


@pytest.mark.parametrize("arguments", [[], ["--all", "images/a.png"]])
def test_either_images_or_the_whole_container_must_be_named(dedup: Run, services: Services, arguments: list[str]):
    result = dedup("ingest", *arguments)
    assert result.exit_code == 2
    assert "--all" in result.stderr
    assert services.ingest_queue.messages == []


@pytest.mark.usefixtures("one_known_of_two")
def test_reindexing_tells_what_it_did(dedup: Run):
    assert json.loads(dedup("reindex", "--json").output) == {"indexed": 1, "queued": 0, "held": 1}
    told = dedup("reindex").output
    assert "indexed: 1 image from stored fingerprints" in told
    assert "the log holds 1 image now" in told


def test_what_was_refused_can_be_queued_once_more(dedup: Run, services: Services):
    for path, data in ((A, b"no picture"), (B, b"\x89PNG\r\n\x1a\n")):
        services.images.put(path, data)
        services.ingest.ingest(path)
    result = dedup("ingest", "--rejected", "--reason", "truncated")
    assert (result.exit_code, services.ingest_queue.messages) == (0, [IngestMessage(B, again=True)])
    assert "queued: 1 image that is rejected:truncated" in result.output
    services.ingest_queue.messages.clear()
    told = dedup("ingest", "--rejected", "--reason", "foo", "--json")
    assert (json.loads(told.stdout), services.ingest_queue.messages) == ({"queued": 0}, [])
    assert "no image was rejected as foo; reasons that there are: " in told.stderr
    assert "truncated (1)" in told.stderr
    assert json.loads(dedup("ingest", "--rejected", "--json").output) == {"queued": 2}


@pytest.mark.parametrize("arguments", [["--reason", "corrupt", "--all"], ["--rejected", "--all"]])
def test_a_reason_is_for_what_was_refused(dedup: Run, services: Services, arguments: list[str]):
    result = dedup("ingest", *arguments)
    assert result.exit_code == 2
    assert "--rejected" in result.stderr
    assert services.ingest_queue.messages == []
