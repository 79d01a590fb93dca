"""What a person decides holds: under both images, against every later verdict, through reindex and upload."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import count

import pytest

from dedup_app.feedback.decisions import Act, DecisionService, NothingToDecide, PairDecision, Said
from dedup_app.feedback.shown import shown_of_group, shown_of_pair
from dedup_app.ledger import reconcile
from dedup_app.ports.findings import FindingKind
from dedup_app.records.group_records import facts_of, id_of
from dedup_core.errors import StoreBusy, TemporaryError
from dedup_core.groups.facts import Decision, Family
from dedup_core.groups.group import Group
from dedup_core.groups.plan import Wanted
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from tests.app.world import Crash, World, copy_of, photo, small_scene
from tests.core.pictures import encoded
from tests.memory import MemorySegments, MemorySender

EVERY = frozenset(Family)
A, B, C = (ImagePath("images", name) for name in ("a.png", "b.jpg", "c.png"))


@pytest.fixture
def world() -> World:
    return world_of_three()


def world_of_three() -> World:
    world = World()
    for path, data in ((A, photo(1)), (B, copy_of(1)), (C, photo(1))):
        world.upload_and_ingest(path.name, data)
    world.verify_all()
    return world


def only_group(world: World, family: Family = Family.SAME):
    [group] = world.start_process("a page").groups.groups(frozenset({family}))
    return group


def test_verdicts_make_groups_in_every_process_with_one_look_at_the_tables_whether_all_are_there(world):
    world.calls.clear()
    group = only_group(world)
    assert {image.path for image in group.images} == {str(A), str(B), str(C)}
    assert [call for call in world.calls if not call.startswith("verdict_log")] == ["pairs.all"]


def test_a_decision_stands_under_both_images_with_who_and_when(world):
    world.services.decisions.decide_pair(B, A, Act.NOT_DUPLICATE, "ann")
    for left, right in ((A, B), (B, A)):
        decided = world.pair(left, right).decided
        assert (decided.decision, decided.by) == (Decision.NOT_DUPLICATE, "ann")
        assert decided.at > 0


@pytest.mark.parametrize("days_away", [0, 40], ids=["soon", "when its row is forgotten"])
def test_a_decision_holds_for_the_same_bytes_when_they_come_back_and_under_another_name(days_away: int):
    world = World()
    for path, data in ((A, photo(1)), (B, copy_of(1))):
        world.upload_and_ingest(path.name, data)
    world.verify_all()
    world.services.decisions.decide_pair(A, B, Act.NOT_DUPLICATE, "ann")
    world.images.delete(B)
    world.services.ingest.ingest(B)
    world.time += timedelta(days=days_away)
    for _ in range(64 if days_away else 0):
        world.services.retention.run()
    world.upload_and_ingest("moved.jpg", copy_of(1))
    world.verify_all()
    group = only_group(world)
    assert [it.facts.path for it in group.members if it.is_told_apart] == [it.facts.path for it in group.members]
    assert world.start_process("a command").keep_plan.plan(Wanted()).copies == []
    world.upload_and_ingest(B.name, copy_of(1))
    world.verify_all()
    [apart] = world.start_process("a page").groups.groups(frozenset({Family.APART}))
    assert {image.path for image in apart.images} == {str(A), str(B)}


def test_a_decision_survives_verification_reindex_and_the_same_bytes_again(world):
    world.services.decisions.decide_pair(A, B, Act.NOT_DUPLICATE, "ann")
    world.services.decisions.decide_pair(C, B, Act.NOT_DUPLICATE, "ann")

    def still_apart() -> bool:
        groups = world.start_process("a page").groups.groups(EVERY)
        together = [{image.path for image in group.images} for group in groups if group.family is Family.SAME]
        return together == [{str(A), str(C)}] and any(group.family is Family.APART for group in groups)

    assert still_apart()
    world.services.ingest.ingest(world.upload("b.jpg", copy_of(1)))
    world.verify_all()
    assert still_apart()
    world.services.verify.verify(VerifyMessage(A, (VerifyTarget(B),)))
    assert still_apart()
    world.verdict_segments = MemorySegments()  # the log was lost
    assert not world.start_process("a page").groups.groups(EVERY)
    world.start_process("a command").reindex.reindex()
    assert still_apart()


def test_with_other_bytes_the_pair_is_asked_about_again_and_what_was_decided_is_shown(world):
    world.services.decisions.decide_pair(A, B, Act.NOT_DUPLICATE, "ann")
    world.upload_and_ingest("b.jpg", encoded(small_scene(1), "JPEG", quality=70))
    world.verify_all()
    [group] = [it for it in world.start_process("a page").groups.groups(EVERY) if it.family is Family.SAME]
    [member] = [it for it in group.members if it.facts.path == str(B)]
    assert member.decided is None
    assert {it.decided for it in group.members} == {None}
    with world.services.groups.current() as projection:
        before = projection.decided(id_of(A), id_of(B))
    assert before is not None
    assert before.decision is Decision.NOT_DUPLICATE


def test_a_whole_group_is_decided_and_the_keeper_chosen(world):
    group = only_group(world)
    world.services.decisions.decide_group(group.id, Act.KEEPER, "ann", keeper=B)
    decided = only_group(world)
    assert (decided.keeper.path, decided.is_decided) == (str(B), True)
    assert decided.reasons[0].sentence == "a person chose it"
    with pytest.raises(NothingToDecide, match="this group does not hold"):
        world.services.decisions.decide_group(decided.id, Act.KEEPER, "ann", keeper=ImagePath("images", "z.jpg"))


def test_who_says_that_all_are_copies_leaves_the_keeper_that_a_person_chose():
    world = World()
    for path, data in ((A, photo(1)), (B, copy_of(1))):
        world.upload_and_ingest(path.name, data)
    world.verify_all()
    world.services.decisions.decide_group(only_group(world).id, Act.KEEPER, "bob", keeper=B)
    world.upload_and_ingest(C.name, photo(1))
    world.verify_all()
    shown = only_group(world)
    assert (shown.keeper.path, shown.is_decided) == (str(B), False)
    world.services.decisions.decide_group(shown.id, Act.DUPLICATE, "ann")
    decided = only_group(world)
    assert (decided.keeper.path, decided.is_decided) == (str(B), True)
    assert decided.reasons[0].sentence == "a person chose it"


def test_a_keeper_that_was_chosen_of_other_bytes_is_not_chosen_of_these(world):
    decide = world.services.decisions.decide_pair
    decide(A, B, Act.KEEPER, "bob", B)
    world.upload_and_ingest(B.name, encoded(small_scene(1), "JPEG", quality=70))
    world.verify_all()
    decided = decide(A, B, Act.DUPLICATE, "ann").decided
    assert decided is not None
    assert decided.keeper == b""


def test_undo_brings_back_what_was_decided_before(world):
    decide = world.services.decisions.decide_pair
    decide(A, B, Act.DUPLICATE, "ann")
    decide(A, B, Act.NOT_DUPLICATE, "bob")
    back = decide(A, B, Act.UNDO, "bob").decided
    assert back is not None
    assert (back.decision, back.by) == (Decision.DUPLICATE, "ann")
    assert decide(A, B, Act.UNDO, "bob").decided is None
    assert world.pair(A, B).decision is None
    with pytest.raises(NothingToDecide, match="nothing was decided"):
        decide(A, B, Act.UNDO, "bob")


def decide_as_shown(world: World, group: Group, act: Act, by: str) -> list[PairDecision]:
    return world.services.decisions.decide_group(group.id, act, by, shown=shown_of_group(group))


def test_nothing_is_decided_about_an_image_that_was_not_shown(world):
    group = only_group(world)
    world.upload_and_ingest("d.jpg", encoded(small_scene(1), "JPEG", quality=60))
    world.verify_all()
    with pytest.raises(NothingToDecide, match="this group changed since it was shown"):
        decide_as_shown(world, group, Act.DUPLICATE, "ann")
    assert not only_group(world).is_decided
    decide_as_shown(world, only_group(world), Act.DUPLICATE, "ann")
    assert only_group(world).is_decided


@pytest.mark.parametrize("told", [True, False], ids=["told", "not yet told to the verdict log"])
def test_nothing_is_decided_about_other_bytes_than_those_that_were_shown(world, told: bool):
    group, pair = only_group(world), world.services.informative_pairs.pair(A.image_id, B.image_id)
    segments = [list(it) for it in world.verdict_segments._segments]
    world.upload_and_ingest("b.jpg", encoded(small_scene(1), "JPEG", quality=60))
    if told:
        world.verify_all()
    else:
        world.verdict_segments._segments[:] = segments
    with pytest.raises(NothingToDecide, match="this group changed since"):
        decide_as_shown(world, group, Act.DUPLICATE, "ann")
    with pytest.raises(NothingToDecide, match="this pair changed since"):
        world.services.decisions.decide_pair(
            A, B, Act.DUPLICATE, "ann", shown=shown_of_pair(pair.left, pair.right, None)
        )
    assert world.pair(A, B).decided is None


def test_the_same_bytes_uploaded_again_are_what_was_shown(world):
    group = only_group(world)
    world.services.ingest.ingest(world.upload("b.jpg", copy_of(1)))
    world.verify_all()
    assert len(decide_as_shown(world, group, Act.DUPLICATE, "ann")) == 2


def test_what_somebody_else_has_decided_meanwhile_is_not_decided_over_unseen(world):
    group, pair = only_group(world), world.services.informative_pairs.pair(A.image_id, B.image_id)
    decide_as_shown(world, group, Act.KEEP_BOTH, "bob")
    with pytest.raises(NothingToDecide, match="somebody else decided"):
        decide_as_shown(world, group, Act.DUPLICATE, "ann")
    with pytest.raises(NothingToDecide, match="somebody else decided"):
        world.services.decisions.decide_pair(
            B, A, Act.DUPLICATE, "ann", shown=shown_of_pair(pair.right, pair.left, None)
        )
    assert {it.decided.decision for it in only_group(world).members} == {Decision.KEEP_BOTH}
    decide_as_shown(world, only_group(world), Act.DUPLICATE, "ann")
    assert {it.decided.by for it in only_group(world).members} == {"ann"}


def test_undo_takes_nobody_elses_word_back(world):
    decide = world.services.decisions.decide_pair
    first = decide(A, B, Act.DUPLICATE, "ann").decided
    decide(A, B, Act.NOT_DUPLICATE, "ann")
    later = decide(A, B, Act.KEEP_BOTH, "bob").decided
    with pytest.raises(NothingToDecide, match="nothing was taken back: bob has decided about"):
        decide(A, B, Act.UNDO, "ann", undoes=Said("not_duplicate", "", "ann"))
    assert world.pair(A, B).decided == later
    decide(A, B, Act.UNDO, "bob", undoes=Said.of(later))
    decide(A, B, Act.UNDO, "ann", undoes=Said("not_duplicate", "", "ann"))  # which holds again, with a later time
    assert decide(A, B, Act.UNDO, "ann", undoes=Said.of(first)).decided is None


def test_a_deleted_image_leaves_its_group(world):
    world.images.delete(C)
    world.services.ingest.ingest(C)
    assert {image.path for image in only_group(world).images} == {str(A), str(B)}


def test_of_two_who_decide_about_a_pair_at_the_same_time_one_is_told(world):
    """Whichever step of the other one's decision comes in between."""
    other = world.start_process("another page").decisions

    def shown() -> str:
        ours, theirs = (facts_of(world.row(path).summary) for path in (A, B))
        return shown_of_pair(ours, theirs, world.pair(A, B).decided)

    seen, said = shown(), []

    def decide(service: DecisionService, act: Act, by: str) -> None:
        with suppress(NothingToDecide):
            said.append(service.decide_pair(A, B, act, by, shown=seen).decided)

    def bob() -> None:
        decide(other, Act.NOT_DUPLICATE, "bob")

    for step in count(1):
        said.clear()
        happened = world.interrupt(
            step, partial(unwatched, world, bob), lambda: decide(world.services.decisions, Act.DUPLICATE, "ann")
        )
        [decided] = said
        assert {world.pair(left, right).decided for left, right in ((A, B), (B, A))} == {decided}
        assert {it.decided for it in (*world.pairs.of_image(A), *world.pairs.of_image(B)) if C not in it.paths} == {
            decided
        }
        with world.start_process("a page").groups.current() as projection:
            assert projection.decided(id_of(A), id_of(B)) == decided
        world.services.decisions.decide_pair(A, B, Act.UNDO, "ann")
        if not happened:
            break
    assert step > 4


def test_of_two_who_decide_without_a_look_both_are_heard_and_the_later_word_holds(world):
    other = world.start_process("another page").decisions
    for step in count(1):
        if not world.interrupt(
            step,
            partial(unwatched, world, lambda: other.decide_pair(A, B, Act.NOT_DUPLICATE, "bob")),
            lambda: world.services.decisions.decide_pair(A, B, Act.DUPLICATE, "ann"),
        ):
            break
        pair = world.pair(A, B)
        assert {pair.decided.by, pair.decision_history[-1].by} == {"ann", "bob"}
        assert pair.decided.at > pair.decision_history[-1].at


def test_of_two_who_decide_about_a_group_at_the_same_time_nobody_undoes_the_other_unseen():
    for step in count(1):
        world = world_of_three()
        group, told = only_group(world), list[str]()

        def decide(service: DecisionService, act: Act, by: str, group: Group = group, told: list[str] = told) -> None:
            try:
                service.decide_group(group.id, act, by, shown=shown_of_group(group))
            except NothingToDecide as error:
                told.append(str(error))

        other = world.start_process("another page").decisions
        happened = world.interrupt(
            step,
            partial(unwatched, world, partial(decide, other, Act.KEEP_BOTH, "bob")),
            partial(decide, world.services.decisions, Act.DUPLICATE, "ann"),
        )
        if not happened:
            break
        [refusal] = told
        assert "somebody else" in refusal
        assert not any(pair.decision_history for pair in world.pairs.all())
    assert step > 4


def test_a_decision_that_was_stored_and_not_told_is_told_before_somebody_decides_over_it_unseen(world):
    group = only_group(world)
    keeper, other = (ImagePath.parse(it) for it in (group.keeper.path, group.members[0].facts.path))
    world.verdict_segments.append = dies
    with pytest.raises(Crash):
        world.services.decisions.decide_pair(keeper, other, Act.KEEP_BOTH, "bob")
    del world.verdict_segments.append
    page = world.start_process("another page").decisions
    with pytest.raises(NothingToDecide, match="somebody else decided"):
        page.decide_group(group.id, Act.DUPLICATE, "ann", shown=shown_of_group(group))
    seen = only_group(world)
    assert {it.decided.by for it in seen.members if it.decided} == {"bob"}
    decide_as_shown(world, seen, Act.DUPLICATE, "ann")
    for _ in range(2):
        decide_as_shown(world, only_group(world), Act.UNDO, "ann")
        decide_as_shown(world, only_group(world), Act.DUPLICATE, "ann")
    assert {it.decided.by for it in only_group(world).members} == {"ann"}


@pytest.mark.parametrize("act", [Act.NOT_DUPLICATE, Act.UNDO])
def test_a_decision_over_which_a_process_died_is_brought_everywhere_by_the_timer(act: Act, monkeypatch):
    monkeypatch.setattr(reconcile, "PREFIXES", tuple(path.image_id[:2] for path in (A, B)))  # one run looks at both
    for step in count(1):
        world = World(tag_images=True)
        for path, data in ((A, photo(1)), (B, copy_of(1))):
            world.upload_and_ingest(path.name, data)
        world.verify_all()
        world.services.decisions.decide_pair(A, B, Act.DUPLICATE, "ann")
        with suppress(Crash):
            if not world.interrupt(step, dies, lambda it=world: it.services.decisions.decide_pair(A, B, act, "bob")):
                break
        world.before = lambda _number, _step: None
        world.services.reconcile.run_slices()
        decided = world.pair(A, B).decided
        assert {it.decided for path in (A, B) for it in world.pairs.of_image(path)} == {decided}
        with world.start_process("a page").groups.current() as projection:
            assert projection.decided(id_of(A), id_of(B)) == (decided if decided.decision else None)
        is_a_copy = decided.decision is Decision.DUPLICATE
        assert {world.tags.of(path).get("dedup_decision") for path in (A, B)} == {"duplicate" if is_a_copy else None}
        assert not any(pair.is_half_decided for pair in world.pairs.all())
    assert step > 6


def test_the_ledger_goes_on_where_nobody_hears_of_a_decision():
    world = World(told=MemorySender())
    for path, data in ((A, photo(1)), (B, copy_of(1))):
        world.upload_and_ingest(path.name, data)
    world.verify_all()
    world.told.is_down = True
    with pytest.raises(TemporaryError):
        world.services.decisions.decide_pair(A, B, Act.DUPLICATE, "ann")
    ledger = world.services.reconcile.reconcile(fix=True)
    assert dict(ledger.found) == {FindingKind.HALF_DECIDED: 1}
    world.told.is_down = False
    world.services.reconcile.reconcile(fix=True)
    assert world.services.reconcile.reconcile().complete == 2


def test_of_a_group_that_was_decided_in_part_that_part_is_taken_back(world):
    for place in range(2):
        group = only_group(world)
        keeper, *others = (ImagePath.parse(it.path) for it in group.images)
        world.services.decisions.decide_pair(keeper, others[place], Act.DUPLICATE, "ann")
        [done] = world.services.decisions.decide_group(group.id, Act.UNDO, "ann")
        assert {done.left, done.right} == {keeper, others[place]}
        assert not any(pair.decision for pair in world.pairs.all())
    with pytest.raises(NothingToDecide, match="nothing was decided about"):
        world.services.decisions.decide_group(group.id, Act.UNDO, "ann")


def dies(*_arguments: object, **_named: object) -> None:
    raise Crash


def unwatched(world: World, act: Callable[[], object]) -> None:
    """Somebody else does it, who is not interrupted."""
    before, world.before = world.before, lambda _number, _step: None
    act()
    world.before = before


def test_an_image_that_is_gone_cannot_be_decided_about_but_what_was_can_be_taken_back(world):
    decide = world.services.decisions.decide_pair
    decide(A, C, Act.DUPLICATE, "ann")
    world.images.delete(C)
    world.services.ingest.ingest(C)
    with pytest.raises(NothingToDecide, match=r"images/c\.png is gone"):
        decide(A, C, Act.NOT_DUPLICATE, "bob")
    assert decide(A, C, Act.UNDO, "ann").decided is None


@pytest.mark.parametrize("is_shown", [True, False])
def test_a_group_of_which_an_image_is_gone_is_decided_about_in_no_part(world, is_shown: bool):
    """The verdict log has not heard of the deletion yet, so the group is still listed."""
    group = only_group(world)
    segments = [list(it) for it in world.verdict_segments._segments]
    world.images.delete(C)
    world.services.ingest.ingest(C)
    world.verdict_segments._segments[:] = segments
    shown = shown_of_group(group) if is_shown else ""
    with pytest.raises(NothingToDecide, match="nothing was decided"):
        world.start_process("another page").decisions.decide_group(
            group.id, Act.KEEP_BOTH, "ann", keeper=B, shown=shown
        )
    assert {world.pair(left, right).decided for left, right in ((A, B), (B, C), (A, C))} == {None}


def test_an_image_that_is_not_known_cannot_be_decided_about(world):
    with pytest.raises(NothingToDecide, match="no image"):
        world.services.decisions.decide_pair(A, ImagePath("images", "z.jpg"), Act.DUPLICATE, "ann")


def test_an_image_that_has_not_been_read_yet_cannot_be_decided_about(world):
    """What were decided about no bytes would hold of any."""
    path = world.upload("d.png", photo(2))
    world.images.failures[path] = StoreBusy("503")
    with pytest.raises(StoreBusy):
        world.services.ingest.ingest(path)
    with pytest.raises(NothingToDecide, match=r"d\.png has not been read yet"):
        world.services.decisions.decide_pair(A, path, Act.DUPLICATE, "ann")
    assert world.pairs.get(A, path) is None


def test_a_protected_image_cannot_be_put_behind_another_one():
    world = World(protected_prefixes=("a",))
    for path, data in ((A, photo(1)), (B, copy_of(1))):
        world.upload_and_ingest(path.name, data)
    world.verify_all()
    with pytest.raises(NothingToDecide, match="protected prefix a"):
        world.services.decisions.decide_pair(A, B, Act.KEEPER, "ann", keeper=B)
