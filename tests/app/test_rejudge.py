"""After a change of policy what was measured is judged again, and no image is read."""

from dataclasses import replace
from threading import Barrier

import pytest

from dedup_app.feedback.decisions import Act
from dedup_app.operations.rejudge import Change, RejudgeReport, _messages
from dedup_app.ports.pairs import PairRow
from dedup_core.comparison import measurement
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.facts import Decision, Family
from dedup_core.paths import ImagePath
from tests.app.world import Crash, Watched, World, copy_of, photo, small_scene
from tests.core.pictures import encoded
from tests.memory import MemorySender

A, B = ImagePath("images", "a.png"), ImagePath("images", "b.jpg")


@pytest.fixture
def world() -> World:
    """Two copies whose colors differ a little, which a strict policy takes for another color."""
    world = World(plain_index=True)
    world.upload_and_ingest(A.name, photo(1))
    world.upload_and_ingest(B.name, copy_of(1))
    world.verify_all()
    assert verdict_of(world.pair(A, B)) is VerdictKind.DUPLICATE
    world.settings = replace(world.settings, policy_overrides=STRICTER)
    world.services = world.start_process("with another policy")
    return world


# Nothing but the same pixels is one picture, whatever was measured.
STRICTER = {"min_structure": 0.999999, "max_color_residual": 0.0, "max_detail_difference": 0.0001}


def verdict_of(pair: PairRow) -> VerdictKind:
    assert pair.verdict is not None
    return pair.verdict.kind


def rejudged(world: World, **how: bool) -> tuple[RejudgeReport, list[Change]]:
    report = RejudgeReport()
    return report, list(world.services.rejudge.rejudge(report, **how))


def test_the_verdict_changes_under_both_images_and_nothing_is_read(world: World):
    reads = len(world.images.reads)
    report, [change] = rejudged(world)
    assert change.before is VerdictKind.DUPLICATE
    after = verdict_of(world.pair(A, B))
    assert after is verdict_of(world.pair(B, A)) is change.verdict.kind is not VerdictKind.DUPLICATE
    assert (report.judged, sum(report.changed.values()), report.not_measured) == (1, 1, 0)
    assert len(world.images.reads) == reads
    assert rejudged(world)[1] == []


def test_a_pair_that_is_there_takes_a_look_and_a_write_under_each_image(world: World):
    calls: list[str] = []
    watched = Watched(world.pairs.entities, "row", calls.append, lambda _step: None)
    world.pairs._table = watched  # type: ignore[assignment]
    assert len(rejudged(world)[1]) == 1
    assert calls == ["row.query", *["row.get_with_tag", "row.update"] * 2]


def test_it_says_what_a_verification_by_that_policy_says(world: World):
    rejudged(world)
    ours = world.pair(A, B).verdict
    world.services.ingest.ingest(A, force=True)
    pair = world.pair(A, B)
    world.services.verify.verify(*_messages([pair]))
    assert world.pair(A, B).verdict == ours


def test_the_groups_of_every_process_follow_and_come_back(world: World):
    def groups(family: Family = Family.SAME) -> int:
        return len(world.start_process("a page").groups.groups(frozenset({family})))

    assert groups() == 1
    rejudged(world)
    assert groups() == 0
    world.settings = replace(world.settings, policy_overrides={})
    world.services = world.start_process("with the first policy")
    rejudged(world)
    assert groups() == 1


def test_a_dry_run_lists_the_same_and_writes_nothing(world: World):
    world.calls.clear()
    report, [change] = rejudged(world, dry_run=True, remeasure=True)
    assert verdict_of(world.pair(A, B)) is change.before
    assert not [call for call in world.calls if call.split(".")[1] in {"put_verdict", "append", "send"}]
    assert rejudged(world)[0].changed == report.changed


def test_what_a_person_decided_stays(world: World):
    world.services.decisions.decide_pair(A, B, Act.DUPLICATE, "ann")
    [change] = rejudged(world)[1]
    pair = world.pair(A, B)
    assert pair.decided is not None
    assert (pair.decided.decision, verdict_of(pair)) == (Decision.DUPLICATE, change.verdict.kind)
    assert len(world.start_process("a page").groups.groups()) == 1


def test_pairs_of_another_version_are_told_and_queued_on_request(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measurement, "MEASUREMENT_VERSION", measurement.MEASUREMENT_VERSION + 1)
    report, changes = rejudged(world)
    assert (report.not_measured, report.judged, report.queued, changes) == (1, 0, 0, [])
    assert verdict_of(world.pair(A, B)) is VerdictKind.DUPLICATE
    assert rejudged(world, remeasure=True)[0].queued == 1
    world.verify_all()
    assert verdict_of(world.pair(A, B)) is not VerdictKind.DUPLICATE


def test_no_pair_of_the_container_that_was_watched_before_is_queued(world: World, monkeypatch: pytest.MonkeyPatch):
    """The message would be refused each time."""
    monkeypatch.setattr(measurement, "MEASUREMENT_VERSION", measurement.MEASUREMENT_VERSION + 1)
    world.settings = replace(world.settings, image_container="photos")
    world.services = world.start_process("of another container")
    report, _ = rejudged(world, remeasure=True)
    assert (report.not_measured, report.queued, world.verify_queue.messages) == (0, 0, [])


def add_copies(world: World) -> None:
    """Two more, so that there are six pairs."""
    for quality in (70, 60):
        world.upload_and_ingest(f"{quality}.jpg", encoded(small_scene(1), "JPEG", quality=quality))
    world.verify_all()


def test_all_pairs_of_an_image_that_are_queued_are_in_one_message_so_that_it_is_read_once(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    add_copies(world)
    monkeypatch.setattr(measurement, "MEASUREMENT_VERSION", measurement.MEASUREMENT_VERSION + 1)
    report, _ = rejudged(world, remeasure=True)
    messages = world.verify_queue.messages
    assert report.queued == sum(len(message.rights) for message in messages) == 6
    assert len(messages) == len({message.left for message in messages}) == 3


def test_verdicts_are_stored_side_by_side(world: World):
    add_copies(world)
    world.settings = replace(world.settings, policy_overrides={})
    world.services = world.start_process("with the first policy")
    meeting, first_two = Barrier(2), iter(range(2))

    def before(_number: int, step: str) -> None:
        if step == "pairs.put_verdict" and next(first_two, None) is not None:
            meeting.wait(timeout=5)

    world.before = before
    assert rejudged(world)[0].changed.total() == 5  # the sixth was judged by that policy


def test_a_verdict_on_newer_contents_is_left(world: World):
    pair = world.pair(A, B)
    newer = replace(pair, left_version=pair.left_version + 5, right_version=pair.right_version + 5)

    def overtake(_number: int, step: str) -> None:
        if step == "pairs.put_verdict":
            world.before = lambda _number, _step: None
            world.pairs.put_verdict(newer)

    world.before = overtake
    report, changes = rejudged(world)
    assert (report.overtaken, changes) == (1, [])
    assert world.pair(A, B).left_version == newer.left_version


@pytest.mark.parametrize("step", ["pairs.put_verdict", "verdict_log.append"])
@pytest.mark.parametrize("is_before", [True, False])
def test_a_try_that_dies_is_ended_by_the_next(world: World, step: str, is_before: bool):
    def die(_number: int, at: str) -> None:
        if at == step:
            raise Crash

    watch = "before" if is_before else "after"
    setattr(world, watch, die)
    with pytest.raises(Crash):
        rejudged(world)
    setattr(world, watch, lambda _number, _step: None)
    world.services = world.start_process("the next")
    rejudged(world)
    assert verdict_of(world.pair(A, B)) is not VerdictKind.DUPLICATE
    assert world.start_process("a page").groups.groups() == []


def test_a_new_verdict_is_told_to_whoever_wants_to_know(world: World):
    world.told = MemorySender()
    rejudged(world)
    world.settings = replace(world.settings, policy_overrides={})
    world.services = world.start_process("with the first policy")
    rejudged(world)
    assert [event["data"]["verdict"] for event in world.told.events][-1] == "duplicate"
