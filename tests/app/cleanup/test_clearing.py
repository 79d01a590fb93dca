"""Copies go into quarantine and come back as they were, and nothing is ever taken that something relies on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from dedup_app.cleanup.apply import NOT_AGAIN, Refused
from dedup_app.cleanup.outcome import Fate, Outcome
from dedup_app.cleanup.ports import Blob, BlobContent, BlobHeld
from dedup_app.cleanup.purge import PurgeService
from dedup_app.cleanup.record import InvalidManifest, quarantined_path
from dedup_app.feedback.decisions import Act
from dedup_app.ports.image_status import DELETED, INDEXED
from dedup_app.records.group_book import VerdictLogLost
from dedup_app.records.group_records import facts_of, microseconds
from dedup_app.records.image_tags import DECISION, VERDICT
from dedup_app.services import Services
from dedup_core.comparison.sides import ALIKE
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import PermanentError, StoreBusy
from dedup_core.groups.facts import Decision, Link
from dedup_core.groups.plan import Keep, Wanted
from dedup_core.paths import ImagePath
from tests.app.cleanup.scenes import FEATURES, NOW, ODD, MemoryManifest, Scene, of_world, pair, put_image, scene
from tests.app.dice import Dice
from tests.app.world import World

BEST, A, C, OTHER, STRANGE = (
    ImagePath("images", name) for name in ("best.jpg", "copies/a.jpg", "copies/c.jpg", "other.jpg", ODD)
)
DAY = timedelta(days=1)
SCHEDULES = 100


@pytest.fixture
def cleared() -> Scene:
    """Applied, and told to the app."""
    it = scene()
    assert {outcome.fate for outcome in it.apply()} == {Fate.GONE}
    return it


def test_an_earlier_plan_takes_nothing_of_a_pair_of_which_nobody_can_tell_any_more_who_was_altered():
    it = scene()
    known = it.world.services.features.summaries([path.image_id for path in (OTHER, C)])
    both = (facts_of(known[path.image_id]) for path in (OTHER, C))
    later = microseconds(NOW + DAY)
    it.world.services.verdict_log.append([Link.of(*both, VerdictKind.ALTERED, later, "upright", ALIKE)])
    outcomes = {outcome.path: outcome for outcome in it.apply()}
    assert (outcomes[C].is_refused, "no longer held" in outcomes[C].why) == (True, True)
    assert C not in {blob.copied_from for blob in it.quarantined.values()}


def test_a_plan_names_no_image_of_the_container_that_was_watched_before():
    it = scene()
    assert it.plan.groups
    it.world.settings = replace(it.world.settings, image_container="photos")
    plan = it.world.start_process("of another container").keep_plan.plan(Wanted())
    assert (plan.groups, plan.left_out) == ((), ())


def test_of_two_names_of_one_blob_nothing_is_taken():
    world = World(plain_index=True)
    path, alias = (put_image(world, name, 900) for name in ("a/b.jpg", "a//b.jpg"))
    for blobs in (world.images._blobs, world.blobs._blobs):
        blobs[alias] = blobs[path]
    world.features.put(replace(world.row(alias), etag=world.row(path).etag))
    pair(world, path.name, alias.name, VerdictKind.IDENTICAL)
    it = of_world(world)
    assert it.going
    for outcomes in (list(it.applying().check(it.plan)), it.apply()):
        assert {(outcome.fate, "names of one blob" in outcome.why) for outcome in outcomes} == {(Fate.STAYS, True)}
    assert it.quarantined == {}


def test_a_check_changes_nothing():
    it = scene()
    assert {outcome.fate for outcome in it.applying().check(it.plan)} == {Fate.WOULD_GO}
    assert {path: it.now_at(path) for path in it.before} == it.before
    assert it.world.images.paths() == set(it.before)


def test_a_check_looks_once_at_each_blob_of_a_group(monkeypatch: pytest.MonkeyPatch):
    it, looks = scene(), list[ImagePath]()
    blobs, look = it.world.blobs, it.world.blobs.look

    def counted(path: ImagePath, *, tags: bool = True) -> Blob | None:
        looks.append(path)
        return look(path, tags=tags)

    monkeypatch.setattr(blobs, "look", counted)
    assert {outcome.fate for outcome in it.applying().check(it.plan)} == {Fate.WOULD_GO}
    named = [[group.keeper.path, *(copy.image.path for copy in group.copies)] for group in it.plan.groups]
    assert sorted(looks) == sorted(path for group in named for path in group)


def test_what_goes_is_whole_in_quarantine_and_out_of_the_index(cleared: Scene):
    assert set(cleared.going) == {A, C, STRANGE}
    assert [cleared.now_at(path) for path in cleared.going] == [None] * 3
    assert cleared.now_at(BEST) == cleared.before[BEST]
    contents = {path: blob.content for path, (_, blob) in cleared.before.items() if path in cleared.going}
    assert {blob.copied_from: blob.content for blob in cleared.quarantined.values()} == contents
    cleared.world.ingest_all()
    assert {cleared.world.row(path).status for path in cleared.going} == {DELETED}
    assert cleared.world.services.keep_plan.plan(Wanted()).groups == ()


def test_what_comes_back_is_as_it_was_and_is_taken_in_again(cleared: Scene):
    cleared.world.ingest_all()
    assert {outcome.fate for outcome in cleared.undo()} == {Fate.BACK}
    for path, (data, blob) in cleared.before.items():
        found = cleared.now_at(path)
        assert found is not None
        assert (found[0], found[1].content) == (data, blob.content)
    assert cleared.quarantined == {}
    assert {message.path for message in cleared.world.ingest_queue.messages} == set(cleared.going)


def test_the_app_is_told_of_nothing_that_comes_back_to_a_container_that_it_watches_no_more(cleared: Scene):
    """It would refuse the message."""
    cleared.world.ingest_all()
    cleared.world.settings = replace(cleared.world.settings, image_container="photos")
    assert {outcome.fate for outcome in cleared.undo(cleared.world.start_process("of another container"))} == {
        Fate.BACK
    }
    assert cleared.world.ingest_queue.messages == []


def test_what_has_been_away_for_long_is_ended_and_no_sooner(cleared: Scene):
    assert {outcome.fate for outcome in cleared.purge(DAY)} == {Fate.STAYS}
    cleared.world.time += 2 * DAY
    assert {outcome.fate for outcome in cleared.purge(DAY, is_dry=True)} == {Fate.WOULD_END}
    assert len(cleared.quarantined) == 3
    assert {outcome.fate for outcome in cleared.purge(DAY)} == {Fate.ENDED}
    assert cleared.quarantined == {}
    assert {(it.fate, it.is_refused) for it in cleared.undo()} == {(Fate.ENDED, True)}


def test_the_app_is_told_of_what_was_undeleted_before_an_undo():
    """As the very blob, which it heard was gone: storage sends no event of that."""
    it = scene()
    undeleted = it.world.images._blobs[A]
    it.apply()
    it.world.ingest_all()
    it.world.images._blobs[A] = undeleted
    assert {outcome.fate for outcome in it.undo()} == {Fate.BACK}
    assert {message.path for message in it.world.ingest_queue.messages} == set(it.going)
    assert it.quarantined == {}


def test_what_was_ended_comes_back_once_its_copy_is_undeleted(cleared: Scene):
    cleared.world.time += 2 * DAY
    [(path, copy)] = [it for it in cleared.quarantined.items() if it[1].copied_from == A]
    data = cleared.world.blobs.data(path)
    cleared.purge(DAY)
    cleared.world.images.put(path, data)
    cleared.world.blobs.change(path, content=copy.content, copied_from=A)
    assert {it.path: (it.fate, it.is_refused) for it in cleared.undo()} == {
        A: (Fate.BACK, False),
        C: (Fate.ENDED, True),
        STRANGE: (Fate.ENDED, True),
    }
    assert (cleared.now_at(A)[0], cleared.now_at(A)[1].content) == (data, cleared.before[A][1].content)


@pytest.mark.parametrize("bytes_changed", [True, False])
def test_no_copy_is_ended_whose_keeper_is_gone_or_another_picture(cleared: Scene, bytes_changed: bool):
    cleared.world.time += 2 * DAY
    if bytes_changed:
        cleared.world.blobs.put(BEST, b"another picture")
    else:
        cleared.world.images.delete(BEST)
    fates = {it.path: (it.fate, "last copy" in it.why) for it in cleared.purge(DAY)}
    assert fates == {A: (Fate.STAYS, True), STRANGE: (Fate.STAYS, True), C: (Fate.ENDED, False)}


def test_no_copy_is_ended_whose_keeper_nobody_can_read(cleared: Scene):
    cleared.world.time += 2 * DAY
    cleared.world.blobs.change(BEST, offline="it is archived")
    told = f"{BEST}, which stayed for it: it is archived"
    assert {it.path: it.why for it in cleared.purge(DAY)} == {A: told, STRANGE: told, C: ""}


@pytest.mark.parametrize(
    ("decide", "told"),
    [
        (lambda it: pair(it.world, BEST.name, A.name, decision=Decision.KEEP_BOTH), "decided that it stays"),
        (lambda it: pair(it.world, BEST.name, A.name, decision=Decision.NOT_DUPLICATE), "decided that it stays"),
        (lambda it: it.world.services.decisions.decide_pair(OTHER, C, Act.UNDO, "ann"), "nobody holds it for a copy"),
    ],
)
def test_what_a_person_wants_back_meanwhile_is_not_ended(cleared: Scene, decide, told: str):
    cleared.world.ingest_all()
    decide(cleared)
    cleared.world.time += 2 * DAY
    wanted = C if "nobody" in told else A
    outcomes = {it.path: it for it in cleared.purge(DAY)}
    assert {path for path, it in outcomes.items() if it.is_refused} == {wanted}
    assert told in outcomes[wanted].why
    assert {blob.copied_from for blob in cleared.quarantined.values()} == {wanted}


@pytest.mark.parametrize("beside", ["best.jpg", "third.jpg"])
def test_what_a_person_told_apart_under_another_name_or_from_a_third_image_is_not_ended(cleared: Scene, beside: str):
    """As when it was uploaded again, and the verdict looked at then."""
    world = cleared.world
    again, third = put_image(world, "again.jpg", 300), put_image(world, "third.jpg", 100)
    world.services.features.put(replace(world.row(again), features=replace(FEATURES, sha256=sha256_of(cleared, A))))
    pair(world, BEST.name, third.name)
    pair(world, again.name, beside)
    world.services.decisions.decide_pair(again, ImagePath("images", beside), Act.NOT_DUPLICATE, "ann")
    world.time += 2 * DAY
    refused = {it.path: it.why for it in cleared.purge(DAY) if it.is_refused}
    told = f"a person wants its bytes to stay beside {BEST}, or beside a copy of that: `dedup undo` brings it back"
    assert refused == {A: told}


def sha256_of(it: Scene, path: ImagePath) -> str:
    return next(copy.image.sha256 for copy in it.plan.copies if copy.image.path == path)


@pytest.fixture
def decided() -> Scene:
    """A plan by what people decided: `copies/a.jpg`, of which the verdict says the same, and `copies/c.jpg`."""
    it = scene()
    it.world.services.decisions.decide_pair(BEST, A, Act.DUPLICATE, "ann")
    it.plan = it.world.services.keep_plan.plan(Wanted(Keep.DECIDED))
    assert set(it.going) == {A, C}
    return it


def test_a_plan_by_decisions_takes_nothing_whose_decision_was_taken_back_whatever_the_verdict(decided: Scene):
    decided.world.services.decisions.decide_pair(BEST, A, Act.UNDO, "ann")
    for outcomes in (list(decided.applying().check(decided.plan)), decided.apply()):
        assert {it.path: "no longer held" in it.why for it in outcomes} == {A: True, C: False}
    assert {blob.copied_from for blob in decided.quarantined.values()} == {C}


def test_what_went_by_a_decision_that_was_taken_back_is_not_ended(decided: Scene):
    decided.apply()
    decided.world.services.decisions.decide_pair(BEST, A, Act.UNDO, "ann")
    decided.world.time += 2 * DAY
    refused = {it.path: it.why for it in decided.purge(DAY) if it.is_refused}
    assert refused == {A: "what a person decided about it was taken back: `dedup undo` brings it back"}
    assert {blob.copied_from for blob in decided.quarantined.values()} == {A}


def test_a_manifest_of_an_earlier_version_is_gone_on_with(decided: Scene):
    decided.apply()
    del decided.manifest.lines[0]["keep"]
    assert all(it.is_from_before for it in decided.apply())
    assert {it.fate for it in decided.undo()} == {Fate.BACK}


def test_what_a_person_chose_to_keep_before_the_app_heard_that_it_went_is_not_ended(cleared: Scene):
    cleared.world.services.decisions.decide_pair(BEST, A, Act.KEEPER, "ann", A)
    cleared.world.ingest_all()
    cleared.world.time += 2 * DAY
    refused = {it.path: it.why for it in cleared.purge(DAY) if it.is_refused}
    assert refused == {A: "ann decided that it stays: `dedup undo` brings it back"}


def test_what_a_person_chose_over_a_third_image_before_the_app_heard_that_it_went_is_not_ended():
    """Which an earlier plan would not have taken, either; a word about the image that stayed counts for more."""
    it = scene()
    decide, third = it.world.services.decisions.decide_pair, put_image(it.world, "third.jpg", 100)
    it.apply()
    it.world.time += timedelta(minutes=1)
    decide(A, third, Act.KEEPER, "ann", A)
    it.world.time += 2 * DAY
    refused = {it.path: it.why for it in it.purge(DAY, is_dry=True) if it.is_refused}
    assert refused == {A: "a person chose to keep it, over another image: `dedup undo` brings it back"}
    decide(A, BEST, Act.KEEPER, "ann", BEST)
    assert {it.fate for it in it.purge(DAY)} == {Fate.ENDED}


def test_what_was_chosen_over_a_third_image_before_the_plan_and_goes_for_a_protected_one_is_ended():
    it = scene()
    it.world.settings = replace(it.world.settings, protected_prefixes=("best",))
    it.world.services = it.world.start_process("with other settings")
    third = put_image(it.world, "third.jpg", 100)
    it.world.services.decisions.decide_pair(A, third, Act.KEEPER, "ann", A)
    it.world.time += DAY
    assert A in {outcome.path for outcome in it.apply() if outcome.fate is Fate.GONE}
    it.world.time += 2 * DAY
    assert {it.fate for it in it.purge(DAY)} == {Fate.ENDED}


def test_nothing_is_ended_while_nobody_can_tell_what_people_decided(cleared: Scene):
    pair(cleared.world, BEST.name, A.name, decision=Decision.KEEP_BOTH)
    cleared.world.verdict_segments.clear()
    cleared.world.time += 2 * DAY
    with pytest.raises(VerdictLogLost):
        cleared.purge(DAY)
    assert {blob.copied_from for blob in cleared.quarantined.values()} == set(cleared.going)


def test_what_was_decided_about_other_bytes_under_its_name_holds_nothing_back(cleared: Scene):
    cleared.world.ingest_all()
    row = cleared.world.features.get(A.image_id)
    new = replace(FEATURES, sha256="ab" * 32)
    cleared.world.services.features.put(replace(row, etag="new", status=INDEXED, features=new, version=row.version + 1))
    cleared.world.services.decisions.decide_pair(BEST, A, Act.NOT_DUPLICATE, "ann")
    cleared.world.time += 2 * DAY
    assert {it.fate for it in cleared.purge(DAY)} == {Fate.ENDED}


def test_a_keeper_that_was_touched_but_has_its_bytes_still_counts(cleared: Scene):
    cleared.world.time += 2 * DAY
    cleared.world.blobs.put(BEST, cleared.before[BEST][0], metadata={"touched": "yes"})
    assert {it.fate for it in cleared.purge(DAY)} == {Fate.ENDED}


@pytest.mark.parametrize(
    ("change", "told", "stay"),
    [
        (lambda it: it.world.blobs.put(A, b"new"), "changed since", {A}),
        (lambda it: it.world.images.delete(A), "it is gone", {A}),
        (lambda it: it.world.blobs.put(BEST, b"new"), "which would stay for it, changed", {A, STRANGE}),
        (lambda it: it.world.images.delete(BEST), "is gone: `dedup ingest` that one, then", {A, STRANGE}),
        (lambda it: it.world.blobs.change(A, held="a legal hold holds it"), "legal hold", {A}),
        (lambda it: it.world.blobs.snapshots.add(A), "snapshots", {A}),
        (lambda it: it.world.blobs.change(BEST, offline="it is archived"), f"{BEST}, which would stay", {A, STRANGE}),
        (lambda it: it.world.blobs.lease(A, "somebody"), "somebody holds a lease on it", {A}),
        (lambda it: it.world.blobs.lease(BEST, "somebody"), f"{BEST}, which would stay for it: somebody", {A, STRANGE}),
        (lambda it: pair(it.world, BEST.name, A.name, decision=Decision.KEEP_BOTH), "no longer held", {A}),
        (lambda it: pair(it.world, BEST.name, A.name, decision=Decision.NOT_DUPLICATE), "no longer held", {A}),
        (lambda it: it.world.services.decisions.decide_pair(BEST, A, Act.KEEPER, "ann", A), "no longer held", {A}),
    ],
)
def test_what_changed_since_the_plan_or_is_held_stays_and_says_why(change, told: str, stay: set[ImagePath]):
    it = scene()
    change(it)
    outcomes = {outcome.path: outcome for outcome in it.apply()}
    assert {path for path, outcome in outcomes.items() if outcome.is_refused} == stay
    assert all(told in outcomes[path].why for path in stay)
    assert {blob.copied_from for blob in it.quarantined.values()} == set(it.going) - stay
    assert not any(path in it.world.blobs.leases for path in set(it.going) - stay)


@pytest.mark.parametrize(
    "decide",
    [
        lambda it: it.world.services.decisions.decide_pair(BEST, STRANGE, Act.NOT_DUPLICATE, "ann"),
        lambda it: it.world.services.decisions.decide_pair(BEST, STRANGE, Act.KEEP_BOTH, "ann"),
        lambda it: it.world.services.decisions.decide_pair(BEST, STRANGE, Act.KEEPER, "ann", STRANGE),
    ],
)
def test_what_people_decide_while_a_plan_is_followed_counts_for_the_images_that_are_not_yet_gone(decide):
    it = scene()
    outcomes = it.applying().apply(it.plan, it.manifest)
    first = next(outcomes)
    assert (first.path, first.fate) == (A, Fate.GONE)
    decide(it)
    assert {later.path: "no longer held" in later.why for later in outcomes} == {STRANGE: True, C: False}
    assert it.now_at(STRANGE) == it.before[STRANGE]
    assert {blob.copied_from for blob in it.quarantined.values()} == {A, C}


def test_what_a_person_wants_while_other_copies_are_ended_is_not_ended(cleared: Scene):
    cleared.world.time += 2 * DAY
    at = cleared.world.services
    purging = PurgeService(blobs=at.movable_blobs, book=at.groups, settings=at.settings, now=at.now, at_once=1)
    outcomes = purging.purge(cleared.manifest, DAY, is_dry=False)
    assert next(outcomes).path == A
    at.decisions.decide_pair(BEST, STRANGE, Act.KEEP_BOTH, "ann")
    assert {it.path: "ann decided that it stays" in it.why for it in outcomes} == {STRANGE: True, C: False}
    assert {blob.copied_from for blob in cleared.quarantined.values()} == {STRANGE}


def test_what_is_protected_goes_by_no_plan_for_what_is_not():
    it = scene()
    it.world.settings = replace(it.world.settings, protected_prefixes=("copies/a",))
    later = it.world.start_process("with other settings")
    for outcomes in (list(it.applying(later).check(it.plan)), it.apply(later)):
        assert {outcome.path for outcome in outcomes if outcome.is_refused} == {A}
        assert all("protected prefix copies/a" in outcome.why for outcome in outcomes if outcome.is_refused)
    assert A not in {blob.copied_from for blob in it.quarantined.values()}


def test_what_is_protected_by_now_is_not_ended(cleared: Scene):
    cleared.world.time += 2 * DAY
    cleared.world.settings = replace(cleared.world.settings, protected_prefixes=("copies/a",))
    later = cleared.world.start_process("with other settings")
    refused = {it.path: it.why for it in cleared.purge(DAY, later) if it.is_refused}
    assert refused == {A: f"the prefix copies/a protects it, and not {BEST}: `dedup undo` brings it back"}
    assert {blob.copied_from for blob in cleared.quarantined.values()} == {A}


@pytest.mark.parametrize(("leased", "stay"), [(A, {A}), (BEST, {A, STRANGE})])
def test_a_check_tells_of_a_lease_what_applying_would_tell(leased: ImagePath, stay: set[ImagePath]):
    it = scene()
    it.world.blobs.lease(leased, "somebody")
    checked = {outcome.path: outcome.why for outcome in it.applying().check(it.plan)}
    assert {path for path, why in checked.items() if why} == stay
    assert checked == {outcome.path: outcome.why for outcome in it.apply()}


def test_a_check_goes_on_after_an_image_that_nobody_may_look_at(monkeypatch: pytest.MonkeyPatch):
    it = scene()
    look = it.world.blobs.look

    def refuse(path: ImagePath, *, tags: bool = True) -> Blob | None:
        if path == A:
            raise PermanentError("Could not look at images/copies/a.jpg: 409")
        return look(path, tags=tags)

    monkeypatch.setattr(it.world.blobs, "look", refuse)
    checked = {outcome.path: outcome.why for outcome in it.applying().check(it.plan)}
    assert checked == {A: "Could not look at images/copies/a.jpg: 409", STRANGE: "", C: ""}
    assert {outcome.path: outcome.why for outcome in it.apply()} == checked


def test_a_place_in_quarantine_that_storage_refuses_holds_up_no_other_image(monkeypatch: pytest.MonkeyPatch):
    """As a name that is too long for it, or has too many parts."""
    it = scene()
    look = it.world.blobs.look

    def refuse(path: ImagePath, *, tags: bool = True) -> Blob | None:
        if path.container == "dedup-quarantine" and path.name.endswith(A.name):
            raise PermanentError("Could not look at it: 400")
        return look(path, tags=tags)

    monkeypatch.setattr(it.world.blobs, "look", refuse)
    for _ in range(2):
        assert {outcome.path: outcome.why for outcome in it.apply()} == {
            A: "Could not look at it: 400",
            STRANGE: "",
            C: "",
        }
    assert {outcome.path: outcome.fate for outcome in it.undo()} == {A: Fate.STAYS, STRANGE: Fate.BACK, C: Fate.BACK}
    assert it.now_at(A) == it.before[A]


def test_what_is_back_is_told_so_though_its_copy_in_quarantine_cannot_go(cleared: Scene):
    [there] = [path for path, blob in cleared.quarantined.items() if blob.copied_from == A]
    cleared.world.blobs.lease(there, "somebody")
    [held] = [it for it in cleared.undo() if it.is_refused]
    assert (held.path, held.fate) == (A, Fate.BACK)
    assert held.why == f"it is at its place, and its copy stays at {there}: somebody holds a lease on it"
    cleared.world.blobs.release(there, "somebody")
    assert not any(it.is_refused for it in cleared.undo())
    assert cleared.quarantined == {}


def test_what_was_refused_can_go_once_nothing_holds_it():
    it = scene()
    it.world.blobs.snapshots.add(A)
    it.apply()
    it.world.blobs.snapshots.clear()
    assert {outcome.fate for outcome in it.apply()} == {Fate.GONE}


def test_two_plans_that_rely_on_each_other_never_take_both():
    world = World(plain_index=True)
    for name, width in (("a.jpg", 400), ("b.jpg", 300)):
        put_image(world, name, width)
    pair(world, "a.jpg", "b.jpg")
    first = of_world(world)
    pair(world, "a.jpg", "b.jpg", decision=Decision.DUPLICATE)
    [group] = first.plan.groups
    [copy] = group.copies
    turned = replace(group, keeper=copy.image, copies=(replace(copy, image=group.keeper),))
    second = Scene(world, MemoryManifest(), replace(first.plan, groups=(turned,)), first.before)
    assert [it.fate for it in first.apply()] == [Fate.GONE]
    assert [(it.fate, it.is_refused) for it in second.apply()] == [(Fate.STAYS, True)]
    assert len(world.images.paths()) == 2  # one in its place, one in quarantine


def relying(*, chain: bool) -> tuple[Scene, Scene]:
    """Two plans: a goes for b, and b goes for a, or for c in a chain."""
    world = World(plain_index=True)
    for name, width in (("a.jpg", 300), ("b.jpg", 400), ("c.jpg", 500)):
        put_image(world, name, width)
    pair(world, "a.jpg", "b.jpg")
    first = of_world(world)
    [group] = first.plan.groups
    [copy] = group.copies
    turned = replace(group, keeper=copy.image, copies=(replace(copy, image=group.keeper),))
    if chain:
        pair(world, "b.jpg", "c.jpg")
        [longer] = [it for it in of_world(world).plan.groups if it.keeper.path.name == "c.jpg"]
        turned = replace(longer, copies=tuple(it for it in longer.copies if it.image.path.name == "b.jpg"))
    return first, Scene(world, MemoryManifest(), replace(first.plan, groups=(turned,)), first.before)


def while_applying(it: Scene, at_step: int, interruption: Callable[[], object]) -> bool:
    """Whether it came to the interruption, before this call of the plan."""

    def interrupt() -> None:
        before, it.world.before = it.world.before, lambda _number, _step: None
        interruption()
        it.world.before = before

    return it.world.interrupt(at_step, interrupt, it.apply)


@pytest.mark.parametrize("chain", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_whenever_another_plan_is_followed_meanwhile_what_a_copy_relies_on_stays(chain: bool, turned: bool):
    for at_step in range(1, 200):
        first, second = relying(chain=chain)
        if turned:
            first, second = second, first
        other, there = first.world.start_process("second"), first.world.images.paths
        happened = while_applying(first, at_step, partial(second.apply, other))
        stays = {path.image_id for path in there() if path.container == "images"}
        for path, blob in first.quarantined.items():
            assert path.name.partition("/")[0] in stays or blob.copied_from in there(), (at_step, path)
        if not happened:
            assert at_step > 15
            return
    pytest.fail("it never ended")


@pytest.mark.parametrize("then_undo", [False, True], ids=["applied", "undone"])
def test_whenever_the_same_plan_is_followed_meanwhile_with_another_manifest_no_image_is_lost(then_undo: bool):
    for at_step in range(1, 200):
        it = scene()
        second = replace(it, manifest=MemoryManifest())
        other = it.world.start_process("second")

        def follow(second: Scene = second, other: Services = other) -> None:
            second.apply(other)
            if then_undo:
                second.undo()

        happened = while_applying(it, at_step, follow)
        away = {blob.copied_from for blob in it.quarantined.values()}
        assert set(it.before) - it.world.images.paths() <= away, at_step
        assert it.world.blobs.leases == {}
        if not happened:
            assert at_step > 30
            return
    pytest.fail("it never ended")


def test_an_undo_tells_what_another_manifest_has(monkeypatch: pytest.MonkeyPatch):
    it = scene()
    second, lease = replace(it, manifest=MemoryManifest()), it.world.blobs.lease

    def held(path: ImagePath, *more: str) -> None:
        if path == A:
            raise BlobHeld("somebody holds a lease on it")
        lease(path, *more)

    with monkeypatch.context() as patched:
        patched.setattr(it.world.blobs, "lease", held)
        assert [outcome.path for outcome in it.apply() if outcome.is_refused] == [A]
    assert {outcome.why for outcome in it.undo() if outcome.path == A} == {"it was never away"}
    second.plan = it.world.services.keep_plan.plan(Wanted(prefix="copies/a"))
    second.apply()
    [copy] = [path for path, blob in it.quarantined.items() if blob.copied_from == A]
    [told] = [outcome for outcome in it.undo() if outcome.path == A]
    assert (told.fate, told.is_refused) == (Fate.STAYS, False)
    assert told.why == f"another run of `dedup apply` took it: undo it by that one's manifest; its copy is at {copy}"
    assert {outcome.fate for outcome in second.undo()} == {Fate.BACK}


def test_two_that_undo_at_once_tell_of_no_loss():
    for seed in range(SCHEDULES):
        it = scene()
        others = [(replace(it, manifest=MemoryManifest()), it.world.start_process(name)) for name in ("one", "two")]
        Dice(it.world, seed).run([partial(other.apply, services) for other, services in others])
        told: list[Outcome] = []

        def undo(other: Scene, services: Services, told: list[Outcome] = told) -> None:
            told += other.undo(services)

        Dice(it.world, seed).run([partial(undo, *each) for each in others])
        refused = [outcome.why for outcome in told if outcome.is_refused]
        assert all(why.startswith("it is at its place, and its copy stays") for why in refused), f"seed {seed}"
        assert set(it.before) <= it.world.images.paths(), f"seed {seed}"
        assert not any(outcome.is_refused for other, services in others for outcome in other.undo(services))


@pytest.mark.parametrize("then_undo", [False, True], ids=["applied", "undone"])
def test_in_whatever_order_two_follow_the_same_plan_step_by_step_no_image_is_lost(then_undo: bool):
    for seed in range(SCHEDULES):
        it = scene()
        others = [replace(it, manifest=MemoryManifest()) for _ in range(2)]

        def follow(other: Scene, services: Services) -> None:
            other.apply(services)
            if then_undo:
                other.undo(services)

        processes = [it.world.start_process(name) for name in ("one", "two")]
        Dice(it.world, seed).run([partial(follow, *each) for each in zip(others, processes, strict=True)])
        away = {blob.copied_from for blob in it.quarantined.values()}
        assert set(it.before) - it.world.images.paths() <= away, f"seed {seed}"
        assert it.world.blobs.leases == {}, f"seed {seed}"


def one_pair() -> Scene:
    world = World(plain_index=True)
    put_image(world, BEST.name, 900)
    put_image(world, A.name, 300)
    pair(world, BEST.name, A.name)
    return of_world(world)


@pytest.mark.parametrize("change", [{"tags": {"shop": "sold"}}, {"tier": "Cold"}])
def test_a_tag_or_tier_that_is_set_at_any_moment_is_not_lost(change: dict[str, object]):
    for at_step in range(1, 200):
        it = one_pair()

        def set_it(it: Scene = it) -> None:
            found = it.world.blobs.look(A)
            if found is not None and A not in it.world.blobs.leases:  # else storage would refuse
                it.world.blobs.change(A, content=replace(found.content, **change))
                it.before[A] = it.now_at(A) or it.before[A]

        happened = while_applying(it, at_step, set_it)
        it.undo()
        assert it.now_at(A)[1].content == it.before[A][1].content, at_step
        if not happened:
            return
    pytest.fail("it never ended")


def test_who_follows_a_copy_of_a_manifest_elsewhere_has_leases_of_their_own():
    """With one lease for both, the one that gives up would end it for the other, which relies on the copy."""
    it = one_pair()
    elsewhere, refused = replace(it, manifest=MemoryManifest()), list[str]()

    def follow() -> None:
        elsewhere.manifest.lines = it.manifest.lines[:]
        refused.extend(outcome.why for outcome in elsewhere.apply(it.world.start_process("elsewhere")))

    assert while_applying(it, 17, follow)
    assert refused == [f"{BEST}, which would stay for it: somebody holds a lease on it"]
    assert (it.now_at(A), {blob.copied_from for blob in it.quarantined.values()}) == (None, {A})


def test_whenever_it_is_undone_elsewhere_by_a_copy_of_its_manifest_no_image_is_lost():
    for at_step in range(1, 200):
        it = one_pair()
        elsewhere = replace(it, manifest=MemoryManifest())

        def undo(it: Scene = it, elsewhere: Scene = elsewhere) -> None:
            elsewhere.manifest.lines = it.manifest.lines[:]
            if it.manifest.lines:
                elsewhere.undo(it.world.start_process("elsewhere"))

        happened = while_applying(it, at_step, undo)
        away = {blob.copied_from for blob in it.quarantined.values()}
        assert set(it.before) - it.world.images.paths() <= away, at_step
        if not happened:
            assert at_step > 15
            return
    pytest.fail("it never ended")


@pytest.mark.parametrize("path", [A, BEST])
def test_an_upload_at_any_moment_is_not_lost_and_a_changed_keeper_is_not_relied_upon(path: ImagePath):
    for at_step in range(1, 200):
        it = scene()
        gone_before: list[set[ImagePath]] = []

        def upload(it: Scene = it, gone: list[set[ImagePath]] = gone_before) -> None:
            gone.append(set(it.before) - it.world.images.paths())
            if path not in it.world.blobs.leases:
                it.world.blobs.put(path, b"something new")

        leases = it.world.blobs.leases
        happened = while_applying(it, at_step, upload)
        found = it.now_at(path)
        assert found is not None or not happened or path == A
        if happened and found is not None and found[0] == b"something new" and path == BEST:
            away = {blob.copied_from for blob in it.quarantined.values()} - {C}
            assert away <= gone_before[0], at_step
        if found is not None and path == A and A in {blob.copied_from for blob in it.quarantined.values()}:
            assert found[0] == b"something new"
        assert leases == {}
        if not happened:
            return
    pytest.fail("it never ended")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda it: replace(it, content=replace(it.content, metadata={})),
        lambda it: replace(it, content=replace(it.content, tags={})),
        lambda it: replace(it, content=replace(it.content, headers={"content_type": "text/html"})),
        lambda it: replace(it, content=replace(it.content, tier="Hot")),
        lambda it: replace(it, content=replace(it.content, size=1)),
    ],
)
def test_an_image_whose_copy_is_not_the_same_stays(spoil):
    it = scene()
    it.world.blobs.spoil = spoil
    assert {(outcome.fate, outcome.is_refused) for outcome in it.apply()} == {(Fate.STAYS, True)}
    assert it.world.images.paths() == set(it.before)
    it.world.blobs.spoil = None
    it.apply()
    it.world.blobs.spoil = spoil
    assert {(outcome.fate, outcome.is_refused) for outcome in it.undo()} == {(Fate.STAYS, True)}
    assert {blob.copied_from for blob in it.quarantined.values()} == set(it.going)


@pytest.mark.parametrize("scope", ["", "ours"], ids=["of the account", "of the container"])
def test_what_is_in_an_encryption_scope_goes_where_the_quarantine_has_the_same_and_holds_up_nothing(scope: str):
    it = scene()
    it.world.blobs.change(A, content=replace(it.before[A][1].content, encryption_scope="ours"))
    it.world.blobs.scopes = {"images": "ours", "dedup-quarantine": scope}
    before, outcomes = it.now_at(A), {outcome.path: outcome.why for outcome in it.apply()}
    copy = it.plan.copies[it.going.index(A)].image
    [group] = [group for group in it.plan.groups if group.keeper.path == BEST]
    there = quarantined_path("dedup-quarantine", group, copy)
    refused = {} if scope else {A: f"{there} is not the same in encryption_scope"}
    assert {path: why for path, why in outcomes.items() if why} == refused
    assert {blob.copied_from for blob in it.quarantined.values()} == set(it.going) - refused.keys()
    it.undo()
    assert it.now_at(A)[1].content == before[1].content


def test_where_no_hash_is_stored_the_bytes_are_read():
    it = scene()
    it.world.blobs.spoiled_bytes = bytes(len(it.before[STRANGE][0]))
    outcomes = {outcome.path: outcome for outcome in it.apply()}
    assert (outcomes[STRANGE].fate, "bytes" in outcomes[STRANGE].why) == (Fate.STAYS, True)
    assert it.now_at(STRANGE) == it.before[STRANGE]


def test_what_the_app_could_not_be_told_stays_in_quarantine_and_is_told_later(monkeypatch: pytest.MonkeyPatch):
    it = scene()

    def refuse(_message: object) -> None:
        raise PermanentError("no such queue")

    with monkeypatch.context() as patched:
        patched.setattr(it.world.ingest_queue, "send", refuse)
        assert {(outcome.fate, outcome.is_refused) for outcome in it.apply()} == {(Fate.GONE, True)}
    assert len(it.quarantined) == 3
    assert {(outcome.fate, outcome.is_refused) for outcome in it.apply()} == {(Fate.GONE, False)}
    assert len(it.world.ingest_queue.messages) == 3


def test_a_copy_that_somebody_changed_in_quarantine_comes_to_lie_nowhere(cleared: Scene):
    [there] = [path for path, blob in cleared.quarantined.items() if blob.copied_from == A]
    cleared.world.blobs.put(there, b"something else")
    [stays] = [it for it in cleared.undo() if it.is_refused]
    assert (stays.path, cleared.now_at(A)) == (A, None)
    assert f"somebody changed its copy in quarantine (another size, another md5); its copy is at {there}" in stays.why
    assert cleared.now_at(there)[0] == b"something else"


def test_of_a_copy_without_a_stored_hash_the_bytes_tell_that_somebody_changed_it(cleared: Scene):
    [there] = [path for path, blob in cleared.quarantined.items() if blob.copied_from == STRANGE]
    data, blob = cleared.before[STRANGE]
    cleared.world.blobs.put(there, bytes(len(data)), md5="", headers=blob.content.headers)
    [stays] = [it for it in cleared.undo() if it.is_refused]
    assert (stays.path, cleared.now_at(STRANGE)) == (STRANGE, None)
    assert f"somebody changed its copy in quarantine (other bytes); its copy is at {there}" in stays.why


def test_a_copy_that_was_archived_in_quarantine_is_named_and_holds_up_no_other(
    cleared: Scene, monkeypatch: pytest.MonkeyPatch
):
    [there] = [path for path, blob in cleared.quarantined.items() if blob.copied_from == A]
    cleared.world.blobs.change(there, offline="it is archived")
    copy, blobs = cleared.world.blobs.copy, cleared.world.blobs
    monkeypatch.setattr("dedup_app.cleanup.mover.MOST_POLLS", 2)
    monkeypatch.setattr("dedup_app.cleanup.mover.POLL_SECONDS", 0.0)

    def rehydrating(source: ImagePath, etag: str, target: ImagePath, content: BlobContent) -> None:
        copy(source, etag, target, content)
        if source == there:
            blobs._pending[target] = 100

    monkeypatch.setattr(blobs, "copy", rehydrating)
    outcomes = {it.path: (it.fate, it.why) for it in cleared.undo()}
    assert outcomes.pop(A) == (Fate.STAYS, f"it is archived; its copy is at {there}")
    assert set(outcomes.values()) == {(Fate.BACK, "")}


def test_nothing_is_overwritten_by_an_undo(cleared: Scene):
    cleared.world.blobs.put(A, b"something new")
    outcomes = {it.path: it for it in cleared.undo()}
    assert (outcomes[A].fate, outcomes[A].is_refused) == (Fate.STAYS, True)
    assert "something else is at its place" in outcomes[A].why
    assert "dedup-quarantine/" in outcomes[A].why
    assert cleared.world.blobs.data(A) == b"something new"
    assert [blob.copied_from for blob in cleared.quarantined.values()] == [A]
    cleared.world.images.delete(A)
    assert {it.fate for it in cleared.undo()} == {Fate.BACK}


def test_a_new_upload_at_the_place_of_what_a_killed_undo_had_brought_back_does_not_cost_the_copy(cleared: Scene):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cleared.world.blobs, "delete", lambda *_more: (_ for _ in ()).throw(StoreBusy("no answer")))
        with pytest.raises(StoreBusy):
            cleared.undo()
    [path] = [path for path in cleared.going if "restored" in cleared.manifest.steps(path)]
    cleared.world.blobs.put(path, b"something new")
    [stays] = [it for it in cleared.undo() if it.is_refused]
    assert (stays.path, "something else is at its place now" in stays.why) == (path, True)
    assert [cleared.world.blobs.data(it) for it in cleared.quarantined] == [cleared.before[path][0]]


def test_a_new_upload_at_its_place_never_costs_the_copy_in_quarantine():
    """It was deleted, the run died before it noted so, and somebody uploaded something else there."""
    it = scene()
    it.apply()
    at = next(n for n, line in enumerate(it.manifest.lines) if line.get("step") == "deleted")
    path = ImagePath.parse(it.manifest.lines[at]["image"])
    it.manifest.lines[:] = it.manifest.lines[:at]
    it.world.blobs.put(path, b"something new")
    assert next(outcome for outcome in it.apply() if outcome.path == path).fate is Fate.GONE
    assert path in {blob.copied_from for blob in it.quarantined.values()}
    assert it.world.blobs.data(path) == b"something new"


def test_copies_that_take_their_time_are_waited_for_and_failed_ones_made_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dedup_app.cleanup.mover.POLL_SECONDS", 0.0)
    it = scene()
    it.world.blobs.slow, it.world.blobs.fail_copies = 3, 1
    assert {outcome.fate for outcome in it.apply()} == {Fate.GONE}
    it.world.blobs.fail_copies = 1
    assert {outcome.fate for outcome in it.undo()} == {Fate.BACK}
    it = scene()
    it.world.blobs.fail_copies = 10
    with pytest.raises(StoreBusy, match="gave up"):
        it.apply()
    assert all(it.now_at(path) == it.before[path] for path in it.before)


@pytest.mark.parametrize("container", ["images", "dedup-quarantine"])
def test_tags_are_never_lost_in_silence(container: str):
    it = scene()
    it.world.blobs.tags_are_denied_in = {container}
    with pytest.raises(Refused, match="--without-tags"):
        it.apply()
    assert it.manifest.lines == []
    fates = {outcome.fate for outcome in it.applying().apply(it.plan, it.manifest, tags=False)}
    assert fates == {Fate.GONE}


def test_tags_of_the_app_may_change_meanwhile_and_do_not_move_along():
    it = scene()

    def tag_all(number: int, _step: str) -> None:
        for path in it.world.images.paths():
            found = it.world.blobs.look(path)
            if found is not None and path.container == "images":
                tags = {name: value for name, value in found.content.tags.items() if name == "shop"}
                content = replace(found.content, tags=tags | {VERDICT: f"as of {number}", DECISION: "copy"})
                it.world.blobs.change(path, content=content)

    it.world.before = tag_all
    assert {outcome.fate for outcome in it.apply()} == {Fate.GONE}
    assert {frozenset(blob.content.tags) for blob in it.quarantined.values()} == {frozenset({"shop"})}
    assert {outcome.fate for outcome in it.undo()} == {Fate.BACK}


def test_a_plan_of_another_account_or_container_is_refused():
    it = scene()
    it.plan = replace(it.plan, account="other")
    with pytest.raises(Refused, match="account"):
        it.apply()
    it = scene()
    [first, *_] = it.plan.groups
    stays = replace(first.keeper, path=ImagePath("dedup-index", "x"))
    it.plan = replace(it.plan, groups=(replace(first, keeper=stays),))
    with pytest.raises(Refused, match="no container that the app watches"):
        it.apply()


def test_an_app_that_has_heard_of_no_decision_about_them_ends_no_images_and_brings_none_back(cleared: Scene):
    cleared.world.time += 2 * DAY
    cleared.world.settings = replace(cleared.world.settings, namespace="shop")
    another = cleared.world.start_process("of another namespace")
    for act in (partial(cleared.purge, DAY), cleared.undo):
        with pytest.raises(InvalidManifest, match="'shopdedup-quarantine': look at DEDUP_NAMESPACE"):
            act(another)
    assert len(cleared.quarantined) == 3


def test_a_manifest_goes_on_with_its_own_plan_only(cleared: Scene):
    other = Scene(cleared.world, cleared.manifest, cleared.world.services.keep_plan.plan(Wanted(Keep.DECIDED)), {})
    with pytest.raises(InvalidManifest, match="another plan"):
        other.apply()


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [{}],
        [{"manifest": 2}],
        [{"manifest": 1}],
        [{"manifest": 1, "plan": "", "account": "", "quarantine": "q", "lease": "", "tags": True}, {"step": "told"}],
        [
            {"manifest": 1, "plan": "", "account": "", "quarantine": "q", "lease": "", "tags": True},
            {"step": "told", "image": "images/a", "at": "2026-05-31"},
        ],
    ],
)
def test_a_damaged_manifest_is_refused(lines: list[dict[str, object]]):
    it = scene()
    it.manifest.lines = lines
    with pytest.raises(InvalidManifest):
        it.undo()


def test_a_manifest_from_elsewhere_deletes_nothing_but_copies_in_quarantine(cleared: Scene):
    cleared.world.time += 2 * DAY
    [begun] = [line for line in cleared.manifest.lines if line.get("image") == str(C) and line["step"] == "begun"]
    [other] = [path for path, blob in cleared.quarantined.items() if blob.copied_from == A]
    for path in (BEST, other):
        begun["to"] = str(path)
        for act in (partial(cleared.purge, DAY), cleared.undo, cleared.apply):
            with pytest.raises(InvalidManifest, match="is no copy of images/copies/c"):
                act()
    assert cleared.now_at(BEST) == cleared.before[BEST]
    assert len(cleared.quarantined) == 3


def test_what_is_back_is_not_taken_again_by_the_same_plan(cleared: Scene):
    cleared.undo()
    assert {(it.fate, it.is_refused) for it in cleared.apply()} == {(Fate.STAYS, True)}
    assert {cleared.world.row(path).status for path in cleared.going} == {INDEXED}


@pytest.mark.parametrize("undone", [False, True], ids=["away", "back"])
def test_a_check_tells_of_what_an_earlier_run_did_what_applying_would_tell(cleared: Scene, undone: bool):
    if undone:
        cleared.undo()
    written = list(cleared.manifest.lines)
    foreseen = list(cleared.applying().check(cleared.plan, cleared.manifest))
    assert cleared.manifest.lines == written
    assert foreseen == cleared.apply()
    assert {it.why for it in foreseen} == {NOT_AGAIN if undone else ""}


def test_a_check_refuses_the_manifest_that_applying_refuses(cleared: Scene):
    other = cleared.world.services.keep_plan.plan(Wanted(Keep.DECIDED))
    with pytest.raises(InvalidManifest, match="another plan"):
        list(cleared.applying().check(other, cleared.manifest))
