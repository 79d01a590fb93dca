"""Whoever wants to know is told: after it is stored, at least once, with an id that is the same each time."""

import json
from dataclasses import replace
from typing import Any

import pytest

from dedup_app.feedback.decisions import Act
from dedup_app.ports.image_status import DELETED
from dedup_app.records.notices import IMAGE_REJECTED, PAIR_DECIDED, PAIR_VERIFIED, Notices
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import TemporaryError
from dedup_core.groups.facts import FAMILIES
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath
from tests.app.world import Crash, World, copy_of, photo
from tests.memory import MemorySender

A, B, C = (ImagePath("images", name) for name in ("a.png", "b.jpg", "c.png"))


@pytest.fixture
def told() -> MemorySender:
    return MemorySender()


@pytest.fixture
def world(told: MemorySender) -> World:
    return World(plain_index=True, told=told)


def of_kind(told: MemorySender, kind: str) -> list[dict]:
    return [event for event in told.events if event["type"] == kind]


def test_a_verdict_that_links_pictures_is_told_as_a_cloud_event(world: World, told: MemorySender):
    world.upload_and_ingest(A.name, photo(1))
    world.upload_and_ingest(B.name, copy_of(1))
    assert told.events == []
    world.verify_all()
    [event] = told.events
    assert (event["specversion"], event["type"], event["subject"]) == ("1.0", PAIR_VERIFIED, str(B))
    assert event["data"]["same_picture"] is True
    assert (event["data"]["left"]["path"], event["data"]["right"]["path"]) == (str(B), str(A))
    assert event["data"]["verdict"] == "duplicate"
    assert event["data"]["reasons"]
    assert json.loads(json.dumps(event)) == event


def test_files_with_the_same_bytes_are_told_without_a_verification(world: World, told: MemorySender):
    world.upload_and_ingest(A.name, photo(1))
    world.upload_and_ingest(C.name, photo(1))
    assert [(it["subject"], it["data"]["verdict"]) for it in told.events] == [(str(C), "identical")]


def test_pictures_that_are_not_alike_are_not_told(world: World, told: MemorySender):
    world.upload_and_ingest(A.name, photo(1))
    world.upload_and_ingest(B.name, photo(2))
    world.verify_all()
    assert told.events == []


@pytest.mark.parametrize("kind", VerdictKind)
def test_of_verdicts_those_that_link_pictures_are_told(world: World, told: MemorySender, kind: VerdictKind):
    pair = replace(pair_of(world), verdict=replace(pair_of(world).verdict, kind=kind))
    told.events.clear()
    Notices([told], "photos", "images").pairs([pair])
    assert [it["data"]["verdict"] for it in told.events] == ([kind.value] if kind in FAMILIES else [])
    assert (VerdictKind.DISTINCT in FAMILIES, VerdictKind.UNVERIFIABLE in FAMILIES) == (False, False)


@pytest.mark.parametrize(
    ("reasons", "kept"),
    [
        (("short", "and sweet"), ["short", "and sweet"]),
        (("a" * 3_000, "never"), ["a" * 2_000]),
        (("a" * 1_500, "b" * 1_500, "never"), ["a" * 1_500, "b" * 500]),
        (("a" * 2_000, "never"), ["a" * 2_000]),
    ],
)
def test_no_more_of_the_reasons_is_told_than_a_message_takes(
    world: World, told: MemorySender, reasons: tuple[str, ...], kept: list[str]
):
    pair = replace(pair_of(world), verdict=replace(pair_of(world).verdict, reasons=reasons))
    told.events.clear()
    Notices([told], "photos", "images").pairs([pair])
    assert [it["data"]["reasons"] for it in told.events] == [kept]


def pair_of(world: World) -> Any:
    """Two copies with their verdict."""
    if world.features.get(A.image_id) is None:
        world.upload_and_ingest(A.name, photo(1))
        world.upload_and_ingest(C.name, photo(1))
    return world.pair(A, C)


def test_the_same_verdict_has_the_same_id_and_another_content_another_one(world: World, told: MemorySender):
    for data in (photo(1), photo(1), photo(2)):
        world.upload_and_ingest(A.name, data)
        world.upload_and_ingest(C.name, data)
        world.verify_all()
    ids = [it["id"] for it in of_kind(told, PAIR_VERIFIED)]
    assert len(ids) >= 2
    world.services.ingest.ingest(C, force=True)
    world.verify_all()
    assert {it["id"] for it in of_kind(told, PAIR_VERIFIED)} == set(ids)


def test_a_decision_is_told_with_who_made_it_and_so_is_taking_it_back(world: World, told: MemorySender):
    world.upload_and_ingest(A.name, photo(1))
    world.upload_and_ingest(C.name, photo(1))
    world.services.decisions.decide_pair(A, C, Act.KEEPER, "ann", A)
    world.services.decisions.decide_pair(A, C, Act.UNDO, "ann")
    first, second = of_kind(told, PAIR_DECIDED)
    assert (first["data"]["decision"], first["data"]["keeper"], first["data"]["by"]) == ("duplicate", str(A), "ann")
    assert second["data"]["decision"] is None
    assert first["id"] != second["id"]


@pytest.mark.parametrize("known", [False, True])
def test_a_file_that_cannot_be_read_is_told(world: World, told: MemorySender, known: bool):
    if known:
        world.upload_and_ingest(A.name, photo(1))
    world.upload_and_ingest(A.name, b"no picture")
    [event] = of_kind(told, IMAGE_REJECTED)
    assert (event["subject"], event["data"]["reason"]) == (str(A), "unsupported-format")
    world.images.delete(A)
    world.services.ingest.ingest(A)
    row = world.features.get(A.image_id)
    assert row is not None
    assert row.status == DELETED
    assert len(told.events) == 1


def test_nothing_is_told_before_it_is_stored(world: World, told: MemorySender):
    """At each step at which something is sent, what it tells can be read already."""
    seen: list[str] = []

    def look(_number: int, step: str) -> None:
        if step == "told.send":
            seen.append("pair" if any(it.verdict for it in world.pairs.all()) else "row")
            assert any(it.verdict for it in world.pairs.all()) or any(world.features.rejected())

    world.before = look
    world.upload_and_ingest(B.name, b"no picture")
    world.upload_and_ingest(A.name, photo(1))
    world.upload_and_ingest(C.name, copy_of(1))
    world.verify_all()
    assert seen == ["row", "pair"]


def test_a_receiver_that_is_down_loses_nothing(world: World, told: MemorySender):
    world.upload_and_ingest(A.name, photo(1))
    world.upload_and_ingest(B.name, copy_of(1))
    [message] = world.verify_queue.messages
    told.is_down = True
    for _ in range(2):
        with pytest.raises(TemporaryError, match="could not be told"):
            world.services.verify.handle_message(message.to_json(), "1")
    assert world.pair(A, B).verdict is not None  # stored all the same
    world.upload(C.name, b"no picture")
    world.services.ingest.handle_blob("images", C.name)
    assert IngestMessage(C) in world.ingest_queue.messages  # to be tried again
    told.is_down = False
    world.services.verify.handle_message(message.to_json(), "1")
    world.services.ingest.ingest(C)
    assert {it["type"] for it in told.events} == {PAIR_VERIFIED, IMAGE_REJECTED}


def test_whoever_dies_before_it_is_told_comes_again(world: World, told: MemorySender):
    world.upload_and_ingest(A.name, photo(1))
    for name, data in ((C.name, photo(1)), (B.name, b"no picture")):
        world.upload(name, data)

        def die(_number: int, step: str) -> None:
            if step == "told.send":
                raise Crash

        world.before = die
        with pytest.raises(Crash):
            world.services.ingest.ingest(ImagePath("images", name))
        world.before = lambda _number, _step: None
        assert told.events == []
        world.start_process("second").ingest.ingest(ImagePath("images", name))
        assert len(told.events) == 1
        told.events.clear()
