"""Which pairs people are asked about, and what is told of what they have seen."""

import json
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from dedup_app.feedback.decisions import Act
from dedup_app.feedback.dial import dial
from dedup_app.feedback.informative_pairs import UnknownPair
from dedup_app.intervals import Share
from dedup_app.tune.evidence import gather
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.paths import ImagePath
from dedup_core.policy import LOOSE, STRICT
from tests.app.judged import world_of
from tests.app.world import World, copy_of, photo, recolored


def test_pairs_near_a_threshold_are_asked_about_first_and_sure_ones_never():
    world = world_of([0.5, 3.7, 2.2, 3.9, 5.4, 9.0])
    found = world.services.informative_pairs.most_informative(10, seed=0)
    asked = [(it.pair.measurement.color_residual, it.turns_into) for it in found if it.pair and it.pair.measurement]
    assert asked == [
        (3.9, VerdictKind.DUPLICATE),
        (3.7, VerdictKind.COLOR_VARIANT),
        (5.4, VerdictKind.DUPLICATE),
        (2.2, VerdictKind.COLOR_VARIANT),
    ]
    assert found[0].distance < found[2].distance


def test_the_dial_is_turned_from_todays_policy_whatever_it_is():
    assert dial(-0.5, STRICT) == STRICT
    assert dial(0, STRICT) == STRICT
    assert dial(1, STRICT) == LOOSE == dial(1)
    assert dial(0.125, STRICT).max_color_residual < dial(0.125).max_color_residual


def test_what_was_decided_or_overwritten_is_not_asked_about_again():
    world = world_of([3.7, 3.9, 3.6])
    decided, overwritten = (world.pairs.get(*(ImagePath("images", f"{n}-{side}.png") for side in "ab")) for n in (0, 1))
    assert decided
    assert overwritten
    world.services.decisions.decide_pair(decided.left, decided.right, Act.DUPLICATE, "ann")
    world.features.put(replace(world.row(overwritten.left), version=2))
    [left] = world.services.informative_pairs.most_informative(10, seed=0)
    assert left.pair
    assert left.pair.measurement
    assert left.pair.measurement.color_residual == 3.6


def test_so_many_are_asked_about_as_were_wanted():
    world = world_of([3.5 + number / 100 for number in range(20)])
    assert len(world.services.informative_pairs.most_informative(5, seed=3)) == 5


def test_where_nobody_is_asked_it_is_told_what_is_decided_and_what_lies_far_from_every_threshold():
    world = world_of([3.7, 3.9, 0.5, 0.6, 30.0])
    for number, act in enumerate((Act.DUPLICATE, Act.NOT_DUPLICATE, Act.KEEP_BOTH)):
        left, right = (ImagePath("images", f"{number}-{side}.png") for side in "ab")
        world.services.decisions.decide_pair(left, right, act, "ann")
    assert world.services.informative_pairs.most_informative(10, seed=0) == []
    progress = world.services.informative_pairs.progress(seed=0)
    assert (progress.near_decided, progress.far_grouped, progress.all_looked_at) == (2, 2, True)


def test_of_the_decisions_those_count_that_settings_could_follow():
    world = decided_world()
    world.upload_and_ingest("same.png", photo(3))
    world.verify_all()
    for left, right, act in [
        ("shoes/a.png", "shoes/b.jpg", Act.DUPLICATE),
        ("hats/c.png", "hats/d.jpg", Act.KEEP_BOTH),
        ("e.png", "f.png", Act.NOT_DUPLICATE),
        ("e.png", "same.png", Act.DUPLICATE),
    ]:
        world.services.decisions.decide_pair(ImagePath("images", left), ImagePath("images", right), act, "ann")
    progress, evidence = world.services.informative_pairs.progress(seed=0), gather(world.pairs, world.features)
    assert (progress.copies, progress.others) == (evidence.copies, evidence.strangers) == (1, 1)


def test_a_pair_is_named_by_its_images_compared_or_not():
    world = world_of([3.7, 3.9])
    a, b, c = (ImagePath("images", name).image_id for name in ("0-a.png", "0-b.png", "1-a.png"))
    assert world.services.informative_pairs.pair(a, b).pair is not None
    assert world.services.informative_pairs.pair(a, c).pair is None
    for other in ("0" * 32, a):
        with pytest.raises(UnknownPair):
            world.services.informative_pairs.pair(a, other)


def decided_world() -> World:
    world = World(alert_precision_percent=95)
    for name, data in {
        "shoes/a.png": photo(1),
        "shoes/b.jpg": copy_of(1),
        "hats/c.png": photo(2),
        "hats/d.jpg": copy_of(2),
        "e.png": photo(3),
        "f.png": recolored(3),
    }.items():
        world.upload_and_ingest(name, data)
    world.verify_all()
    return world


def test_precision_is_told_by_verdict_folder_and_month():
    world = decided_world()
    a, b, c, d, e, f = (
        ImagePath("images", name)
        for name in ("shoes/a.png", "shoes/b.jpg", "hats/c.png", "hats/d.jpg", "e.png", "f.png")
    )
    world.services.decisions.decide_pair(a, b, Act.DUPLICATE, "ann")
    world.time += timedelta(days=40)
    world.services.decisions.decide_pair(c, d, Act.NOT_DUPLICATE, "ann")
    world.services.decisions.decide_pair(e, f, Act.NOT_DUPLICATE, "ann")
    report = world.services.precision.report()
    assert {it.verdict: it.denied for it in report.seen} == {
        VerdictKind.DUPLICATE: Share(1, 2),
        VerdictKind.COLOR_VARIANT: Share(1, 1),
    }
    assert {part.name: {it.verdict: it.denied for it in part.seen} for part in report.folders} == {
        "/": {VerdictKind.COLOR_VARIANT: Share(1, 1)},
        "hats/": {VerdictKind.DUPLICATE: Share(1, 1)},
        "shoes/": {VerdictKind.DUPLICATE: Share(0, 1)},
    }
    assert [part.name for part in report.months] == ["2026-07", "2026-05"]
    assert report.kinds == (("2026-05", {VerdictKind.DUPLICATE: 2, VerdictKind.COLOR_VARIANT: 1}),)
    assert not report.is_low  # of two pairs nothing follows


def test_a_decision_that_was_taken_back_or_is_about_other_bytes_is_not_counted():
    world = decided_world()
    a, b, c, d = (ImagePath("images", name) for name in ("shoes/a.png", "shoes/b.jpg", "hats/c.png", "hats/d.jpg"))
    world.services.decisions.decide_pair(a, b, Act.DUPLICATE, "ann")
    world.services.decisions.decide_pair(a, b, Act.UNDO, "ann")
    world.services.decisions.decide_pair(c, d, Act.DUPLICATE, "ann")
    world.upload_and_ingest("hats/d.jpg", photo(9))
    assert world.services.precision.report().seen == ()


@pytest.mark.parametrize(("denied", "is_low"), [(1, False), (2, False), (5, True)])
def test_it_is_low_when_even_the_interval_lies_below_the_setting(denied: int, is_low: bool):
    world = world_of([0.5] * 30)
    for number in range(30):
        left, right = (ImagePath("images", f"{number}-{side}.png") for side in "ab")
        world.services.decisions.decide_pair(
            left, right, Act.NOT_DUPLICATE if number < denied else Act.DUPLICATE, "ann"
        )
    report = world.services.precision.report()
    assert [(it.verdict, it.denied) for it in report.seen] == [(VerdictKind.DUPLICATE, Share(denied, 30))]
    assert report.is_low is is_low


def told_in(caplog: pytest.LogCaptureFixture) -> list[tuple[str, int, bool]]:
    lines = [json.loads(it.getMessage()) for it in caplog.records if "precision_seen" in it.getMessage()]
    caplog.clear()
    return [(it["verdict"], it["denied"], it["is_low"]) for it in lines]


def test_what_was_decided_by_the_command_is_told_by_the_app_once_an_hour(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    app = world_of([0.5] * 30)
    command = replace(app.services)  # a process of its own over the same account
    for number in range(30):
        left, right = (ImagePath("images", f"{number}-{side}.png") for side in "ab")
        command.decisions.decide_pair(left, right, Act.NOT_DUPLICATE if number < 5 else Act.DUPLICATE, "ann")
    assert told_in(caplog) == []
    app.services.precision.tell()
    assert told_in(caplog) == [("duplicate", 5, True)]
    app.time += timedelta(minutes=54)
    replace(app.services).precision.tell()  # another instance of the app
    assert told_in(caplog) == []
    app.time += timedelta(minutes=1)
    app.services.precision.tell()
    assert told_in(caplog) == [("duplicate", 5, True)]
    app.time -= timedelta(days=20)  # the clock was wrong
    app.services.precision.tell()
    assert told_in(caplog) == [("duplicate", 5, True)]
