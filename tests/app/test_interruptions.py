"""Whatever happens between two steps of an ingest, the end is the same: crashes, newer versions, twins, deletions."""

from collections.abc import Callable
from contextlib import suppress
from itertools import product

import pytest

from dedup_app.ports.image_status import INDEXED, ImageStatus
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from tests.app.world import Crash, World, copy_of, photo

A, B, C = (ImagePath("images", f"{name}.png") for name in "abc")
MOST_STEPS = 24


def _new_image(world: World) -> None:
    world.upload_and_ingest("b.png", copy_of(1))
    world.upload_and_ingest("c.png", photo(1))
    world.images.put(A, photo(1))


def _overwritten_image(world: World) -> None:
    world.upload_and_ingest("a.png", photo(1))
    world.upload_and_ingest("b.png", copy_of(1))
    world.upload_and_ingest("c.png", photo(2))
    world.verify_all()
    world.images.put(A, copy_of(2))


def _same_image_again(world: World) -> None:
    world.upload_and_ingest("a.png", photo(1))
    world.upload_and_ingest("b.png", copy_of(1))
    world.upload_and_ingest("c.png", photo(1))
    world.verify_all()
    world.images.put(A, photo(1))


def _image_overwritten_with_garbage(world: World) -> None:
    world.upload_and_ingest("a.png", photo(1))
    world.upload_and_ingest("b.png", copy_of(1))
    world.verify_all()
    world.images.put(A, b"garbage")


def _deleted_image(world: World) -> None:
    world.upload_and_ingest("a.png", photo(1))
    world.upload_and_ingest("b.png", copy_of(1))
    world.verify_all()
    world.images.delete(A)


def _end_of(world: World) -> dict[str, object]:
    """What everybody can see in the end, once the queue is worked off."""
    world.verify_all()
    return {
        "rows": list(world.features.all()),
        "pairs": sorted(
            (str(pair.left), str(pair.right), pair.verdict, pair.left_etag, pair.right_etag)
            for pair in world.pairs.all()
        ),
        "found": {seed: world.found_by(photo(seed)) for seed in (1, 2)},
    }


SITUATIONS = [_new_image, _same_image_again, _overwritten_image, _image_overwritten_with_garbage, _deleted_image]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_crash_at_any_step_is_healed_by_the_next_try(world, situation):
    situation(world)
    world.calls.clear()
    world.services.ingest.ingest(A)
    steps = len(world.calls)
    undisturbed = _end_of(world)
    assert steps < MOST_STEPS
    for moment in ("before", "after"):
        for fatal_step in range(1, steps + 1):
            crashed = World(plain_index=True)
            situation(crashed)
            _crash_at(crashed, fatal_step, moment, lambda crashed=crashed: crashed.services.ingest.ingest(A))
            crashed.services = crashed.start_process("the next one")
            crashed.services.ingest.ingest(A)
            assert _end_of(crashed) == undisturbed, f"crash {moment} step {fatal_step}: {crashed.calls}"


@pytest.mark.parametrize("situation", [_image_overwritten_with_garbage, _deleted_image])
def test_an_image_that_is_gone_leaves_its_group_after_any_two_crashes(world, situation):
    situation(world)
    assert world.services.groups.groups() != []
    world.calls.clear()
    world.services.ingest.ingest(A)
    steps = range(1, len(world.calls) + 1)
    for first, second in product(steps, steps):
        crashed = World(plain_index=True)
        situation(crashed)
        _crash_at(crashed, first, "after", lambda crashed=crashed: crashed.services.ingest.ingest(A))
        crashed.services = crashed.start_process("the next one")
        with suppress(Crash):
            crashed.calls.clear()
            crashed.after = _crashing(second)
            crashed.services.ingest.ingest(A)
        crashed.after = lambda _number, _step: None
        crashed.services = crashed.start_process("the last one")
        crashed.services.ingest.ingest(A)
        assert crashed.services.groups.groups() == [], (first, second)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_at_any_step_of_a_verification_is_healed_by_the_next_try(world, moment):
    gone = ImagePath("images", "gone.png")
    body = VerifyMessage(A, tuple(VerifyTarget(path) for path in (B, gone, C))).to_json()

    def upload(world: World) -> None:
        for path, data in ((A, photo(1)), (B, copy_of(1)), (C, photo(2))):
            world.images.put(path, data)

    upload(world)
    world.services.verify.handle_message(body, "1")
    undisturbed = _end_of(world)
    for fatal_step in range(1, len(world.calls) + 1):
        crashed = World(plain_index=True)
        upload(crashed)
        _crash_at(
            crashed, fatal_step, moment, lambda crashed=crashed: crashed.services.verify.handle_message(body, "1")
        )
        crashed.services = crashed.start_process("the next one")
        crashed.services.verify.handle_message(body, "1")
        assert _end_of(crashed) == undisturbed, f"crash {moment} step {fatal_step}: {crashed.calls}"


def _crash_at(world: World, fatal_step: int, moment: str, handler: Callable[[], object]) -> None:
    world.calls.clear()
    setattr(world, moment, _crashing(fatal_step))
    with pytest.raises(Crash):
        handler()
    setattr(world, moment, lambda _number, _step: None)


def _crashing(fatal_step: int) -> Callable[[int, str], None]:
    def crash(number: int, _step: str) -> None:
        if number == fatal_step:
            raise Crash

    return crash


def _interrupt(world: World, at_step: int, interruption: Callable[[], None]) -> bool:
    """Ingest A, and let something else happen before one of its steps; False if A ended before that."""
    return world.interrupt(at_step, interruption, lambda: world.services.ingest.ingest(A))


@pytest.mark.parametrize("situation", SITUATIONS[:4])
@pytest.mark.parametrize("newer", [photo(3), b"new garbage"], ids=["another picture", "garbage"])
def test_a_newer_version_that_another_process_took_in_meanwhile_has_the_last_word(world, situation, newer):
    for at_step in range(1, MOST_STEPS):
        world = World(plain_index=True)
        situation(world)
        other = world.start_process("the other")

        def overwrite(world=world, other=other):
            world.images.put(A, newer)
            other.ingest.ingest(A)

        if not _interrupt(world, at_step, overwrite):
            return
        row, etag = world.row(A), world.images.read(A).etag
        assert row.etag == etag, f"overwritten before step {at_step}: {world.calls}"
        if newer == photo(3):
            assert row.status == INDEXED
            assert A.image_id in world.found_by(photo(3))
        else:
            assert row.status == ImageStatus.rejected("unsupported-format")
        assert A.image_id not in world.found_by(photo(1)) | world.found_by(photo(2))
    pytest.fail("more steps than expected")


@pytest.mark.parametrize("at_once", [True, False], ids=["and its event comes at once", "and its event comes later"])
def test_a_blob_that_vanishes_at_any_step_leaves_no_ghost(world, at_once):
    for at_step in range(1, MOST_STEPS):
        world = World(plain_index=True)
        _new_image(world)
        other = world.start_process("the other")

        def delete(world=world, other=other):
            world.images.delete(A)
            if at_once:
                other.ingest.ingest(A)

        if not _interrupt(world, at_step, delete):
            return
        if not at_once:
            other.ingest.ingest(A)
        row = world.features.get(A.image_id)
        assert row is None or row.status.is_gone, f"deleted before step {at_step}: {world.calls}"
        assert world.found_by(photo(1)) <= {B.image_id, C.image_id}
    pytest.fail("more steps than expected")


def test_look_alikes_that_land_at_the_same_moment_find_each_other_whatever_comes_in_between(world):
    for at_step in range(1, MOST_STEPS):
        world = World(plain_index=True)
        world.images.put(A, photo(1))
        world.images.put(B, copy_of(1))
        other = world.start_process("the other")
        if not _interrupt(world, at_step, lambda other=other: other.ingest.ingest(B)):
            return
        world.verify_all()
        assert world.pair(A, B).verdict.kind is VerdictKind.DUPLICATE, f"B came before step {at_step} of A"
    pytest.fail("more steps than expected")


def test_an_old_event_that_comes_late_changes_nothing(world):
    world.upload_and_ingest("a.png", photo(1))
    world.upload_and_ingest("a.png", photo(2))
    before = _end_of(world)
    world.services.ingest.ingest(A)
    assert _end_of(world) == before
