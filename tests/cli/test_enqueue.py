"""`dedup enqueue` and `dedup ingest` put messages on the queues that the app reads."""

import json
import shlex
from pathlib import Path

import pytest

from dedup_app.services import Services
from dedup_cli.presentation.output import plain
from dedup_core.messages import IngestMessage, VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from tests.cli.conftest import Known, Run

A, B, C = (ImagePath("images", f"{name}.jpg") for name in "abc")


@pytest.fixture(autouse=True)
def uploaded(services: Services) -> None:
    for path in (A, B, C):
        services.images.put(path, b"an image")


def test_one_message_asks_for_all_pairs_of_the_left_image(dedup: Run, services: Services):
    result = dedup("enqueue", "images/a.jpg", "images/b.jpg", "images/c.jpg")
    assert result.exit_code == 0
    assert services.verify_queue.messages == [VerifyMessage(A, (VerifyTarget(B), VerifyTarget(C)))]
    assert "dedup duplicates --all images/a.jpg" in result.output


def test_the_command_that_it_names_finds_an_image_whose_name_has_spaces(dedup: Run, services: Services):
    name = "images/a & b #1.jpg"
    services.images.put(ImagePath.parse(name), b"an image")
    told = dedup("enqueue", name, "images/b.jpg").output.splitlines()[-1]
    assert shlex.split(told.partition(": dedup ")[2]) == ["duplicates", "--all", name]


def test_any_spelling_of_an_image_is_understood_and_repeats_are_dropped(dedup: Run, services: Services):
    dedup("enqueue", "/images/a.jpg", "https://x.blob.core.windows.net/images/b.jpg?sig=secret", "images\\b.jpg")
    assert services.verify_queue.messages == [VerifyMessage(A, (VerifyTarget(B),))]


def test_more_images_than_fit_a_message_become_several(dedup: Run, services: Services):
    names = [f"images/{number:04}{'x' * 900}.jpg" for number in range(100)]
    for name in names:
        services.images.put(ImagePath.parse(name), b"an image")
    assert dedup("enqueue", "images/a.jpg", *names).exit_code == 0
    messages = services.verify_queue.messages
    assert len(messages) > 1
    assert [str(target.path) for message in messages for target in message.rights] == names


def test_whoever_names_a_file_of_this_machine_is_told_to_upload_it(
    dedup: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-photos").mkdir()
    (tmp_path / "my-photos" / "cat.jpg").write_bytes(b"a cat")
    for name in ("my-photos", "my-photos/cat.jpg", "./my-photos/cat.jpg"):
        assert "upload it first" in dedup("ingest", name).stderr
    for name in ("my-photos/dog.jpg", "a" * 5_000):
        refused = dedup("ingest", name)
        assert (refused.exit_code, "upload" in refused.stderr) == (2, False)


@pytest.mark.parametrize(
    "images", [["images/a.jpg", "images/a.jpg"], ["images/a.jpg", "b.jpg"], ["x/a.jpg", "images/b.jpg"]]
)
def test_what_cannot_be_compared_is_refused_in_one_sentence_and_queues_nothing(dedup: Run, services: Services, images):
    result = dedup("enqueue", *images)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert services.verify_queue.messages == []


def test_images_that_are_not_there_are_named_and_nothing_is_queued(dedup: Run, services: Services):
    result = dedup("enqueue", "images/a.jpg", "images/b.jpg", "images/y.jpg", "images/z.jpg")
    assert (result.exit_code, "images/y.jpg, images/z.jpg" in result.stderr) == (2, True)
    assert services.verify_queue.messages == []


def test_a_generated_picture_needs_no_blob(dedup: Run, services: Services):
    assert dedup("enqueue", "images/a.jpg", "test://circle?color=red&size=100").exit_code == 0


def test_programs_read_what_was_queued(dedup: Run):
    result = dedup("enqueue", "images/a.jpg", "images/b.jpg", "--json")
    assert json.loads(result.output) == {"left": "images/a.jpg", "rights": ["images/b.jpg"]}


def test_secrets_of_a_url_are_never_printed(dedup: Run):
    url = "https://x.blob.core.windows.net/images/b.jpg?sv=1&sig=topsecret"
    assert "topsecret" not in dedup("enqueue", "images/a.jpg", url).output
    assert "topsecret" not in dedup("enqueue", url, url).output
    assert "topsecret" not in dedup("enqueue", "images/a.jpg", url.replace("images", "elsewhere")).output


def test_ingest_queues_each_image_once(dedup: Run, services: Services):
    result = dedup("ingest", "images/a.jpg", "images/b.jpg", "/images/a.jpg", "--json")
    assert json.loads(result.output) == {"queued": ["images/a.jpg", "images/b.jpg"]}
    assert services.ingest_queue.messages == [IngestMessage(A), IngestMessage(B)]


def test_an_image_that_is_not_there_is_not_taken_in(dedup: Run, services: Services):
    result = dedup("ingest", "images/a.jpg", "images/y.jpg")
    assert (result.exit_code, services.ingest_queue.messages) == (2, [])
    assert "there is no image images/y.jpg: nothing was queued" in result.stderr


def test_an_image_that_is_known_and_gone_is_queued_so_that_its_deletion_is_taken_in(dedup: Run, known: Known):
    gone = known.image("gone.jpg")
    assert dedup("ingest", "images/gone.jpg").exit_code == 0
    assert known.services.ingest_queue.messages == [IngestMessage(gone)]


@pytest.mark.parametrize(
    "name", ["a b#c%2B?.jpg", "a b#c+?.jpg", "shot at 10\u202fAM.png", "\u0645\u200c\U000e0041\xa0b.jpg"]
)
def test_a_new_image_is_found_by_its_name_and_as_it_is_printed(dedup: Run, services: Services, name: str):
    path = ImagePath("images", name)
    services.images.put(path, b"an image")
    for text in (f"images/{name}", str(path), plain(str(path))):
        dedup("ingest", text)
    assert services.ingest_queue.messages == [IngestMessage(path)] * 3
