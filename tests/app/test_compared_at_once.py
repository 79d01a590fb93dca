"""A few look-alikes of a new image are compared by the call that takes it in; what fails there goes to the queue."""

import pytest

from dedup_app.pipeline.pairing import MOST_AT_ONCE
from dedup_app.ports.image_status import INDEXED
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import StoreBusy
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath
from tests.app.world import Crash, World, copy_of, photo, small_scene
from tests.core.pictures import encoded
from tests.groups import groups_of_log
from tests.memory import MemorySender

A, B = (ImagePath("images", f"{name}.png") for name in "ab")


@pytest.fixture
def world() -> World:
    return begun()


def begun(told: MemorySender | None = None) -> World:
    """An image is there, and a copy of it lands."""
    world = World(plain_index=True, told=told)
    world.upload_and_ingest(A.name, photo(1))
    world.images.put(B, copy_of(1))
    world.services.ownership.require()
    world.calls.clear()
    return world


def test_a_copy_is_read_once_and_takes_no_message_and_no_look_that_its_own_row_tells(world):
    world.services.ingest.handle_blob(B.container, B.name)
    assert world.calls == [
        "features.put",
        "images.read",
        "features.put_first",
        "index.add_and_search",
        "features.get",
        "images.read",  # the other image
        "pairs.put_verdict",
        "features.summaries",  # of the other image alone
        "verdict_log.append",
        "features.set_status",
        "stats.put",
    ]
    assert world.pair(A, B).verdict.kind is VerdictKind.DUPLICATE
    assert world.verify_queue.messages == []


def test_an_image_that_was_there_before_the_app_is_compared_at_once_as_well(world):
    world.services.ingest.handle_message(IngestMessage(B).to_json(), "1")
    assert (world.pair(A, B).verdict.kind, world.verify_queue.messages) == (VerdictKind.DUPLICATE, [])


def test_more_look_alikes_than_an_image_should_wait_for_go_to_the_queue():
    world = World(plain_index=True)
    for number in range(MOST_AT_ONCE + 1):
        world.upload_and_ingest(f"{number}.jpg", encoded(small_scene(1), "JPEG", quality=60 + number))
    world.verify_queue.messages.clear()
    world.images.put(B, photo(1))
    world.services.ingest.handle_blob(B.container, B.name)
    assert [len(message.rights) for message in world.verify_queue.messages] == [MOST_AT_ONCE + 1]
    assert world.row(B).status == INDEXED


@pytest.mark.parametrize("moment", ["before", "after"])
def test_whoever_dies_at_any_step_leaves_what_the_next_try_brings_to_its_end(world, moment):
    world.services.ingest.handle_blob(B.container, B.name)
    steps, groups = list(world.calls), groups_of_log(world.services)
    assert groups
    for fatal_step, step in enumerate(steps, 1):
        crashed = begun()

        def crash(number, _step, fatal_step=fatal_step):
            if number == fatal_step:
                raise Crash

        setattr(crashed, moment, crash)
        with pytest.raises(Crash):
            crashed.services.ingest.handle_blob(B.container, B.name)
        setattr(crashed, moment, lambda _number, _step: None)
        crashed.services = crashed.start_process("the next one")
        crashed.calls.clear()
        crashed.services.ingest.handle_blob(B.container, B.name)
        is_first = (fatal_step, moment) == (1, "before")
        assert ("pairs.put_verdict" in crashed.calls) is is_first, step  # who died once compares nothing by itself
        crashed.verify_all()
        assert (crashed.row(B).status, crashed.pair(A, B).verdict.kind) == (INDEXED, VerdictKind.DUPLICATE), step
        assert groups_of_log(crashed.services) == groups, step


@pytest.mark.parametrize("error", [StoreBusy("busy"), ValueError("a comparison that nobody thought of")])
def test_what_goes_wrong_in_a_comparison_keeps_no_image_from_being_indexed(world, error):
    def fail(_number, step):
        if step == "pairs.put_verdict":
            raise error

    world.before = fail
    try:
        world.services.ingest.handle_blob(B.container, B.name)
        world.ingest_all()
    except ValueError:
        world.services.ingest.handle_blob(B.container, B.name)  # the host tries again
    assert world.row(B).status == INDEXED
    assert [message.left for message in world.verify_queue.messages] == [B]


def test_a_receiver_that_is_down_keeps_no_image_from_being_indexed():
    told = MemorySender()
    world = begun(told)
    told.is_down = True
    world.services.ingest.handle_blob(B.container, B.name)
    world.ingest_all()
    assert (world.row(B).status, told.events) == (INDEXED, [])
    told.is_down = False
    world.verify_all()
    assert [event["type"] for event in told.events] == ["NearDuplicateImages.PairVerified"]
