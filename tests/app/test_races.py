"""Races that were seen before there were versions: each left something false or lost for good, most without a crash."""

from datetime import timedelta

import pytest

from dedup_app.ports.image_status import INDEXED
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import StoreBusy
from dedup_core.paths import ImagePath
from tests.app.world import Crash, copy_of, photo

P, X, COPY = (ImagePath("images", f"{name}.png") for name in ("p", "x", "copy"))


def once(world, at, what):
    """Let something happen after the first call of this port."""
    happened = []

    def after(_number, step):
        if step == at and not happened:
            happened.append(step)
            what()

    world.after = after


def overwrite(world, process):
    watching, world.after = world.after, lambda _number, _step: None
    world.images.put(X, photo(2))
    process.ingest.handle_blob("images", "x.png")
    world.after = watching


def redeliver(world):
    world.before = world.after = lambda _number, _step: None
    for message in [*world.ingest_queue.messages]:
        world.services.ingest.handle_message(message.to_json(), "1")


@pytest.mark.parametrize("end", ["dies", "is busy"])
def test_no_false_identical_is_left_of_an_image_that_was_overwritten_while_its_pair_was_stored(world, end):
    world.upload_and_ingest("p.png", photo(1))
    world.images.put(X, photo(1))
    other = world.start_process("other")

    def before(_number, step):
        if step == "pairs.put_verdict" and X not in done:
            done.append(X)
            overwrite(world, other)

    def busy(_number, step):
        if step.startswith("features."):
            raise StoreBusy("busy")

    def fail():
        if end == "dies":
            raise Crash
        world.before = busy

    done = []
    world.before = before
    once(world, "pairs.put_verdict", fail)
    if end == "dies":
        with pytest.raises(Crash):
            world.services.ingest.handle_blob("images", "x.png")
        world.before = world.after = lambda _number, _step: None
        world.services.ingest.handle_blob("images", "x.png")
    else:
        world.services.ingest.handle_blob("images", "x.png")
    redeliver(world)
    world.verify_all()
    assert (world.row(X).status, world.row(X).etag) == (INDEXED, world.images.etag(X))
    assert [pair.verdict.kind for pair in world.current_pairs()] in ([], [VerdictKind.DISTINCT])


@pytest.mark.parametrize("end", ["dies", "is busy", "appends late"])
def test_an_image_that_was_overwritten_while_it_was_appended_is_found_by_a_later_copy(world, end):
    other = world.start_process("other")
    world.images.put(X, photo(1))
    late = []
    append = world.segments.append

    def before(_number, step):
        if end == "is busy" and late and step.startswith("features."):
            raise StoreBusy("busy")

    def appending(number, block):
        if late:
            return append(number, block)
        late.append((number, block))
        if end == "appends late":
            return append(number, block)
        overwrite(world, other)
        place = append(number, block)
        if end == "dies":
            raise Crash
        world.before = before
        return place

    world.segments.append = appending
    if end == "dies":
        with pytest.raises(Crash):
            world.services.ingest.handle_blob("images", "x.png")
        world.services.ingest.handle_blob("images", "x.png")
    else:
        world.services.ingest.handle_blob("images", "x.png")
    if end == "appends late":
        overwrite(world, other)
        append(*late[0])
    redeliver(world)
    assert (world.row(X).status, world.row(X).etag) == (INDEXED, world.images.etag(X))
    world.upload_and_ingest("copy.png", copy_of(2))
    world.verify_all()
    assert world.pair(X, COPY).verdict.kind is VerdictKind.DUPLICATE
    assert len(world.current_pairs()) == 1


def test_an_image_that_is_deleted_and_uploaded_again_with_the_same_bytes_while_it_is_taken_in_is_found(world):
    world.images.put(X, photo(1))
    other = world.start_process("other")

    def before(_number, step):
        if step == "features.set_status":
            world.before = lambda _number, _step: None
            world.images.delete(X)
            other.ingest.ingest(X)
            world.images.put(X, photo(1))

    world.before = before
    world.services.ingest.handle_blob("images", "x.png")
    world.services.ingest.handle_blob("images", "x.png")
    redeliver(world)
    assert (world.row(X).status, world.row(X).etag) == (INDEXED, world.images.etag(X))
    world.upload_and_ingest("copy.png", copy_of(1))
    assert world.pair(X, COPY) is not None


@pytest.mark.parametrize("minutes", [0, 6, 60, -6, -60])
def test_reindex_from_any_clock_leaves_the_newest_fingerprints(world, minutes):
    world.upload_and_ingest("x.png", photo(1))
    other = world.start_process("other")
    everything = world.features.all

    def slowly():
        rows = list(everything())
        overwrite(world, other)
        return iter(rows)

    world.features.all = slowly
    world.time += timedelta(minutes=minutes)
    world.services.reindex.reindex()
    world.upload_and_ingest("copy.png", copy_of(2))
    assert world.pair(X, COPY) is not None


def test_a_pair_that_was_never_opened_for_an_image_is_opened_for_what_comes_after_it(world):
    """`create_entity` is reset, and the other image overwritten before the message comes again."""
    world.upload_and_ingest("p.png", photo(1))
    world.images.put(X, copy_of(1))

    def before(_number, step):
        if step == "pairs.open":
            world.before = lambda _number, _step: None
            raise StoreBusy("reset")

    world.before = before
    world.services.ingest.handle_blob("images", "x.png")
    world.upload_and_ingest("p.png", copy_of(1))
    redeliver(world)
    world.verify_all()
    assert [pair.verdict.kind for pair in world.current_pairs()] == [VerdictKind.IDENTICAL]


def test_what_a_search_finds_of_an_image_that_is_another_by_now_opens_no_pair(world):
    """Whoever takes in the other one searches after its append; a pair opened before might be left to nobody."""
    world.upload_and_ingest("x.png", photo(1))
    world.images.put(X, photo(2))
    other = world.start_process("other")
    world.images.put(COPY, copy_of(1))

    def before(_number, step):
        if step == "index.add_and_search":
            world.before = lambda _number, _step: None
            other.ingest.handle_blob("images", "copy.png")

    world.before = before
    world.services.ingest.handle_blob("images", "x.png")
    assert [world.row(path).status for path in (X, COPY)] == [INDEXED, INDEXED]
    assert (list(world.pairs.all()), world.verify_queue.messages) == ([], [])


def test_files_with_the_same_bytes_come_to_a_group_though_another_handler_ended_before_they_were_told(world):
    world.upload_and_ingest("x.png", photo(1))
    other = world.start_process("other")
    world.images.put(COPY, photo(1))

    def twin():
        world.images.put(X, photo(1))  # whose event is late: it is sent to be verified, unless there is a verdict
        other.ingest.handle_blob("images", "copy.png")
        world.before = busy

    def busy(_number, step):
        if step == "verdict_log.append":
            raise StoreBusy("busy")

    once(world, "pairs.put_verdict", twin)
    world.services.ingest.handle_blob("images", "copy.png")
    redeliver(world)
    world.services.ingest.handle_blob("images", "x.png")
    world.verify_all()
    assert [len(list(group.images)) for group in world.start_process("page").groups.groups()] == [2]
