"""Each pair gets an explained verdict, each image is read once, and no failure becomes a number."""

import base64
import itertools
import json
from collections import Counter

import pytest

from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import StoreBusy, TemporaryError
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from tests.app.world import NOON, World, copy_of, photo, recolored, small_scene
from tests.core.pictures import encoded
from tests.decisions import decided


@pytest.fixture
def pictures(world):
    contents = {
        "original.png": photo(1),
        "identical.png": photo(1),
        "copy.jpg": copy_of(1),
        "recolored.png": recolored(1),
        "other.png": photo(2),
        "broken.png": b"not an image",
    }
    return {name: world.upload(name, data) for name, data in contents.items()}


def message(left: ImagePath, *rights: ImagePath) -> VerifyMessage:
    return VerifyMessage(left, tuple(VerifyTarget(right) for right in rights))


def test_every_kind_of_pair_gets_its_verdict(world, pictures):
    original, *others = pictures.values()
    verdicts = world.services.verify.verify(message(original, *others))
    assert [verdict.kind for verdict in verdicts] == [
        VerdictKind.IDENTICAL,
        VerdictKind.DUPLICATE,
        VerdictKind.COLOR_VARIANT,
        VerdictKind.DISTINCT,
        VerdictKind.UNVERIFIABLE,
    ]
    for other, verdict in zip(others, verdicts, strict=True):
        assert verdict.reasons
        assert (verdict.metrics is None) == (verdict.kind is VerdictKind.UNVERIFIABLE)
        assert world.pair(original, other).verdict == verdict


def test_a_lone_pair_costs_two_reads_and_five_candidates_six(world, pictures):
    original, *others = pictures.values()
    world.services.verify.verify(message(original, others[0]))
    assert world.images.reads == [original, others[0]]
    world.images.reads.clear()
    world.services.verify.verify(message(original, *others))
    assert world.images.reads == [original, *others]


def test_an_image_that_lands_among_five_look_alikes_costs_six_reads_and_six_rows_to_look_at(world):
    candidates = [
        world.upload_and_ingest(f"{quality}.jpg", encoded(small_scene(1), "JPEG", quality=quality))
        for quality in (60, 65, 70, 75, 80)
    ]
    world.verify_queue.messages.clear()
    original = world.upload_and_ingest("original.png", photo(1))
    world.images.reads.clear()
    world.calls.clear()
    looked_at = []
    summaries = world.features.summaries
    world.features.summaries = lambda ids: looked_at.extend(ids) or summaries(ids)
    world.verify_all()
    assert sorted(world.images.reads) == sorted([original, *candidates])
    assert Counter(world.calls) == {
        "images.read": 6,
        "pairs.put_verdict": 5,
        "features.summaries": 1,
        "verdict_log.append": 1,
        "stats.put": 1,
    }
    assert len(looked_at) == 6


def test_a_verdict_is_stored_with_the_etags_that_were_really_compared(world, pictures):
    original, other = pictures["original.png"], pictures["other.png"]
    world.services.verify.verify(VerifyMessage(original, (VerifyTarget(other, "0xOLD"),), "0xOLD"))
    pair = world.pair(original, other)
    assert (pair.left_etag, pair.right_etag) == tuple(world.images.read(path).etag for path in (original, other))
    assert pair.verified_at == NOON
    assert world.pair(other, original).right_etag == pair.left_etag


def test_an_unreadable_candidate_is_unverifiable_and_the_others_go_on(world, pictures):
    gone = _deleted(world, "gone.png")
    original, copy, broken = (pictures[name] for name in ("original.png", "copy.jpg", "broken.png"))
    kinds = [verdict.kind for verdict in world.services.verify.verify(message(original, gone, broken, copy))]
    assert kinds == [VerdictKind.UNVERIFIABLE, VerdictKind.UNVERIFIABLE, VerdictKind.DUPLICATE]
    assert "not-found" in world.pair(original, gone).verdict.reasons[0]
    assert (
        "images/broken.png cannot be compared (unsupported-format)" in world.pair(original, broken).verdict.reasons[0]
    )
    assert world.services.loader.stats.comparisons_failed == 2
    assert world.services.loader.stats.failures_by_reason == {"not-found": 1, "unsupported-format": 1}


def _deleted(world: World, name: str) -> ImagePath:
    path = world.upload_and_ingest(name, photo(9))
    world.images.delete(path)
    world.images.reads.clear()
    return path


@pytest.mark.parametrize(
    "hints", [{}, {"etag": "0x1", "version": 7, "tag": 'W/"t"'}], ids=["plain", "with made-up hints"]
)
def test_images_that_never_were_get_no_rows_and_are_named_as_refused(world, pictures, hints):
    known, real = str(pictures["original.png"]), str(pictures["copy.jpg"])
    world.services.ingest.ingest(ImagePath("images", "nobody-1.png"))
    nobody = [{"path": f"images/nobody-{number}.png"} | hints for number in range(3)]
    for number, (left, rights) in enumerate([(known, [*nobody, real]), (nobody[0], [known, real])]):
        world.services.verify.handle_message(json.dumps({"left": left, "rights": rights}), str(number))
    assert {(str(it.left), str(it.right)) for it in world.pairs.all()} in ({(known, real)}, {(real, known)})
    refused = " ".join(it.reason for it in world.reports.rejected_messages())
    assert all(it["path"] in refused for it in nobody)


@pytest.mark.parametrize("hints", [{}, {"tag": 'W/"t"'}], ids=["plain", "with a made-up tag"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_version_that_somebody_made_up_is_not_believed(world, side, hints):
    """It would outrank all versions to come, and the pair were hidden for good."""
    left, right = world.upload_and_ingest("a.png", photo(1)), world.upload_and_ingest("b.jpg", copy_of(1))
    told = [{"path": str(path), "etag": world.row(path).etag} for path in (left, right)]
    told[side == "right"]["version"] = 1_780_228_800_000  # in milliseconds
    told[1] |= hints
    world.services.verify.handle_message(json.dumps({"left": told[0], "rights": [told[1]]}), "by hand")
    pair = world.pair(left, right)
    assert (pair.left_version, pair.right_version) == (world.row(left).version, world.row(right).version)


def test_a_pair_that_waits_is_answered_even_where_row_and_blob_of_one_side_are_lost(world):
    left, right = world.upload_and_ingest("a.png", photo(1)), world.upload_and_ingest("b.jpg", copy_of(1))
    world.images.delete(left)
    world.features.delete(world.features.get(left.image_id))
    world.verify_all()
    assert world.pair(left, right).verdict.kind is VerdictKind.UNVERIFIABLE


def test_without_its_left_image_no_pair_can_be_verified_and_no_other_image_is_read(world, pictures):
    gone = _deleted(world, "gone.png")
    rights = list(pictures.values())
    verdicts = world.services.verify.verify(message(gone, *rights))
    assert {verdict.kind for verdict in verdicts} == {VerdictKind.UNVERIFIABLE}
    assert world.images.reads == [gone]
    assert all("images/gone.png" in world.pair(right, gone).verdict.reasons[0] for right in rights)
    assert world.services.loader.stats.comparisons_failed == len(rights)


@pytest.mark.parametrize("busy", ["original.png", "copy.jpg"])
def test_a_busy_storage_rises_and_the_next_try_gives_the_verdict(world, pictures, busy):
    original, copy = pictures["original.png"], pictures["copy.jpg"]
    world.images.failures[pictures[busy]] = StoreBusy("503")
    with pytest.raises(StoreBusy):
        world.services.verify.handle_message(message(original, copy).to_json(), "1")
    assert world.pairs.get(original, copy) is None
    assert world.stats.of_day("2026-05-31")["first"].failures_by_reason == {"store-busy": 1}
    world.images.failures.clear()
    world.services.verify.handle_message(message(original, copy).to_json(), "1")
    assert world.pair(original, copy).verdict.kind is VerdictKind.DUPLICATE


def test_the_same_message_twice_gives_the_same_answer(world, pictures):
    body = message(*pictures.values()).to_json()
    world.services.verify.handle_message(body, "1")
    once = list(world.pairs.all())
    world.services.verify.handle_message(body, "1")
    assert list(world.pairs.all()) == once


@pytest.mark.parametrize("encode", [str, str.encode, lambda text: base64.b64encode(text.encode()).decode()])
def test_a_message_by_hand_may_be_text_or_base64(world, pictures, encode):
    body = encode('{"left": "images/original.png", "right": "/images/copy.jpg"}')
    world.services.verify.handle_message(body, "1")
    assert world.pair(pictures["original.png"], pictures["copy.jpg"]).verdict.kind is VerdictKind.DUPLICATE


def test_a_malformed_message_is_recorded_with_its_reason_and_finished(world):
    world.services.verify.handle_message(b'{"left": "images/a.png"}', "7")
    (rejected,) = world.reports.rejected_messages()
    assert (rejected.queue, rejected.message_id, rejected.excerpt, rejected.rejected_at) == (
        "verify-pairs",
        "7",
        '{"left": "images/a.png"}',
        NOON,
    )
    assert "'rights'" in rejected.reason
    assert not world.calls[:-1]


def test_an_id_that_a_message_brought_along_makes_no_invalid_row_key(world):
    world.services.verify.handle_message('{"id": "../#?"}', "../#?" + "x" * 2000)
    (rejected,) = world.reports.rejected_messages()
    assert rejected.message_id == "-----" + "x" * 59
    assert "'id'" in rejected.reason


def test_test_images_are_verified_without_a_call_to_storage_but_for_the_answer(world):
    body = json.dumps({"left": "test://circle?color=red", "right": "test://circle?color=blue"})
    world.services.verify.handle_message(body, "1")
    assert world.images.reads == []
    pair = world.pair(ImagePath.test("circle", color="red"), ImagePath.test("circle", color="blue"))
    assert pair.verdict.kind not in {VerdictKind.IDENTICAL, VerdictKind.DUPLICATE}


def test_a_test_image_that_does_not_exist_is_unverifiable(world):
    body = json.dumps({"left": "test://circle", "right": "test://unicorn"})
    world.services.verify.handle_message(body, "1")
    pair = world.pair(ImagePath.test("circle"), ImagePath.test("unicorn"))
    assert "test://unicorn" in pair.verdict.reasons[0]


def test_a_decision_of_a_person_outlives_every_verdict(world, pictures):
    original, copy = pictures["original.png"], pictures["copy.jpg"]
    world.services.verify.verify(message(original, copy))
    world.pairs.decide(decided(world.pair(original, copy), "not_duplicate"), None)
    world.services.verify.verify(message(copy, original))
    assert world.pair(original, copy).decision == "not_duplicate"


NEWER = {VerdictKind.COLOR_VARIANT: recolored, VerdictKind.DISTINCT: lambda _seed: photo(2)}


@pytest.mark.parametrize("kind", NEWER)
@pytest.mark.parametrize("name", ["a.png", "b.jpg"])
def test_a_verification_of_overwritten_bytes_does_not_have_the_last_word(world, name, kind):
    """Whatever step the slow one has come to when the newer bytes are taken in and verified."""
    newer = NEWER[kind](1)
    for at_step in range(1, 20):
        world = World(plain_index=True)
        left, right = world.upload_and_ingest("a.png", photo(1)), world.upload_and_ingest("b.jpg", copy_of(1))
        (message,) = world.verify_queue.messages
        other = world.start_process("the other")

        def overwrite(world=world, other=other):
            world.upload(name, newer)
            world.verify_queue.messages.clear()
            other.ingest.ingest(ImagePath("images", name))
            for newer_message in world.verify_queue.messages:
                other.verify.verify(newer_message)

        if not world.interrupt(
            at_step, overwrite, lambda world=world, message=message: world.services.verify.verify(message)
        ):
            assert at_step > 4
            return
        pair = world.pair(left, right)
        assert pair.verdict.kind is kind, f"overwritten before step {at_step}: {world.calls}"
        assert (pair.left_etag, pair.right_etag) == tuple(world.images.read(path).etag for path in (left, right))
    pytest.fail("more steps than expected")


def test_an_image_that_is_ahead_of_its_row_is_read_twice_and_no_more(world, pictures):
    original, copy = (
        world.upload_and_ingest(name, data) for name, data in (("o.png", photo(1)), ("c.jpg", copy_of(1)))
    )
    world.images.put(copy, copy_of(2))
    world.images.reads.clear()
    (verdict,) = world.services.verify.verify(message(original, copy))
    assert verdict.kind is VerdictKind.DISTINCT
    assert world.images.reads == [original, copy] * 2


def test_a_candidate_that_was_deleted_costs_no_second_look(world):
    original = world.upload_and_ingest("o.png", photo(1))
    copy = world.upload_and_ingest("c.jpg", copy_of(1))
    world.images.delete(original)
    world.images.reads.clear()
    world.verify_all()
    assert world.images.reads == [copy, original]
    assert world.pair(copy, original).verdict.kind is VerdictKind.UNVERIFIABLE


def test_images_that_never_stand_still_are_left_to_a_later_try(world):
    original = world.upload_and_ingest("o.png", photo(1))
    copy = world.upload_and_ingest("c.jpg", copy_of(1))

    uploads = itertools.cycle([photo(2), photo(3), photo(4)])

    def overwrite(_number: int, step: str) -> None:
        if step == "images.read":
            world.images.put(copy, next(uploads))

    world.before = overwrite
    with pytest.raises(TemporaryError, match="keeps changing"):
        world.services.verify.verify(message(original, copy))


def test_a_decoder_starts_while_the_first_picture_of_a_comparison_is_still_on_its_way(world, monkeypatch):
    paths = [world.upload_and_ingest(name, data) for name, data in (("o.png", photo(1)), ("c.jpg", copy_of(1)))]
    steps = []
    monkeypatch.setattr(world.services.decoders, "prepare", lambda: steps.append("prepare"))
    world.before = lambda _number, step: steps.append(step)
    world.services.verify.verify(message(*paths))
    assert steps.index("prepare") < steps.index("images.read")
