"""What was done on each of the last days, at a bounded number of calls to storage."""

from datetime import timedelta

from dedup_app.feedback.decisions import Act
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.loading.stats import LoaderStats
from dedup_core.paths import ImagePath
from tests.app.world import NOON, World, copy_of, photo


def test_verdicts_and_decisions_stand_on_their_days():
    world = World()
    for name, data in (("a.png", photo(1)), ("b.jpg", copy_of(1)), ("c.png", photo(1))):
        world.upload_and_ingest(name, data)
    world.verify_all()
    world.time = NOON + timedelta(days=2)
    a, b = (ImagePath("images", name) for name in ("a.png", "b.jpg"))
    world.services.decisions.decide_pair(a, b, Act.DUPLICATE, "ann")
    days = {day.day: day for day in world.services.activity.days()}
    assert list(days)[-1] == "2026-06-02"
    assert len(days) == 30
    assert days["2026-05-31"].verdicts == {VerdictKind.IDENTICAL: 1, VerdictKind.DUPLICATE: 2}
    assert days["2026-06-02"].decisions == 1
    assert sum(sum(day.verdicts.values()) + day.decisions for day in days.values()) == 4
    world.services.decisions.decide_pair(a, b, Act.UNDO, "ann")
    assert sum(day.decisions for day in world.services.activity.days()) == 0


def test_what_is_older_is_left_out():
    world = World()
    for name, data in (("a.png", photo(1)), ("b.png", photo(1))):
        world.upload_and_ingest(name, data)
    world.time = NOON + timedelta(days=30)
    assert all(not day.verdicts for day in world.services.activity.days())


def test_counters_of_all_instances_add_up_by_day():
    world = World()
    for instance in ("one", "two"):
        world.stats.put("2026-05-30", instance, LoaderStats(images_downloaded=3, comparisons_performed=2))
    world.stats.put("2026-05-30", "two", LoaderStats(images_downloaded=5, comparisons_performed=2))
    before = {day.day: day for day in world.services.activity.days()}
    assert before["2026-05-30"].totals == LoaderStats(images_downloaded=8, comparisons_performed=4)
    assert before["2026-05-29"].totals == LoaderStats()


def test_days_that_are_over_are_read_once():
    world = World()
    services = world.services
    services.activity.days()
    assert world.calls.count("stats.of_day") == 30
    world.calls.clear()
    services.activity.days()
    assert world.calls.count("stats.of_day") == 2
    world.time = NOON + timedelta(days=1)
    world.calls.clear()
    services.activity.days()
    assert world.calls.count("stats.of_day") == 3
