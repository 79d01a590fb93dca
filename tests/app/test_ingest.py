"""An image is taken in once, found by its look-alikes, and refused with a reason when it cannot be read."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from dedup_app.feedback.decisions import Act, NothingToDecide
from dedup_app.feedback.informative_pairs import UnknownPair
from dedup_app.pipeline.ingest import IngestOutcome
from dedup_app.pipeline.pairing import Pairing
from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import ABSENT, DELETED, INDEXED, PROCESSING, ImageStatus
from dedup_app.ports.superseded import Superseded
from dedup_app.queries.pair_list import UnknownImage
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.decoding import header_check
from dedup_core.decoding.formats import read_header
from dedup_core.errors import PermanentError, StoreBusy, TemporaryError
from dedup_core.fingerprinting.hash_views import HASH_BYTES
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.messages import IngestMessage, VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from dedup_decoders.in_process import InProcessDecoders
from dedup_decoders.pool import DecoderPool
from tests.app.world import NOON, Crash, World, copy_of, photo, small_scene
from tests.core.pictures import encoded


def test_a_new_image_gets_a_row_a_place_in_the_index_and_one_download(world):
    path = world.upload_and_ingest("a.png", photo(1))
    row = world.row(path)
    assert (row.path, row.status, row.features.byte_size, row.updated_at) == (path, INDEXED, len(photo(1)), NOON)
    assert world.found_by(photo(1)) == {path.image_id}
    assert world.verify_queue.messages == []


@pytest.mark.parametrize("is_separate", [False, True])
def test_the_header_of_a_file_is_checked_once_each_time_it_is_read(world, monkeypatch, is_separate):
    checked = []
    monkeypatch.setattr(
        header_check, "read_header", lambda data, formats: checked.append(data) or read_header(data, formats)
    )
    with DecoderPool(children=1) if is_separate else InProcessDecoders() as decoders:
        world.services = replace(world.services, decoders=decoders)
        for name, data in (("a.png", photo(1)), ("b.png", copy_of(1))):
            world.upload_and_ingest(name, data)
        assert checked == [photo(1), copy_of(1)]
        world.verify_all()
    assert sorted(checked[2:]) == sorted([photo(1), copy_of(1)])


def test_the_steps_come_in_the_order_that_makes_a_crash_harmless(world):
    world.upload_and_ingest("a.png", photo(1))
    world.calls.clear()
    world.upload_and_ingest("b.png", copy_of(1))
    assert world.calls == [
        "features.get",
        "features.put",  # a row before the blob is read, for a deletion to find
        "images.read",
        "features.put_first",
        "index.add_and_search",
        "features.get",
        "pairs.open",
        "verify_queue.send",
        "features.set_status",
    ]


def test_an_image_that_is_taken_in_by_force_keeps_what_is_found_now(world):
    path = world.upload_and_ingest("a.png", photo(1))
    known = world.row(path)
    flat = Fingerprints(known.features.fingerprints.content, np.zeros((0, HASH_BYTES), np.uint8))
    world.features.put(replace(known, features=replace(known.features, fingerprints=flat)))  # as an older app saw it
    world.services.reindex.reindex()
    assert world.found_by(copy_of(1)) == set()
    world.services.ingest.ingest(path, force=True)
    row = world.row(path)
    assert (row.status, row.version, row.added_at) == (INDEXED, known.version, known.added_at)
    assert row.features == known.features
    world.services.reindex.reindex()
    assert world.found_by(copy_of(1)) == {path.image_id}


def test_a_repetition_judges_its_candidates_with_all_that_it_has_found(world, monkeypatch):
    path = world.upload_and_ingest("a.png", photo(1))
    world.features.put(replace(world.row(path), status=PROCESSING))  # whoever was at it is gone
    judged = []
    monkeypatch.setattr(Pairing, "pair_up", lambda _self, row, *_, **__: judged.append(row) or 0)
    world.services.ingest.ingest(path)
    assert judged[0].features.fingerprints.asked is not None


def test_what_was_uploaded_just_now_is_not_looked_for_first(world):
    path = world.upload("a.png", photo(1))
    world.services.ownership.require()
    world.calls.clear()
    world.services.ingest.handle_blob(path.container, path.name)
    assert world.calls == [
        "features.put",
        "images.read",
        "features.put_first",
        "index.add_and_search",
        "features.set_status",
    ]


def test_a_claim_on_a_blob_that_never_was_is_given_up(world):
    path = ImagePath("images", "never.png")
    for _ in range(2):
        assert world.services.ingest.ingest(path).status == "not-found"
        assert world.row(path).status == ABSENT
    first = ["features.get", "features.put", "images.read", "features.set_status"]
    assert world.calls == [*first, "features.get", "images.read"]
    assert world.verdict_segments.appends == 0


def test_what_somebody_asked_for_and_never_was_is_known_to_nobody(world):
    real, never = world.upload_and_ingest("a.png", photo(1)), ImagePath("images", "typo.png")
    world.services.ingest.ingest(never)
    with pytest.raises(UnknownImage, match="check the spelling"):
        world.services.pair_list.pairs(never)
    with pytest.raises(NothingToDecide):
        world.services.decisions.decide_pair(real, never, Act.NOT_DUPLICATE, "me")
    with pytest.raises(UnknownPair):
        world.services.informative_pairs.pair(real.image_id, never.image_id)
    assert world.features.tally().statuses == {INDEXED: 1}


def test_an_image_that_was_refused_unread_and_goes_was_there():
    world = World(max_image_bytes=100)
    path = world.upload("large.png", photo(1))
    assert world.services.ingest.ingest(path).status == "rejected:too-many-bytes"
    world.images.delete(path)
    world.services.ingest.handle_message(IngestMessage(path, again=True).to_json(), "1")
    assert world.row(path).status == DELETED
    assert world.reports.rejected_messages() == []


def test_a_deletion_of_a_blob_that_storage_does_not_show_says_so_in_its_row(world):
    path = world.upload("a.png", photo(1))

    def refuse(_number: int, step: str) -> None:
        if step.startswith("images."):
            raise PermanentError("409", reason="store-refused")

    world.before = refuse
    world.services.ingest.ingest(path, is_gone=True)
    assert world.row(path).status == ImageStatus.rejected("store-refused")


def test_a_claim_that_comes_late_makes_no_image_of_what_is_gone(world):
    path = world.upload("a.png", photo(1))
    late = FeaturesRow(path, "", PROCESSING, None, "", NOON, version=1)
    with pytest.raises(Crash):
        world.interrupt(3, crash, lambda: world.services.ingest.ingest(path))
    world.before = lambda _number, _step: None
    world.images.delete(path)
    world.services.ingest.ingest(path, is_gone=True)
    with pytest.raises(Superseded):
        world.features.put(late)
    assert world.row(path).status == ABSENT


def test_what_was_never_seen_and_comes_later_is_taken_in(world):
    path = ImagePath("images", "a.png")
    world.services.ingest.ingest(path)
    assert world.upload_and_ingest("a.png", photo(1)) == path
    assert world.row(path).status == INDEXED
    assert world.found_by(photo(1)) == {path.image_id}


def test_a_claim_whose_handler_died_is_taken_up_by_the_next_one(world):
    path = world.upload("a.png", photo(1))
    with pytest.raises(Crash):
        world.interrupt(3, crash, lambda: world.services.ingest.ingest(path))
    world.before = lambda _number, _step: None
    assert world.row(path).is_claimed
    assert world.services.ingest.ingest(path).status == "indexed"
    assert world.found_by(photo(1)) == {path.image_id}


def test_an_image_that_is_refused_at_first_sight_never_was_in_the_index(world):
    path = world.upload("a.png", b"Dear Sir or Madam")
    world.services.ownership.require()
    world.calls.clear()
    world.services.ingest.handle_blob(path.container, path.name)
    assert world.row(path).status.is_rejected
    assert world.calls == ["features.put", "images.read", "features.put_first"]


def test_a_deletion_that_is_handled_before_the_blob_is_read_to_the_end_finds_the_claim(world):
    path = world.upload("a.png", photo(1))
    other = world.start_process("other")

    def deleted() -> None:
        world.before = lambda _number, _step: None
        world.images.delete(path)
        other.ingest.ingest(path)

    world.before = lambda _number, step: step == "features.put_first" and deleted()
    assert world.services.ingest.ingest(path).status == "not-found"
    assert world.row(path).status == ABSENT
    assert world.found_by(photo(1)) == set()


def test_look_alikes_go_to_the_queue_in_one_message_with_what_is_known_of_them(world):
    first = world.upload_and_ingest("a.png", photo(1))
    second = world.upload_and_ingest("b.jpg", copy_of(1))
    world.verify_queue.messages.clear()
    third = world.upload_and_ingest("c.jpg", encoded(small_scene(1), "JPEG", quality=60))
    (message,) = world.verify_queue.messages
    assert (message.left, message.left_etag, message.origin) == (third, world.row(third).etag, "candidate")
    assert {target.path: target.etag for target in message.rights} == {
        first: world.row(first).etag,
        second: world.row(second).etag,
    }
    assert {target.view for target in message.rights} == {"upright"}
    assert all(0 <= target.distance_bits < 32 for target in message.rights)
    assert world.pair(third, first).verdict is None


def test_files_with_the_same_bytes_are_identical_without_a_read_or_a_message(world):
    first = world.upload_and_ingest("a.png", photo(1))
    world.calls.clear()
    second = world.upload_and_ingest("b.png", photo(1))
    assert world.calls == [
        "features.get",
        "features.put",
        "images.read",  # of the new image itself
        "features.put_first",
        "index.add_and_search",
        "features.get",
        "images.etag",  # is the other one still as its row says? not downloaded
        "pairs.put_verdict",
        "verdict_log.append",
        "stats.put",
        "features.set_status",
    ]
    pair = world.pair(second, first)
    assert (pair.left_etag, pair.right_etag) == (world.row(second).etag, world.row(first).etag)
    assert (pair.verdict.kind, pair.verified_at) == (VerdictKind.IDENTICAL, NOON)
    assert pair.verdict.metrics == ColorMetrics(0.0, 0.0, 1.0)
    (reason,) = pair.verdict.reasons
    assert hashlib.sha256(photo(1)).hexdigest() in reason
    assert "nothing was read" in reason
    (totals,) = world.stats.of_day("2026-05-31").values()
    assert (totals.comparisons_performed, totals.images_downloaded) == (1, 0)


def test_what_is_said_of_same_bytes_is_what_a_verification_would_say(world):
    paths = [world.upload_and_ingest(name, photo(1)) for name in ("a.png", "b.png")]
    said = world.pair(*paths).verdict
    (measured,) = world.services.verify.verify(VerifyMessage(paths[0], (VerifyTarget(paths[1]),)))
    assert replace(said, reasons=()) == replace(measured, reasons=())


def test_a_copy_that_is_overwritten_while_its_pair_is_stored_is_identical_no_more(world):
    copy = world.upload_and_ingest("a.png", photo(1))
    other = world.start_process("the other")

    def overwrite(_number: int, step: str) -> None:
        if step == "pairs.put_verdict":
            world.before = lambda _number, _step: None
            world.images.put(copy, photo(2))
            other.ingest.ingest(copy)

    world.before = overwrite
    path = world.upload_and_ingest("b.png", photo(1))
    assert world.pair(path, copy).verdict.kind is VerdictKind.IDENTICAL  # with what it was
    assert world.current_pairs() == []
    assert world.verify_queue.messages == []


def test_an_image_that_looks_like_nothing_else_sends_no_message(world):
    world.upload_and_ingest("a.png", photo(1))
    assert world.services.ingest.ingest(world.upload("b.png", photo(2))) == IngestOutcome("indexed", 0)
    assert world.verify_queue.messages == []


def test_the_same_event_again_downloads_and_changes_nothing(world):
    path = world.upload_and_ingest("a.png", photo(1))
    before = world.row(path)
    world.calls.clear()
    assert world.services.ingest.ingest(path).status == "unchanged"
    assert world.calls == ["features.get", "images.read", "pairs.of_image"]
    assert world.row(path) == before


@pytest.mark.parametrize(("data", "reason"), [(b"not an image", "unsupported-format"), (b"", "empty")])
def test_an_unreadable_image_is_rejected_with_a_reason_and_a_sentence(world, data, reason):
    path = world.upload_and_ingest("broken.png", data)
    row = world.row(path)
    assert (row.status, row.features) == (ImageStatus.rejected(reason), None)
    assert " " in row.detail


def test_an_image_with_too_many_bytes_is_rejected_before_it_is_read():
    world = World(max_image_bytes=100)
    path = world.upload_and_ingest("large.png", photo(1))
    assert world.row(path).status == ImageStatus.rejected("too-many-bytes")
    assert "100" in world.row(path).detail


def test_an_image_that_was_too_large_is_taken_in_once_the_limit_is_raised():
    world = World(max_image_pixels=100)
    path = world.upload_and_ingest("large.png", photo(1))
    assert world.row(path).status == ImageStatus.rejected("too-many-pixels")
    raised = World()
    raised.images, raised.features = world.images, world.features
    raised.services = raised.start_process("with a higher limit")
    raised.services.ingest.ingest(path)
    assert raised.row(path).status == INDEXED


def test_a_rejected_image_is_not_read_again_for_the_same_event(world):
    path = world.upload_and_ingest("broken.png", b"not an image")
    world.calls.clear()
    world.services.ingest.ingest(path)
    assert world.calls == ["features.get", "images.read"]


def test_a_blob_that_vanished_is_marked_deleted_and_found_no_more(world):
    path = world.upload_and_ingest("a.png", photo(1))
    world.images.delete(path)
    world.services.ingest.ingest(path)
    assert world.row(path).status == DELETED
    assert world.found_by(photo(1)) == set()
    assert world.services.ingest.ingest(path).status == "unchanged"


def test_a_deleted_blob_that_comes_back_with_the_same_bytes_is_indexed_again(world):
    path = world.upload_and_ingest("a.png", photo(1))
    world.images.delete(path)
    world.services.ingest.ingest(path)
    world.upload_and_ingest("a.png", photo(1))
    assert world.row(path).status == INDEXED
    assert world.found_by(photo(1)) == {path.image_id}


def test_an_overwritten_image_is_found_as_what_it_is_now(world):
    path = world.upload_and_ingest("a.png", photo(1))
    world.upload_and_ingest("a.png", photo(2))
    assert world.found_by(photo(1)) == set()
    assert world.found_by(photo(2)) == {path.image_id}


def test_an_image_overwritten_with_garbage_leaves_the_index(world):
    path = world.upload_and_ingest("a.png", photo(1))
    world.upload_and_ingest("a.png", b"garbage")
    assert world.row(path).status == ImageStatus.rejected("unsupported-format")
    assert world.found_by(photo(1)) == set()


def test_what_was_said_of_an_overwritten_image_is_verified_anew(world):
    first = world.upload_and_ingest("a.png", photo(1))
    second = world.upload_and_ingest("b.jpg", copy_of(1))
    for data, kind in (
        (b"garbage", VerdictKind.UNVERIFIABLE),
        (photo(1), VerdictKind.DUPLICATE),
        (photo(2), VerdictKind.DISTINCT),
        (photo(1), VerdictKind.DUPLICATE),  # the search finds it again
    ):
        world.upload_and_ingest("a.png", data)
        world.verify_all()
        assert world.pair(first, second).verdict.kind is kind
        assert world.pair(first, second).left_version == world.row(first).version


def test_an_image_that_is_replaced_again_and_again_is_not_compared_with_all_that_it_was_ever_like(world):
    numbers = range(1, 7)
    for number in numbers:
        world.upload_and_ingest(f"{number}.png", photo(number))
    sent = []
    for number in numbers:
        path = world.upload("latest.jpg", copy_of(number))
        sent.append(world.services.ingest.ingest(path).pairs_sent)
        world.verify_all()
        world.services.ingest.ingest(path)  # an event may come twice
        assert world.verify_queue.messages == []
        kind = world.pair(path, ImagePath("images", f"{number}.png")).verdict.kind
        assert kind is VerdictKind.DUPLICATE
    assert sent == [1, 2, 2, 2, 2, 2]  # with what it is like now, and with what it was like before


def test_a_pair_that_a_person_decided_about_is_compared_with_each_new_content(world):
    first = world.upload_and_ingest("a.png", photo(1))
    second = world.upload_and_ingest("b.jpg", copy_of(1))
    world.verify_all()
    world.services.decisions.decide_pair(first, second, Act.DUPLICATE, "ann")
    for number in (2, 3, 4):
        world.upload_and_ingest("a.png", photo(number))
        world.verify_all()
        assert world.pair(first, second).left_version == world.row(first).version


@pytest.mark.parametrize("status", [ImageStatus.rejected("corrupt"), DELETED])
def test_hits_are_trusted_only_after_their_row_confirms_them(world, status):
    first = world.upload_and_ingest("a.png", photo(1))
    world.set_status(first, status)
    world.upload_and_ingest("b.jpg", copy_of(1))
    assert world.verify_queue.messages == []


def test_a_hit_that_is_still_being_processed_counts_because_its_own_search_may_have_come_first(world):
    first = world.upload_and_ingest("a.png", photo(1))
    world.set_status(first, PROCESSING)
    world.upload_and_ingest("b.jpg", copy_of(1))
    assert len(world.verify_queue.messages) == 1


def test_of_very_many_equal_images_only_some_are_verified_and_still_every_one_is_linked():
    world = World(max_candidates=2)
    for name in ("a.jpg", "b.jpg"):
        world.upload_and_ingest(name, copy_of(1))
    for name in ("c.png", "d.png", "e.png"):
        world.upload_and_ingest(name, photo(1))
    assert max(len(message.rights) for message in world.verify_queue.messages) == 2
    world.verify_all()
    pairs = [{pair.left, pair.right} for pair in world.pairs.all()]
    assert len(pairs) == 1 + 2 + 2 + 2
    linked = pairs[0]
    for _ in pairs:
        linked = linked.union(*(pair for pair in pairs if pair & linked))
    assert len(linked) == 5


def test_a_pair_that_was_verified_on_the_same_bytes_is_not_verified_again(world):
    first = world.upload_and_ingest("a.png", photo(1))
    world.upload_and_ingest("b.jpg", copy_of(1))
    world.verify_all()
    world.services.ingest.ingest(first, force=True)
    assert world.verify_queue.messages == []
    assert world.row(first).status == INDEXED


def test_a_busy_storage_rises_so_that_the_host_tries_again(world):
    path = world.upload("a.png", photo(1))
    world.images.failures[path] = StoreBusy("503")
    with pytest.raises(StoreBusy):
        world.services.ingest.ingest(path)
    del world.images.failures[path]
    world.services.ingest.ingest(path)
    assert world.row(path).status == INDEXED


def test_a_blob_that_never_stands_still_is_left_to_a_later_try(world):
    path = world.upload("a.png", photo(1))

    world.before = lambda _number, step: step == "images.read" and world.move(path, photo(1))
    with pytest.raises(TemporaryError, match="keeps changing"):
        world.services.ingest.ingest(path)
    world.before = lambda _number, _step: None
    world.services.ingest.ingest(path)
    assert world.row(path).status == INDEXED


def test_a_message_names_the_image_in_any_form(world):
    path = world.upload("a b.png", photo(1))
    world.services.ingest.handle_message(b'{"path": "/images/a%20b.png"}', "1")
    assert world.row(path).status == INDEXED


def test_a_message_that_names_nothing_is_recorded_and_finished(world):
    world.services.ingest.handle_message('{"path": "elsewhere/a.png"}', "7")
    (rejected,) = world.reports.rejected_messages()
    assert (rejected.queue, rejected.message_id, rejected.rejected_at) == ("ingest-images", "7", NOON)
    assert "'elsewhere'" in rejected.reason
    assert rejected.excerpt == '{"path": "elsewhere/a.png"}'


def test_a_message_that_names_a_missing_blob_is_recorded_and_finished(world):
    world.services.ingest.handle_message('{"path": "images/typo.png"}', "8")
    (rejected,) = world.reports.rejected_messages()
    assert (rejected.message_id, rejected.reason) == ("8", "There is no blob images/typo.png")


def test_a_blob_event_carries_the_raw_name(world):
    path = ImagePath("images", "100%25 #1?.png")
    world.images.put(path, photo(1))
    world.services.ingest.handle_blob("images", "100%25 #1?.png")
    assert world.row(path).status == INDEXED


def test_a_blob_whose_name_cannot_be_kept_is_recorded_and_finished(world):
    world.services.ingest.handle_blob("images", "a\nb.png")
    (rejected,) = world.reports.rejected_messages()
    assert "U+000A" in rejected.reason


def test_a_blob_that_storage_refuses_is_rejected_and_looked_at_again_once_it_is_back(world):
    path = world.upload("archived.png", photo(1))
    world.images.failures[path] = PermanentError(
        "This operation is not permitted on an archived blob", reason="store-refused"
    )
    world.services.ingest.ingest(path)
    assert world.row(path).status == ImageStatus.rejected("store-refused")
    assert "archived" in world.row(path).detail
    del world.images.failures[path]
    world.services.ingest.ingest(path)
    assert world.row(path).status == INDEXED


def crash() -> None:
    raise Crash
