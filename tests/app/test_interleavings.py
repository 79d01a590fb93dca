"""Handlers that run at the same time, in orders of their steps that dice throw, agree in the end."""

from collections.abc import Callable

import pytest

from dedup_app.ports.image_status import INDEXED
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import TemporaryError
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from tests.app.dice import Dice
from tests.app.world import World, copy_of, photo

A, B = (ImagePath("images", f"{name}.png") for name in "ab")
SCHEDULES = 60


def as_the_host(ingest: Callable[[ImagePath], object], path: ImagePath) -> Callable[[], None]:
    """Try again after a temporary error, like the queue behind every trigger."""

    def handle() -> None:
        for _ in range(4):
            try:
                ingest(path)
            except TemporaryError:
                continue
            return
        ingest(path)

    return handle


@pytest.mark.parametrize("last", ["overwritten", "deleted"])
def test_events_of_all_versions_in_any_order_leave_what_is_there_now(world, last):
    for seed in range(SCHEDULES):
        world = World(plain_index=True)
        world.upload_and_ingest("b.png", copy_of(2))
        world.images.put(A, photo(1))
        one, two, three = (world.start_process(name) for name in ("one", "two", "three"))

        def change(world=world, newest=three):
            if last == "overwritten":
                world.images.put(A, photo(2))
            else:
                world.images.delete(A)
            newest.ingest.ingest(A)

        handlers = [as_the_host(process.ingest.ingest, A) for process in (one, two)]
        Dice(world, seed).run([*handlers, change])
        world.before = lambda _number, _step: None
        world.verify_all()
        row = world.features.get(A.image_id)
        assert A.image_id not in world.found_by(photo(1)), f"seed {seed}"
        if last == "overwritten":
            assert (row.etag, row.status) == (world.images.read(A).etag, INDEXED), f"seed {seed}"
            assert world.found_by(photo(2)) == {A.image_id, B.image_id}, f"seed {seed}"
            assert world.pair(A, B).verdict.kind is VerdictKind.DUPLICATE, f"seed {seed}"
        else:
            assert row is None or row.status.is_gone, f"seed {seed}"
            assert world.found_by(photo(2)) == {B.image_id}, f"seed {seed}"


@pytest.mark.parametrize("back", [photo(2), photo(1), None], ids=["other bytes", "the same bytes", "nothing"])
def test_events_of_a_deletion_and_a_new_upload_in_any_order_leave_what_is_there_now(world, back):
    for seed in range(SCHEDULES):
        world = World(plain_index=True)
        world.upload_and_ingest("b.png", copy_of(2))
        world.upload_and_ingest("a.png", photo(1))
        one, two, three, four = (world.start_process(name) for name in ("one", "two", "three", "four"))
        world.images.delete(A)
        delete = as_the_host(one.ingest.ingest, A)
        again = as_the_host(two.ingest.ingest, A)

        def upload(world=world, process=three):
            if back:
                world.images.put(A, back)
            process.ingest.ingest(A)

        late = as_the_host(four.ingest.ingest, A)
        Dice(world, seed).run([delete, upload, again, late])
        world.before = lambda _number, _step: None
        world.verify_all()
        row = world.row(A)
        found = world.found_by(photo(1)), world.found_by(photo(2))
        if back:
            assert (row.etag, row.status) == (world.images.read(A).etag, INDEXED), f"seed {seed}"
        else:
            assert row.status.is_gone, f"seed {seed}"
        if back == photo(2):
            assert found == (set(), {A.image_id, B.image_id}), f"seed {seed}"
            assert world.pair(A, B).verdict.kind is VerdictKind.DUPLICATE, f"seed {seed}"
        else:
            assert found == ({A.image_id} if back else set(), {B.image_id}), f"seed {seed}"


def test_many_look_alikes_at_once_are_all_paired(world):
    paths = [ImagePath("images", f"{number}.png") for number in range(4)]
    for seed in range(SCHEDULES):
        world = World(plain_index=True)
        for number, path in enumerate(paths):
            world.images.put(path, copy_of(1) if number % 2 else photo(1))
        processes = [world.start_process(path.name) for path in paths]
        Dice(world, seed).run(
            [as_the_host(process.ingest.ingest, path) for process, path in zip(processes, paths, strict=True)]
        )
        world.before = lambda _number, _step: None
        world.verify_all()
        assert len(list(world.pairs.all())) == 6, f"seed {seed}"
        assert all(pair.verdict is not None for pair in world.pairs.all()), f"seed {seed}"


@pytest.mark.parametrize("other", ["stays", "changes"])
def test_a_verdict_that_holds_on_never_outlives_the_bytes_of_the_other_image(world, other):
    body = VerifyMessage(A, (VerifyTarget(B),)).to_json()
    for seed in range(SCHEDULES):
        world = World(plain_index=True)
        world.upload_and_ingest("a.png", photo(1))
        world.upload_and_ingest("b.png", copy_of(1))
        world.verify_all()
        one, two, three = (world.start_process(name) for name in ("one", "two", "three"))

        def upload_again(world=world, process=one):
            world.images.put(A, photo(1))
            process.ingest.ingest(A)

        def change(world=world, process=two):
            if other == "changes":
                world.images.put(B, photo(2))
            process.ingest.ingest(B)

        verify = as_the_host(lambda _path, process=three: process.verify.handle_message(body, "1"), A)
        Dice(world, seed).run([upload_again, change, verify])
        world.before = lambda _number, _step: None
        world.verify_all()
        pair = world.pair(A, B)
        assert (pair.left_version, pair.right_version) == (world.row(A).version, world.row(B).version), f"seed {seed}"
        expected = VerdictKind.DISTINCT if other == "changes" else VerdictKind.DUPLICATE
        assert pair.verdict.kind is expected, f"seed {seed}"
