"""`dedup compare` gives the verdict about two files, and tells scripts by its exit code."""

import errno
import json
import os
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("kept_decoders")


def scene(seed: int) -> Image.Image:
    """A picture with shapes of several sizes, another one for each seed."""
    picture = Image.new("RGB", (320, 240), (200 - 20 * seed, 180, 120 + 20 * seed))
    draw = ImageDraw.Draw(picture)
    for step in range(14):
        x, y = (step * 97 + seed * 61) % 280, (step * 53 + seed * 37) % 200
        size = 20 + (step * 29 + seed * 13) % 60
        draw.ellipse((x, y, x + size, y + size), fill=((step * 47) % 256, (step * 91 + 80 * seed) % 256, 90))
    return picture.filter(ImageFilter.GaussianBlur(1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scene(0).save(tmp_path / "original.png")
    scene(0).save(tmp_path / "original.jpg", quality=80)
    scene(0).convert("L").save(tmp_path / "grey.png")
    scene(3).save(tmp_path / "other.png")
    (tmp_path / "letter.jpg").write_text("Dear Sir or Madam")
    return tmp_path


def test_a_recompressed_copy_is_a_duplicate_with_reasons_and_exit_code_0(dedup: Run, folder: Path):
    result = dedup("compare", str(folder / "original.png"), str(folder / "original.jpg"))
    assert result.exit_code == 0
    assert result.output.startswith("duplicate: ")
    assert "because structure matches" in result.output
    assert "palette distance" in result.output


def test_the_same_file_is_identical(dedup: Run, folder: Path):
    result = dedup("compare", str(folder / "other.png"), str(folder / "other.png"), "--json")
    assert (result.exit_code, json.loads(result.output)["verdict"]) == (0, "identical")


@pytest.mark.parametrize(("other", "verdict"), [("grey.png", "color_variant"), ("other.png", "distinct")])
def test_what_is_no_copy_ends_with_exit_code_1(dedup: Run, folder: Path, other: str, verdict: str):
    result = dedup("compare", str(folder / "original.png"), str(folder / other), "--json")
    assert (result.exit_code, json.loads(result.output)["verdict"]) == (1, verdict)


def test_programs_read_all_metrics_and_reasons(dedup: Run, folder: Path):
    told = json.loads(dedup("compare", str(folder / "original.png"), str(folder / "original.jpg"), "--json").output)
    assert told["reasons"]
    assert 0 <= told["dominant_distance"] < 10
    assert 0 <= told["pixel_difference"] < 10
    assert 0.8 < told["histogram_correlation"] <= 1
    assert told["view"] == "upright"


def test_a_stricter_policy_can_change_the_verdict(dedup: Run, folder: Path):
    scene(0).point([min(level + (level > 128) * 60, 255) for level in range(256)] * 3).save(folder / "harsh.png")
    files = str(folder / "original.png"), str(folder / "harsh.png")
    strict, loose = (
        json.loads(dedup("compare", *files, "--json", "--policy", policy).output) for policy in ("strict", "loose")
    )
    assert (strict["verdict"], loose["verdict"]) == ("color_variant", "duplicate")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_file_that_is_no_image_is_named_whichever_side_it_is_on(dedup: Run, folder: Path, order: tuple[int, int]):
    files = str(folder / "original.png"), str(folder / "letter.jpg")
    result = dedup("compare", files[order[0]], files[order[1]])
    assert result.exit_code == 2
    assert f"error: cannot compare {files[1]}: " in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_missing_file_and_a_folder_are_named(dedup: Run, folder: Path):
    for wrong in (folder / "nowhere.jpg", folder):
        result = dedup("compare", str(wrong), str(folder / "original.png"))
        assert result.exit_code == 2
        assert f"cannot read {wrong}: " in result.stderr


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_path_that_the_system_does_not_look_at_is_refused_in_a_sentence(
    dedup: Run, folder: Path, order: tuple[int, int]
):
    """As one below a folder that may not be entered: it ended in a traceback."""
    paths = [str(folder / "original.png"), str(folder / ("x" * 300))]
    done = dedup("compare", *(paths[place] for place in order))
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"cannot read {paths[1]}: File name too long" in done.stderr


def test_a_format_that_is_off_is_refused_with_the_setting_that_turns_it_on(
    dedup: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    scene(0).save(folder / "original.jp2")
    files = str(folder / "original.jp2"), str(folder / "original.png")
    assert "(IMAGE_FORMATS in the environment names them)" in dedup("compare", *files).stderr
    monkeypatch.setenv("IMAGE_FORMATS", "png,jpeg2000")
    assert dedup("compare", *files).exit_code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes with names")
def test_a_file_larger_than_any_that_is_decoded_is_not_read(dedup: Run, folder: Path):
    with (folder / "film.png").open("wb") as film:  # a terabyte of nothing
        film.truncate(1 << 40)
    result = dedup("compare", str(folder / "original.png"), str(folder / "film.png"))
    assert result.exit_code == 2
    assert "the file has 1,099,511,627,776 bytes, the limit is 67,108,864" in " ".join(result.output.split())


def test_a_pipe_is_refused_and_not_waited_for(dedup: Run, folder: Path):
    os.mkfifo(folder / "pipe.jpg")
    result = dedup("compare", str(folder / "pipe.jpg"), str(folder / "original.png"))
    assert (result.exit_code, f"cannot read {folder / 'pipe.jpg'}: it is a pipe" in result.stderr) == (2, True)


def test_an_explanation_is_not_written_under_the_name_of_another_format(dedup: Run, folder: Path):
    files = str(folder / "original.png"), str(folder / "grey.png")
    result = dedup("compare", *files, "--explain", str(folder / "why.jpg"))
    assert (result.exit_code, f"name it {folder / 'why.png'}" in result.stderr) == (2, True)
    assert not (folder / "why.jpg").exists()


def test_an_explanation_is_drawn_on_request(dedup: Run, folder: Path):
    drawn = folder / "why.png"
    result = dedup("compare", str(folder / "original.png"), str(folder / "grey.png"), "--explain", str(drawn), "--json")
    assert json.loads(result.output)["verdict"] == "color_variant"
    with Image.open(drawn) as picture:
        assert picture.format == "PNG"
        assert picture.width > 3 * 200  # both images and their difference, side by side


@pytest.mark.parametrize("place", ["original.png", "link.png"])
def test_an_explanation_never_takes_the_place_of_what_is_compared(
    dedup: Run, folder: Path, place: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(folder)
    Path("link.png").symlink_to("original.png")
    before = Path("original.png").read_bytes()
    result = dedup("compare", "grey.png", str(folder / "original.png"), "--explain", place)
    assert (result.exit_code, "it is one of the files that are looked at" in result.stderr) == (2, True)
    assert Path("original.png").read_bytes() == before


@pytest.mark.parametrize("place", ["nowhere/why.png", "-"])
def test_an_explanation_that_cannot_be_written_is_one_sentence(
    dedup: Run, folder: Path, place: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(folder)
    result = dedup("compare", "original.png", "original.png", "--explain", place)
    assert result.exit_code == 2
    assert "cannot write" in result.stderr
    assert result.stdout == ""
    assert not (folder / place).exists()


def test_an_explanation_that_breaks_off_leaves_what_was_there(
    dedup: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    drawn, original = folder / "why.png", str(folder / "original.png")
    drawn.write_bytes(b"of yesterday")

    def without_room(place: Path, data: bytes) -> int:
        with place.open("wb") as file:
            file.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", without_room)
    result = dedup("compare", original, original, "--explain", str(drawn))
    assert (result.exit_code, "No space left on device" in result.stderr) == (2, True)
    assert drawn.read_bytes() == b"of yesterday"
    assert not list(folder.glob("*.part"))
