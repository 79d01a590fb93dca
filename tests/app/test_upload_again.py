"""An image that is uploaded again: what is known of its bytes holds, and nothing is paid for twice."""

import pytest

from dedup_app.ports.image_status import INDEXED
from dedup_app.services import Services
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.paths import ImagePath
from dedup_storage.tables.pair_directions import reversed_pair
from tests.app.world import World, copy_of, photo, recolored


def three_verified(world):
    paths = [world.upload_and_ingest(name, data) for name, data in FILES.items()]
    world.verify_all()
    return paths


FILES = {"a.png": photo(1), "b.jpg": copy_of(1), "c.png": recolored(1), "same.png": photo(1)}


def test_the_same_bytes_again_cost_one_read_and_no_verification(world):
    a, *others = three_verified(world)
    before = {other: world.pair(a, other) for other in others}
    old_etag = world.row(a).etag
    etag = world.images.put(a, FILES["a.png"])
    reads, appends, stats = len(world.images.reads), world.segments.appends, dict(world.stats.of_day("2026-05-31"))
    assert world.services.ingest.ingest(a).pairs_sent == 0
    assert world.images.reads[reads:] == [a]
    assert world.segments.appends == appends
    assert world.stats.of_day("2026-05-31") == stats
    assert (world.row(a).etag, world.row(a).status) == (etag, INDEXED)
    for other in others:
        pair = world.pair(a, other)
        assert (pair.left_etag, pair.verdict) == (old_etag, before[other].verdict)
        assert pair in [*world.current_pairs(), *map(reversed_pair, world.current_pairs())]


def test_after_that_the_pairs_are_not_outdated_and_other_bytes_still_are(world):
    a, b, *_ = three_verified(world)
    world.images.put(a, FILES["a.png"])
    world.services.ingest.ingest(a)
    assert world.services.ingest.ingest(a).pairs_sent == 0
    world.upload_and_ingest("a.png", photo(2))
    world.verify_all()
    assert world.pair(a, b).verdict.kind is VerdictKind.DISTINCT


def test_a_pair_that_still_waits_is_verified_with_what_is_there_then(world):
    a = world.upload_and_ingest("a.png", photo(1))
    b = world.upload_and_ingest("b.jpg", copy_of(1))
    world.images.put(a, photo(1))
    world.services.ingest.ingest(a)
    world.verify_all()
    pair = world.pair(a, b)
    assert (pair.left_etag, pair.verdict.kind) == (world.row(a).etag, VerdictKind.DUPLICATE)


def test_an_overwritten_hub_opens_no_pair_that_has_a_row(world):
    hub = world.upload_and_ingest("hub.png", photo(1))
    for number in range(8):
        world.upload_and_ingest(f"{number}.png", copy_of(1) if number % 2 else recolored(1))
    world.verify_all()
    world.upload("hub.png", photo(2))
    world.calls.clear()
    assert world.services.ingest.ingest(hub).pairs_sent == 8
    assert "pairs.open" not in world.calls
    assert world.calls.count("verify_queue.send") == 1
    world.verify_all()
    kinds = {world.pair(hub, ImagePath("images", f"{number}.png")).verdict.kind for number in range(8)}
    assert kinds == {VerdictKind.DISTINCT}


def test_a_copy_whose_blob_has_changed_is_not_called_identical(world):
    a = world.upload_and_ingest("a.png", photo(1))
    world.images.put(a, photo(2))  # its event is still on the way
    b = world.upload("b.png", photo(1))
    seen = []
    world.after = lambda _number, step: seen.append(step) if step == "pairs.put_verdict" else None
    world.services.ingest.ingest(b)
    assert seen == []
    world.verify_all()
    world.services.ingest.ingest(a)
    world.verify_all()
    assert all(pair.verdict.kind is VerdictKind.DISTINCT for pair in world.current_pairs())


def test_a_copy_that_is_gone_and_comes_back_as_it_was_has_its_pair(world):
    a = world.upload_and_ingest("a.png", photo(1))
    world.images.delete(a)  # its event is still on the way
    b = world.upload_and_ingest("b.png", photo(1))
    etag = world.images.put(a, photo(1))
    world.services.ingest.ingest(a)
    world.verify_all()
    pair = world.pair(a, b)
    assert (pair.verdict.kind, world.row(a).etag) == (VerdictKind.IDENTICAL, etag)
    assert len(world.current_pairs()) == 1


def test_a_pair_that_was_looked_at_while_the_image_was_away_is_looked_at_again_when_it_is_back(world):
    a, b = (world.upload_and_ingest(name, FILES[name]) for name in ("a.png", "b.jpg"))
    world.images.delete(a)
    world.verify_all()
    assert world.pair(a, b).verdict.kind is VerdictKind.UNVERIFIABLE
    world.upload("a.png", FILES["a.png"])  # before anybody has heard that it was away
    assert world.services.ingest.ingest(a).pairs_sent == 1
    world.verify_all()
    assert world.pair(a, b).verdict.kind is VerdictKind.DUPLICATE
    assert world.services.ingest.ingest(a).pairs_sent == 0


def test_whenever_it_comes_back_while_the_pair_is_looked_at_the_verdict_is_about_its_bytes():
    for at_step in range(1, 100):
        world = World(plain_index=True)
        a, b = (world.upload_and_ingest(name, FILES[name]) for name in ("a.png", "b.jpg"))
        message = world.verify_queue.messages.pop().to_json()
        world.images.delete(a)
        another = world.start_process("another")

        def back(world: World = world, a: ImagePath = a, another: Services = another) -> None:
            world.upload("a.png", FILES["a.png"])
            another.ingest.ingest(a)

        def verify(world: World = world, message: str = message) -> None:
            world.services.verify.handle_message(message, "1")

        if not world.interrupt(at_step, back, verify):
            assert at_step > 5
            return
        world.verify_all()
        assert world.pair(a, b).verdict.kind is VerdictKind.DUPLICATE, at_step
    pytest.fail("it never ended")
