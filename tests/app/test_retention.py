"""What nobody needs any more goes after some days; sums, decisions and what is there stay."""

import json
import logging
from datetime import timedelta
from itertools import islice
from types import SimpleNamespace

import pytest

from dedup_app.feedback.decisions import Act
from dedup_app.operations import retention
from dedup_app.operations.retention import SLICES_A_RUN, Forgotten
from dedup_app.ports.findings import PREFIXES
from dedup_app.ports.image_status import INDEXED
from dedup_core.groups.facts import Family
from dedup_core.loading.stats import LoaderStats
from dedup_core.paths import ImagePath
from tests.app.world import Watched, World, copy_of, photo

RUNS = len(PREFIXES) // SLICES_A_RUN  # until every slice was looked at


def run_all(world) -> Forgotten:
    done = [world.services.retention.run() for _ in range(RUNS)]
    return Forgotten(*(sum(getattr(it, name) for it in done) for name in ("reports", "statistics", "images", "pairs")))


@pytest.fixture
def a_and_b(world):
    """Two look-alikes with a verdict, and a third of other bytes with nobody like it."""
    a, b = world.upload_and_ingest("a.png", photo(1)), world.upload_and_ingest("b.png", copy_of(1))
    world.upload_and_ingest("c.png", photo(2))
    world.verify_all()
    return a, b


def delete(world, path):
    world.images.delete(path)
    world.services.ingest.ingest(path)


def test_an_image_goes_with_its_pairs_once_it_is_deleted_for_long(world, a_and_b):
    a, b = a_and_b
    delete(world, a)
    world.time += timedelta(days=29)
    assert run_all(world) == Forgotten()
    world.time += timedelta(days=2)
    assert run_all(world) == Forgotten(images=1, pairs=1)
    assert world.features.get(a.image_id) is None
    assert list(world.pairs.of_image(b)) == []
    assert world.features.tally().statuses == {INDEXED: 2}
    assert world.services.reconcile.reconcile().broken == 0


def test_the_verdict_log_keeps_the_name_of_what_was_deleted_until_it_is_made_anew(world, a_and_b):
    a, _ = a_and_b
    delete(world, a)
    world.time += timedelta(days=31)
    run_all(world)
    world.services.reindex.reindex()  # appends to what is there
    assert str(a).encode() in world.verdict_segments.read(1, 0, 1_000_000).data
    world.verdict_segments.clear()
    world.services.reindex.reindex()
    assert str(a).encode() not in world.verdict_segments.read(1, 0, 1_000_000).data


def test_one_that_comes_back_after_that_is_taken_in_and_paired_anew(world, a_and_b):
    a, b = a_and_b
    delete(world, a)
    world.time += timedelta(days=31)
    run_all(world)
    world.upload_and_ingest("a.png", photo(1))
    world.verify_all()
    assert world.row(a).status == INDEXED
    assert world.found_by(photo(1)) == {a.image_id, b.image_id}
    assert world.pair(a, b).verdict.kind == "duplicate"
    assert len(world.current_pairs()) == 1


def test_a_decision_outlives_its_image_and_holds_again_when_the_same_bytes_come_back(world, a_and_b):
    a, b = a_and_b
    world.services.decisions.decide_pair(a, b, Act.NOT_DUPLICATE, "ann")
    delete(world, a)
    world.time += timedelta(days=31)
    assert run_all(world) == Forgotten()
    world.upload_and_ingest("a.png", photo(1))
    world.verify_all()
    assert world.pair(a, b).decision == "not_duplicate"
    with world.services.groups.current() as groups:
        assert [group.family for group in groups.groups()] == [Family.APART]


def test_a_decision_about_images_that_no_search_links_holds_again_when_one_comes_back(world, a_and_b):
    a, c = a_and_b[0], ImagePath("images", "c.png")
    world.services.decisions.decide_pair(a, c, Act.DUPLICATE, "ann")
    delete(world, c)
    for _ in range(2):
        world.time += timedelta(days=31)
        assert run_all(world) == Forgotten()
    world.upload_and_ingest("c.png", photo(2))
    [group] = world.services.groups.groups()
    assert str(c) in list(group.paths)


def test_once_a_decision_was_taken_back_a_deleted_image_goes(world, a_and_b):
    a, b = a_and_b
    world.services.decisions.decide_pair(a, b, Act.NOT_DUPLICATE, "ann")
    delete(world, a)
    world.services.decisions.decide_pair(a, b, Act.UNDO, "ann")
    world.time += timedelta(days=31)
    assert run_all(world) == Forgotten(images=1)


@pytest.mark.parametrize("step", range(1, 20))
def test_one_that_comes_back_in_the_middle_stays(world, a_and_b, step):
    a, b = a_and_b
    delete(world, a)
    world.time += timedelta(days=31)
    world.reports.put_retention_place(a.image_id[:2])
    stranger = world.start_process("another")
    for table in (world.pairs, world.features):  # each operation on a row is a step
        table._table = Watched(table.entities, "row", world._announce, world._answered)

    def come_back():
        world.upload("a.png", photo(1))
        stranger.ingest.ingest(a)

    if not world.interrupt(step, come_back, world.services.retention.run):
        come_back()
        assert step > 12
    world.verify_all()
    run_all(world)
    assert world.row(a).status == INDEXED
    assert len(world.current_pairs()) == 1
    assert world.found_by(photo(1)) == {a.image_id, b.image_id}


@pytest.mark.parametrize("step", range(1, 15))
@pytest.mark.parametrize("names", [("a.png", "b.png"), ("b.png", "a.png")])  # by its id it is the first of both, or not
def test_the_pair_of_one_that_comes_back_in_the_middle_stays_under_both_images(names, step):
    world = World(plain_index=True)
    image, other = (world.upload_and_ingest(name, photo(1)) for name in names)
    delete(world, image)
    world.time += timedelta(days=31)
    world.reports.put_retention_place(image.image_id[:2])
    stranger = world.start_process("another")
    for table in (world.pairs, world.features):
        table._table = Watched(table.entities, "row", world._announce, world._answered)

    def come_back():
        world.upload(image.name, photo(1))
        stranger.ingest.ingest(image)

    if not world.interrupt(step, come_back, world.services.retention.run):
        come_back()
    assert [[pair.verdict.kind for pair in world.pairs.of_image(it)] for it in (image, other)] == [["identical"]] * 2
    assert len(world.current_pairs()) == 1


def test_a_crowd_of_pairs_goes_over_several_runs_and_nothing_is_left_behind(world, monkeypatch):
    monkeypatch.setattr("dedup_app.operations.retention.ROWS_A_RUN", 3)
    paths = [world.upload_and_ingest(f"{number}.png", photo(1)) for number in range(6)]
    delete(world, paths[0])
    world.time += timedelta(days=31)
    world.reports.put_retention_place(paths[0].image_id[:2])
    taken = [world.services.retention.run() for _ in range(3)]
    assert taken == [Forgotten(pairs=3), Forgotten(images=1, pairs=2), Forgotten()]
    assert world.features.get(paths[0].image_id) is None
    assert len(list(world.pairs.all())) == 10


def test_reports_and_statistics_of_long_ago_go_and_the_sums_stay(world):
    for number in range(3):
        world.stats.put("2026-05-31", f"process-{number}", LoaderStats(comparisons_performed=1))
        world.services.reporting.report()
        world.time += timedelta(minutes=5)
    world.time += timedelta(days=29)
    world.services.reporting.report()
    latest = world.reports.latest_stats_report()
    assert world.services.retention.run() == Forgotten()
    world.time += timedelta(days=2)
    assert world.services.retention.run() == Forgotten(reports=3)
    world.time += timedelta(days=58)
    assert world.services.retention.run() == Forgotten()
    world.time += timedelta(days=2)
    assert world.services.retention.run() == Forgotten(statistics=3)
    assert world.reports.latest_stats_report() == latest
    assert LoaderStats.sum(world.stats.of_day("2026-05-31").values()) == LoaderStats(comparisons_performed=3)


def test_no_further_image_is_begun_after_half_a_minute_and_the_next_run_goes_on_with_it(world, monkeypatch):
    paths = (ImagePath("images", f"{number}.png") for number in range(3_000))
    of_one_slice = list(islice((path for path in paths if path.image_id.startswith("01")), 3))
    for path in of_one_slice:
        world.upload_and_ingest(path.name, b"no picture")
        delete(world, path)
    world.time += timedelta(days=31)
    world.reports.put_retention_place("01")
    clock = SimpleNamespace(seconds=0.0, monotonic=lambda: clock.seconds)
    monkeypatch.setattr(retention, "time", clock)

    def take_time(_number, step):
        clock.seconds += 16 * (step == "pairs.forget")

    world.before = take_time
    taken = [world.services.retention.run() for _ in range(3)]
    assert taken == [Forgotten(images=1), Forgotten(images=1), Forgotten(images=1)]
    assert world.features.tally().statuses == {}


def test_a_line_says_what_was_taken_away_and_none_that_nothing_was(world, a_and_b, caplog):
    caplog.set_level(logging.INFO, retention.__name__)
    delete(world, a_and_b[0])
    run_all(world)
    assert caplog.messages == []
    world.time += timedelta(days=31)
    run_all(world)
    (line,) = map(json.loads, caplog.messages)
    assert line == {"event": "retention", "reports": 0, "statistics": 0, "images": 1, "pairs": 1}


def test_ages_are_settings():
    world = World(keep_deleted_days=2)
    path = world.upload_and_ingest("a.png", photo(1))
    delete(world, path)
    world.time += timedelta(days=3)
    assert run_all(world) == Forgotten(images=1)
