"""`dedup measure` says first what it costs, goes on where it was, and never writes to the account."""

import io
import json
import os
import re
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pytest
from azure.storage.blob import BlobServiceClient
from PIL import Image
from typer.testing import CliRunner, Result

from dedup_app.configuration.settings import Settings
from dedup_changes import copy_maker
from dedup_changes.copy_maker import MadeCopy
from dedup_changes.transforms import TRANSFORMS
from dedup_cli.main import app
from dedup_cli.presentation.progress import progress_bar
from dedup_cli.quality.measure_folder import MeasureFolder
from dedup_core.decoding.decoder import decode
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.paths import ImagePath
from dedup_decoders import comparing_process
from dedup_storage.connect import connect
from tests.app.world import World, photo
from tests.azurite import Account
from tests.core.pictures import encoded
from tests.remembered import copies_once, measure_once


class Bench:
    """The copy maker of this process, with three changes; it fails where `fails_after` copies are made.

    With `meeting`, copies are made once so many are asked for at the same time.
    """

    fails_after = 1_000_000
    processes: ClassVar[list[int]] = []
    meeting: threading.Barrier | None = None

    def __init__(self, processes: int, *, prepare: object) -> None:
        assert prepare is comparing_process.prepare
        self.processes.append(processes)
        self.changes = [TRANSFORMS[name] for name in ("jpeg-50", "mirrored", "avatar")]
        self.made = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def rest(self) -> None: ...

    def copies(self, picture: WorkingImage, name: str, changes: Sequence[str]) -> list[MadeCopy]:
        self.made += len(changes)
        if self.made > self.fails_after:
            raise KeyboardInterrupt
        if self.meeting is not None:
            self.meeting.wait()
        return copies_once(picture, name, changes)

    measure = staticmethod(measure_once)


@pytest.fixture(autouse=True)
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[Bench]:
    monkeypatch.setattr(copy_maker, "CopyMaker", Bench)
    monkeypatch.setattr(Bench, "fails_after", 1_000_000)
    monkeypatch.setattr(Bench, "processes", [])
    monkeypatch.setattr(Bench, "meeting", None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DECODER_ISOLATION", "off")
    return Bench


@pytest.fixture
def world() -> World:
    world = World(decoder_isolation="off")
    for seed in range(3):
        world.upload_and_ingest(f"{seed}.png", photo(seed))
    world.images.reads.clear()
    return world


def run(world: World, *arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "300"}).invoke(app, ["measure", *arguments], obj=world.services)


def test_it_says_what_it_would_cost_and_reads_nothing_before_it_is_told_to(world: World):
    told = run(world, "--sample", "2").stderr
    assert "read once: 2 of 3 images" in told
    assert "6 copies made in memory" in told
    assert "cost less than 0.01 at 0.005 for 10,000" in told
    assert "cost about 3.00 at 5000.0 for 10,000" in run(world, "--sample", "2", "--read-price", "5000").stderr
    assert world.images.reads == []


def test_a_pipeline_that_nobody_answers_and_that_forgot_yes_does_not_pass(world: World):
    done = run(world, "--at-least", "0.5")
    assert (done.exit_code, "nothing was measured, as nobody can be asked here: --yes goes ahead" in done.stderr) == (
        2,
        True,
    )


def test_it_tells_what_is_found_and_lost_and_writes_a_report(world: World, tmp_path: Path):
    world.upload_and_ingest("flat.png", encoded(_flat()))
    page, record = tmp_path / "report.html", tmp_path / "record.json"
    address = "https://app.example/api/review"
    done = run(world, "--yes", "--html", str(page), "--json", str(record), "--page", address)
    assert done.exit_code == 0, done.output
    assert "not a candidate" in done.stdout
    found = json.loads(record.read_text())
    assert found["images"] | {"of": 4, "drawn": 4, "measured": 4, "vanished": 0} == found["images"]
    assert found["changes"]["jpeg-50"]["found"]["of"] == 4
    assert found["changes"]["jpeg-50"]["lost_at"] == {"not a candidate": 1}
    assert (found["images_read"], found["strangers"]["pairs"]) == (4, 6)
    text = page.read_text()
    assert "<script" not in text
    assert re.findall(r'(?:src|href)="(?!data:|#|https://app\.example)', text) == []
    assert f'href="{address}#pair=' in text
    assert text.count('<img alt="') >= 4
    assert "$" not in re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL)


def test_too_few_copies_found_are_an_exit_code(world: World):
    assert run(world, "--yes", "--at-least", "0.1").exit_code == 0
    world.upload_and_ingest("flat.png", encoded(_flat()))
    done = run(world, "--yes", "--at-least", "1")
    assert (done.exit_code, "less than 1" in done.stderr) == (1, True)


def test_with_too_few_images_it_says_of_which(world: World):
    assert "fewer than two images are indexed\n" in run(World(), "--yes").stderr
    assert "indexed of those whose names begin with shoes/" in run(world, "--yes", "--prefix", "shoes/").stderr


def test_a_run_that_was_interrupted_goes_on_and_leaves_nothing_behind(world: World, bench: type[Bench], tmp_path: Path):
    bench.fails_after = 3
    assert run(world, "--yes", "--jobs", "1").exit_code == 130
    reads = len(world.images.reads)
    bench.fails_after = 1_000_000
    done = run(world, "--yes", "--jobs", "1")
    assert done.exit_code == 0, done.output
    assert "going on with a run that was interrupted: 1 of 3 images done" in done.stderr
    assert "read once: 2 of 3 images" in done.stderr
    assert "6 copies made in memory" in done.stderr
    assert len(world.images.reads) == reads + 2
    assert list((tmp_path / "cache" / "near-duplicate-images").iterdir()) == []


def test_all_cores_have_a_process_and_each_process_a_picture_at_the_same_time(world: World, bench: type[Bench]):
    assert run(world, "--yes").exit_code == 0
    bench.meeting = threading.Barrier(3, timeout=30)  # broken unless all three images are at it at once
    done = run(world, "--yes", "--jobs", "3")
    assert done.exit_code == 0, done.output
    assert bench.processes == [os.process_cpu_count(), 3]


class Terminal(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


def test_a_person_sees_how_far_it_is_and_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with progress_bar() as told:
        for done in range(1, 5):
            told("images", done, 10)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())  # as it reads without colors
    assert re.search(r"images .* 4/10 \d:\d\d:\d\d", shown)


def test_without_a_terminal_lines_say_how_far_it_is(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dedup_cli.presentation.progress.SAY_EVERY_SECONDS", 0.0)
    said = run(world, "--yes").stderr.splitlines()
    assert [line for line in said if line.startswith("images: ")] == [f"images: {done} of 3" for done in range(4)]
    assert "pairs of strangers: 3 of 3" in said


def test_a_program_sees_no_bar_and_a_person_that_of_images_and_of_pairs(world: World, monkeypatch: pytest.MonkeyPatch):
    assert "3/3" not in run(world, "--yes").stderr
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("typer.testing._NamedTextIOWrapper.isatty", lambda _: True)
    shown = run(world, "--yes").stderr
    assert "3/3" in shown.partition("pairs of strangers")[0]
    assert "3/3" in shown.partition("pairs of strangers")[2]


def test_a_line_that_was_cut_off_costs_itself_alone(world: World, tmp_path: Path):
    keep = ("--yes", "--keep", str(tmp_path / "kept"))
    assert run(world, *keep).exit_code == 0
    results = tmp_path / "kept" / "results.jsonl"
    results.write_bytes(results.read_bytes()[:-20])
    assert run(world, *keep).exit_code == 0
    assert len(results.read_bytes().splitlines()) == 4  # one of them is no image
    done = run(world, *keep)
    assert (done.exit_code, "all of the sample was measured before: 3 images" in done.stderr) == (0, True), done.output
    assert len(world.images.reads) == 4


def test_what_was_measured_is_kept_for_tuning_and_another_sample_does_not_go_there(world: World, tmp_path: Path):
    assert run(world, "--yes", "--keep", str(tmp_path / "kept")).exit_code == 0
    assert {it.name for it in (tmp_path / "kept").iterdir()} == {"run.json", "results.jsonl", "strangers.jsonl"}
    done = run(world, "--yes", "--keep", str(tmp_path / "kept"), "--seed", "4")
    assert (done.exit_code, "another sample" in done.stderr) == (2, True)


@pytest.mark.parametrize("arguments", [["--html", "nowhere/a.html"], ["--prefix", "shoes/"], ["--sample", "1"]])
def test_what_cannot_be_done_is_said_at_once(world: World, arguments: list[str]):
    done = run(world, "--yes", *arguments)
    assert (done.exit_code, world.images.reads) == (2, [])


def test_without_the_extra_it_says_what_to_install(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "dedup_changes.copy_maker", None)
    done = run(world, "--yes")
    assert (done.exit_code, "'.[cli,azure,measure]'" in done.stderr) == (2, True)


def test_nothing_is_written_going_by_what_storage_saw(account: Account, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ImageStorage", account.connection_string)
    services = connect(Settings.from_environment({"ImageStorage": account.connection_string}))
    with BlobServiceClient.from_connection_string(account.connection_string) as blobs:
        container = blobs.create_container("images")
        for seed in range(2):
            container.upload_blob(f"{seed}.png", photo(seed))
            services.ingest.ingest(ImagePath("images", f"{seed}.png"))
    services.decoders.close()
    before = len(account.requests())
    assert CliRunner().invoke(app, ["measure", "--yes"]).exit_code == 0
    seen = account.requests()[before:]
    assert {request.method for request in seen} <= {"GET", "HEAD"}
    assert sum("/images/" in request.target for request in seen) == 2


def _flat() -> Image.Image:
    return Image.new("RGB", (240, 180), (120, 130, 140))


@pytest.mark.parametrize("keep", ["kept", None])
def test_pictures_that_are_put_aside_are_for_nobody_else_on_the_machine(tmp_path: Path, keep: str | None):
    folder = MeasureFolder.open(keep and tmp_path / keep, {"sample": 1})
    assert folder.place.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("side", [400, 900])
def test_a_picture_that_is_kept_comes_back_whole(tmp_path, side):
    picture = decode(encoded(Image.new("RGB", (side, 50), "white")))
    folder = MeasureFolder(tmp_path, is_passing=False)
    (tmp_path / "pictures").mkdir(exist_ok=True)
    folder.put("a" * 32, picture)
    kept = folder.get("a" * 32)
    assert kept is not None
    assert np.array_equal(kept.pixels, picture.pixels)
    assert (kept.fine is None) is (picture.fine is None) is (side == 400)
    assert kept.fine is None or np.array_equal(kept.fine, picture.fine)
    assert kept.whole == picture.whole
