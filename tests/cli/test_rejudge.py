"""`dedup rejudge` lists what another policy changes."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner, Result

from dedup_cli.main import app
from dedup_core.comparison.verdict import VerdictKind
from tests.app.world import World, copy_of, photo
from tests.cli.conftest import Known, Run


def run(world: World, *arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "300"}).invoke(app, ["rejudge", *arguments], obj=world.services)


def test_changes_are_listed_with_why_and_counted():
    world = World(plain_index=True)
    world.upload_and_ingest("a.png", photo(1))
    world.upload_and_ingest("b.jpg", copy_of(1))
    world.verify_all()
    assert "judged by balanced: 1 pair; 0 changed, 1 stay" in run(world).output
    world.settings = replace(
        world.settings, policy_overrides={"min_structure": 0.999999, "max_detail_difference": 0.0001}
    )
    world.services = world.start_process("another policy")
    told = run(world, "--dry-run").output
    assert "duplicate -> " in told
    assert "1 would change" in told
    found = json.loads(run(world, "--json").output)
    assert (found["judged"], sum(found["changed"].values()), found["not_measured"]) == (1, 1, 0)
    [change] = found["changes"]
    assert change["before"] == "duplicate"
    assert change["reasons"]


def test_pairs_are_judged_by_the_policy_of_the_app_or_not_at_all():
    world = World(policy_preset="loose", policy_overrides={"min_structure": 0.7, "max_detail_difference": 0.45})
    world.services.reporting.report()
    for settings in ({}, {"policy_preset": "loose", "policy_overrides": {"min_structure": 0.7, "min_part": 0.2}}):
        world.settings = replace(World().settings, **settings)
        world.services = world.start_process("the command")
        done = run(world)
        assert done.exit_code == 3
        assert "the app judges by another policy" in done.stderr
        assert "export POLICY=loose POLICY_MIN_STRUCTURE=0.7 here, too" in done.stderr
        assert ("and unset POLICY_MIN_PART" in done.stderr) == bool(settings)
        assert run(world, "--dry-run").exit_code == 0
    world.settings = replace(World().settings, policy_preset="loose", policy_overrides={"min_structure": 0.7})
    world.services = world.start_process("the command as told")
    assert run(world).exit_code == 0


def test_pairs_that_cannot_be_judged_are_told(dedup: Run, known: Known):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE)
    known.pair("a.jpg", "c.jpg", VerdictKind.IDENTICAL)
    told = dedup("rejudge").output
    assert "not judged: 1 pair measured by an earlier version (--remeasure queues them)" in told
    assert "queued for a verification: 1" in dedup("rejudge", "--remeasure").output


def test_without_a_terminal_lines_say_how_far_it_is(dedup: Run, known: Known, monkeypatch: pytest.MonkeyPatch):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE)
    known.pair("a.jpg", "c.jpg", VerdictKind.IDENTICAL)
    monkeypatch.setattr("dedup_cli.presentation.progress.SAY_EVERY_SECONDS", 0.0)
    assert dedup("rejudge").stderr.splitlines() == ["pairs: 1", "pairs: 2"]
