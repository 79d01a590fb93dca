"""The ledger finds whatever is amiss, mends it, and is empty where all is well; each damage ends complete and right."""

import json
import logging
import time
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest
from PIL import ImageFilter

from dedup_app.ledger import listing, recent_listing, reconcile
from dedup_app.ledger.audit import Audit, Slice
from dedup_app.ledger.listing import BlobListing
from dedup_app.operations import retention
from dedup_app.ports.findings import FindingKind, Ledger
from dedup_app.ports.image_status import DELETED, INDEXED, PROCESSING
from dedup_app.ports.queues import PoisonMessage
from dedup_app.time_limit import FUNCTION_SECONDS, end_of_time, time_limit
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import PermanentError, StoreBusy
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath
from dedup_core.search import second_look
from dedup_core.search.hit import Hit
from dedup_core.views import View
from dedup_storage.account.transport import CALL_SECONDS
from local_host.blobs.queue import BlobMessage
from tests.app.world import World, copy_of, photo, recolored, small_scene
from tests.core.pictures import encoded

A, B, C, D = (ImagePath("images", f"{name}.png") for name in "abcd")
EVENT_SUBJECT = "/blobServices/default/containers/images/blobs/"
FILES = {A: photo(1), B: copy_of(1), C: photo(2), D: b"Dear Sir or Madam"}


@pytest.fixture
def full(world):
    for path, data in FILES.items():
        world.images.put(path, data)
        world.services.ingest.ingest(path)
    world.verify_all()
    return world


def work_off(world):
    while world.ingest_queue.messages or world.verify_queue.messages:
        world.ingest_all()
        world.verify_all()


def looked_at(world, services=None, **how) -> Ledger:
    """Those of the 256 slices that have something, and one that has not."""
    pairs = [path for pair in world.pairs.all() for path in (pair.left, pair.right)]
    paths = [*world.images._blobs, *(row.path for row in world.features.all()), *pairs]
    index = world._index()
    index.refresh()
    held = {start for start in map("{:02x}".format, range(256)) if index.held(start)}
    slices = sorted({"00", *(path.image_id[:2] for path in paths), *held})
    return (services or world.services).reconcile.reconcile(prefixes=slices, **how)


def found(ledger: Ledger) -> dict[str, int]:
    return {kind.name: count for kind, count in ledger.found.items() if count}


def mend(world, *, deep=False):
    """As a person would: mend in a process that knows nothing, let the app work, look again."""
    world.services = world.start_process("command")
    looked_at(world, fix=True, deep=deep)
    work_off(world)
    return looked_at(world, world.start_process("another"), deep=True)


def is_right(world):
    assert {path: str(world.row(path).status) for path in FILES} == {
        **dict.fromkeys((A, B, C), "indexed"),
        D: "rejected:unsupported-format",
    }
    assert [(pair.verdict.kind, {pair.left, pair.right}) for pair in world.current_pairs()] == [
        (VerdictKind.DUPLICATE, {A, B})
    ]
    assert world.found_by(photo(1)) == {A.image_id, B.image_id}
    assert world.found_by(photo(2)) == {C.image_id}
    return True


def test_where_all_is_well_the_ledger_is_empty(full):
    ledger = full.services.reconcile.reconcile(deep=True)
    assert (ledger.images, ledger.complete, ledger.waiting, ledger.broken, found(ledger)) == (4, 4, 0, 0, {})
    assert (ledger.slices, ledger.oldest) == (256, full.time)


def test_no_more_rows_are_held_than_a_page_of_the_table_has_however_many_there_are(full, monkeypatch):
    monkeypatch.setattr(reconcile, "ROWS_AT_ONCE", 3)
    for number in range(600):
        full.images.put(ImagePath("images", f"{number}.png"), b"")
    blobs = BlobListing.take(full.images, "images")
    looked_at = []

    def look(_audit, prefix, *_rest, **_options):
        looked_at.append(prefix)
        return Slice()

    monkeypatch.setattr(Audit, "look", look)
    full.services.reconcile.reconcile()
    assert max(len(blobs.ids(prefix)) for prefix in looked_at) <= 3
    assert sum(len(blobs.ids(prefix)) for prefix in looked_at) == len(blobs) == 604
    assert len(looked_at) > 256


def damage_log_gone(world):
    world.segments.clear()


def damage_half_a_record(world):
    block = world.segments._segments[0][0]
    world.segments._segments[0][0] = block[: len(block) // 2]


def damage_pairs_gone(world):
    world.pairs.entities.clear()


def damage_row_gone(world):
    world.features.entities.delete(A.image_id[:2], A.image_id)


def damage_features_gone(world):
    world.features.entities.clear()


def damage_never_announced(world):
    world.features.entities.delete(A.image_id[:2], A.image_id)
    world.services.index.remove(A.image_id, world.time.timestamp().__trunc__() + 5)


def damage_unfinished(world):
    world.set_status(A, PROCESSING)


def damage_removed_from_the_log(world):
    world.services.index.remove(A.image_id, world.row(A).version)


@pytest.mark.parametrize(
    ("damage", "deep", "kinds"),
    [
        (damage_log_gone, False, {"NOT_HELD"}),
        (damage_half_a_record, False, {"NOT_HELD"}),
        (damage_pairs_gone, True, {"PAIR_MISSING"}),
        (damage_row_gone, True, {"MISSING", "HELD_WRONGLY", "PAIR_MISSING"}),
        (damage_features_gone, True, {"MISSING", "HELD_WRONGLY"}),
        (damage_never_announced, True, {"MISSING"}),
        (damage_unfinished, False, {"UNFINISHED"}),
        (damage_removed_from_the_log, False, {"NOT_HELD"}),
    ],
)
@pytest.mark.parametrize("rows_at_once", [1_000, 0.5], ids=["at once", "in portions"])
def test_each_way_to_damage_the_store_is_found_and_mended(full, damage, deep, kinds, rows_at_once, monkeypatch):
    monkeypatch.setattr(reconcile, "ROWS_AT_ONCE", rows_at_once)
    damage(full)
    full.time += timedelta(hours=1)
    full.services = full.start_process("who looks")
    ledger = looked_at(full, deep=deep)
    assert set(found(ledger)) <= kinds
    assert found(ledger)
    assert ledger.complete < 4
    assert found(mend(full, deep=deep)) == {}
    assert is_right(full)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda world: world.images.put(A, photo(1)), "OUTDATED"),
        (lambda world: world.images.put(ImagePath("images", "new.png"), photo(3)), "MISSING"),
    ],
)
def test_an_event_that_was_lost_is_found_and_made_good(full, change, kind):
    change(full)
    assert found(looked_at(full)) == {kind: 1}
    assert found(mend(full)) == {}
    assert is_right(full) or kind == "MISSING"


def test_a_deletion_that_nobody_told_of_is_found_and_made_good(full):
    full.images.delete(C)
    assert found(looked_at(full)) == {"GONE": 1}
    assert found(mend(full)) == {}
    assert full.row(C).status == DELETED
    assert full.found_by(photo(2)) == set()


@pytest.mark.parametrize("row_is_forgotten", [False, True])
def test_an_image_that_is_gone_and_still_held_is_found_by_no_search_any_more(full, row_is_forgotten):
    row = full.row(C)
    full.images.delete(C)
    full.services.ingest.ingest(C)
    version = full.row(C).version + 1
    if row_is_forgotten:
        full.features.entities.delete(C.image_id[:2], C.image_id)
    full.services.index.add_all([(C.image_id, version, row.features.fingerprints)])
    assert full.found_by(photo(2)) == {C.image_id}
    assert found(looked_at(full)) == {"HELD_WRONGLY": 1}
    assert found(mend(full)) == {}
    assert full.found_by(photo(2)) == set()


def test_what_was_missed_while_an_image_was_in_no_search_comes(full):
    full.services.index.remove(A.image_id, full.row(A).version)
    late = ImagePath("images", "late.png")
    full.services = full.start_process("another")
    full.upload_and_ingest("late.png", photo(1))
    full.verify_all()
    assert full.pairs.get(A, late) is None
    assert found(mend(full)) == {}
    assert full.pair(A, late).verdict.kind is VerdictKind.IDENTICAL


def test_a_pair_that_waits_is_waited_for_while_messages_do_and_sent_again_if_none_does(full):
    full.upload_and_ingest("e.png", copy_of(2))
    ledger = looked_at(full)
    assert (found(ledger), ledger.waiting, ledger.broken) == ({"PAIR_WAITING": 1}, 1, 0)
    full.verify_queue.messages.clear()
    ledger = looked_at(full)
    assert (ledger.waiting, ledger.broken) == (0, 1)
    assert found(mend(full)) == {}


def test_all_pairs_whose_messages_are_gone_are_sent_again_by_one_run(full):
    copy = full.upload_and_ingest("e.png", copy_of(2))
    another = full.upload_and_ingest("f.png", copy_of(1))
    full.verify_queue.messages.clear()
    looked_at(full, fix=True)
    sent = {frozenset({it.left, target.path}) for it in full.verify_queue.messages for target in it.rights}
    assert sent == {frozenset(pair) for pair in [(C, copy), (A, another)]}


def test_a_pair_that_a_setting_made_unverifiable_is_compared_once_it_is_set_back(full):
    before = full.settings
    full.settings = replace(before, image_formats=frozenset({"JPEG"}))
    full.services = full.start_process("png is off")
    copy = full.upload("e.jpg", copy_of(2))
    full.services.ingest.ingest(copy)
    full.verify_all()
    assert full.pair(C, copy).verdict.kind is VerdictKind.UNVERIFIABLE
    full.settings = before
    assert found(looked_at(full, full.start_process("png is on"), deep=True)) == {"PAIR_UNREAD": 1}
    assert found(mend(full, deep=True)) == {}
    assert full.pair(C, copy).verdict.kind is VerdictKind.DUPLICATE


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_pair_with_an_image_that_is_refused_or_gone_is_no_finding(full, is_gone):
    full.upload_and_ingest("b.png", FILES[D])
    full.verify_all()
    if is_gone:
        full.images.delete(B)
        full.services.ingest.ingest(B)
    assert full.pair(A, B).verdict.kind is VerdictKind.UNVERIFIABLE
    assert found(looked_at(full, deep=True)) == {}


def test_images_of_the_container_that_was_watched_before_are_neither_compared_nor_missed(full):
    full.settings = replace(full.settings, image_container="photos")
    full.services = full.start_process("of another container")
    copy, recoloring = ImagePath("photos", "c.jpg"), ImagePath("photos", "d.png")
    for path, data in {copy: FILES[B], recoloring: recolored(1)}.items():
        full.images.put(path, data)
        full.services.ingest.ingest(path)
    full.verify_all()
    assert {frozenset(it.paths): it.verdict.kind for it in full.pairs.all() if {copy, recoloring} & {*it.paths}} == {
        frozenset({copy, recoloring}): VerdictKind.COLOR_VARIANT
    }
    assert {it.path for it in full.services.check.look_up(lambda: photo(1), 10)} == {copy, recoloring}
    full.images.delete(A)
    assert found(looked_at(full, deep=True)) == {}


def put_in_one_slice(world, monkeypatch, count):
    """New blobs of the only slice that is looked at."""
    monkeypatch.setattr(reconcile, "PREFIXES", ("01",))
    paths = (ImagePath("images", f"{number:04}.png") for number in range(3_000))
    found = list(islice((path for path in paths if path.image_id.startswith("01")), count))
    for path in found:
        world.images.put(path, photo(3))
    return [path.name for path in found]


def test_the_pages_of_unknown_blobs_are_listed_once_more_and_no_others(full, monkeypatch):
    monkeypatch.setattr(reconcile, "ROWS_AT_ONCE", 0.5)
    monkeypatch.setattr(listing, "BLOBS_A_PAGE", 2)
    _, _, third = put_in_one_slice(full, monkeypatch, 3)
    assert found(full.services.reconcile.reconcile(prefixes=["01"])) == {"MISSING": 3}
    assert full.images.pages == ["", third, "b.png", "d.png", "", third]


def test_unknown_blobs_there_is_no_time_for_are_counted_and_come_with_the_next_look(full, monkeypatch):
    monkeypatch.setattr(listing, "BLOBS_A_PAGE", 1)
    monkeypatch.setattr(reconcile, "SECONDS_A_RUN", -1)
    put_in_one_slice(full, monkeypatch, 2)
    seen = []
    for _ in range(3):
        ledger = full.services.reconcile.run_slices()
        seen.append((found(ledger), ledger.complete, ledger.waiting, len(full.ingest_queue.messages)))
        work_off(full)
        full.time += timedelta(minutes=16)
    assert seen == [({"MISSING": 2}, 0, 2, 1), ({"MISSING": 1}, 1, 1, 1), ({}, 2, 0, 0)]


def test_a_listing_that_takes_longer_than_a_run_is_gone_on_with_in_the_next_one(full, monkeypatch):
    monkeypatch.setattr(listing, "BLOBS_A_PAGE", 1)
    monkeypatch.setattr(recent_listing, "LISTING_SECONDS", -1)
    listed = [full.services.reconcile.run_slices().slices for _ in FILES]
    assert (listed, full.images.pages) == ([0, 0, 0, 4], ["", "b.png", "c.png", "d.png"])
    full.time += timedelta(hours=7)
    assert full.services.reconcile.run_slices().slices > 4  # by the listing of before
    assert len(full.images.pages) == 5


@pytest.mark.parametrize(
    ("error", "pages"),
    [
        (StoreBusy("not now"), ["", "b.png", "c.png", "d.png"]),
        (PermanentError("there is no such place"), ["", "b.png", "", "b.png", "c.png", "d.png"]),
    ],
)
def test_a_listing_that_breaks_off_goes_on_where_it_was_if_it_can(full, monkeypatch, error, pages):
    monkeypatch.setattr(listing, "BLOBS_A_PAGE", 1)
    broken = []

    def fail_once(_number, step):
        if step == "images.page" and len(full.images.pages) == 2 and not broken:
            broken.append(step)
            raise error

    full.before = fail_once
    with pytest.raises(type(error)):
        full.services.reconcile.run_slices()
    assert full.services.reconcile.run_slices().slices == 4
    assert full.images.pages == pages


def test_a_listing_that_was_left_alone_for_too_long_begins_anew(full, monkeypatch):
    monkeypatch.setattr(listing, "BLOBS_A_PAGE", 1)
    monkeypatch.setattr(recent_listing, "LISTING_SECONDS", -1)
    full.services.reconcile.run_slices()
    full.time += timedelta(hours=25)
    full.services.reconcile.run_slices()
    assert full.images.pages == ["", ""]


def test_the_ledger_leaves_time_to_what_the_timer_does_after_it(full):
    left = []
    full.before = lambda *_step: left.append(end_of_time() - time.monotonic())
    with time_limit(FUNCTION_SECONDS):
        full.services.reconcile.run_slices()
    assert all(it <= reconcile.LEDGER_SECONDS for it in left[1:])
    assert recent_listing.LISTING_SECONDS + reconcile.SECONDS_A_RUN + CALL_SECONDS < reconcile.LEDGER_SECONDS
    assert reconcile.LEDGER_SECONDS + retention.SECONDS_A_RUN + 2 * CALL_SECONDS < FUNCTION_SECONDS


def test_a_pair_whose_message_died_is_sent_again(full):
    late = full.upload_and_ingest("e.png", copy_of(2))
    full.pairs.fail(C, late, "gave up after ten tries")
    assert full.pair(C, late).failure
    assert found(looked_at(full)) == {"PAIR_FAILED": 1}
    full.verify_queue.messages.clear()
    assert found(mend(full)) == {}
    assert (full.pair(C, late).failure, full.pair(C, late).verdict.kind) == ("", VerdictKind.DUPLICATE)


@pytest.mark.parametrize("queue", ["ingest-images", "webjobs-blobtrigger", "blob-events", "verify-pairs"])
def test_what_died_on_its_last_try_and_then_vanished_comes(full, queue):
    late = full.upload("e.png", copy_of(2))
    bodies = {
        "ingest-images": IngestMessage(late).to_json(),
        "webjobs-blobtrigger": BlobMessage("f", late.container, late.name, "0x1").to_text(),
        "blob-events": json.dumps({"eventType": "Microsoft.Storage.BlobCreated", "subject": EVENT_SUBJECT + late.name}),
    }
    if queue not in bodies:
        full.services.ingest.ingest(late)
        bodies[queue] = full.verify_queue.messages.pop().to_json()
    full.poison_queues.messages[queue] = [PoisonMessage(queue, "m1", bodies[queue], full.time)]
    assert full.services.poison.tend() == 0
    full.services.poison.purge(queue)
    assert found(looked_at(full)) in ({"MISSING": 1}, {"PAIR_FAILED": 1})
    assert found(mend(full)) == {}
    assert full.row(late).status == INDEXED
    assert (full.pair(C, late).failure, full.pair(C, late).verdict.kind) == ("", VerdictKind.DUPLICATE)


def test_what_another_app_took_from_the_queues_comes(full):
    full.images.put(A, photo(1))
    late = full.upload("e.png", copy_of(2))
    full.services.ingest.ingest(late)
    full.verify_queue.messages.clear()
    assert found(looked_at(full)) == {"OUTDATED": 1, "PAIR_WAITING": 1}
    assert found(mend(full)) == {}
    assert full.row(A).etag == full.images.etag(A)
    assert full.pair(C, late).verdict.kind is VerdictKind.DUPLICATE


def test_a_first_write_that_took_effect_when_the_blob_was_gone_is_cleared_up(full):
    ghost = ImagePath("images", "ghost.png")
    full.features.put(replace(full.row(A), path=ghost, status=PROCESSING, tag=""))
    assert found(looked_at(full)) == {"UNFINISHED": 1}
    assert found(mend(full)) == {}
    assert full.row(ghost).status == DELETED


def test_the_timer_looks_at_everything_within_a_day_a_bounded_slice_at_a_time(full):
    full.set_status(A, PROCESSING)
    runs = 0
    while full.services.reconcile.run_slices().slices < 256:
        runs += 1
        full.time += timedelta(minutes=5)
    assert runs * timedelta(minutes=5) < timedelta(hours=24)
    work_off(full)
    for _ in range(100):
        full.time += timedelta(minutes=20)
        ledger = full.services.reconcile.run_slices()
    assert (ledger.images, ledger.complete) == (4, 4)
    assert full.row(A).status == INDEXED
    calls = len(full.calls)
    full.services.reconcile.run_slices()
    assert len(full.calls) - calls < 40


@pytest.mark.parametrize(("hours", "minutes"), [(1, 5), (3, 5), (24, 60), (1, 60), (24, 5)])
def test_every_slice_is_looked_at_within_the_hours_however_often_the_timer_comes(
    hours, minutes, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    world = World(reconcile_hours=hours)
    world.tick = timedelta(milliseconds=1)
    runs = max(1, hours * 60 // minutes)
    for number in range(2 * runs):
        ledger = world.services.reconcile.run_slices()
        if number >= runs:
            assert ledger.slices == 256
            assert world.time - ledger.oldest < timedelta(hours=hours)
        world.time += timedelta(minutes=minutes)
    assert json.loads(caplog.messages[-1])["late"] == 0


def test_the_line_of_the_ledger_tells_how_many_slices_are_late(full, monkeypatch, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    while full.services.reconcile.run_slices().slices < 256:
        pass
    assert json.loads(caplog.messages[-1])["late"] == 0
    monkeypatch.setattr(reconcile, "SECONDS_A_RUN", -1)
    full.time += timedelta(hours=24)
    full.services.reconcile.run_slices()
    assert json.loads(caplog.messages[-1])["late"] == 255


def test_a_slice_that_was_not_complete_is_looked_at_again_long_before_its_turn(full):
    full.images.put(ImagePath("images", "late.png"), photo(3))
    while full.services.reconcile.run_slices().slices < 256:
        pass
    assert full.services.reconcile.run_slices().complete == 4
    work_off(full)
    full.time += timedelta(minutes=16)
    assert full.services.reconcile.run_slices().complete == 5


def test_a_clock_that_is_set_back_stops_nothing(full):
    while full.services.reconcile.run_slices().slices < 256:
        pass
    full.time -= timedelta(days=20)
    full.images.put(ImagePath("images", "late.png"), photo(3))
    for _ in range(64):
        full.time += timedelta(minutes=5)
        full.services.reconcile.run_slices()
    work_off(full)
    full.time += timedelta(minutes=16)
    assert full.services.reconcile.run_slices().complete == 5


def test_a_listing_under_way_when_the_clock_is_set_back_begins_anew(full, monkeypatch):
    monkeypatch.setattr(listing, "BLOBS_A_PAGE", 1)
    monkeypatch.setattr(recent_listing, "LISTING_SECONDS", -1)
    full.services.reconcile.run_slices()
    full.time -= timedelta(days=20)
    full.services.reconcile.run_slices()
    assert full.images.pages == ["", ""]


def test_a_pair_that_only_a_weak_hit_speaks_for_is_no_finding_but_comes_with_the_mending(full, monkeypatch):
    full.pairs.entities.clear()
    full.services = full.start_process("another")

    def weak(row):
        other = {A: B, B: A}.get(row.path)
        return [Hit(other.image_id, 121, View.UPRIGHT, 2, full.row(other).version)] if other else []

    monkeypatch.setattr(full.services.reconcile._audit, "hits", weak)
    assert found(looked_at(full, deep=True)) == {}
    looked_at(full, deep=True, fix=True)
    full.verify_all()
    assert is_right(full)


def test_forcing_an_image_does_all_of_it_again(full):
    full.segments.clear()
    full.pairs.entities.clear()
    full.services = full.start_process("another")
    for path in (A, B, C):
        full.services.ingest.ingest(path, force=True)
    full.verify_all()
    assert is_right(full)
    assert set(FindingKind) >= set(looked_at(full).found)


def test_what_a_crowd_leaves_out_was_not_missed(world, monkeypatch):
    monkeypatch.setattr(second_look, "CROWD", 2)
    monkeypatch.setattr(second_look, "CROWD_MARGIN_BITS", 0)
    for seed in range(6):
        picture = small_scene(1).filter(ImageFilter.GaussianBlur(seed / 6))
        world.upload_and_ingest(f"{seed}.png", encoded(picture, "JPEG", quality=90 - 5 * seed))
    world.verify_all()
    assert 6 < len(list(world.pairs.all())) < 6 * 5 / 2
    assert found(looked_at(world, deep=True)) == {}
    world.pairs.entities.clear()
    assert found(looked_at(world, deep=True)).keys() == {"PAIR_MISSING"}
