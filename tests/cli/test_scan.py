"""`dedup scan` on real files: what is printed for people and programs, and the page."""

import csv
import errno
import io
import json
import os
import re
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from dedup_app.scan.folder_scan import Unreadable
from dedup_cli.local import local_files, scan
from dedup_cli.presentation.failures import InputError
from dedup_cli.presentation.written_file import check_place, write_whole
from dedup_core.errors import ImageTooLarge
from dedup_core.limits import DecodeLimits
from tests.browser import chromium
from tests.cli.conftest import Run
from tests.core.pictures import encoded, hue_shifted, padded, scene

pytestmark = pytest.mark.usefixtures("kept_decoders")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    (photos / "deeper").mkdir(parents=True)
    (photos / ".hidden").mkdir()
    picture, other = scene(1, (240, 180)), scene(2, (240, 180))
    for name, data in {
        "a.png": encoded(picture),
        "deeper/a-copy.jpg": encoded(picture, "JPEG"),
        "deeper/without-suffix": encoded(picture.resize((120, 90))),
        "red.png": encoded(other),
        "blue.png": encoded(hue_shifted(other, 40)),
        "<b>broken.jpg": encoded(picture, "JPEG")[:700],
        "notes.txt": b"no image, and says so",
        ".hidden/a.png": encoded(picture),
    }.items():
        (photos / name).write_bytes(data)
    (photos / "link.png").symlink_to(photos / "a.png")
    return photos


def test_people_see_groups_look_alikes_and_what_was_not_read(dedup: Run, folder: Path) -> None:
    told = " ".join(dedup("scan", str(folder)).output.split())
    assert f"keep {folder}/a.png 240 x 180" in told
    assert f"duplicate {folder}/deeper/a-copy.jpg" in told
    assert f"color_variant {folder}/blue.png {folder}/red.png" in told
    assert "broken.jpg the JPEG file ends before its picture does" in told
    assert "5 images in" in told
    assert "2 copies of 1 picture" in told
    assert "1 look-alike that is no copy; 1 file not read" in told
    assert "notes.txt" not in told
    assert "link.png" not in told
    assert ".hidden" not in told


def test_people_read_what_is_altered_in_a_look_alike(dedup: Run, tmp_path: Path) -> None:
    frames = [scene(number, (240, 180)) for number in (1, 2)]
    frames[0].save(tmp_path / "frames.png", save_all=True, append_images=frames[1:])
    (tmp_path / "first.png").write_bytes(encoded(frames[0]))
    told = " ".join(dedup("scan", str(tmp_path)).output.split())
    assert "Look-alikes that are no copies verdict pair, and why altered" in told
    assert "later frames or pages differ" in told


def test_the_page_outlines_what_is_altered_in_either_picture(dedup: Run, tmp_path: Path) -> None:
    picture = scene(1, (480, 360))
    labelled = picture.copy()
    labelled.paste("white", (60, 240, 200, 330))
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.png").write_bytes(encoded(picture))
    (photos / "b.png").write_bytes(encoded(padded(labelled, 0.2, "black")))
    dedup("scan", str(photos), "--html", str(tmp_path / "page.html"))
    figures = (tmp_path / "page.html").read_text(encoding="utf-8").split("<figure>")[1:]
    for name, left in (("a.png", 8), ("b.png", 19)):  # percent of the width, blocks and all
        [shown] = [it for it in figures if f"{name}<br>" in it]
        lefts = [float(it) for it in re.findall(r'<i style="left:([\d.]+)%', shown)]
        assert min(lefts) == pytest.approx(left, abs=4)


def test_a_machine_without_a_place_for_temporary_files_scans(
    dedup: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise FileNotFoundError("no usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert "2 copies of 1 picture" in " ".join(dedup("scan", str(folder)).output.split())


def test_programs_get_the_same_as_json_and_csv(dedup: Run, folder: Path) -> None:
    found = json.loads(dedup("scan", str(folder), "--json").output)
    [group] = found["groups"]
    assert group["keep"]["path"] == f"{folder}/a.png"
    assert {copy["path"]: copy["verdict"] for copy in group["copies"]} == {
        f"{folder}/deeper/a-copy.jpg": "duplicate",
        f"{folder}/deeper/without-suffix": "duplicate",
    }
    assert [it["verdict"] for it in found["look_alikes"]] == ["color_variant"]
    assert [(it["path"], it["reason"]) for it in found["unreadable"]] == [(f"{folder}/<b>broken.jpg", "truncated")]
    table = dedup("scan", str(folder), "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(table.stdout)))
    assert next((row["group"], row["path"], row["keep"]) for row in rows) == ("1", f"{folder}/a.png", "yes")
    assert [row["keep"] for row in rows] == ["yes", "no", "no"]
    left_out = "not in the CSV: 1 look-alike that is no copy; 1 file not read (--format json has all)"
    assert left_out in table.stderr


def test_the_page_holds_the_pictures_and_runs_nothing(dedup: Run, folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert str(page) in dedup("scan", str(folder), "--html", str(page)).output
    text = page.read_text(encoding="utf-8")
    assert text.count("data:image/jpeg;base64,") == 5
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert "&lt;b&gt;broken.jpg" in text
    assert "MB in them; 1 look-alike that is no copy; 1 file not read; made on" in text  # for who scrolls no further
    assert "<b>broken" not in text


@pytest.mark.parametrize(
    ("letters", "spelled"),
    [("\u202e", r"\u202e"), ("\n", r"\n"), ("\u200b", r"\u200b"), (os.fsdecode(b"\xff"), r"\udcff")],
)
def test_the_page_spells_out_what_nobody_sees_in_a_name(
    dedup: Run, folder: Path, tmp_path: Path, letters: str, spelled: str
) -> None:
    """The name of a program may be turned around so that it looks like that of a picture."""
    (folder / f"zz{letters}gpj.exe").write_bytes(encoded(scene(1, (240, 180))))
    page = tmp_path / "report.html"
    dedup("scan", str(folder), "--html", str(page))
    assert page.read_text(encoding="utf-8").count(f"zz{spelled}gpj.exe") == 2  # below the picture, and in its place


def test_the_page_fits_a_phone_and_shows_where_a_white_picture_ends(dedup: Run, folder: Path, tmp_path: Path) -> None:
    (folder / f"{'long' * 40}.jpg").write_bytes(b"no picture")
    page = tmp_path / "report.html"
    dedup("scan", str(folder), "--html", str(page))
    with chromium() as browser:
        shown = browser.new_page(viewport={"width": 390, "height": 844})
        shown.goto(page.as_uri())
        assert shown.evaluate("document.documentElement.scrollWidth") <= 390
        assert shown.locator("figure img").first.evaluate("(it) => getComputedStyle(it).outlineStyle") == "solid"


def test_an_option_is_not_taken_for_the_name_of_the_page(dedup: Run, folder: Path) -> None:
    """It was written to a file of that name, and what the option asks for was not done."""
    told = dedup("scan", str(folder), "--html", "--json")
    assert (told.exit_code, told.stdout, Path("--json").exists()) == (2, "", False)
    assert "cannot write to --json: the name of a file is missing before it" in told.stderr


def test_the_page_never_takes_the_place_of_an_image_of_the_folder(dedup: Run, folder: Path) -> None:
    before = {file: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    image = next(file for file in before if file.suffix == ".png")
    told = dedup("scan", str(folder), "--html", str(image))
    assert (told.exit_code, f"cannot write {image}: it is one of the files that are looked at" in told.stderr) == (
        2,
        True,
    )
    assert {file: file.read_bytes() for file in before} == before
    page = folder / "report.html"
    for _ in range(2):  # the page of yesterday is no image
        assert dedup("scan", str(folder), "--html", str(page)).exit_code == 0


def test_a_folder_without_copies_and_one_without_images_say_so(dedup: Run, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(Image.new("RGB", (40, 30), "red")))
    assert "1 image in" in dedup("scan", str(tmp_path)).output
    (tmp_path / "a.png").unlink()
    assert dedup("scan", str(tmp_path)).output.startswith("0 images in")
    assert json.loads(dedup("scan", str(tmp_path), "--json").output)["groups"] == []


def test_pictures_without_anything_to_search_by_are_counted(dedup: Run, folder: Path) -> None:
    assert "too plain" not in dedup("scan", str(folder)).output
    (folder / "white.png").write_bytes(encoded(Image.new("RGB", (40, 30), "white")))
    told = "1 image too plain to be searched for (only identical files are found)"
    assert told in " ".join(dedup("scan", str(folder)).output.split())
    assert json.loads(dedup("scan", str(folder), "--json").output)["too_plain"] == [f"{folder}/white.png"]


def test_another_name_of_one_file_is_no_copy_that_would_free_anything(dedup: Run, tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(encoded(scene(1, (240, 180))))
    (tmp_path / "c.png").write_bytes(encoded(scene(2, (240, 180))))
    (tmp_path / "a.png").hardlink_to(tmp_path / "c.png")
    found = json.loads(dedup("scan", str(tmp_path), "--json").output)
    assert (found["images"], found["groups"]) == (2, [])
    (tmp_path / "copy.png").write_bytes((tmp_path / "c.png").read_bytes())
    [group] = json.loads(dedup("scan", str(tmp_path), "--json").output)["groups"]
    assert [group["keep"]["path"], *(it["path"] for it in group["copies"])] == [
        f"{tmp_path}/a.png",
        f"{tmp_path}/copy.png",
    ]


def test_a_name_that_is_no_unicode_does_not_stop_it(dedup: Run, folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/z\xff.png")).write_bytes(encoded(scene(1, (240, 180))))
    [group] = json.loads(dedup("scan", str(folder), "--json").output)["groups"]
    assert f"{folder}/z\\udcff.png" in {copy["path"] for copy in [group["keep"], *group["copies"]]}
    assert dedup("scan", str(folder)).exit_code == 0


def test_a_pipe_that_has_taken_the_place_of_a_listed_file_is_listed_and_stops_nothing(
    dedup: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(place: Path) -> tuple[list[str], list[Unreadable]]:
        found = listing(place)
        (folder / "red.png").unlink()
        os.mkfifo(folder / "red.png")
        return found

    listing = scan._names
    monkeypatch.setattr(scan, "_names", listed)
    found = json.loads(dedup("scan", str(folder), "--json").stdout)
    assert {it["path"]: (it["reason"], it["detail"]) for it in found["unreadable"]}[str(folder / "red.png")] == (
        "not-readable",
        "the file cannot be read: it is a pipe or a device by now",
    )
    assert len(found["groups"]) == 1
    assert not scan._is_image((folder / "red.png").rename(folder / "a name that does not tell"))


def test_a_file_in_place_of_a_folder_is_refused_with_the_command_for_it(dedup: Run, folder: Path) -> None:
    done = dedup("scan", str(folder / "a.png"))
    assert done.exit_code == 2
    assert "is no folder; to compare two files use `dedup compare A B`" in done.stderr


@pytest.mark.parametrize("arguments", [("{long}",), ("{folder}", "--html", "{long}/page.html")])
def test_a_path_that_the_system_does_not_look_at_is_refused_in_a_sentence(
    dedup: Run, folder: Path, arguments: tuple[str, ...]
) -> None:
    """As one below a folder that may not be entered: it ended in a traceback."""
    long = str(folder / ("x" * 300))
    done = dedup("scan", *(it.format(folder=folder, long=long) for it in arguments))
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: cannot ")


def test_no_more_is_read_of_a_file_that_grows_than_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "growing.jpg"
    file.write_bytes(b"1234")
    as_it_was = file.stat()
    file.write_bytes(b"x" * 1000)
    monkeypatch.setattr(os, "fstat", lambda _number: as_it_was)
    monkeypatch.setattr(local_files, "DEFAULT_LIMITS", DecodeLimits(max_bytes=100))
    with pytest.raises(ImageTooLarge, match="101 bytes, the limit is 100"):
        local_files.read_listed_file(file)


def test_a_page_that_cannot_be_written_is_told(dedup: Run, folder: Path) -> None:
    done = dedup("scan", str(folder), "--html", str(folder / "missing" / "page.html"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "cannot write" in done.stderr
    (folder / "taken").mkdir()
    assert "cannot write" in dedup("scan", str(folder / "taken"), "--html", str(folder / "taken")).stderr


def test_a_page_that_cannot_be_written_is_refused_before_anything_is_read(
    dedup: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dedup_cli.local.scan.read_listed_file", lambda _file: pytest.fail("a file was read"))
    for page, why in ((folder, "it is a folder"), (folder / "nowhere" / "a.html", "is no folder")):
        done = dedup("scan", str(folder), "--html", str(page))
        assert (done.exit_code, why in done.stderr) == (2, True)


def test_a_folder_that_takes_no_files_is_told_before_anything_is_read(
    dedup: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dedup_cli.local.scan.read_listed_file", lambda _file: pytest.fail("a file was read"))
    monkeypatch.setattr(os, "access", lambda place, _mode: place != tmp_path)  # root may write anywhere
    done = dedup("scan", str(folder), "--html", str(tmp_path / "page.html"))
    assert (done.exit_code, f"no file may be made in {tmp_path}" in done.stderr) == (2, True)


def test_what_was_found_is_printed_also_where_the_page_has_no_room(
    dedup: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was lost with the page, after an hour of comparing."""

    def full(_part: Path, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    page = tmp_path / "page.html"
    monkeypatch.setattr(Path, "write_bytes", full)
    done = dedup("scan", str(folder), "--html", str(page), "--json")
    assert (done.exit_code, len(json.loads(done.stdout)["groups"])) == (2, 1)
    assert done.stderr.endswith("No space left on device; give the path of a new file\n")
    told = dedup("scan", str(folder), "--html", str(page)).stdout
    assert "2 copies of 1 picture" in " ".join(told.split())
    assert "the page is at" not in told


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="what a shell names a pipe by")
def test_a_page_goes_into_a_pipe_that_is_named_by_its_number(tmp_path: Path) -> None:
    """As in `--html >(gzip > page.gz)` and `--html /dev/stdout`: the path behind such a name leads nowhere."""
    reading, writing = os.pipe()
    check_place(Path(f"/dev/fd/{writing}"))
    write_whole(Path(f"/dev/fd/{writing}"), "<p>")
    assert os.read(reading, 100) == b"<p>"
    os.close(reading)
    os.close(writing)


def test_standard_output_is_no_place_for_a_page(dedup: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    done = dedup("scan", str(folder), "--html", "-")
    assert (done.exit_code, "give the path of a file" in done.stderr, (folder / "-").exists()) == (2, True, False)


def test_a_folder_that_may_not_be_read_is_listed(dedup: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir, locked = os.scandir, str(folder / "deeper")

    def refuse(place: str) -> object:
        if str(place) == locked:
            raise PermissionError(errno.EACCES, "Permission denied", place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    found = json.loads(dedup("scan", str(folder), "--json").output)["unreadable"]
    assert (locked, "the folder cannot be read: Permission denied") in {(it["path"], it["detail"]) for it in found}
    told = " ".join(dedup("scan", str(folder)).output.split())
    assert "1 file and 1 folder not read" in told
    assert "file or folder why" in told
    locked = str(folder)
    done = dedup("scan", str(folder))
    assert (done.exit_code, f"cannot read {folder}: Permission denied" in done.stderr) == (2, True)


def test_a_folder_of_which_only_the_names_may_be_read_is_listed(
    dedup: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_file = Path.is_file

    def refuse(path: Path) -> bool:
        if path.parent.name == "deeper":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", refuse)
    found = json.loads(dedup("scan", str(folder), "--json").output)["unreadable"]
    refused = f"{folder}/deeper/a-copy.jpg", "the file cannot be read: Permission denied"
    assert refused in {(it["path"], it["detail"]) for it in found}


def test_no_line_of_a_piped_table_ends_with_blanks(dedup: Run, folder: Path) -> None:
    assert not [line for line in dedup("scan", str(folder)).stdout.splitlines() if line.endswith(" ")]


def test_a_scan_without_a_terminal_says_how_far_it_is(
    dedup: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dedup("scan", str(folder)).stderr == ""
    monkeypatch.setattr("dedup_cli.presentation.progress.SAY_EVERY_SECONDS", 0.0)
    assert "reading: 6 of 6" in dedup("scan", str(folder)).stderr


def test_a_page_on_a_full_disk_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.html"
    page.write_text("the one before")

    def full(part: Path, data: bytes) -> int:
        with part.open("wb") as file:
            file.write(data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match="No space left on device"):
            write_whole(page, "a new one")
    assert (page.read_text(), list(tmp_path.iterdir())) == ("the one before", [page])
    write_whole(page, "a new one")
    assert (page.read_text(), list(tmp_path.iterdir())) == ("a new one", [page])


def test_a_page_in_a_folder_of_many_users_is_written_over_no_file_that_they_link_to(tmp_path: Path) -> None:
    """The number of the process that writes is no secret, and can be guessed."""
    ours, folder = tmp_path / "ours", tmp_path / "shared"
    ours.write_text("keys")
    folder.mkdir()
    (folder / f".{os.getpid()}.part").symlink_to(ours)
    write_whole(folder / "page.html", "a page")
    assert (ours.read_text(), (folder / "page.html").read_text()) == ("keys", "a page")
