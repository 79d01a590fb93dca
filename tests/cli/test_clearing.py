"""`dedup apply`, `undo` and `purge`, with a plan and a manifest in files."""

import json
import os
import shlex
import tracemalloc
from collections.abc import Buffer
from dataclasses import replace
from datetime import timedelta
from io import FileIO
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dedup_app.cleanup.ports import BlobContent
from dedup_app.cleanup.record import InvalidManifest
from dedup_app.configuration.settings import KEEPER_STEPS
from dedup_cli.cleanup import manifest_file
from dedup_cli.cleanup.clearing import read_plan
from dedup_cli.cleanup.manifest_file import ManifestFile, open_manifest
from dedup_cli.cleanup.purge import parse_age
from dedup_cli.main import app
from dedup_cli.presentation.failures import InputError
from dedup_core.errors import StoreBusy
from dedup_core.groups.keeper import DEFAULT_STEPS
from dedup_core.groups.plan_file import InvalidPlan
from dedup_core.paths import ImagePath
from tests.app.cleanup.scenes import Scene, scene


class Command:
    """The command in a folder of its own, against a scene in memory."""

    def __init__(self, folder: Path) -> None:
        self.scene: Scene = scene()
        self.folder = folder
        self.columns = 300
        self.plan, self.manifest = folder / "plan.json", folder / "plan.manifest.jsonl"
        self.plan.write_text(self("plan", "--format", "json").output)

    def __call__(self, *arguments: object) -> Result:
        run = CliRunner(env={"COLUMNS": str(self.columns)})
        return run.invoke(app, [str(it) for it in arguments], obj=self.scene.world.services)


@pytest.fixture
def dedup(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_without_yes_nothing_is_changed_and_it_says_how_to_go_on(dedup: Command):
    done = dedup("apply", dedup.plan)
    assert done.exit_code == 0
    assert "3 images would go" in done.output
    assert f"nothing was changed: dedup apply {dedup.plan} --yes" in done.output
    assert dedup.scene.world.images.paths() == set(dedup.scene.before)
    assert not dedup.manifest.exists()


def test_what_the_app_protects_has_to_be_protected_by_the_command_too(dedup: Command):
    world = dedup.scene.world
    settings, world.settings = world.settings, replace(world.settings, protected_prefixes=("copies/",))
    world.start_process("the app").reporting.report()
    ending = ("purge", dedup.manifest, "--older-than", "0h", "--yes")
    for arguments in (("plan",), ("apply", dedup.plan), ("apply", dedup.plan, "--yes"), ending):
        done = dedup(*arguments)
        assert (done.exit_code, "export PROTECTED_PREFIXES=copies/ here" in done.stderr) == (3, True)
    assert dedup.scene.quarantined == {}
    world.services = world.start_process("the command as told")
    planned = json.loads(dedup("plan", "--format", "json").output)["groups"]
    assert {it["path"].startswith("images/copies/") for group in planned for it in group["goes"]} == {False}
    world.settings = settings
    world.start_process("the app").reporting.report()
    world.services = world.start_process("without")
    assert dedup("apply", dedup.plan).exit_code == 0


def test_the_copies_that_the_app_keeps_have_to_be_kept_by_the_command_too(dedup: Command):
    world = dedup.scene.world
    settings = world.settings
    for theirs, told in (
        ({"keeper_steps": ("person", "larger")}, "other steps than these settings: export KEEPER_STEPS=person,larger "),
        ({"protected_prefixes": ("a/", "copies/")}, "or in another order: export PROTECTED_PREFIXES=a/,copies/ here"),
    ):
        world.settings = replace(settings, **theirs)
        world.start_process("the app").reporting.report()
        world.settings = replace(settings, protected_prefixes=("copies/", "a/"))
        world.services = world.start_process("the command")
        for arguments in (("plan",), ("apply", dedup.plan), ("apply", dedup.plan, "--yes")):
            done = dedup(*arguments)
            assert (done.exit_code, told in done.stderr) == (3, True)
        assert dedup.scene.quarantined == {}
        world.settings = replace(settings, **theirs)
        world.services = world.start_process("the command as told")
        assert dedup("plan").exit_code == 0


def test_steps_that_are_written_out_are_no_others(dedup: Command):
    world = dedup.scene.world
    world.services.reporting.report()
    assert KEEPER_STEPS == DEFAULT_STEPS
    world.settings = replace(world.settings, keeper_steps=KEEPER_STEPS)
    world.services = world.start_process("the command")
    assert dedup("apply", dedup.plan).exit_code == 0


def test_a_plan_is_applied_undone_and_told_of(dedup: Command):
    done = dedup("apply", dedup.plan, "--yes")
    assert (done.exit_code, "3 images in quarantine" in done.output) == (0, True)
    assert str(dedup.manifest) in done.output
    assert len(dedup.scene.quarantined) == 3
    assert "3 images already in quarantine" in dedup("apply", dedup.plan, "--yes").output
    assert "3 images brought back" in dedup("undo", dedup.manifest).output
    assert "3 images already brought back" in dedup("undo", dedup.manifest).output
    assert dedup.scene.world.images.paths() == set(dedup.scene.before)


def test_a_check_says_of_what_is_back_what_the_run_would_say(dedup: Command):
    for arguments in (("apply", dedup.plan, "--yes"), ("undo", dedup.manifest)):
        assert dedup(*arguments).exit_code == 0
    checked, done = (dedup("apply", dedup.plan, "--json", *more) for more in ((), ("--yes",)))
    assert (checked.exit_code, json.loads(checked.output)) == (1, json.loads(done.output))
    assert checked.output.count("it was brought back, or ended, after this plan: make a new one") == 3


def test_what_a_check_tells_to_run_has_the_options_of_the_check(dedup: Command):
    manifest = dedup.folder / "my steps.jsonl"
    told = dedup("apply", dedup.plan, "--manifest", manifest, "--without-tags").output.splitlines()[-1]
    arguments = shlex.split(told.partition(": dedup ")[2])
    assert arguments == ["apply", str(dedup.plan), "--manifest", str(manifest), "--without-tags", "--yes"]
    assert dedup(*arguments).exit_code == 0
    assert "3 images already in quarantine" in dedup(*arguments[:-1]).output


def test_a_run_that_storage_ended_says_how_to_go_on_and_a_check_does_not(
    dedup: Command, monkeypatch: pytest.MonkeyPatch
):
    def busy(*_: object, **_named: object) -> None:
        raise StoreBusy("no answer")

    told = "run the same command again to go on"
    with monkeypatch.context() as patched:
        patched.setattr(dedup.scene.world.blobs, "lease", busy)
        done = dedup("apply", dedup.plan, "--yes")
        assert (done.exit_code, told in done.stderr, "error: no answer" in done.stderr) == (4, True, True)
        patched.setattr(dedup.scene.world.blobs, "look", busy)
        assert told not in dedup("apply", dedup.plan).stderr
    assert "3 images in quarantine" in dedup("apply", dedup.plan, "--yes").output


@pytest.mark.parametrize(
    ("command", "step", "done"),
    [("apply", "told", "moved"), ("undo", "undone", "brought back"), ("purge", "purged", "ended")],
)
def test_a_run_that_a_person_ended_says_how_far_it_is_and_how_it_goes_on(
    dedup: Command, monkeypatch: pytest.MonkeyPatch, command: str, step: str, done: str
):
    last, blobs = dedup.scene.going[-1], dedup.scene.world.blobs
    copy, delete = blobs.copy, blobs.delete

    def copied(source: ImagePath, etag: str, target: ImagePath, content: BlobContent) -> None:
        if last in (source, target):
            raise KeyboardInterrupt
        copy(source, etag, target, content)

    def deleted(path: ImagePath, *more: str) -> None:
        if path.name.endswith(last.name):
            raise KeyboardInterrupt
        delete(path, *more)

    more = {"apply": (dedup.plan, "--yes"), "purge": (dedup.manifest, "--older-than", "0h", "--yes")}
    arguments = (command, *more.get(command, (dedup.manifest,)))
    if command != "apply":
        dedup("apply", dedup.plan, "--yes")
        dedup.scene.world.time += timedelta(days=1)
    with monkeypatch.context() as patched:
        patched.setattr(blobs, *(("delete", deleted) if command == "purge" else ("copy", copied)))
        stopped = dedup(*arguments)
    count = dedup.manifest.read_text().count(f'"step":"{step}"')
    assert count < 3
    assert stopped.stderr == f"stopped: {count} of 3 images {done}; run the same command again to go on\n"
    assert stopped.exit_code == 130
    assert dedup(*arguments).exit_code == 0


def test_purge_asks_for_an_age_and_tells_before_it_deletes(dedup: Command):
    dedup("apply", dedup.plan, "--yes")
    assert dedup("purge", dedup.manifest).exit_code == 2
    assert "it has not been away for so long" in dedup("purge", dedup.manifest, "--older-than", "30d").output
    dedup.scene.world.time += timedelta(days=31)
    assert "3 images would end" in dedup("purge", dedup.manifest, "--older-than", "30d").output
    assert len(dedup.scene.quarantined) == 3
    assert "3 images ended" in dedup("purge", dedup.manifest, "--older-than", "30d", "--yes").output
    assert dedup.scene.quarantined == {}


def test_what_is_refused_is_named_and_scripts_see_it(dedup: Command):
    path = dedup.scene.going[0]
    dedup.scene.world.blobs.put(path, b"new")
    done = dedup("apply", dedup.plan, "--json")
    assert done.exit_code == 1
    [refused] = [it for it in json.loads(done.output) if it["refused"]]
    assert (refused["path"], refused["fate"]) == (str(path), "stays")
    assert "changed since it was compared" in refused["why"]


def test_what_is_told_to_be_run_next_can_be_copied_whatever_the_folder_is_called(dedup: Command):
    plan = dedup.folder / ("Möbel & Co, " * 9) / "to do 1.json"
    plan.parent.mkdir()
    plan.write_text(dedup.plan.read_text())
    manifest = plan.with_name("to do 1.manifest.jsonl")
    dedup.columns = 60
    told = dedup("apply", plan).output.splitlines()[-1]
    assert told == f"nothing was changed: dedup apply {shlex.quote(str(plan))} --yes"
    assert dedup(*shlex.split(told.partition(": dedup ")[2])).exit_code == 0
    told = dedup("purge", manifest, "--older-than", "0h").output.splitlines()[-1]
    assert shlex.split(told.partition(": dedup ")[2]) == ["purge", str(manifest), "--older-than", "0h", "--yes"]


def test_a_line_about_an_image_is_not_broken_in_its_name(dedup: Command):
    dedup("apply", dedup.plan, "--yes")
    path = dedup.scene.going[0]
    dedup.scene.world.blobs.put(path, b"new")
    dedup.columns = 60
    [line] = [it for it in dedup("undo", dedup.manifest).output.splitlines() if it.startswith(f"{path}: ")]
    [copy] = dedup.scene.quarantined
    assert line.endswith(f"its copy is at {copy}")


def test_a_manifest_of_another_plan_is_named(dedup: Command):
    """As when the next plan is written into the same file."""
    dedup("apply", dedup.plan, "--yes")
    plan = json.loads(dedup.plan.read_text())
    dedup.plan.write_text(json.dumps(plan | {"made_at": "2026-06-30T12:00:00+00:00"}))
    refused = dedup("apply", dedup.plan, "--yes")
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert f"{dedup.manifest}: the manifest belongs to another plan" in refused.stderr
    assert "another file with --manifest" in refused.stderr


def test_powershell_writes_plans_in_its_own_way(dedup: Command):
    dedup.plan.write_text(dedup.plan.read_text(), encoding="utf-16")
    assert "3 images would go" in dedup("apply", dedup.plan).output


@pytest.mark.parametrize("damaged", [b"", b"{", b"{}", b"\xff\xfe\x00", b"\xff"])
def test_what_is_no_plan_is_refused_with_a_remedy(dedup: Command, damaged: bytes):
    dedup.plan.write_bytes(damaged)
    done = dedup("apply", dedup.plan)
    assert done.exit_code == 2
    assert "dedup plan --format json" in done.stderr
    assert str(dedup.plan) in done.stderr


def test_files_that_are_not_there_are_named(dedup: Command):
    for arguments in (["apply", "no.json"], ["undo", "no.jsonl"], ["purge", "no.jsonl", "--older-than", "1d"]):
        done = dedup(*arguments)
        assert (done.exit_code, arguments[1] in done.stderr) == (2, True)
    assert not Path("no.jsonl").exists()


@pytest.mark.parametrize("act", [("apply", "--yes"), ("apply",), ("undo",), ("purge", "--older-than", "0h")])
def test_a_pipe_or_device_is_no_manifest_and_nothing_waits_for_its_end(dedup: Command, act: tuple[str, ...]):
    command, *options = act
    pipe = dedup.folder / "pipe"
    os.mkfifo(pipe)
    named = (dedup.plan, "--manifest", pipe) if command == "apply" else (pipe,)
    done = dedup(command, *options, *named)
    assert (done.exit_code, f"cannot use the manifest {pipe}: it is no file" in done.stderr) == (2, True)
    assert dedup.scene.quarantined == {}


def test_the_manifest_of_a_plan_from_a_pipe_has_to_be_named(dedup: Command):
    def piped(*options: str) -> Result:
        end, beginning = os.pipe()
        os.write(beginning, dedup.plan.read_bytes())
        os.close(beginning)
        done = dedup("apply", f"/dev/fd/{end}", *options)
        os.close(end)
        return done

    assert "3 images would go" in piped().output
    done = piped("--yes")
    assert (done.exit_code, "name one with --manifest FILE" in done.stderr) == (2, True)
    assert dedup.scene.quarantined == {}


def test_a_line_that_was_torn_off_is_as_if_it_had_not_been_begun(tmp_path: Path):
    path = tmp_path / "m.jsonl"
    with open_manifest(path, create=True) as manifest:
        manifest.append({"manifest": "é"})
        manifest.append({"two": 2})
    whole = path.read_bytes()
    for torn in range(len(whole)):
        path.write_bytes(whole[:torn])
        with open_manifest(path, create=False) as manifest:
            assert len(list(manifest.entries())) == whole[:torn].count(b"\n")
            manifest.append({"manifest": 3})
        with open_manifest(path, create=False) as manifest:
            *before, last = manifest.entries()
            assert (len(before), last) == (whole[:torn].count(b"\n"), {"manifest": 3})


def test_a_manifest_of_many_images_is_not_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(manifest_file, "CHUNK_BYTES", 4096)
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"manifest":1}\n' * 3_000)
    tracemalloc.start()
    try:
        with open_manifest(path, create=False) as manifest:
            assert sum(1 for _ in manifest.entries()) == 3_000
            manifest.append({"manifest": 1})
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text", [b'{"manifest":1}\nno json\n{}\n', b'{"manifest":1}\n[]\n{"torn', b'{"manifest":' + b"[" * 20_000 + b"\n"]
)
def test_a_damaged_line_is_refused_by_its_number(tmp_path: Path, text: bytes):
    path = tmp_path / "m.jsonl"
    path.write_bytes(text)
    with pytest.raises(InvalidManifest, match="line"), open_manifest(path, create=False):
        pass
    assert path.read_bytes() == text


@pytest.mark.parametrize(
    ("text", "told"),
    [('{"plan": 1}', "is a plan and no manifest"), ("Dear Sir", "is no manifest"), ("[]\n", "is no manifest")],
)
def test_a_file_that_is_no_manifest_is_refused_and_left_whole(dedup: Command, text: str, told: str):
    dedup.plan.write_text(text)
    done = dedup("undo", dedup.plan)
    assert (done.exit_code, dedup.plan.read_text()) == (2, text)
    assert f"{dedup.plan} {told}" in done.stderr


@pytest.mark.parametrize("act", [("undo",), ("purge", "--older-than", "30d")])
def test_a_time_without_a_zone_is_refused_by_its_line_with_a_remedy(dedup: Command, act: tuple[str, ...]):
    dedup("apply", dedup.plan, "--yes")
    lines = [json.loads(line) for line in dedup.manifest.read_text().splitlines()]
    number = next(number for number, line in enumerate(lines, 1) if line.get("step") == "deleted")
    zoned = lines[number - 1]["at"]
    lines[number - 1]["at"] = zoned.removesuffix("+00:00")
    dedup.manifest.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    done = dedup(act[0], dedup.manifest, *act[1:])
    assert done.exit_code == 2
    assert f"{dedup.manifest}: line {number} of the manifest: the time" in done.stderr
    assert f"has no zone: write {zoned} if it is in UTC" in done.stderr


def test_each_entry_is_on_the_disk_before_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    synced: list[bytes] = []
    path = tmp_path / "m.jsonl"
    with open_manifest(path, create=True) as manifest:
        monkeypatch.setattr(os, "fsync", lambda _number: synced.append(path.read_bytes()))
        manifest.append({"one": 1})
    assert synced == [b'{"one":1}\n']


class AlmostFullDisk(FileIO):
    """Has room for a part of what is written once, and then for all of it."""

    room: int | None = 5

    def write(self, data: Buffer) -> int:
        room, self.room = self.room, None
        return super().write(bytes(data)[:room])


@pytest.mark.parametrize("mode", ["ab+", "rb+"])
def test_what_a_full_disk_cut_short_spoils_no_later_line(tmp_path: Path, mode: str):
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"manifest":1}\n')
    with AlmostFullDisk(path, mode) as file:
        file.seek(0, os.SEEK_END)
        manifest = ManifestFile(file)
        with pytest.raises(OSError, match="is the disk full"):
            manifest.append({"one": 1})
        manifest.append({"two": 2})  # by another thread, once there is room
    assert path.read_bytes() == b'{"manifest":1}\n{"two":2}\n'


def test_two_commands_do_not_work_on_one_manifest(tmp_path: Path):
    path = tmp_path / "m.jsonl"
    with (
        open_manifest(path, create=True),
        pytest.raises(InputError, match="another command"),
        open_manifest(path, create=True),
    ):
        pass


def test_an_age_is_days_or_hours():
    assert (parse_age("30d"), parse_age("12h"), parse_age("0d")) == (
        timedelta(days=30),
        timedelta(hours=12),
        timedelta(0),
    )
    for wrong in ("30", "d", "-1d", "1w", ""):
        with pytest.raises(InputError, match="30d or 12h"):
            parse_age(wrong)


def test_a_manifest_in_place_of_a_plan_is_called_that(tmp_path: Path):
    path = tmp_path / "plan.manifest.jsonl"
    path.write_text('{"manifest":1,"plan":"d7aa"}\n{"step":"begun"}\n', encoding="utf-8")
    with pytest.raises(InvalidPlan, match="is a manifest and no plan"):
        read_plan(path)
