"""Deletions: an event says where to look, the blob says what is true."""

import pytest

from dedup_app.ports.image_status import DELETED, INDEXED
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import StoreBusy
from dedup_core.events import BLOB_DELETED, BlobEvent
from dedup_core.paths import ImagePath
from tests.app.world import Crash, World, copy_of, photo

HOST = "https://account.blob.core.windows.net"


def event(world, url, kind=BLOB_DELETED):
    world.services.blob_events.handle(BlobEvent.of(kind, {"api": "DeleteBlob", "url": url}))


def test_a_deleted_image_is_found_no_more_and_its_row_says_so(world):
    a = world.upload_and_ingest("a.png", photo(1))
    b = world.upload_and_ingest("b.jpg", copy_of(1))
    world.verify_all()
    world.images.delete(a)
    event(world, f"{HOST}/images/a.png")
    assert world.row(a).status == DELETED
    assert world.found_by(photo(1)) == {b.image_id}
    assert not world.ingest_queue.messages


def test_an_image_that_was_rejected_is_forgotten_too(world):
    path = world.upload_and_ingest("a.png", b"Dear Sir or Madam")
    world.images.delete(path)
    event(world, f"{HOST}/images/a.png")
    assert world.row(path).status == DELETED


def test_the_event_twice_appends_one_removal(world):
    path = world.upload_and_ingest("a.png", photo(1))
    world.images.delete(path)
    event(world, f"{HOST}/images/a.png")
    appends = world.segments.appends
    event(world, f"{HOST}/images/a.png")
    assert world.segments.appends == appends
    assert world.row(path).status == DELETED


def test_an_event_that_comes_after_the_image_is_back_changes_nothing(world):
    path = world.upload_and_ingest("a.png", photo(1))
    world.images.delete(path)
    world.images.put(path, photo(2))
    world.services.ingest.ingest(path)
    before = world.row(path)
    event(world, f"{HOST}/images/a.png")
    assert world.row(path) == before
    assert world.found_by(photo(2)) == {path.image_id}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("back_at", [None, 3, 4, 5, 6, 7])
def test_an_image_that_comes_back_is_found_though_a_try_died_at_any_step(moment, back_at):
    """`back_at` is the step before which another process takes in the new blob; None: after the try has died."""
    for fatal_step in range(back_at or 1, 30):
        world = World(plain_index=True)
        path = world.upload_and_ingest("a.png", photo(1))
        world.images.delete(path)
        if not _dies(world, moment, back_at, fatal_step):
            return
        event(world, f"{HOST}/images/a.png")
        assert world.row(path).status == INDEXED, f"step {fatal_step}: {world.calls}"
        assert world.found_by(photo(1)) == {path.image_id}, f"step {fatal_step}: {world.calls}"
    pytest.fail("more steps than expected")


def _dies(world, moment, back_at, fatal_step):
    """Whether the handler dies at this step of its own; the image comes back in any case, with the bytes it had."""
    other, steps, is_back = world.start_process("other"), 0, False

    def come_back():
        nonlocal is_back
        is_back = True
        world.images.put(ImagePath("images", "a.png"), photo(1))
        watching, world.before, world.after = (world.before, world.after), ignore, ignore
        other.ingest.ingest(ImagePath("images", "a.png"))
        world.before, world.after = watching

    def before(_number, _step):
        nonlocal steps
        steps += 1
        if steps == back_at:
            come_back()
        die_at("before")

    def die_at(now):
        if (now, steps) == (moment, fatal_step):
            raise Crash

    def ignore(_number, _step):
        pass

    world.before, world.after = before, lambda _number, _step: die_at("after")
    try:
        event(world, f"{HOST}/images/a.png")
    except Crash:
        died = True
    else:
        died = False
    world.before = world.after = ignore
    if not is_back:
        come_back()
    return died


def test_an_image_that_comes_back_with_the_same_bytes_is_paired_again(world):
    a = world.upload_and_ingest("a.png", photo(1))
    b = world.upload_and_ingest("b.jpg", copy_of(1))
    world.verify_all()
    world.images.delete(a)
    event(world, f"{HOST}/images/a.png")
    world.images.put(a, photo(1))
    world.services.ingest.ingest(a)
    world.verify_all()
    assert world.row(a).status == INDEXED
    assert world.found_by(photo(1)) == {a.image_id, b.image_id}
    pair = world.pair(a, b)
    assert (pair.verdict.kind, pair.left_etag) == (VerdictKind.DUPLICATE, world.row(a).etag)


def test_an_upload_between_the_look_and_the_removal_is_not_lost(world):
    path = world.upload_and_ingest("a.png", photo(1))
    other = world.start_process("other")

    def upload_again():
        world.images.put(path, photo(2))
        other.ingest.ingest(path)

    step = 0
    happened = True
    while happened:
        step += 1
        world.images.put(path, photo(1))
        world.services.ingest.ingest(path)
        world.images.delete(path)
        happened = world.interrupt(step, upload_again, lambda: event(world, f"{HOST}/images/a.png"))
        if happened:
            assert world.row(path).status == INDEXED, f"step {step}"
            assert world.found_by(photo(2)) == {path.image_id}, f"step {step}"
    assert step > 5


def test_an_image_that_nobody_knows_leaves_no_trace(world):
    event(world, f"{HOST}/images/unknown.png")
    assert list(world.features.all()) == []
    assert world.segments.appends == 0


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("a b/ü.png", "a%20b/%C3%BC.png"),
        ("50%25.png", "50%2525.png"),
        ("a+b&c.png", "a+b&c.png"),
        ("what?.png", "what%3F.png"),
        ("no#1.png", "no%231.png"),
        ("/double//slash.png", "/double//slash.png"),
        ("a%2Fb.png", "a%252Fb.png"),
    ],
)
@pytest.mark.parametrize("host", [HOST, "http://127.0.0.1:10000/devstoreaccount1"], ids=["azure", "azurite"])
def test_the_address_in_the_event_names_the_blob_as_storage_knows_it(world, name, url, host):
    path = world.upload_and_ingest(name, photo(1))
    world.images.delete(path)
    event(world, f"{host}/images/{url}")
    assert world.row(path).status == DELETED


def test_a_busy_storage_makes_event_grid_send_the_event_again(world):
    path = ImagePath("images", "a.png")
    world.upload_and_ingest("a.png", photo(1))
    world.images.failures[path] = StoreBusy("503")
    with pytest.raises(StoreBusy):
        event(world, f"{HOST}/images/a.png")
    assert world.row(path).status == INDEXED
