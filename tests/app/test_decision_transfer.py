"""Decisions leave one account and hold in another: who, when and about which bytes; twice is as good as once."""

import json
from datetime import timedelta

import pytest

from dedup_app.feedback.decision_lines import InvalidDecisionLine, parse_line
from dedup_app.feedback.decisions import Act
from dedup_core.groups.facts import Decision, Family
from dedup_core.paths import ImagePath
from tests.app.world import World, copy_of, photo

A, B, C = (ImagePath("images", name) for name in ("a.jpg", "b 50%25 ü.jpg", "c.jpg"))
EVERY = frozenset(Family)


def with_images(*names: str, container: str = "images") -> World:
    """An account with these images in it, looked at and compared."""
    world = World(image_container=container)
    for path, data in ((A, photo(1)), (B, copy_of(1)), (C, photo(2))):
        if path.name in names:
            here = ImagePath(container, path.name)
            world.images.put(here, data)
            world.services.ingest.ingest(here)
    world.verify_all()
    return world


@pytest.fixture
def here() -> World:
    """Three decisions about two pairs."""
    world = with_images(A.name, B.name, C.name)
    decide = world.services.decisions.decide_pair
    decide(A, B, Act.KEEPER, "ann", keeper=B)
    world.time += timedelta(hours=1)
    decide(A, B, Act.NOT_DUPLICATE, "bob")
    decide(A, C, Act.DUPLICATE, "ann")  # nothing that the app would have found
    return world


def exported(world: World) -> list[bytes]:
    return [line.encode() for line in world.services.decision_transfer.export()]


def take_in(world: World, lines: list[bytes], **options):
    return world.services.decision_transfer.take_in(lines, **options)


def families(world: World) -> list[Family]:
    return sorted(group.family for group in world.start_process("a page").groups.groups(EVERY))


def test_everything_that_was_decided_holds_in_another_account_and_comes_out_of_it_the_same(here):
    there = with_images(A.name, B.name, C.name)
    report = take_in(there, exported(here))
    assert (report.written, report.known, report.absent, report.refused) == (2, 0, set(), [])
    assert exported(there) == exported(here)
    decided = there.pair(A, B)
    assert (decided.decision, decided.decided.by) == ("not_duplicate", "bob")
    assert [(it.decision, it.by) for it in decided.decision_history] == [(Decision.DUPLICATE, "ann")]
    assert families(there) == families(here)


def test_it_goes_back_the_same_way_and_twice_changes_nothing(here):
    lines = exported(here)
    report = take_in(here, lines)
    assert (report.written, report.known) == (0, 2)
    assert exported(here) == lines


def test_a_backup_of_many_pairs_asks_for_their_images_together_and_tells_what_is_known_in_one_block(here):
    lines = exported(here)
    here.calls.clear()
    assert take_in(here, lines).known == 2
    assert sorted(here.calls) == ["features.summaries", "pairs.get", "pairs.get", "verdict_log.append"]


def test_two_lines_about_one_pair_count_one_after_the_other(here):
    there = with_images(A.name, B.name, C.name)
    first, second = decision(at="2026-11-26T07:00:00Z"), decision(at="2026-11-26T08:00:00Z", by="bob")
    report = take_in(there, [first, second, first])
    assert (report.written, report.older) == (2, 1)
    assert [it.by for it in there.pair(A, C).decision_history] == ["ann"]


def test_of_two_words_the_later_one_holds_and_the_earlier_is_remembered(here):
    there = with_images(A.name, B.name, C.name)
    there.time = here.time + timedelta(days=1)
    there.services.decisions.decide_pair(A, B, Act.KEEP_BOTH, "eve")
    report = take_in(there, exported(here))
    assert (report.written, report.older) == (1, 1)
    assert there.pair(A, B).decision == "keep_both"
    back = take_in(here, exported(there))
    assert (back.written, back.known) == (1, 1)
    assert [it.by for it in here.pair(A, B).decision_history] == ["ann", "bob"]
    assert here.services.decisions.decide_pair(A, B, Act.UNDO, "ann").decided.by == "bob"
    assert take_in(there, exported(here)).written == 1


def test_a_decision_that_was_taken_back_is_taken_back_there_too(here):
    there = with_images(A.name, B.name, C.name)
    take_in(there, exported(here))
    here.services.decisions.decide_pair(A, C, Act.UNDO, "ann")
    assert take_in(there, exported(here)).written == 1
    assert there.pair(A, C).decision is None


def test_what_is_decided_about_images_that_come_later_waits_for_them(here):
    there = with_images(A.name)
    assert take_in(there, exported(here)).absent == {B, C}
    assert there.services.reconcile.reconcile().complete == 1
    for path, data in ((B, copy_of(1)), (C, photo(2))):
        there.images.put(path, data)
        there.services.ingest.ingest(path)
    there.verify_all()
    assert there.pair(A, B).decision == "not_duplicate"
    assert families(there) == [Family.APART]
    report = take_in(there, exported(here))  # what the app did not find alike is in its group now
    assert (report.known, report.absent) == (2, set())
    assert families(there) == families(here)


def test_a_decision_is_about_bytes_and_says_so_where_others_are(here):
    there = with_images(A.name, B.name, C.name)
    there.images.put(B, photo(3))
    there.services.ingest.ingest(B)
    assert take_in(there, exported(here)).about_other_bytes == 1
    assert families(there) == [Family.SAME]  # a and c; b is another picture


def test_images_may_be_in_a_container_of_another_name(here):
    there = with_images(A.name, B.name, C.name, container="photos")
    assert len(take_in(there, exported(here)).refused) == 2
    assert take_in(there, exported(here), exported_from="images").written == 2
    assert there.pair(ImagePath("photos", A.name), ImagePath("photos", B.name)).decision == "not_duplicate"


GOOD = {
    "left": "images/a.jpg",
    "right": "images/c.jpg",
    "decisions": [
        {
            "decision": "duplicate",
            "keeper": None,
            "left_content": "",
            "right_content": "ab" * 16,
            "by": "ann",
            "at": "2026-11-26T07:00:00+00:00",
        }
    ],
}


def line(**changes: object) -> bytes:
    return json.dumps(GOOD | changes).encode()


def decision(**changes: object) -> bytes:
    return line(decisions=[GOOD["decisions"][0] | changes])


BAD = {
    b"nonsense": "it is no JSON",
    b"[" * 20_000: "its JSON is nested too deep",
    b'{"left": "\xff"}': "not text in UTF-8",
    b"[]": "an object",
    line(left=7): "'left' must name",
    line(left="elsewhere/a.jpg"): "'left': ",
    line(right="images/a.jpg"): "both sides",
    line(decisions=[]): "at least one",
    line(decisions={}): "at least one",
    line(decisions=["duplicate"]): "an object",
    decision(decision="perhaps"): "'decision' must be",
    decision(decision=["duplicate"]): "'decision' must be",
    decision(keeper="images/a.jpg"): "'keeper' must be",
    decision(left_content="xyz"): "32 hexadecimal digits",
    decision(right_content="ab"): "32 hexadecimal digits",
    decision(by=None): "'by' must be",
    decision(by="x" * 201): "'by' must be",
    decision(by="\ud800"): "'by' must be",
    decision(at="2026-11-26T07:00:00"): "time zone",
    decision(at="1926-11-26T07:00:00+00:00"): "time zone",
    decision(at=7): "time zone",
    decision(at="9999-12-31T23:59:59.999999+00:00"): "'at'",
    decision(at="9999-12-31T23:59:59-12:00"): "'at'",
    line(decisions=[GOOD["decisions"][0], GOOD["decisions"][0] | {"at": "2025-01-01T00:00:00Z"}]): "in the order",
}


@pytest.mark.parametrize("text", BAD, ids=list(range(len(BAD))))
def test_a_line_that_is_none_is_refused_with_what_is_wrong(text):
    with pytest.raises(InvalidDecisionLine) as refused:
        parse_line(text, container="images")
    assert BAD[text] in str(refused.value)


def test_bad_lines_are_told_by_their_numbers_and_the_others_go_in():
    world = with_images(A.name, C.name)
    report = take_in(world, [b"\n", b"nonsense\n", line() + b"\n", b"{}\n"])
    assert [number for number, _ in report.refused] == [2, 4]
    assert report.written == 1
    assert world.pair(A, C).decision == "duplicate"
