"""The fingerprint log can be rebuilt from the features table, also while images keep landing."""

from collections import defaultdict
from dataclasses import replace

import pytest

from dedup_app.ports.image_status import DELETED, ImageStatus
from dedup_core.fingerprinting.keypoints import Keypoints
from dedup_core.fingerprinting.record import OLDER_SCHEME, Fingerprints
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath
from dedup_storage.logs.fingerprint_records import read_records
from tests.app.world import copy_of, photo
from tests.memory import MemorySegments


def lose_the_log(world):
    world.segments = MemorySegments()
    world.services = world.start_process("after the loss")


def test_a_lost_log_comes_back_from_the_features_table(world):
    kept = world.upload_and_ingest("a.png", photo(1))
    for name, status in (("deleted.png", DELETED), ("rejected.png", ImageStatus.rejected("corrupt"))):
        gone = world.upload_and_ingest(name, photo(1))
        world.set_status(gone, status)
    lose_the_log(world)
    assert world.found_by(photo(1)) == set()
    seen = defaultdict(list)
    report = world.services.reindex.reindex(lambda what: seen[what].append)
    assert (report.indexed, report.queued, report.held) == (1, 0, 1)
    assert seen == {"rows": [1, 2, 3], "images": [1, 2, 3], "pairs": [1, 2]}
    assert world.found_by(photo(1)) == {kept.image_id}
    assert world.ingest_queue.messages == []


def test_images_of_another_scheme_are_taken_in_anew(world):
    old = world.upload_and_ingest("old.png", photo(1))
    world.upload_and_ingest("new.png", photo(2))
    world.features.put(replace(world.row(old), features=None))  # as the table gives rows of another scheme
    lose_the_log(world)
    report = world.services.reindex.reindex()
    assert (report.indexed, report.queued) == (1, 1)
    (message,) = world.ingest_queue.messages
    assert message == IngestMessage(old)
    world.services.ingest.handle_message(message.to_json(), "1")
    assert world.found_by(photo(1)) == {old.image_id}


def test_images_of_the_scheme_before_are_found_by_all_that_this_one_keeps(world):
    """Their rows can be read, and what is kept of them has no keypoints."""
    path = world.upload_and_ingest("old.png", photo(1))
    row = world.row(path)
    fingerprints = replace(row.features.fingerprints, keypoints=Keypoints.none())
    world.features.put(replace(row, features=replace(row.features, scheme=OLDER_SCHEME, fingerprints=fingerprints)))
    lose_the_log(world)
    assert world.services.reindex.reindex().queued == 1
    world.ingest_all()
    held = read_records(world.segments.read(1, 0, 1_000_000).data).fingerprints[-1].tobytes()
    assert Fingerprints.from_bytes(held) == row.features.fingerprints == world.row(path).features.fingerprints


def test_reindexing_twice_changes_nothing(world):
    path = world.upload_and_ingest("a.png", photo(1))
    first = world.services.reindex.reindex()
    assert world.services.reindex.reindex() == first
    assert world.found_by(photo(1)) == {path.image_id}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_image_that_is_overwritten_at_any_step_is_found_as_what_it_is_now(world, moment):
    path = ImagePath("images", "a.png")
    for at_step in range(1, 20):
        world.upload_and_ingest("a.png", photo(1))
        world.upload_and_ingest("b.png", photo(1))
        other = world.start_process("the other")
        happened = False

        def overwrite(number: int, _step: str, at_step=at_step, other=other) -> None:
            nonlocal happened
            if number == at_step and not happened:
                happened = True
                world.upload("a.png", copy_of(2))
                other.ingest.ingest(path)

        world.calls.clear()
        setattr(world, moment, overwrite)
        world.services.reindex.reindex()
        setattr(world, moment, lambda _number, _step: None)
        if not happened:
            assert at_step > 4
            return
        assert world.found_by(photo(2)) == {path.image_id}, f"{moment} step {at_step}: {world.calls}"
        assert path.image_id not in world.found_by(photo(1)), f"{moment} step {at_step}: {world.calls}"
    pytest.fail("more steps than expected")
