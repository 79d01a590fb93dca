"""A write whose answer is lost: the client sends it once more, and that one is refused because the first has worked."""

import pytest

from dedup_core.comparison.verdict import VerdictKind
from tests.app.world import World, copy_of, photo
from tests.memory import MemoryEntities, MemorySender

WRITES = range(1, 6)  # of a features row, more than any of these takes


def lose_an_answer(table: MemoryEntities, number: int) -> None:
    """Let the write of this number work, and look as if somebody else had been faster."""
    written = 0

    def losing(write):
        def call(*args, **kwargs):
            nonlocal written
            tag = write(*args, **kwargs)
            written += tag is not None
            return None if written == number else tag

        return call

    table.create, table.update = losing(table.create), losing(table.update)


@pytest.mark.parametrize("number", WRITES)
def test_a_pair_that_was_looked_at_while_its_image_was_away_is_looked_at_again_whichever_answer_is_lost(number):
    world = World(plain_index=True)
    a, b = world.upload_and_ingest("a.png", photo(1)), world.upload_and_ingest("b.png", copy_of(1))
    world.images.delete(a)
    world.verify_all()
    assert world.pair(a, b).verdict.kind is VerdictKind.UNVERIFIABLE
    world.upload("a.png", photo(1))
    lose_an_answer(world.features.entities, number)
    world.services.ingest.ingest(a)
    world.verify_all()
    assert world.pair(a, b).verdict.kind is VerdictKind.DUPLICATE


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("number", WRITES)
def test_a_file_that_cannot_be_read_is_told_whichever_answer_is_lost(number, known):
    told = MemorySender()
    world = World(plain_index=True, told=told)
    if known:
        world.upload_and_ingest("a.png", photo(1))
    a = world.upload("a.png", b"Dear Sir or Madam")
    lose_an_answer(world.features.entities, number)
    world.services.ingest.ingest(a)
    assert {event["id"] for event in told.events} == {told.events[0]["id"]}
    assert told.events[0]["type"] == "NearDuplicateImages.ImageRejected"
