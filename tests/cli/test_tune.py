"""`dedup tune` prints settings that can be set as they are, and lists what they would change."""

import json
from dataclasses import replace
from pathlib import Path

from typer.testing import CliRunner, Result

from dedup_app.configuration.settings import Settings
from dedup_app.measure.results import CopyResult, ImageResult, Outcome
from dedup_app.measure.stages import Stage
from dedup_cli.main import app
from dedup_cli.quality.measure_folder import MeasureFolder
from dedup_cli.quality.tune import settings_lines
from dedup_core.policy import BALANCED, STRICT
from tests.app.judged import decided, measured, residuals
from tests.app.world import World


def run(world: World, *arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "300"}).invoke(app, ["tune", *arguments], obj=world.services)


def test_the_proposal_is_told_with_what_it_rests_on_and_what_it_would_change(tmp_path: Path):
    page = tmp_path / "curve.html"
    address = "https://app.example/api/review"
    done = run(decided(residuals(60, 2.4)), "--html", str(page), "--page", address)
    assert done.exit_code == 0, done.output
    assert "60 decisions: " in done.stdout
    assert "POLICY_MAX_COLOR_RESIDUAL=2." in done.stdout
    assert "duplicate -> color_variant" in done.stdout
    assert f"{address}#pair=" in done.stdout
    assert page.read_text().count("<circle") == 14  # today, three presets, the proposal and nine places of the dial


def test_what_is_written_can_be_set_and_changes_what_was_listed():
    world = decided(residuals(60, 2.4))
    listed = json.loads(run(world, "--json").stdout)
    lines = run(world, "--write").stdout.splitlines()
    assert lines == listed["settings"]
    settings = Settings.from_environment(dict(line.split("=") for line in lines))
    world.settings = replace(world.settings, policy_overrides=settings.policy_overrides)
    world.services = world.start_process("with the settings")
    done = CliRunner().invoke(app, ["rejudge", "--json"], obj=world.services)
    assert sum(json.loads(done.stdout)["changed"].values()) == len(listed["changes"]) > 0


def test_nothing_is_written_where_nothing_is_better_and_that_is_told():
    world = decided(residuals(60, 3.8))
    written = run(world, "--write")
    assert (written.stdout, "nothing is proposed" in written.stderr) == ("", True)
    assert "nothing is proposed" in run(world).stdout


def test_too_few_decisions_are_told_in_a_sentence():
    done = run(decided(residuals(10, 2.4)))
    assert (done.exit_code, "40 decisions" in done.stderr) == (2, True)


def test_made_copies_are_taken_from_a_run_of_measure(tmp_path: Path):
    folder = MeasureFolder.open(tmp_path / "kept", {"sample": 1})
    copies = tuple(CopyResult("jpeg-50", Stage.FOUND, 1, 0, measured(3.0)) for _ in range(30))
    folder.add(ImageResult("images/a.png", Outcome.MEASURED, 10, copies))
    found = json.loads(run(decided(residuals(60, 2.4)), "--json", "--copies", str(tmp_path / "kept")).stdout)
    assert {it["policy"]: it["made"]["count"] for it in found["points"]}["today"] == 30
    assert found["proposed"].get("max_color_residual", 3.8) >= 3.0
    assert run(decided(residuals(60, 2.4)), "--copies", str(tmp_path)).exit_code == 2


def test_copies_that_another_version_measured_are_refused_with_what_to_do(tmp_path: Path):
    kept = tmp_path / "kept"
    MeasureFolder.open(kept, {"sample": 1}).add(ImageResult("images/a.png", Outcome.VANISHED))
    run_file = kept / "run.json"
    run_file.write_text(run_file.read_text().replace('"measurement": ', '"measurement": 10'))
    done = run(decided(residuals(60, 2.4)), "--copies", str(kept))
    assert (done.exit_code, "another version" in done.stderr, "--keep" in done.stderr) == (2, True, True)


def test_settings_name_the_preset_that_is_nearest():
    assert settings_lines(BALANCED) == ["POLICY=balanced"]
    assert settings_lines(replace(STRICT, min_structure=0.85)) == ["POLICY=strict", "POLICY_MIN_STRUCTURE=0.85"]


def test_a_folder_in_place_of_a_page_is_refused(tmp_path: Path):
    done = run(decided(residuals(60, 2.4)), "--html", str(tmp_path))
    assert (done.exit_code, "it is a folder; give the path of a new file in it" in done.stderr) == (2, True)
