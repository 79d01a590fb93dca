"""Events by queue: in both schemas, as text or base64, one or many, twice and late; the tables say what is there."""

import base64
import json
import logging

import pytest

from dedup_app.configuration.storage_connection import StorageConnection
from dedup_app.ports.image_status import ABSENT, DELETED, INDEXED
from dedup_core.errors import StoreBusy
from dedup_core.events import BLOB_CREATED, BLOB_DELETED, BlobEvent
from dedup_core.paths import ImagePath
from tests.app.world import World, photo

HOST = "https://account.blob.core.windows.net"


def event_grid(kind, url):
    return {"id": "831e1650", "topic": "/subscriptions/0", "eventType": kind, "data": {"api": "x", "url": url}}


def cloud_event(kind, url):
    return {"specversion": "1.0", "id": "831e1650", "source": "/subscriptions/0", "type": kind, "data": {"url": url}}


def as_text(content):
    return json.dumps(content).encode()


def as_base64(content):
    return base64.b64encode(as_text(content))


@pytest.mark.parametrize("schema", [event_grid, cloud_event])
@pytest.mark.parametrize("encode", [as_text, as_base64])
@pytest.mark.parametrize("pack", [lambda event: event, lambda event: [event]], ids=["single", "array"])
def test_an_image_comes_and_goes_in_every_form_of_its_events(world, schema, encode, pack):
    path = world.upload("shop/a b.png", photo(1))
    url = f"{HOST}/images/shop/a%20b.png"
    for _ in range(2):
        world.services.blob_events.handle_message(encode(pack(schema(BLOB_CREATED, url))), "1")
    assert world.row(path).status == INDEXED
    assert world.segments.appends == 1
    world.images.delete(path)
    for _ in range(2):
        world.services.blob_events.handle_message(encode(pack(schema(BLOB_DELETED, url))), "2")
    assert world.row(path).status == DELETED
    assert world.reports.rejected_messages() == []


def test_a_late_deletion_leaves_an_image_that_is_there_and_a_late_creation_makes_none(world):
    path = world.upload_and_ingest("a.png", photo(1))
    world.services.blob_events.handle_message(as_base64(event_grid(BLOB_DELETED, f"{HOST}/images/a.png")), "1")
    assert world.row(path).status == INDEXED
    world.services.blob_events.handle_message(as_base64(event_grid(BLOB_CREATED, f"{HOST}/images/gone.png")), "2")
    assert world.row(ImagePath("images", "gone.png")).status == ABSENT


def test_an_event_that_must_wait_holds_up_no_other_and_the_message_comes_again(world):
    busy, fine = (world.upload(name, photo(number)) for number, name in enumerate(("busy.png", "fine.png")))
    world.images.failures[busy] = StoreBusy("503")
    body = as_text([event_grid(BLOB_CREATED, f"{HOST}/images/{name}") for name in ("busy.png", "fine.png")])
    with pytest.raises(StoreBusy):
        world.services.blob_events.handle_message(body, "1")
    assert world.row(fine).status == INDEXED
    del world.images.failures[busy]
    world.services.blob_events.handle_message(body, "1")
    assert world.row(busy).status == INDEXED


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"nonsense", "not valid JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"", "empty"),
        (b"7", "a JSON object, not a number"),
        (b'{"data": {}}', "eventType"),
        (b'{"eventType": 7}', "eventType"),
    ],
)
def test_what_is_no_event_is_recorded_and_finished(world, body, why):
    world.services.blob_events.handle_message(body, "5c6ea6b1-0000-4000-8000-000000000000")
    (refused,) = world.reports.rejected_messages()
    assert (refused.queue, why in refused.reason) == ("blob-events", True), refused


def test_what_is_no_event_in_an_array_holds_up_no_other(world):
    path = world.upload("a.png", photo(1))
    world.services.blob_events.handle_message(as_text([7, event_grid(BLOB_CREATED, f"{HOST}/images/a.png")]), "1")
    assert world.row(path).status == INDEXED
    assert len(world.reports.rejected_messages()) == 1


def test_a_message_of_more_events_than_anybody_sends_is_refused_as_one(world):
    path = world.upload("a.png", photo(1))
    events = [event_grid(BLOB_CREATED, f"{HOST}/images/a.png")] * 100
    world.services.blob_events.handle_message(as_text([7, *events]), "1")
    (refused,) = world.reports.rejected_messages()
    assert "holds 101 events" in refused.reason
    assert world.images.reads == []
    world.services.blob_events.handle_message(as_text(events), "2")
    assert world.row(path).status == INDEXED


def test_an_upload_under_a_name_that_cannot_be_kept_is_recorded(world):
    world.services.blob_events.handle(BlobEvent(BLOB_CREATED, f"{HOST}/images/a/%2E%2E/b.png"))
    (refused,) = world.reports.rejected_messages()
    assert "'..'" in refused.reason


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        ("Microsoft.Storage.DirectoryDeleted", {"url": f"{HOST}/images/a.png"}, "other-event"),
        ("", {"url": f"{HOST}/images/a.png"}, "other-event"),
        (None, {"url": f"{HOST}/images/a.png"}, "other-event"),
        (BLOB_CREATED, {"url": f"{HOST}/images2/a.png"}, "no-image-of-ours"),
        (BLOB_DELETED, {"url": f"{HOST}/images2/a.png"}, "no-image-of-ours"),
        (BLOB_DELETED, {"url": f"{HOST}/images"}, "no-image-of-ours"),
        (BLOB_DELETED, {"url": f"{HOST}/images/a.png?snapshot=2026-01-01"}, "no-image-of-ours"),
        (BLOB_DELETED, {"url": f"{HOST}/images/%FF.png"}, "no-image-of-ours"),
        (BLOB_DELETED, {"url": 7}, "no-url"),
        (BLOB_CREATED, {}, "no-url"),
        (BLOB_DELETED, None, "no-url"),
        (BLOB_DELETED, "nonsense", "no-url"),
        (BLOB_DELETED, "[" * 100_000, "no-url"),
    ],
)
def test_other_events_and_containers_are_passed_over_with_a_line(world, caplog, kind, data, reason):
    caplog.set_level(logging.INFO)
    path = world.upload_and_ingest("a.png", photo(1))
    world.images.delete(path)
    world.calls.clear()
    world.services.blob_events.handle(BlobEvent.of(kind, data))
    assert world.calls == []
    line = json.loads(caplog.records[-1].getMessage())
    assert (line["event"], line["reason"]) == ("event_ignored", reason)


def test_data_that_is_json_in_a_text_is_read_too():
    assert BlobEvent.of(BLOB_DELETED, '{"url": "x"}') == BlobEvent(BLOB_DELETED, "x")


def test_an_address_of_the_data_lake_endpoint_names_the_same_blob(world):
    path = world.upload("a b.png", photo(1))
    world.services.blob_events.handle(BlobEvent(BLOB_CREATED, "https://account.dfs.core.windows.net/images/a%20b.png"))
    assert world.row(path).status == INDEXED


def test_an_image_of_another_account_is_refused_however_it_is_named():
    world = World(image_storage=StorageConnection("UseDevelopmentStorage=true"))
    world.upload("a.png", photo(1))
    theirs = f"{HOST}/images/a.png"
    world.services.blob_events.handle_message(as_text(event_grid(BLOB_CREATED, theirs)), "1")
    world.services.ingest.handle_message(json.dumps({"path": theirs}), "2")
    world.services.verify.handle_message(json.dumps({"left": theirs, "right": "images/b.png"}), "3")
    details = [it.reason for it in world.reports.rejected_messages()]
    assert len(details) == 3
    assert all("'account'" in it and "'devstoreaccount1'" in it for it in details)
    assert world.images.reads == []
