"""A plan names what may go and nothing else, and is refused where following it would lose a picture."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup_core.comparison.sides import ALIKE, Side, Sides
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.facts import Decided, Decision, ImageFacts
from dedup_core.groups.group import ASKED_AGAIN, CHOSEN, TOLD_APART, UNSURE
from dedup_core.groups.keeper import KeeperPolicy
from dedup_core.groups.plan import Keep, KeepPlan, LeftOut, PlannedImage, Wanted, plan_groups
from dedup_core.groups.plan_file import InvalidPlan, parse_plan, plan_as_dict
from dedup_core.groups.reasons import UNTOLD
from dedup_core.paths import ImagePath
from tests.core.test_groups import image, link, projected

KINDS = (VerdictKind.IDENTICAL, VerdictKind.DUPLICATE, VerdictKind.ALTERED, VerdictKind.COLOR_VARIANT)
COVERED = Sides(Side(), Side(is_overlaid=True))  # the one whose name comes second
BEST, GOOD, POOR = image("best", width=900), image("good", width=400), image("poor", width=100, byte_size=70)


def known(*images: ImageFacts) -> dict[bytes, PlannedImage]:
    return {
        it.image_id: PlannedImage(ImagePath.parse(it.path), f"0x{it.version}", "ab" * 32, it.byte_size) for it in images
    }


def planned(*records: object, wanted: Wanted | None = None, policy: KeeperPolicy | None = None) -> KeepPlan:
    images = [it for it in records if isinstance(it, ImageFacts)]
    groups, left_out = plan_groups(projected(*records, policy=policy).groups(), known(*images), wanted or Wanted())
    return KeepPlan("acc", (wanted or Wanted()).keep, "2026-11-26T12:00:00+00:00", groups, left_out)


def goes(plan: KeepPlan) -> dict[str, str]:
    """What goes, and for whom."""
    return {it.image.path.name: group.keeper.path.name for group in plan.groups for it in group.copies}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decision", [None, *Decision])
def test_only_copies_go_and_a_person_has_the_last_word(kind: VerdictKind, decision: Decision | None):
    decided = [] if decision is None else [Decided.of(BEST, GOOD, decision, by="ann", at=1)]
    covered = link(BEST, GOOD, kind, COVERED if kind is VerdictKind.ALTERED else ALIKE)
    plan = planned(BEST, GOOD, covered, *decided)
    is_copy = kind in {VerdictKind.IDENTICAL, VerdictKind.DUPLICATE} and decision is None
    expected = {"good.jpg": "best.jpg"} if is_copy or decision is Decision.DUPLICATE else {}
    assert goes(plan) == expected
    by_people = planned(BEST, GOOD, covered, *decided, wanted=Wanted(Keep.DECIDED))
    assert goes(by_people) == (expected if decision else {})


def test_of_two_of_which_either_may_be_covered_nothing_goes_before_a_person_chooses():
    """Larger, earlier, with a camera: a stock photo with its watermark is all that beside a clean copy of it."""
    altered = link(BEST, GOOD, VerdictKind.ALTERED)
    copies = Decided.of(BEST, GOOD, Decision.DUPLICATE, by="ann", at=1)
    plan = planned(BEST, GOOD, altered, copies)
    assert (plan.groups, plan.left_out) == ((), (LeftOut("images/good.jpg", UNSURE),))
    chosen = Decided.of(BEST, GOOD, Decision.DUPLICATE, keeper=GOOD.image_id, by="ann", at=2)
    assert goes(planned(BEST, GOOD, altered, copies, chosen)) == {"best.jpg": "good.jpg"}
    protected = KeeperPolicy(protected_prefixes=("goo",))
    assert goes(planned(BEST, GOOD, altered, copies, policy=protected)) == {"best.jpg": "good.jpg"}


def test_a_choice_or_a_mark_between_others_says_nothing_of_an_altered_pair():
    altered = link(BEST, GOOD, VerdictKind.ALTERED), Decided.of(BEST, GOOD, Decision.DUPLICATE, by="ann", at=5)
    chosen = Decided.of(BEST, POOR, Decision.DUPLICATE, keeper=BEST.image_id, by="ann", at=1)
    plan = planned(BEST, GOOD, POOR, *altered, link(BEST, POOR), chosen)
    assert (goes(plan), plan.left_out) == ({"poor.jpg": "best.jpg"}, (LeftOut("images/good.jpg", UNSURE),))
    framed = link(GOOD, POOR, sides=Sides(Side(is_framed=True), Side()))
    plan = planned(BEST, GOOD, POOR, *altered, framed)
    assert (goes(plan), plan.left_out) == ({}, (LeftOut("images/good.jpg", UNSURE),))


def test_what_an_earlier_plan_names_of_an_altered_pair_goes_only_where_it_is_known_who_stays():
    altered, ids = link(BEST, GOOD, VerdictKind.ALTERED), (BEST.image_id, GOOD.image_id)
    copies = Decided.of(BEST, GOOD, Decision.DUPLICATE, by="ann", at=1)
    chosen = Decided.of(BEST, GOOD, Decision.DUPLICATE, keeper=GOOD.image_id, by="ann", at=2)

    def may_go(*records: object, policy: KeeperPolicy | None = None) -> tuple[bool, bool]:
        projection = projected(BEST, GOOD, POOR, *records, policy=policy)
        return projection.is_copy(*ids), projection.is_copy(*ids[::-1])

    assert may_go(altered, copies) == (False, False)
    assert may_go(altered, chosen) == (False, True)
    assert may_go(altered, copies, policy=KeeperPolicy(protected_prefixes=("bes",))) == (True, False)
    assert may_go(link(BEST, GOOD, VerdictKind.ALTERED, COVERED), copies) == (True, False)
    assert may_go(link(BEST, GOOD), copies) == (True, True)


def test_who_may_be_the_original_of_the_keeper_goes_for_none_of_its_copies_either():
    doubt = link(BEST, GOOD, VerdictKind.ALTERED), Decided.of(BEST, GOOD, Decision.DUPLICATE, at=1)
    projection = projected(BEST, GOOD, POOR, link(BEST, POOR), link(GOOD, POOR), *doubt)
    assert not projection.is_copy(POOR.image_id, GOOD.image_id)
    assert projection.is_copy(GOOD.image_id, POOR.image_id)


@pytest.mark.parametrize("word", [Decision.NOT_DUPLICATE, Decision.KEEP_BOTH])
def test_what_a_person_told_apart_goes_for_no_third_image_by_a_verdict(word: Decision):
    """A verdict that a person has corrected is made once more, about the next upload of the picture."""
    ours = image("zoom", width=300)
    links = link(BEST, GOOD), link(BEST, POOR), link(GOOD, POOR), link(BEST, ours)
    records = BEST, GOOD, POOR, ours, *links, Decided.of(GOOD, POOR, word, by="ann", at=1)
    plan = planned(*records)
    assert goes(plan) == {"zoom.jpg": "best.jpg"}
    assert plan.left_out == (LeftOut("images/good.jpg", TOLD_APART), LeftOut("images/poor.jpg", TOLD_APART))
    projection = projected(*records)
    assert not projection.is_copy(BEST.image_id, POOR.image_id)
    assert [group.bytes_to_gain for group in projection.groups() if group.keeper == BEST] == [ours.byte_size]
    decided = planned(*records, Decided.of(BEST, POOR, Decision.DUPLICATE, by="ann", at=2))
    assert goes(decided) == {"zoom.jpg": "best.jpg", "poor.jpg": "best.jpg"}
    assert decided.left_out == (LeftOut("images/good.jpg", TOLD_APART),)
    taken_back = planned(*records, Decided.of(GOOD, POOR, None, by="ann", at=2))
    assert set(goes(taken_back)) == {"good.jpg", "poor.jpg", "zoom.jpg"}


@pytest.mark.parametrize("word", [None, *Decision])
def test_what_a_person_wanted_to_stay_goes_by_no_verdict_about_other_bytes_before_they_are_asked(word: Decision | None):
    decided = Decided.of(BEST, POOR, word, by="ann", at=1)
    saved_again = replace(POOR, version=2, content=b"other".ljust(16))
    records = BEST, saved_again, link(BEST, saved_again)
    plan = planned(*records, decided)
    is_wanted = word in {Decision.NOT_DUPLICATE, Decision.KEEP_BOTH}
    assert goes(plan) == ({} if is_wanted else {"poor.jpg": "best.jpg"})
    assert plan.left_out == ((LeftOut("images/poor.jpg", ASKED_AGAIN),) if is_wanted else ())
    projection = projected(*records, decided)
    assert projection.is_copy(BEST.image_id, POOR.image_id) is not is_wanted
    assert [group.bytes_to_gain for group in projection.groups()] == [0 if is_wanted else POOR.byte_size]
    again = Decided.of(BEST, saved_again, Decision.DUPLICATE, by="ann", at=2)
    assert goes(planned(*records, decided, again)) == {"poor.jpg": "best.jpg"}


@pytest.mark.parametrize("word", [None, *Decision])
def test_what_a_person_said_of_two_pictures_holds_when_one_of_them_gets_another_name(word: Decision | None):
    """A decision is about bytes: whoever moves a file has decided nothing else, and is not always heard of at once."""
    moved = image("moved", content=POOR.content)
    gone = replace(POOR, version=2, is_alive=False)
    records = BEST, POOR, moved, link(BEST, moved), Decided.of(BEST, POOR, word, by="ann", at=1)
    is_wanted = word in {Decision.NOT_DUPLICATE, Decision.KEEP_BOTH}
    for now in (gone, replace(POOR, version=2, content=b"other".ljust(16)), *([POOR] if is_wanted else [])):
        plan = planned(*records, now)
        assert goes(plan) == ({} if is_wanted else {"moved.jpg": "best.jpg"})
        assert plan.left_out == ((LeftOut("images/moved.jpg", TOLD_APART),) if is_wanted else ())
        projection = projected(*records, now)
        pair = BEST.image_id, moved.image_id
        assert [projection.is_copy(*pair), projection.is_copy(*pair[::-1])] == [not is_wanted] * 2
        gains = [group.bytes_to_gain for group in projection.groups() if group.keeper == BEST]
        assert max(gains) == (0 if is_wanted else moved.byte_size)
    again = Decided.of(BEST, moved, Decision.DUPLICATE, by="ann", at=2)
    assert goes(planned(*records, gone, again)) == {"moved.jpg": "best.jpg"}
    taken_back = Decided.of(BEST, POOR, None, by="ann", at=2)
    assert goes(planned(*records, gone, taken_back)) == {"moved.jpg": "best.jpg"}


def test_a_third_copy_beside_one_that_has_another_name_now_goes_for_it_and_the_two_stay():
    moved, third = image("moved", content=POOR.content), image("third", width=300)
    gone = replace(POOR, version=2, is_alive=False)
    links = link(BEST, GOOD), link(BEST, moved), link(BEST, third)
    plan = planned(
        BEST, GOOD, moved, third, POOR, gone, *links, Decided.of(GOOD, POOR, Decision.NOT_DUPLICATE, by="ann", at=1)
    )
    assert goes(plan) == {"third.jpg": "best.jpg"}
    assert plan.left_out == (LeftOut("images/good.jpg", TOLD_APART), LeftOut("images/moved.jpg", TOLD_APART))


def choice(kept: ImageFacts, other: ImageFacts, at: int) -> Decided:
    return Decided.of(kept, other, Decision.DUPLICATE, keeper=kept.image_id, by="ann", at=at)


def test_what_a_person_chose_over_another_stays_when_that_one_is_chosen_over_a_third():
    records = POOR, GOOD, BEST, link(POOR, GOOD), link(GOOD, BEST), choice(POOR, GOOD, at=1), choice(GOOD, BEST, at=2)
    assert goes(planned(*records)) == {"good.jpg": "poor.jpg"}
    assert goes(planned(*records, link(POOR, BEST))) == {"good.jpg": "poor.jpg", "best.jpg": "poor.jpg"}
    assert not projected(*records).is_copy(GOOD.image_id, POOR.image_id)


def test_what_a_person_chose_over_a_third_image_goes_by_no_earlier_plan():
    records = POOR, GOOD, BEST, link(GOOD, BEST), link(GOOD, POOR)
    assert projected(*records).is_copy(BEST.image_id, GOOD.image_id)
    later = projected(*records, choice(GOOD, POOR, at=1))
    assert not later.is_copy(BEST.image_id, GOOD.image_id)
    assert later.is_copy(GOOD.image_id, BEST.image_id)


def test_what_a_person_chose_goes_for_no_image_that_it_was_chosen_over_whoever_stays_now():
    circle = choice(POOR, GOOD, at=1), choice(GOOD, BEST, at=2), choice(BEST, POOR, at=3)
    records = POOR, GOOD, BEST, link(POOR, GOOD), link(GOOD, BEST), link(POOR, BEST)
    protected = KeeperPolicy(protected_prefixes=("bes",))
    for decided, policy in ((circle, None), (circle[1:2], protected)):
        plan = planned(*records, *decided, policy=policy)
        assert goes(plan) == {"poor.jpg": "best.jpg"}
        assert plan.left_out == (LeftOut("images/good.jpg", CHOSEN),)
        projection = projected(*records, *decided, policy=policy)
        assert not projection.is_copy(BEST.image_id, GOOD.image_id)
        assert [group.bytes_to_gain for group in projection.groups()] == [POOR.byte_size]


def test_what_was_chosen_over_the_one_that_stays_and_may_be_what_was_altered_is_left_out_once():
    links = link(POOR, GOOD), link(GOOD, BEST, VerdictKind.ALTERED), link(POOR, BEST)
    plan = planned(POOR, GOOD, BEST, *links, choice(POOR, GOOD, 1), choice(GOOD, BEST, 2), choice(BEST, POOR, 3))
    assert plan.left_out == (LeftOut("images/good.jpg", CHOSEN),)


def test_a_doubt_about_one_copy_holds_up_no_other():
    records = BEST, GOOD, POOR, link(BEST, GOOD, VerdictKind.ALTERED), link(BEST, POOR)
    assert goes(planned(*records, Decided.of(BEST, GOOD, Decision.DUPLICATE, at=1))) == {"poor.jpg": "best.jpg"}


def test_what_is_planned_says_why_and_how_much_it_saves():
    plan = planned(
        BEST, GOOD, POOR, link(BEST, GOOD), link(BEST, POOR), Decided.of(BEST, POOR, Decision.DUPLICATE, by="ann", at=1)
    )
    [group] = plan.groups
    assert "more pixels" in group.why[0]
    assert {copy.why for copy in group.copies} == {
        "duplicate of images/best.jpg",
        "ann decided that it is a copy of images/best.jpg",
    }
    assert plan.bytes_to_gain == 70


def test_what_nothing_tells_apart_but_its_name_says_so():
    [group] = planned(GOOD, replace(GOOD, image_id=POOR.image_id, path=POOR.path), link(GOOD, POOR)).groups
    assert group.why == (UNTOLD,)


def test_a_plan_is_narrowed_by_verdict_and_by_the_names_of_what_goes():
    records = BEST, GOOD, POOR, link(BEST, GOOD), link(BEST, POOR, VerdictKind.IDENTICAL)
    assert goes(planned(*records, wanted=Wanted(verdicts=[VerdictKind.IDENTICAL]))) == {"poor.jpg": "best.jpg"}
    assert goes(planned(*records, wanted=Wanted(prefix="goo"))) == {"good.jpg": "best.jpg"}
    assert goes(planned(*records, wanted=Wanted(prefix="bes"))) == {}


@pytest.mark.parametrize(
    ("wanted", "is_told"),
    [
        (Wanted(prefix="goo"), True),
        (Wanted(prefix="zzz"), False),
        (Wanted(verdicts=[VerdictKind.ALTERED]), True),
        (Wanted(verdicts=[VerdictKind.IDENTICAL]), False),
    ],
)
def test_no_plan_tells_of_a_doubt_about_what_nobody_asked_for(wanted: Wanted, is_told: bool):
    records = BEST, GOOD, link(BEST, GOOD, VerdictKind.ALTERED), Decided.of(BEST, GOOD, Decision.DUPLICATE, at=1)
    assert planned(*records, wanted=wanted).left_out == (LeftOut("images/good.jpg", UNSURE),) * is_told


def test_nothing_goes_for_an_image_that_changed_nor_goes_if_it_changed_itself():
    groups = projected(BEST, GOOD, POOR, link(BEST, GOOD), link(BEST, POOR)).groups()
    planned_groups, left_out = plan_groups(groups, known(BEST, POOR), Wanted())
    assert [it.image.path.name for it in planned_groups[0].copies] == ["poor.jpg"]
    assert left_out == (LeftOut("images/good.jpg", "it changed since it was compared"),)
    nothing, left_out = plan_groups(groups, known(GOOD, POOR), Wanted())
    assert nothing == ()
    assert {it.path for it in left_out} == {"images/good.jpg", "images/poor.jpg"}


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 7), st.integers(0, 7), st.sampled_from(KINDS), st.sampled_from([None, *Decision])),
        max_size=20,
    )
)
def test_whatever_was_found_and_decided_each_copy_leaves_one_behind_that_stays(edges):
    images = [image(f"{number}", width=100 + 7 * number) for number in range(8)]
    links = [link(images[a], images[b], kind) for a, b, kind, _ in edges if a != b]
    decided = [Decided.of(images[a], images[b], it, at=1) for a, b, _, it in edges if a != b and it]
    plan = planned(*images, *links, *decided)
    going = goes(plan)
    assert going.keys().isdisjoint(going.values())
    assert parse_plan(json.dumps(plan_as_dict(plan))) == plan


def test_odd_names_come_back_as_they_were():
    odd = ["a%2Fb.jpg", "<img src=x onerror=alert(1)>.jpg", "a?b#c&d.jpg", "=1+1", "end ", "日本.jpg", "a\\b", "'q\""]
    images = [
        replace(image(f"{at}", width=900 - at), path=str(ImagePath("images", name))) for at, name in enumerate(odd)
    ]
    plan = planned(*images, *(link(images[0], it) for it in images[1:]))
    again = parse_plan(json.dumps(plan_as_dict(plan)))
    assert {*goes(again), *goes(again).values()} == set(odd)


def text(**changes: object) -> str:
    plan = plan_as_dict(planned(BEST, GOOD, POOR, link(BEST, GOOD), link(BEST, POOR)))
    return json.dumps(plan | changes)


def group(stays: str, *names: str) -> dict[str, object]:
    def it(name: str) -> dict[str, object]:
        return {"path": f"images/{name}", "etag": "0x1", "sha256": "ab" * 32, "bytes": 1}

    going = [it(name) | {"verdict": "", "decided_by": "", "why": ""} for name in names]
    return {"group": "g", "stays": it(stays), "why": [], "goes": going}


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ([group("a", "b"), group("b", "c")], "images/b goes and stays"),
        ([group("a", "b"), group("b", "a")], "goes and stays"),
        ([group("a", "a")], "images/a goes and stays"),
        ([group("a", "c"), group("b", "c")], "images/c goes twice"),
        ([group("a", "..")], "segment"),
        ([{"group": "g"}], "missing"),
        ([7], "damaged"),
        ([group("a", "b") | {"stays": {"path": "images/a", "etag": "", "sha256": "", "bytes": 0}}], "no etag"),
        ("none", "no list"),
    ],
)
def test_a_plan_that_would_lose_a_picture_or_is_damaged_is_refused(groups: object, told: str):
    with pytest.raises(InvalidPlan, match=told):
        parse_plan(text(groups=groups))


@pytest.mark.parametrize("damaged", ["", "{", "[]", "null", '{"plan": 2}', "[" * 100_000])
def test_what_is_no_plan_is_refused(damaged: str):
    with pytest.raises(InvalidPlan, match="dedup plan --format json"):
        parse_plan(damaged)
