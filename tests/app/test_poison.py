"""Messages that failed on every try: an outage heals by itself, and people can act on the rest."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from dedup_app.ports.queues import PoisonMessage
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import PermanentError, TemporaryError
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath
from local_host.blobs.queue import BlobMessage
from tests.app.world import copy_of, photo


def give_up(world, queue, body):
    """As the host does after the last try."""
    messages = world.poison_queues.messages.setdefault(queue, [])
    messages.append(PoisonMessage(queue, f"m{len(messages)}", body, world.time))


def upload_of(name, container="images"):
    """As the host writes of a blob."""
    return BlobMessage("Host.Functions.extract_features", container, name, "0x1").to_text()


@pytest.fixture
def broken_pair(world):
    """A pair whose message failed on every try, because storage denied access."""
    a = world.upload_and_ingest("a.png", photo(1))
    b = world.upload_and_ingest("b.png", copy_of(1))
    body = world.verify_queue.messages.pop().to_json()
    world.images.failures[a] = TemporaryError("403", reason="access-denied")
    for _ in range(2):
        with pytest.raises(TemporaryError):
            world.services.verify.handle_message(body, "1")
    give_up(world, "verify-pairs", body)
    return a, b


def test_a_pair_whose_message_died_is_failed_with_the_last_error_and_heals_when_the_outage_is_over(world, broken_pair):
    a, b = broken_pair
    assert world.services.poison.tend() == 0
    assert world.pair(a, b).failure == "access-denied: 403"
    (failed,) = world.services.poison.failed("verify-pairs")
    assert failed.error == "access-denied: 403"
    del world.images.failures[a]
    world.time += timedelta(minutes=61)
    assert world.services.poison.tend() == 1
    world.verify_all()
    assert (world.pair(a, b).failure, world.pair(a, b).verdict.kind) == ("", VerdictKind.DUPLICATE)
    assert world.services.poison.failed("verify-pairs") == []


def test_a_failure_is_noted_once_and_on_no_pair_that_has_a_verdict(world, broken_pair):
    a, b = broken_pair
    for _ in range(3):
        world.services.poison.tend()
    assert world.calls.count("pairs.fail") == 1
    del world.images.failures[a]
    world.services.verify.handle_message(world.poison_queues.messages["verify-pairs"][0].body, "1")
    world.services.poison.tend()
    assert world.calls.count("pairs.fail") == 1
    assert (world.pair(a, b).failure, world.pair(a, b).verdict.kind) == ("", VerdictKind.DUPLICATE)


def test_a_failed_message_about_a_pair_that_is_gone_fails_nothing(world, broken_pair):
    world.pairs.entities.clear()
    world.services.poison.tend()
    assert "pairs.fail" not in world.calls


EVENTS = [
    {
        "eventType": f"Microsoft.Storage.{kind}",
        "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
        "data": {"url": f"https://other.blob.core.windows.net/{container}/{name}"},
    }
    for kind, container, name in (("BlobCreated", "images", "c.png"), ("BlobDeleted", "images", "d.png"))
]
OF_NO_IMAGE = [
    EVENTS[0] | {"eventType": "Microsoft.Storage.BlobTierChanged"},
    EVENTS[0] | {"subject": "/blobServices/default/containers/catalog/blobs/c.png"},
    EVENTS[0] | {"data": {}, "subject": ""},
]


def test_an_outage_of_hours_loses_no_image(world):
    path = world.upload("a.png", photo(1))
    give_up(world, "ingest-images", IngestMessage(path).to_json())
    give_up(world, "webjobs-blobtrigger", upload_of("b.png"))
    give_up(world, "blob-events", json.dumps(EVENTS))
    assert world.services.poison.tend() == 0
    world.time += timedelta(hours=2)
    assert world.services.poison.tend() == 3
    assert [message.path.name for message in world.ingest_queue.messages] == ["a.png", "c.png", "d.png", "b.png"]
    assert world.poison_queues.messages["blob-events"] == []


def test_of_messages_that_say_the_same_one_is_tried_again(world):
    """The ledger asks for an image that is not done every quarter of an hour, whatever waits about it already."""
    first, second = (IngestMessage(ImagePath("images", name), force=True).to_json() for name in ("a.png", "b.png"))
    for body in (first, second, first):
        give_up(world, "ingest-images", body)
    world.time += timedelta(minutes=61)
    give_up(world, "ingest-images", first)
    assert world.services.poison.tend() == 2
    assert [message.path.name for message in world.ingest_queue.messages] == ["a.png", "b.png"]
    assert world.poison_queues.messages["ingest-images"] == []


def test_of_failed_events_only_those_are_taken_up_that_tell_of_an_image_of_ours(world):
    give_up(world, "blob-events", json.dumps([*OF_NO_IMAGE, EVENTS[1]]))
    for event in OF_NO_IMAGE:
        give_up(world, "blob-events", json.dumps(event))
    world.services.poison.redrive("blob-events")
    assert [message.path.name for message in world.ingest_queue.messages] == ["d.png"]
    assert world.poison_queues.messages["blob-events"] == []


def test_an_event_that_failed_tells_why(world, monkeypatch):
    path = world.upload("c.png", photo(1))
    world.images.failures[path] = TemporaryError("403", reason="access-denied")
    with pytest.raises(TemporaryError):
        world.services.blob_events.handle_message(json.dumps(EVENTS[0]), "1")
    give_up(world, "blob-events", json.dumps(EVENTS[0]))
    (failed,) = world.services.poison.failed("blob-events")
    assert failed.error == "access-denied: 403"
    del world.images.failures[path]
    assert world.services.poison.redrive("blob-events") == 1
    world.services.ingest.handle_message(world.ingest_queue.messages.pop().to_json(), "1")
    assert str(world.row(path).status) == "indexed"


def test_the_timer_has_only_so_many_tried_again_and_none_that_is_fresh(world):
    for number in range(40):
        give_up(world, "ingest-images", IngestMessage(world.upload(f"{number}.png", photo(1))).to_json())
    assert world.services.poison.tend() == 0
    world.time += timedelta(hours=2)
    assert world.services.poison.tend() == 32
    assert world.services.poison.tend() == 8


def test_what_says_nothing_keeps_nothing_behind_it_waiting(world):
    for _ in range(40):
        give_up(world, "ingest-images", "nonsense")
    path = world.upload("a.png", photo(1))
    give_up(world, "ingest-images", IngestMessage(path).to_json())
    world.time += timedelta(hours=2)
    assert world.services.poison.tend() == 1
    assert world.ingest_queue.messages == [IngestMessage(path)]


def test_a_message_by_hand_that_grows_when_it_is_written_anew_is_sent_in_parts(world):
    rights = [f"images/{number}{'ä' * 180}.png" for number in range(100)]
    body = json.dumps({"left": "images/a.png", "rights": rights}, ensure_ascii=False)
    assert len(body.encode()) < 64 * 1024
    give_up(world, "verify-pairs", body)
    world.time += timedelta(hours=2)
    assert world.services.poison.tend() == 1
    sent = [str(target.path) for message in world.verify_queue.messages for target in message.rights]
    assert (sorted(sent), len(world.verify_queue.messages)) == (sorted(rights), 4)
    assert world.poison_queues.messages["verify-pairs"] == []


def test_what_a_queue_refuses_for_good_stays_and_is_told_and_those_behind_it_go_on(world, monkeypatch, caplog):
    def send(message):
        if message.path.name == "bad.png":
            raise PermanentError("400", reason="store-refused")
        sent.append(message.path.name)

    sent: list[str] = []
    monkeypatch.setattr(world.ingest_queue, "send", send)
    for name in ("bad.png", "a.png"):
        give_up(world, "ingest-images", IngestMessage(ImagePath("images", name)).to_json())
    give_up(world, "webjobs-blobtrigger", upload_of("b.png"))
    world.time += timedelta(hours=2)
    assert world.services.poison.tend() == 2
    assert sent == ["a.png", "b.png"]
    (left,) = world.poison_queues.messages["ingest-images"]
    assert "bad.png" in left.body
    told = [json.loads(it.getMessage()) for it in caplog.records if it.levelname == "WARNING"]
    assert told == [
        {"event": "poison_stays", "queue": "ingest-images", "message": "m0", "reason": "store-refused", "error": "400"}
    ]


def test_a_pair_behind_what_says_nothing_is_failed_and_tried_again(world, broken_pair):
    a, b = broken_pair
    messages = world.poison_queues.messages["verify-pairs"]
    older = replace(messages[0], body="nonsense", since=world.time - timedelta(hours=2))
    messages[:0] = [replace(older, message_id=f"n{number}") for number in range(40)]
    assert world.services.poison.tend() == 0
    assert world.pair(a, b).failure == "access-denied: 403"
    world.time += timedelta(minutes=61)
    assert world.services.poison.tend() == 1


def test_uploads_of_another_app_are_left_to_it_in_the_queue_that_the_host_names_alike_for_all(world):
    strangers, ours = upload_of("a.png", "catalog"), upload_of("a.png")
    for body in (strangers, ours):
        give_up(world, "webjobs-blobtrigger", body)
    assert [it.message.body for it in world.services.poison.failed("webjobs-blobtrigger")] == [ours]
    assert world.services.poison.redrive("webjobs-blobtrigger") == 1
    give_up(world, "webjobs-blobtrigger", ours)
    assert world.services.poison.count("webjobs-blobtrigger") == 1
    assert world.services.poison.purge("webjobs-blobtrigger") == 1
    assert [it.body for it in world.poison_queues.messages["webjobs-blobtrigger"]] == [strangers]


def test_the_hosts_own_message_is_read_as_plain_text_too(world):
    give_up(world, "webjobs-blobtrigger", '{"ContainerName": "images", "BlobName": "a.png"}')
    assert world.services.poison.redrive("webjobs-blobtrigger") == 1


@pytest.mark.parametrize("body", ["nonsense", "{}", '{"ContainerName": "images"}', "[" * 20_000])
@pytest.mark.parametrize("queue", ["verify-pairs", "ingest-images", "blob-events", "webjobs-blobtrigger"])
def test_what_says_nothing_stays_until_somebody_throws_it_away(world, queue, body):
    give_up(world, queue, body)
    world.time += timedelta(hours=2)
    world.services.poison.tend()
    assert world.services.poison.redrive(queue) == 0
    assert len(world.services.poison.failed(queue)) == 1
    assert world.services.poison.purge(queue) == 1
    assert world.services.poison.failed(queue) == []
