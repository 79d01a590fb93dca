"""`dedup report` writes the groups with small pictures into one page that runs nothing."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dedup_app.records.group_records import facts_of
from dedup_cli.main import app
from dedup_core.comparison.sides import ALIKE
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import StoreBusy
from dedup_core.groups.facts import Link
from dedup_core.paths import ImagePath
from tests.app.world import World, copy_of, photo, recolored
from tests.core.pictures import encoded, scene

HOSTILE = "<img src=x onerror=alert(1)>.jpg"


@pytest.fixture
def world() -> World:
    """Two groups of copies, and the same in another color."""
    world = World(plain_index=True)
    for name, data in {
        "catalog/a.png": photo(1),
        HOSTILE: copy_of(1),
        "uploads/a again.png": photo(1),
        "catalog/b.png": photo(2),
        "uploads/b.jpg": copy_of(2),
        "uploads/b-red.png": recolored(2),
    }.items():
        world.upload_and_ingest(name, data)
    world.verify_all()
    return world


def run(world: World, *arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "300"}).invoke(app, ["report", *arguments], obj=world.services)


def test_the_page_holds_the_pictures_and_says_first_what_it_reads(world: World, tmp_path: Path):
    page = tmp_path / "copies.html"
    before = len(world.images.reads)
    result = run(world, "--html", str(page))
    reads = len(world.images.reads) - before
    assert result.stderr.startswith(f"reads {reads} images of 2 groups, ")
    text = page.read_text(encoding="utf-8")
    assert text.count("data:image/jpeg;base64,") == reads == 5
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert HOSTILE not in text
    assert "&lt;img src=x onerror=alert(1)&gt;.jpg" in text


def test_it_is_narrowed_and_bounded(world: World, tmp_path: Path):
    page = tmp_path / "copies.html"
    result = run(world, "--html", str(page), "--most", "1", "--prefix", "catalog/")
    assert "of 1 group," in result.stderr
    assert "groups left out: 1 (--most)" in result.stderr
    run(world, "--html", str(page), "--verdict", "color_variant")
    assert "b-red.png" in page.read_text(encoding="utf-8")
    run(world, "--html", str(page), "--since", "2027-01-01")
    assert "No group is as was asked for" in page.read_text(encoding="utf-8")


def test_neither_is_marked_as_the_one_to_keep_where_nobody_can_tell(world: World, tmp_path: Path):
    known = {str(row.path): facts_of(row) for row in world.features.all_summaries()}
    pair = known["images/catalog/a.png"], known["images/catalog/b.png"]
    world.services.verdict_log.append([Link.of(*pair, VerdictKind.ALTERED, 1, "upright", ALIKE)])
    page = tmp_path / "altered.html"
    run(world, "--html", str(page), "--verdict", "altered")
    labels = re.findall(r'<span class="kind (\w+)">([^<]+)</span>', page.read_text(encoding="utf-8"))
    assert labels == [("other", "unsure"), ("other", "altered, unsure")]


def test_what_was_altered_stands_below_the_picture_and_is_outlined_in_both(tmp_path: Path):
    world, page = World(plain_index=True), tmp_path / "altered.html"
    picture = scene(1, (480, 360))
    labelled = picture.copy()
    labelled.paste("white", (300, 240, 440, 330))
    for name, image in (("a.png", picture), ("b.png", labelled)):
        world.upload_and_ingest(name, encoded(image))
    world.verify_all()
    run(world, "--html", str(page), "--verdict", "altered")
    text = page.read_text(encoding="utf-8")
    assert "something else is shown in" in text
    lefts, tops = zip(*re.findall(r'<i style="left:([\d.]+)%;top:([\d.]+)%;', text), strict=True)
    assert lefts[: len(lefts) // 2] == lefts[len(lefts) // 2 :]
    assert (min(map(float, lefts)), min(map(float, tops))) == pytest.approx((62, 67), abs=5)


def test_why_a_copy_is_one_stands_below_it(world: World, tmp_path: Path):
    page = tmp_path / "copies.html"
    run(world, "--html", str(page))
    text = page.read_text(encoding="utf-8")
    assert text.count("structure matches") == 2
    assert text.count("the files are byte for byte the same") == 1
    assert '<i style="' not in text


def test_a_picture_that_is_gone_leaves_its_place_empty(world: World, tmp_path: Path):
    world.images.delete(ImagePath("images", "uploads/b.jpg"))
    page = tmp_path / "copies.html"
    assert run(world, "--html", str(page)).exit_code == 0
    assert '<div class="none">not-found</div>' in page.read_text(encoding="utf-8")


def test_storage_that_is_busy_leaves_no_half_page(world: World, tmp_path: Path):
    world.images.failures[ImagePath("images", "uploads/b.jpg")] = StoreBusy("busy")
    page = tmp_path / "copies.html"
    assert (run(world, "--html", str(page)).exit_code, page.exists()) == (4, False)


def test_a_page_that_cannot_be_written_is_told(world: World, tmp_path: Path):
    result = run(world, "--html", str(tmp_path / "missing" / "page.html"))
    assert (result.exit_code, "cannot write" in result.stderr) == (2, True)
