"""What is logged: JSON for programs, with the invocation, and without paths of images unless someone allows them."""

import json
import logging
from types import SimpleNamespace

import pytest

from dedup_app import event_log
from dedup_app.event_log import EventLog, invocation, show_image_paths
from dedup_core.errors import StoreBusy, TemporaryError
from dedup_core.events import BLOB_CREATED, BLOB_DELETED, BlobEvent
from dedup_core.messages import IngestMessage, VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from tests.app.world import copy_of, photo

PATH = ImagePath("images", "geheim/ä b.jpg")
log = EventLog("dedup_app.test")


@pytest.fixture
def allowed(monkeypatch):
    monkeypatch.setattr(event_log._Policy, "shows_paths", True)


@pytest.fixture
def lines(caplog):
    """The lines of the app so far, each with its level."""
    caplog.set_level(logging.INFO)

    def read() -> list[SimpleNamespace]:
        return [SimpleNamespace(level=it.levelno, **json.loads(it.getMessage())) for it in caplog.records]

    return read


def test_a_line_names_the_image_by_its_id(lines):
    log.info("image_ingested", image=PATH, status="indexed", detail=f"all of {PATH}")
    (line,) = lines()
    assert vars(line) == {
        "level": logging.INFO,
        "event": "image_ingested",
        "image": PATH.image_id,
        "status": "indexed",
    }


def test_a_setting_adds_paths_and_texts(lines, allowed):
    log.info("image_ingested", image=PATH, detail="because")
    (line,) = lines()
    assert (line.image, line.image_path, line.detail) == (PATH.image_id, str(PATH), "because")


def test_a_line_can_be_written_whatever_a_message_holds(caplog, world):
    caplog.set_level(logging.INFO)
    world.services.blob_events.handle_message(json.dumps({"eventType": "\ud800 ä"}).encode(), "1")
    (text,) = (it.getMessage() for it in caplog.records)
    assert text.encode().endswith(b'"type": "\\ud800 \xc3\xa4"}')
    assert json.loads(text)["type"] == "\ud800 ä"


def test_lines_for_debugging_have_paths_and_texts(caplog):
    caplog.set_level(logging.DEBUG)
    log.debug("pair_verified", image=PATH, detail="because")
    assert json.loads(caplog.records[0].getMessage())["image_path"] == str(PATH)


def test_the_policy_can_be_switched_both_ways(lines):
    show_image_paths(shown=True)
    log.warning("one", image=PATH)
    show_image_paths(shown=False)
    log.error("two", image=PATH)
    one, two = lines()
    assert one.image_path == str(PATH)
    assert not hasattr(two, "image_path")


def test_a_line_belongs_to_the_invocation_it_was_written_in(lines):
    with invocation("first"):
        log.info("a")
    log.info("b")
    first, second = lines()
    assert first.invocation == "first"
    assert not hasattr(second, "invocation")


def test_the_line_is_told_from_where_it_was_written(caplog):
    caplog.set_level(logging.INFO)
    log.info("a")
    assert caplog.records[0].filename == "test_event_log.py"


def test_no_run_of_ingest_verify_and_failure_names_an_image_above_debug(world, lines, caplog):
    run_everything(world)
    events = {line.event for line in lines()}
    assert events == {
        "image_ingested",
        "image_rejected",
        "image_deferred",
        "image_waits",
        "event_ignored",
        "pairs_verified",
        "message_refused",
        "statistics_deferred",
        "loader_stats",
    }
    assert "geheim" not in caplog.text


def test_the_same_run_names_them_where_that_is_allowed(world, lines, caplog, allowed):
    run_everything(world)
    assert "geheim" in caplog.text
    named = {line.event for line in lines() if "geheim" in str(vars(line))}
    assert {"image_ingested", "image_rejected", "message_refused", "pairs_verified"} <= named


def run_everything(world) -> None:
    """Every way that an image can go, also those that end in an exception that the host would log."""
    services = world.services
    good, copy, bad = (world.upload(f"geheim/{name}", data) for name, data in FILES.items())
    for path in (good, copy, bad):
        services.ingest.handle_blob(path.container, path.name)
    services.ingest.handle_blob("images", "geheim/../up.png")
    world.verify_all()
    body = VerifyMessage(good, (VerifyTarget(copy), VerifyTarget(ImagePath("images", "geheim/lost.png")))).to_json()
    services.verify.handle_message(body, "id")
    services.verify.handle_message('{"left": "images/geheim/a.png", "right": "elsewhere/geheim.png"}', "geheim")
    services.ingest.handle_message(IngestMessage(ImagePath("images", "geheim/lost.png")).to_json(), "id")
    services.ingest.handle_message('{"path": "images/geheim', "geheim/id")
    for kind, name in ((BLOB_DELETED, good), (BLOB_DELETED, "geheim"), (BLOB_CREATED, "images/geheim/../up.png")):
        services.blob_events.handle(BlobEvent(kind, f"https://a.blob.core.windows.net/{name}"))
    services.blob_events.handle(BlobEvent(BLOB_CREATED, "https://a.blob.core.windows.net/geheim/elsewhere.png"))
    services.blob_events.handle_message('{"eventType": "geheim"', "geheim/id")
    fail_in_every_way(world, good, copy)
    services.reporting.report()
    world.images.delete(good)
    services.ingest.ingest(good)


def fail_in_every_way(world, path, other) -> None:
    services = world.services
    body = VerifyMessage(path, (VerifyTarget(other),)).to_json()
    world.images.failures[path] = StoreBusy(f"Could not read image {path.image_id}: 503")
    services.ingest.handle_blob(path.container, path.name)
    with pytest.raises(TemporaryError) as caught:
        services.verify.handle_message(body, "id")
    assert "geheim" not in str(caught.value)
    del world.images.failures[path]
    put, world.stats.put = world.stats.put, raise_busy
    services.verify.handle_message(body, "id")
    world.stats.put = put
    world.before = lambda _number, step: step == "images.read" and world.move(path, photo(9 + len(world.calls) % 2))
    for change in (
        lambda: services.ingest.handle_message(IngestMessage(path).to_json(), "id"),
        lambda: services.verify.handle_message(body, "id"),
    ):
        with pytest.raises(TemporaryError) as caught:
            change()
        assert "geheim" not in str(caught.value)
    world.before = lambda _number, _step: None


def raise_busy(*_arguments: object) -> None:
    raise StoreBusy("503")


FILES = {"good ü.png": photo(1), "copy.jpg": copy_of(1), "letter.png": b"Dear Sir or Madam"}
