"""`tune` proposes what agrees better with decisions beyond chance, and nothing where there is too little to go by."""

import random
from dataclasses import replace

import numpy as np
import pytest

from dedup_app.feedback.decisions import Act
from dedup_app.feedback.dial import dial
from dedup_app.operations.rejudge import RejudgeReport
from dedup_app.tune.choice import Chooser, chance_of, folds_of
from dedup_app.tune.evidence import Judgment, Made, gather
from dedup_app.tune.moves import changed, moves
from dedup_app.tune.service import TooFewDecisions, TuneReport
from dedup_core.comparison.verdict import decide
from dedup_core.paths import ImagePath
from dedup_core.policy import BALANCED, LOOSE, STRICT
from dedup_decoders.in_process import extract_features
from tests.app.judged import decided, measured, pair, residuals
from tests.app.world import World, photo


def tuned(world: World) -> TuneReport:
    return world.services.tune.tune()


def test_sixty_decisions_by_another_limit_find_it_and_it_holds_on_pairs_not_seen():
    report = tuned(decided(residuals(60, 2.4)))
    assert set(report.settings) == {"max_color_residual"}
    assert 2.0 <= report.settings["max_color_residual"] < 2.9
    assert report.choice.chance < 0.01
    policy = replace(BALANCED, **report.settings)
    held_back = residuals(200, 2.4, seed=9)

    def wrong(by: object) -> int:
        return sum(
            (decide(measured(value), by).kind.value == "duplicate") != is_copy for value, is_copy in held_back.items()
        )

    assert wrong(policy) < wrong(BALANCED) / 2
    names = {point.name for point in report.points}
    assert {"today", "strict", "balanced", "loose", "proposed"} <= names


def test_ten_decisions_are_refused_and_the_sentence_says_what_is_needed():
    with pytest.raises(TooFewDecisions, match=r"40 decisions .* there are 4 of copies and 6 of others"):
        tuned(decided(residuals(10, 2.4)))


def test_decisions_that_are_all_the_same_are_refused():
    with pytest.raises(TooFewDecisions):
        tuned(decided(residuals(60, 9.0)))


@pytest.mark.parametrize("seed", range(6))
def test_random_decisions_propose_nothing(seed: int):
    coin = random.Random(f"coin {seed}")
    assert tuned(decided({value: coin.random() < 0.5 for value in residuals(60, 2.4, seed=seed)})).settings == {}


def test_decisions_that_agree_with_today_propose_nothing():
    report = tuned(decided(residuals(60, BALANCED.max_color_residual)))
    assert (report.settings, report.choice.wrong_today) == ({}, 0)


def test_no_proposal_loses_made_copies():
    world = decided(residuals(60, 2.4))
    made = [Made(measured(3.0), frozenset({"duplicate"}))] * 50
    report = world.services.tune.tune(made)
    assert report.settings.get("max_color_residual", 3.8) >= 3.0
    assert next(point.made.count for point in report.points if point.name == "today" and point.made) == 50


def test_what_settings_cannot_follow_is_left_out_and_counted():
    world = decided({1.0: True})
    features = extract_features(photo(1))
    paths = [ImagePath("images", f"{number}.png") for number in range(6)]
    for left, right in zip(paths[::2], paths[1::2], strict=True):
        pair(world, features, left, right, measured())
    world.services.decisions.decide_pair(paths[0], paths[1], Act.KEEP_BOTH, "ann")
    world.services.decisions.decide_pair(paths[2], paths[3], Act.DUPLICATE, "ann")
    row = world.row(paths[2])
    world.features.put(replace(row, features=extract_features(photo(2)), version=2))
    evidence = gather(world.pairs, world.features)
    assert len(evidence.judgments) == 1
    assert sorted(evidence.left_out.values()) == [1, 1]


def test_what_would_change_is_what_rejudge_changes():
    world = decided(residuals(60, 2.4))
    policy = replace(BALANCED, max_color_residual=2.4)
    before = {(str(it.pair.left), it.verdict.kind) for it in world.services.tune.would_change(policy)}
    world.settings = replace(world.settings, policy_overrides={"max_color_residual": 2.4})
    changes = world.start_process("new settings").rejudge.rejudge(RejudgeReport())
    assert {(str(it.pair.left), it.verdict.kind) for it in changes} == before != set()


def test_pairs_that_share_an_image_are_in_one_fold():
    judgments = [Judgment(f"{number // 4}", f"x{number}", measured(), is_copy=True) for number in range(40)]
    folds = folds_of(judgments, 0)
    assert all(len(set(folds[first : first + 4].tolist())) == 1 for first in range(0, 40, 4))
    assert set(folds.tolist()) == set(range(5))


@pytest.mark.parametrize(("of_one_picture", "proposes"), [(True, False), (False, True)])
def test_what_a_preset_gets_wrong_about_one_picture_alone_proposes_nothing(of_one_picture: bool, proposes: bool):
    """Without that picture nothing is wrong, so nothing tells that another policy would do better on others."""
    strangers = [Judgment(f"s{it}", f"t{it}", measured(structure=0.3), is_copy=False) for it in range(30)]
    right = [Judgment(f"a{it}", f"b{it}", measured(), is_copy=True) for it in range(24)]
    missed = [Judgment("a" if of_one_picture else f"c{it}", f"d{it}", measured(3.0), is_copy=True) for it in range(6)]
    choice = Chooser([*strangers, *right, *missed], STRICT).choose()
    assert choice.wrong_today == 6
    assert (choice.wrong_unseen == 0, choice.is_better(STRICT)) == (proposes, proposes)


def test_a_gain_that_losses_outweigh_is_chance():
    assert chance_of(np.zeros(10), 0) == 1.0
    assert chance_of(np.array([0.1] * 8), 0) == pytest.approx(1 / 256, abs=0.002)
    assert chance_of(np.array([0.1] * 5 + [-0.1] * 5), 0) > 0.5


def test_the_dial_meets_the_presets_and_moves_change_what_they_name():
    assert (dial(-1), dial(0), dial(1)) == (STRICT, BALANCED, LOOSE)
    single = next(move for move in moves() if (move.name, move.position) == ("max_color_residual", -1))
    policy = single.on(BALANCED)
    assert policy is not None
    assert changed(BALANCED, policy) == {"max_color_residual": 2.0}
