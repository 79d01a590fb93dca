"""A group is a keeper and the images verified directly against it, whatever the order in which this became known."""

from itertools import combinations, pairwise, permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup_core.comparison.sides import ALIKE, Side, Sides
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.columns import Records
from dedup_core.groups.facts import Decided, Decision, Family, ImageFacts, Link
from dedup_core.groups.group import UNSURE, Group, may_go
from dedup_core.groups.keeper import KeeperPolicy, KeeperStep
from dedup_core.groups.projection import GroupProjection
from dedup_core.paths import ImagePath

DUPLICATE, ALTERED = VerdictKind.DUPLICATE, VerdictKind.ALTERED


def image(name: str, **facts: object) -> ImageFacts:
    values = {
        "path": f"images/{name}.jpg",
        "version": 1,
        "content": name.encode().ljust(16),
        "width": 400,
        "height": 300,
    }
    return ImageFacts(name.encode().ljust(16), **(values | facts))  # type: ignore[arg-type]


def link(left: ImageFacts, right: ImageFacts, kind: VerdictKind = DUPLICATE, sides: Sides = ALIKE, **more) -> Link:
    return Link.of(left, right, kind, more.get("at", 10), more.get("view", "upright"), sides)


def projected(*records: object, policy: KeeperPolicy | None = None) -> GroupProjection:
    projection = GroupProjection(policy)
    projection.add(Records.of(records))
    return projection


def names(group: Group) -> tuple[str, ...]:
    return tuple(image.path.removeprefix("images/").removesuffix(".jpg") for image in group.images)


def found(*records: object, policy: KeeperPolicy | None = None) -> list[tuple[str, ...]]:
    return sorted(names(group) for group in projected(*records, policy=policy).groups())


A, B, C, D = (image(name) for name in "abcd")


def test_a_chain_is_no_group():
    assert found(A, B, C, link(A, B), link(B, C)) == [("a", "b")]
    assert found(A, B, C, link(A, B), link(B, C), link(A, C)) == [("a", "b", "c")]


def test_what_is_left_of_a_chain_makes_a_group_of_its_own():
    assert found(A, B, C, D, link(A, B), link(B, C), link(C, D)) == [("a", "b"), ("c", "d")]


def test_two_copies_of_one_keeper_are_not_asked_about_once_more():
    """A picture with a text over it, once it is decided to be a copy of the original, against the original's copies."""
    small = image("b", width=200, height=150)
    records = [A, small, C, link(A, small), link(A, C, ALTERED), link(small, C, ALTERED)]
    assert found(*records) == [("a", "b"), ("a", "c")]
    copy = Decided.of(A, C, Decision.DUPLICATE, at=20)
    assert found(*records, copy) == [("a", "b", "c")]
    word = Decided.of(small, C, Decision.KEEP_BOTH, at=30)
    assert found(*records, copy, word) == [("a", "b", "c"), ("c", "b")]
    taken_back = Decided.of(A, C, None, at=40)
    assert found(*records, copy, taken_back) == [("a", "b"), ("a", "c")]


def test_what_is_altered_is_asked_about_against_the_original_and_not_against_a_copy_of_it():
    """Even if the copy would be kept before it were the two alone: here the mirrored one shows no earlier save."""
    original, mirrored = image("a", quality=90, saved_again=True), image("b", quality=90)
    small = image("d", width=200, height=150)
    same = [link(original, mirrored, view="mirrored"), link(original, small), link(mirrored, small, view="mirrored")]
    altered = [link(it, C, ALTERED, sides=Sides(Side(), Side(is_overlaid=True))) for it in (original, mirrored)]
    records = [original, mirrored, small, C, *same, *altered]
    assert found(*records) == [("a", "b", "d"), ("a", "c")]
    assert ("b", "c") in found(*records, Decided.of(mirrored, C, Decision.KEEP_BOTH, at=20))
    assert found(*records, image("a", version=2, is_alive=False)) == [("b", "c"), ("b", "d")]


def test_the_order_in_which_records_come_changes_nothing():
    newer, gone = image("b", version=2, content=b"new".ljust(16)), image("d", version=2, is_alive=False)
    records = [A, newer, C, D, gone, link(A, newer), link(newer, C), Decided.of(A, C, Decision.DUPLICATE, at=5)]
    expected = found(*records)
    assert expected == [("a", "b", "c")]
    for seed in range(40):
        shuffled = [*records, *records]  # each of them twice: a replay
        Random(seed).shuffle(shuffled)
        assert found(*shuffled) == expected


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25), st.randoms())
def test_each_image_is_in_one_group_and_was_verified_against_its_keeper(edges, random):
    images = [image(f"{number}") for number in range(10)]
    links = [link(images[a], images[b]) for a, b in edges if a != b]
    groups = projected(*images, *links).groups()
    members = [member for group in groups for member in group.images]
    assert len(members) == len(set(members))
    keys = {it.key for it in links}
    for group in groups:
        for member in group.members:
            assert tuple(sorted((group.keeper.image_id, member.facts.image_id))) in keys
    late = GroupProjection()  # asked again after every record
    records = [*images, *links]
    random.shuffle(records)
    for record in records:
        late.add(Records.of([record]))
        late.groups()
    assert [names(group) for group in late.groups()] == [names(group) for group in groups]


def test_a_verdict_on_earlier_bytes_holds_nothing_together():
    assert found(A, B, link(A, B), image("b", version=2, content=b"other".ljust(16))) == []


def test_images_that_are_gone_hold_nothing_together_until_they_come_back():
    gone, back = image("b", version=2, is_alive=False), image("b", version=3)
    assert found(A, B, link(A, B), gone) == []
    assert found(A, B, link(A, B), gone, back, link(A, back)) == [("a", "b")]


def test_a_later_verdict_replaces_an_earlier_one():
    verdicts = link(A, B, at=10), link(A, B, VerdictKind.DISTINCT, at=20)
    for order in permutations(verdicts):
        assert found(A, B, *order) == []


def test_families_do_not_mix():
    groups = projected(A, B, C, link(A, B), link(A, C, ALTERED)).groups()
    assert sorted((group.family, names(group)) for group in groups) == [
        ("altered", ("a", "c")),
        ("duplicate", ("a", "b")),
    ]


@pytest.mark.parametrize(
    ("verdict", "decision", "family"),
    [
        (DUPLICATE, Decision.NOT_DUPLICATE, Family.APART),
        (ALTERED, Decision.DUPLICATE, Family.SAME),
        (VerdictKind.DISTINCT, Decision.DUPLICATE, Family.SAME),
        (DUPLICATE, Decision.KEEP_BOTH, Family.SAME),
    ],
)
def test_a_person_has_the_last_word(verdict, decision, family):
    decided = Decided.of(A, B, decision, by="ann", at=20)
    [group] = projected(A, B, link(A, B, verdict), decided).groups()
    assert (group.family, group.is_decided, group.members[0].decided) == (family, True, decided)
    later = link(A, B, VerdictKind.DISTINCT if verdict is DUPLICATE else DUPLICATE, at=99)
    assert projected(A, B, decided, later).groups()[0].is_decided  # whatever a machine says afterwards


def test_a_decision_that_was_taken_back_holds_no_more():
    decided = Decided.of(A, B, Decision.NOT_DUPLICATE, at=20)
    [group] = projected(A, B, link(A, B), decided, Decided.of(A, B, None, at=21)).groups()
    assert (group.family, group.is_decided, group.members[0].lapsed) == (Family.SAME, False, None)


def test_with_other_bytes_a_decision_is_asked_for_again_and_shown():
    decided = Decided.of(A, B, Decision.NOT_DUPLICATE, at=20)
    other = image("b", version=2, content=b"other".ljust(16))
    [group] = projected(A, other, decided, link(A, other, at=30)).groups()
    assert (group.family, group.is_decided, group.members[0].lapsed) == (Family.SAME, False, decided)


def test_the_same_bytes_uploaded_again_leave_a_decision_in_force():
    back = image("b", version=5)
    [group] = projected(A, back, Decided.of(A, B, Decision.NOT_DUPLICATE, at=20), link(A, back, at=30)).groups()
    assert group.family is Family.APART


def test_what_may_go():
    [copy] = projected(A, B, link(A, B)).groups()
    [altered] = projected(A, B, link(A, B, ALTERED)).groups()
    [kept] = projected(A, B, link(A, B), Decided.of(A, B, Decision.KEEP_BOTH, at=1)).groups()
    assert [may_go(group.family, group.members[0]) for group in (copy, altered, kept)] == [True, False, False]


def keeper(
    left: ImageFacts, right: ImageFacts, sides: Sides = ALIKE, policy: KeeperPolicy | None = None, *more: object
):
    [group] = projected(left, right, link(left, right, sides=sides), *more, policy=policy).groups()
    return group.keeper.path.removeprefix("images/").removesuffix(".jpg"), [reason.step for reason in group.reasons]


@pytest.mark.parametrize(
    ("left", "right", "sides", "step"),
    [
        (image("a", width=700, detail_side=700), B, Sides(Side(is_framed=True), Side()), KeeperStep.CLEAR),
        (A, B, Sides(Side(0.99), Side(0.6)), KeeperStep.SCENE),
        (image("a", detail_side=200), image("b", detail_side=400), ALIKE, KeeperStep.DETAIL),
        (image("a", width=900, detail_side=310), image("b", detail_side=400), ALIKE, KeeperStep.DETAIL),
        (image("a", width=800, detail_side=420), image("b", detail_side=400), ALIKE, KeeperStep.DETAIL),
        (image("a", format="PNG", quality=100), image("b", quality=85, has_camera_data=True), ALIKE, KeeperStep.CAMERA),
        (image("a", quality=97), image("b", format="PNG", quality=100), ALIKE, KeeperStep.QUALITY),
        (image("a", quality=92, added_at=9), image("b", quality=88, added_at=5), ALIKE, KeeperStep.EARLIER),
        (image("a", quality=60), image("b", quality=85), ALIKE, KeeperStep.QUALITY),
        (image("a", quality=85, saved_again=True, format="PNG"), image("b", quality=85), ALIKE, KeeperStep.FIRST_SAVE),
        (image("a", is_gray=True, format="PNG", quality=100), B, ALIKE, KeeperStep.COLOR),
        (image("a", added_at=9), image("b", added_at=5), ALIKE, KeeperStep.EARLIER),
        (image("a", width=390), B, ALIKE, KeeperStep.DETAIL),
    ],
)
def test_the_likelier_original_stays_and_the_step_says_why(left, right, sides, step):
    assert keeper(left, right, sides) == ("b", [step])


def test_more_white_around_a_packshot_is_not_called_more_of_its_scene():
    """A wider margin of plain ground stays by the same step as a photograph that shows more."""
    [group] = projected(A, B, link(A, B, sides=Sides(Side(1.0), Side(0.6)))).groups()
    assert [reason.sentence for reason in group.reasons] == ["it shows more around what all show"]


def test_no_thumbnail_stays_because_a_line_at_the_edge_of_its_original_is_taken_for_a_frame():
    large, framed = image("a", width=750, height=550, detail_side=750), Sides(Side(is_framed=True), Side())
    assert keeper(large, image("b", width=128, height=94, detail_side=128), framed) == ("a", [KeeperStep.DETAIL])
    enlarged = image("a", width=750, height=550, detail_side=130)
    assert keeper(enlarged, image("b", width=128, height=94, detail_side=128), framed) == ("b", [KeeperStep.CLEAR])


@pytest.mark.parametrize(("view", "expected"), [("upright", ("b", "a")), ("turned_90", ("a", "b"))])
def test_the_screen_of_a_phone_does_not_stay_for_the_photo_that_it_shows_between_bars(view: str, expected: tuple):
    """It is 2.6 times as long as the photo, which fills 1,080 of its pixels across, and 1,944 along."""
    screen = image("a", width=1080, height=2340, detail_side=2340)
    photo = image("b", width=900, height=500, detail_side=900)
    framed = link(screen, photo, sides=Sides(Side(is_framed=True), Side()), view=view)
    [group] = projected(screen, photo, framed).groups()
    assert names(group) == expected


@pytest.mark.parametrize("height", [333, 334])
def test_rounding_makes_no_half_size_copy_the_one_to_keep(height: int):
    large, framed = image("a", width=1000, height=667), Sides(Side(is_framed=True), Side())
    assert keeper(large, image("b", width=500, height=height), framed) == ("a", [KeeperStep.DETAIL])


@pytest.mark.parametrize(("coarser", "expected"), [(70, "a"), (74, "b"), (75, "b")])
def test_a_coarser_save_that_hides_those_before_is_not_taken_for_the_first_one(coarser, expected):
    """The original was saved with 75, then finer. 74 leaves the steps of 75 where they are looked for."""
    original, copy = image("a", quality=75, saved_again=True), image("b", quality=coarser)
    assert keeper(original, copy) == (expected, [KeeperStep.FIRST_SAVE] * (expected == "b"))


def test_what_lies_over_a_picture_counts_where_the_verdict_says_that_something_does():
    """A brighter, smaller or cut copy has lost edges, and then the original looks as if it had some more."""
    sides = Sides(Side(is_overlaid=True), Side())
    [altered] = projected(A, B, link(A, B, ALTERED, sides)).groups()
    assert (names(altered), altered.reasons[0].step) == (("b", "a"), KeeperStep.CLEAR)
    [recolored] = projected(A, B, link(A, B, VerdictKind.COLOR_VARIANT, sides)).groups()
    assert (names(recolored), recolored.reasons) == (("a", "b"), ())
    assert keeper(A, B, sides) == ("a", [])


@pytest.mark.parametrize(
    ("sides", "is_unsure"),
    [
        (ALIKE, True),
        (Sides(Side(is_overlaid=True), Side(is_framed=True)), True),
        (Sides(Side(0.99), Side(0.6)), True),
        (Sides(Side(is_overlaid=True), Side()), False),
        (Sides(Side(), Side(is_framed=True)), False),
    ],
)
def test_who_is_kept_of_an_altered_pair_is_sure_where_one_of_them_alone_is_covered(sides: Sides, is_unsure: bool):
    [group] = projected(image("a", added_at=1), image("b", added_at=9), link(A, B, ALTERED, sides)).groups()
    assert (group.is_unsure, group.members[0].is_unsure) == (is_unsure, is_unsure)
    assert (UNSURE in group.why) == is_unsure
    [copies] = projected(A, B, link(A, B, sides=sides)).groups()
    assert not copies.is_unsure


@pytest.mark.parametrize(("decision", "is_unsure"), [(Decision.DUPLICATE, True), (Decision.KEEP_BOTH, False)])
def test_who_keeps_both_need_not_choose(decision: Decision, is_unsure: bool):
    [group] = projected(A, B, link(A, B, ALTERED), Decided.of(A, B, decision, at=1)).groups()
    assert (group.is_unsure, group.bytes_to_gain) == (is_unsure, 0)
    [chosen] = projected(A, B, link(A, B, ALTERED), Decided.of(A, B, decision, keeper=B.image_id, at=1)).groups()
    assert not chosen.is_unsure


def test_of_three_the_one_that_was_turned_goes():
    sideways = [link(A, B, view="mirrored"), link(A, C, view="mirrored"), link(B, C)]
    [group] = projected(A, B, C, *sideways).groups()
    assert names(group)[0] == "b"
    assert group.reasons[0].step is KeeperStep.UPRIGHT


def test_a_protected_prefix_stands_before_everything_and_a_person_before_the_rest():
    catalog = image("z", path="images/catalog/z.jpg", width=40)
    policy = KeeperPolicy(protected_prefixes=("catalog/",))
    chosen = Decided.of(A, catalog, Decision.DUPLICATE, keeper=A.image_id, at=1)
    assert keeper(A, catalog, policy=policy)[0] == "catalog/z"
    [group] = projected(A, catalog, link(A, catalog), chosen, policy=policy).groups()
    assert group.keeper == catalog
    assert group.reasons[0].sentence == "it is under catalog/"
    [group] = projected(A, catalog, link(A, catalog), chosen).groups()
    assert (group.keeper, group.reasons[0].step) == (A, KeeperStep.PERSON)


def test_the_steps_can_be_set():
    earlier_first = KeeperPolicy(steps=(KeeperStep.EARLIER, KeeperStep.DETAIL))
    assert keeper(image("a", added_at=1, width=9), image("b", added_at=2), policy=earlier_first)[0] == "a"


def test_two_alike_in_everything_give_the_first_name():
    assert keeper(B, A) == ("a", [])


@pytest.mark.parametrize("delivered", ["WEBP", "AVIF", "GIF"])
def test_what_is_made_for_pages_is_not_the_original(delivered: str):
    page, saved = image("a", format=delivered, added_at=1), image("b", format="JPEG", quality=60, added_at=2)
    [group] = projected(page, saved, link(page, saved)).groups()
    assert group.keeper == saved
    assert [reason.step for reason in group.reasons] == [KeeperStep.QUALITY]


def test_a_long_chain_falls_into_pairs():
    images = [image(f"{number:04}") for number in range(301)]
    links = [link(left, right) for left, right in pairwise(images)]
    groups = found(*images, *links)
    assert groups == [(f"{number:04}", f"{number + 1:04}") for number in range(0, 300, 2)]


def test_of_a_star_that_lost_its_center_nothing_is_left():
    """The center is a copy of all of them, and of no two of them it is known that they are copies."""
    leaves = [image(f"a{number}") for number in range(5)]
    assert found(A, *leaves, *(link(A, leaf) for leaf in leaves)) == [("a", *(f"a{number}" for number in range(5)))]
    center = image("zz")
    assert found(center, *leaves, *(link(center, leaf) for leaf in leaves)) == [("a0", "zz")]


def test_what_nobody_is_linked_to_any_more_has_no_say():
    """A takes B. C and D are left, and E, which only B was linked to and whose file would win by its size."""
    large = image("e", width=900)
    links = [link(A, B), link(B, large, VerdictKind.DUPLICATE), link(B, C), link(C, D)]
    chosen = Decided.of(A, B, Decision.DUPLICATE, keeper=A.image_id, at=1)
    assert found(A, B, C, D, large, *links, chosen) == [("a", "b"), ("c", "d")]


def test_when_a_keeper_is_gone_the_next_one_stays_until_it_comes_back():
    best = image("c", width=900)
    links = [link(A, B), link(A, best), link(B, best)]
    assert found(A, B, best, *links) == [("c", "a", "b")]
    gone = image("c", width=900, version=2, is_alive=False)
    assert found(A, B, best, *links, gone) == [("a", "b")]
    back = image("c", width=900, version=3)
    assert found(A, B, best, *links, gone, back, link(A, back), link(B, back)) == [("c", "a", "b")]
    last = [image(name, version=2, is_alive=False) for name in "ab"]
    assert found(A, B, best, *links, *last) == []


def test_a_choice_that_was_taken_back_or_lapsed_elects_nobody():
    better = image("b", width=900)
    chosen = Decided.of(A, better, Decision.DUPLICATE, keeper=A.image_id, at=1)
    assert found(A, better, link(A, better), chosen) == [("a", "b")]
    assert found(A, better, link(A, better), chosen, Decided.of(A, better, None, at=2)) == [("b", "a")]
    other = image("b", width=900, version=2, content=b"other".ljust(16))
    assert found(A, other, link(A, other), chosen) == [("b", "a")]
    again = Decided.of(A, better, Decision.DUPLICATE, keeper=better.image_id, at=3)
    assert found(A, better, link(A, better), again, chosen) == [("b", "a")]  # the later word, whenever it comes


def test_the_first_prefix_protects_before_the_second_and_of_equals_the_steps_decide():
    policy = KeeperPolicy(protected_prefixes=("master/", "catalog/"))
    catalog = image("a", path="images/catalog/a.jpg", width=900)
    masters = image("b", path="images/master/b.jpg"), image("c", path="images/master/c.jpg", width=500)
    links = [link(left, right) for left, right in combinations((catalog, *masters), 2)]
    [group] = projected(catalog, *masters, *links, policy=policy).groups()
    assert group.keeper == masters[1]
    assert group.reasons[0].sentence == "it is under master/"
    assert [reason.step for reason in group.reasons] == [KeeperStep.PREFIX, KeeperStep.DETAIL]
    elsewhere = image("a", path="master/a.jpg")  # the container is no prefix
    assert policy.protection(elsewhere.path) == 2


@pytest.mark.parametrize(
    ("prefix", "name", "is_protected"),
    [
        ("catalog/", "catalog/a.jpg", True),
        ("images/catalog/", "catalog/a.jpg", True),  # as the command prints names
        ("/catalog/", "catalog/a.jpg", True),
        ("50%20off/", "50%20off/a.jpg", True),  # which is shown as 50%2520off/a.jpg
        ("50%2520off/", "50%20off/a.jpg", True),
        ("caf\u00e9/", "cafe\u0301/a.jpg", True),
        ("cafe\u0301/", "caf\u00e9/a.jpg", True),
        ("catalog/", "Catalog/a.jpg", False),
        ("catalog/", "shop/catalog/a.jpg", False),
        ("images/", "catalog/a.jpg", False),
        ("images/", "images/a.jpg", True),
    ],
)
def test_a_prefix_protects_however_it_is_written(prefix: str, name: str, is_protected: bool):
    policy = KeeperPolicy(protected_prefixes=(prefix,))
    assert (policy.protection(str(ImagePath("images", name))) == 0) is is_protected


def test_a_group_of_identical_files_loses_who_was_overwritten_and_stays_identical():
    same = b"same".ljust(16)
    first, second, third = (image(name, content=same, added_at=at) for name, at in (("a", 3), ("b", 1), ("c", 2)))
    identical = [link(left, right, VerdictKind.IDENTICAL) for left, right in combinations((first, second, third), 2)]
    [group] = projected(first, second, third, *identical).groups()
    assert (names(group), group.is_identical) == (("b", "a", "c"), True)  # the earliest stays
    other = image("b", version=2, content=b"other".ljust(16), added_at=9)
    [left] = projected(first, second, third, *identical, other).groups()
    assert (names(left), left.is_identical) == (("c", "a"), True)
    [mixed] = projected(first, second, third, *identical, other, link(other, third, at=20)).groups()
    assert mixed.is_identical == (other.image_id not in {it.image_id for it in mixed.images})
    unknown = image("d", content=b"")
    [unsure] = projected(unknown, image("e", content=b""), link(unknown, image("e", content=b""))).groups()
    assert not unsure.is_identical


def test_two_copies_of_one_picture_that_a_person_told_apart_stay_copies_of_it():
    best = image("c", width=900)
    apart = Decided.of(A, B, Decision.NOT_DUPLICATE, at=1)
    groups = projected(A, B, best, link(A, B), link(A, best), link(B, best), apart).groups()
    assert sorted((group.family.value, names(group)) for group in groups) == [
        ("duplicate", ("c", "a", "b")),
        ("not_duplicate", ("a", "b")),
    ]


def test_what_a_person_wants_to_keep_is_no_gain():
    groups = projected(
        image("a", width=900), image("b", byte_size=70), image("c", byte_size=5),
        link(image("a"), B), link(image("a"), C), Decided.of(image("a"), B, Decision.KEEP_BOTH, at=1),
    ).groups()  # fmt: skip
    assert [(names(group), group.bytes_to_gain, group.is_decided) for group in groups] == [(("a", "b", "c"), 5, False)]
