"""A whole container is taken in with one listing: only what the app does not know as it is now."""

from collections import defaultdict

from dedup_app.ports.image_status import DELETED, INDEXED, PROCESSING
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath
from tests.app.world import copy_of, photo


def test_only_blobs_that_are_new_or_changed_or_unfinished_are_queued(world):
    world.upload_and_ingest("known.png", photo(1))
    world.upload_and_ingest("broken.png", b"not an image")
    changed = world.upload_and_ingest("changed.png", photo(1))
    world.upload("changed.png", photo(2))
    unfinished = world.upload_and_ingest("unfinished.png", photo(1))
    world.set_status(unfinished, PROCESSING)
    returned = world.upload_and_ingest("returned.png", photo(1))
    world.set_status(returned, DELETED)
    new = world.upload("new.png", photo(1))
    world.images.put(ImagePath("elsewhere", "other.png"), photo(1))
    world.calls.clear()
    seen = defaultdict(list)
    report = world.services.backlog.enqueue_all(lambda what: seen[what].append)
    assert (report.blobs, report.queued, report.unusable) == (6, 4, ())
    assert world.ingest_queue.messages == [IngestMessage(path) for path in sorted([changed, new, returned, unfinished])]
    assert world.calls == ["features.all_summaries", "ingest_queue.send_all", "images.names"]
    assert seen == {"rows": [1, 2, 3, 4, 5], "blobs": [1, 2, 3, 4, 5, 6]}


def test_the_whole_container_is_known_once_its_messages_are_worked_off(world):
    for name, data in (("a.png", photo(1)), ("b.jpg", copy_of(1)), ("c.png", b"not an image")):
        world.upload(name, data)
    assert world.services.backlog.enqueue_all().queued == 3
    for message in world.ingest_queue.messages:
        world.services.ingest.handle_message(message.to_json(), "1")
    assert world.services.backlog.enqueue_all().queued == 0


def test_a_name_that_cannot_be_kept_is_told_and_holds_up_nothing(world):
    world.upload("a.png", photo(1))
    named = world.images.names
    world.images.names = lambda container: iter([("a\nb.png", "0x1"), *named(container)])
    report = world.services.backlog.enqueue_all()
    assert (report.blobs, report.queued, report.unusable) == (2, 1, ("a\nb.png",))


def test_images_that_were_deleted_meanwhile_are_found_out(world):
    kept, gone = (world.upload_and_ingest(name, photo(1)) for name in ("kept.png", "gone.png"))
    world.images.delete(gone)
    assert world.services.backlog.enqueue_all().queued == 1
    (message,) = world.ingest_queue.messages
    world.services.ingest.handle_message(message.to_json(), "1")
    assert world.row(gone).status == DELETED
    assert world.row(kept).status == INDEXED
    assert world.services.backlog.enqueue_all().queued == 0
