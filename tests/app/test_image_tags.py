"""The tags of blobs say what is known of their images, follow every change, and leave those of others alone."""

import logging
from collections.abc import Collection, Iterable

import pytest

from dedup_app.feedback.decisions import Act
from dedup_app.ports.features import FeaturesRow, ImageSummary
from dedup_app.ports.image_status import DELETED, INDEXED
from dedup_app.ports.pairs import PairRow
from dedup_app.records.image_tags import AT_ONCE, DECISION, MOST_PAIRS, MOST_TAGS, VERDICT, ImageTags, merged
from dedup_core.comparison.verdict import Verdict, VerdictKind
from dedup_core.errors import PermanentError, StoreBusy, TemporaryError
from dedup_core.paths import ImagePath
from tests.app.world import NOON, Crash, World, copy_of, photo
from tests.memory import MemoryFeaturesTable
from tests.storage.examples import some_features

A, B, C = (ImagePath("images", name) for name in ("a.png", "b.jpg", "c.png"))


@pytest.fixture
def world() -> World:
    return World(plain_index=True, tag_images=True)


def with_a_copy(world: World) -> None:
    world.upload_and_ingest(A.name, photo(1))
    world.upload_and_ingest(B.name, copy_of(1))
    world.verify_all()


def test_both_images_of_a_pair_tell_its_verdict_and_others_nothing(world: World):
    with_a_copy(world)
    world.upload_and_ingest(C.name, photo(2))
    world.verify_all()
    assert [world.tags.of(it) for it in (A, B, C)] == [{VERDICT: "duplicate"}, {VERDICT: "duplicate"}, {}]


def test_the_strongest_verdict_of_all_pairs_is_told(world: World):
    with_a_copy(world)
    world.upload_and_ingest(C.name, photo(1))
    world.verify_all()
    assert [world.tags.of(it)[VERDICT] for it in (A, B, C)] == ["identical", "duplicate", "identical"]


def test_nothing_is_asked_of_tags_unless_they_are_on():
    world = World(plain_index=True)
    with_a_copy(world)
    assert not [step for step in world.calls if step.startswith("tags.")]
    assert world.tags.of(A) == {}


def test_tags_of_others_stay(world: World):
    world.upload_and_ingest(A.name, photo(1))
    world.tags.put(A, {"project": "spring", VERDICT: "altered"})
    world.upload_and_ingest(B.name, copy_of(1))
    world.verify_all()
    assert world.tags.of(A) == {"project": "spring", VERDICT: "duplicate"}
    world.services.decisions.decide_pair(A, B, Act.NOT_DUPLICATE, "ann")
    assert world.tags.of(A) == {"project": "spring"}


def test_where_there_is_no_room_those_of_others_stay_alone():
    others = {f"tag {number}": "" for number in range(MOST_TAGS)}
    wanted = {VERDICT: "duplicate", DECISION: "copy"}
    assert merged(others, wanted) == others
    others.popitem()
    assert merged(others, wanted) == others | {VERDICT: "duplicate"}


@pytest.mark.parametrize(
    ("act", "of_a", "of_b"),
    [
        (Act.KEEPER, {VERDICT: "duplicate", DECISION: "keeper"}, {VERDICT: "duplicate", DECISION: "copy"}),
        (Act.DUPLICATE, *2 * [{VERDICT: "duplicate", DECISION: "duplicate"}]),
        (Act.NOT_DUPLICATE, {}, {}),
        (Act.KEEP_BOTH, {}, {}),
    ],
)
def test_a_decision_is_told_and_taking_it_back_too(world: World, act: Act, of_a: dict[str, str], of_b: dict[str, str]):
    with_a_copy(world)
    world.services.decisions.decide_pair(A, B, act, "ann", A if act is Act.KEEPER else None)
    assert (world.tags.of(A), world.tags.of(B)) == (of_a, of_b)
    world.services.decisions.decide_pair(A, B, Act.UNDO, "ann")
    assert world.tags.of(A) == world.tags.of(B) == {VERDICT: "duplicate"}


def test_two_images_that_only_a_person_calls_copies_are_tagged(world: World):
    world.upload_and_ingest(A.name, photo(1))
    world.upload_and_ingest(C.name, photo(2))
    world.services.decisions.decide_pair(A, C, Act.DUPLICATE, "ann")
    assert world.tags.of(C) == {VERDICT: "duplicate", DECISION: "duplicate"}


def test_a_copy_of_two_keepers_may_go_and_who_was_chosen_once_and_not_elsewhere_may_too(world: World):
    with_a_copy(world)
    world.upload_and_ingest(C.name, photo(1))
    world.verify_all()
    world.services.decisions.decide_pair(A, B, Act.KEEPER, "ann", A)
    world.services.decisions.decide_pair(A, C, Act.KEEPER, "ann", C)
    assert [world.tags.of(it)[DECISION] for it in (A, B, C)] == ["copy", "copy", "keeper"]


def test_where_the_other_image_is_deleted_or_becomes_another_one_nothing_is_told_any_more(world: World):
    with_a_copy(world)
    world.images.delete(B)
    world.services.ingest.ingest(B)
    assert world.tags.of(A) == {}
    world.upload_and_ingest(B.name, copy_of(1))
    world.verify_all()
    assert world.tags.of(A) == world.tags.of(B) == {VERDICT: "duplicate"}
    world.upload_and_ingest(B.name, photo(2))
    world.verify_all()
    assert world.tags.of(A) == world.tags.of(B) == {}
    world.upload_and_ingest(B.name, b"no picture")
    assert world.tags.of(A) == {}


def test_the_same_bytes_uploaded_again_get_their_tags_back(world: World):
    with_a_copy(world)
    world.upload_and_ingest(B.name, copy_of(1))
    assert world.tags.of(B) == {VERDICT: "duplicate"}


def test_a_verdict_that_comes_while_another_process_tags_is_not_lost(world: World):
    with_a_copy(world)
    other = world.start_process("second")
    for step in range(60):
        decided = [other.decisions.decide_pair(A, B, Act.UNDO, "ann")] if world.tags.of(A).get(DECISION) else []
        assert len(decided) == (step > 0)
        happened = world.interrupt(
            step,
            lambda: other.decisions.decide_pair(A, B, Act.KEEPER, "ann", A),
            lambda: world.services.ingest.ingest(B, force=True),
        )
        if not happened:
            return
        assert (world.tags.of(A)[DECISION], world.tags.of(B)[DECISION]) == ("keeper", "copy"), step
    pytest.fail("the handler takes more steps than this test looks at")


def test_a_process_that_dies_at_any_step_is_made_up_for_by_the_next_try(world: World):
    def die() -> None:
        raise Crash

    world.upload_and_ingest(A.name, photo(1))
    world.upload_and_ingest(B.name, copy_of(1))
    [message] = world.verify_queue.messages
    for step in range(1, 60):
        world.tags = type(world.tags)(world.images)
        world.services = world.start_process(f"process {step}")
        try:
            happened = world.interrupt(step, die, lambda: world.services.verify.verify(message))
        except Crash:
            happened = True
            world.before = lambda _number, _step: None
            world.services.verify.verify(message)
        assert world.tags.of(A) == world.tags.of(B) == {VERDICT: "duplicate"}
        if not happened:
            return
    pytest.fail("the handler takes more steps than this test looks at")


def test_without_the_right_it_is_said_once_and_everything_else_goes_on(world: World, caplog: pytest.LogCaptureFixture):
    world.tags.failure = TemporaryError("AuthorizationPermissionMismatch", reason="access-denied")
    with caplog.at_level(logging.WARNING):
        with_a_copy(world)
        world.upload_and_ingest(C.name, photo(1))
        world.verify_all()
    assert len(world.current_pairs()) == 3
    assert [it for it in caplog.messages if "tags_denied" in it] == [caplog.messages[0]]


def test_a_blob_that_can_have_no_tags_stops_nothing(world: World, caplog: pytest.LogCaptureFixture):
    world.tags.failure = PermanentError("it is leased", reason="store-refused")
    with_a_copy(world)
    assert len(world.current_pairs()) == 1
    assert {it.image_id for it in (A, B)} == {
        path.image_id
        for path in (A, B)
        if any("image_not_tagged" in it and path.image_id in it for it in caplog.messages)
    }


def test_a_right_on_tables_that_is_missing_is_not_taken_for_that_to_tag(world: World):
    def denied(_number: int, step: str) -> None:
        if step == "pairs.of_image":
            raise TemporaryError("AuthorizationPermissionMismatch", reason="access-denied")

    world.upload_and_ingest(A.name, photo(1))
    world.upload_and_ingest(B.name, copy_of(1))
    world.before = denied
    with pytest.raises(TemporaryError, match="AuthorizationPermissionMismatch"):
        world.services.verify.verify(world.verify_queue.messages[0])


def ingest_while_tags_are_busy(world: World, path: ImagePath, times: int) -> None:
    """And once more when they are not."""
    world.tags.failure = StoreBusy("later")
    for _ in range(times):
        with pytest.raises(StoreBusy):
            world.services.ingest.ingest(path)
    world.tags.failure = None
    world.services.ingest.ingest(path)


def test_the_same_bytes_uploaded_again_while_tags_are_busy_get_them_with_the_next_try(world: World):
    with_a_copy(world)
    world.upload(B.name, copy_of(1))
    ingest_while_tags_are_busy(world, B, 1)
    assert world.tags.of(B) == {VERDICT: "duplicate"}


@pytest.mark.parametrize("data", [None, b"no picture"])
def test_who_was_a_copy_of_an_image_that_is_gone_is_none_however_often_tags_were_busy(world: World, data: bytes | None):
    with_a_copy(world)
    world.services.decisions.decide_pair(A, B, Act.KEEPER, "ann", B)
    assert world.tags.of(A)[DECISION] == "copy"
    if data is None:
        world.images.delete(B)
    else:
        world.upload(B.name, data)
    ingest_while_tags_are_busy(world, B, 3)
    assert world.tags.of(A) == {}


class CountedFeatures(MemoryFeaturesTable):
    """Knows how many rows were asked for."""

    asked = 0

    def summaries(self, image_ids: Collection[str]) -> dict[str, ImageSummary]:
        self.asked += len(image_ids)
        return super().summaries(image_ids)


def of_many_pairs(world: World, kinds: Iterable[VerdictKind], gone: int = 0) -> tuple[CountedFeatures, ImageTags]:
    """A has a pair of each of these kinds, in the order of ids; the images of the first so many are gone."""
    kinds = list(kinds)
    features = CountedFeatures()
    others = sorted((ImagePath("images", f"{it}.png") for it in range(len(kinds))), key=lambda it: it.image_id)
    for number, path in enumerate([*others, A]):
        status = DELETED if number < gone else INDEXED
        features.put(FeaturesRow(path, "etag", status, some_features(), "", NOON, version=1))
    for path, kind in zip(others, kinds, strict=True):
        verdict = Verdict(kind, (), None, 4, "upright")
        world.pairs.put_verdict(PairRow(A, path, "", "", verdict, 4, "upright", NOON, left_version=1, right_version=1))
    world.upload(A.name, b"a picture")
    return features, ImageTags(world.tags, world.pairs, features)


def test_of_many_equal_images_no_more_are_looked_at_than_can_say_something_stronger(world: World):
    features, tags = of_many_pairs(world, 100 * [VerdictKind.IDENTICAL])
    tags.refresh([A])
    assert world.tags.of(A) == {VERDICT: "identical"}
    assert features.asked == 2 * (1 + AT_ONCE)  # before tagging, and once more afterwards
    tags.refresh([A], features.summaries({it.image_id for it in (A, next(world.pairs.of_image(A)).right)}))
    assert features.asked == 2 * (1 + AT_ONCE) + 2  # what is known already says it


def test_where_the_strongest_are_gone_the_next_ones_are_looked_at(world: World):
    kinds = [*(30 * [VerdictKind.IDENTICAL]), *(30 * [VerdictKind.COLOR_VARIANT]), VerdictKind.ALTERED]
    _, tags = of_many_pairs(world, kinds, gone=30)
    tags.refresh([A])
    assert world.tags.of(A) == {VERDICT: "altered"}


def test_of_one_image_no_more_than_so_many_pairs_are_looked_at(world: World):
    features, tags = of_many_pairs(world, (MOST_PAIRS + 20) * [VerdictKind.IDENTICAL], gone=MOST_PAIRS + 20)
    tags.refresh([A])
    assert features.asked == MOST_PAIRS + 1


def test_storage_that_is_busy_lets_the_message_come_again(world: World):
    world.upload_and_ingest(A.name, photo(1))
    world.upload_and_ingest(B.name, copy_of(1))
    [message] = world.verify_queue.messages
    world.tags.failure = StoreBusy("later")
    with pytest.raises(StoreBusy):
        world.services.verify.verify(message)
    world.tags.failure = None
    world.services.verify.verify(message)
    assert world.tags.of(A) == {VERDICT: "duplicate"}


def test_reindex_tags_what_was_found_before_tags_were_on():
    world = World(plain_index=True)
    with_a_copy(world)
    world.settings = type(world.settings)(tag_images=True)
    world.start_process("second").reindex.reindex()
    assert world.tags.of(A) == world.tags.of(B) == {VERDICT: "duplicate"}
