"""What a scan makes of files: which one to keep, what is a copy of it, what only looks like it."""

import errno
import io
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Barrier
from typing import BinaryIO

import numpy as np
import pytest
from PIL import Image

from dedup_app.scan.folder_scan import FolderScan, ScanReport
from dedup_app.scan.pictures import ScanPictures
from dedup_core.comparison.measure import measure_all
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.decoding.decoder import decode
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.errors import PermanentError
from dedup_core.extraction import features_and_picture
from dedup_core.groups.choice import choose_keeper
from dedup_core.groups.reasons import UNTOLD
from dedup_core.policy import BALANCED
from dedup_core.views import View
from dedup_decoders.in_process import InProcessDecoders
from tests.core.pictures import encoded, hue_shifted, scene
from tests.core.test_index_thinning import form


class Files:
    """Files in a dict; `reads` counts how often each was read."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.contents = contents
        self.reads: Counter[str] = Counter()
        self.comparisons = 0
        self.handed_over = 0
        self.threads = 2
        self.before_measuring = lambda: None

    def scan(self, file: BinaryIO | None = None) -> ScanReport:
        def measure(one: WorkingImage, others: Sequence[tuple[WorkingImage, View | None]]) -> list[PairMeasurement]:
            self.before_measuring()
            self.comparisons += len(others)
            self.handed_over += 1 + len(others)
            return measure_all(one, others)

        folder = FolderScan(
            InProcessDecoders(),
            self.read,
            BALANCED,
            threads=self.threads,
            measure=measure,
            pictures=ScanPictures(file),
        )
        return folder.scan(sorted(self.contents))

    def read(self, name: str) -> bytes:
        self.reads[name] += 1
        if name not in self.contents:
            raise PermanentError(f"{name} is gone", reason="not-readable")
        return self.contents[name]


def grouped(report: ScanReport) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (it.keeper.path, [(copy.facts.path, copy.verdict.kind.value) for copy in it.copies]) for it in report.groups
    ]


def picture(number: int) -> Image.Image:
    return scene(number, (320, 240))


def test_the_original_is_kept_and_each_copy_says_why_it_is_one():
    shown = picture(1)
    files = Files(
        {
            "a-half.jpg": encoded(shown.resize((160, 120)), "JPEG", quality=80),
            "b-original.png": encoded(shown),
            "c-original-2.png": encoded(shown),
            "d-stranger.png": encoded(picture(2)),
        }
    )
    report = files.scan()
    assert grouped(report) == [("b-original.png", [("a-half.jpg", "duplicate"), ("c-original-2.png", "identical")])]
    [group] = report.groups
    assert any("structure matches" in reason for reason in group.copies[0].verdict.reasons)
    assert group.reasons
    assert report.images == 4
    assert files.reads["d-stranger.png"] == 1
    assert files.reads["c-original-2.png"] == 1


def test_who_lies_as_the_others_do_is_kept_though_the_mirrored_one_lost_less():
    shown = Image.open(io.BytesIO(encoded(picture(1), "JPEG", quality=85))).convert("RGB")
    files = {
        "a-mirrored.png": encoded(shown.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        "b.jpg": encoded(picture(1), "JPEG", quality=85),
        "c-half.jpg": encoded(shown.resize((160, 120)), "JPEG"),
        "d-third.jpg": encoded(shown.resize((107, 80)), "JPEG"),
    }
    [(keeper, copies)] = grouped(Files(files).scan())
    assert keeper == "b.jpg"
    assert len(copies) == 3


def test_who_is_not_kept_in_the_end_is_compared_with_few():
    shown = picture(1)
    files = {f"{side}.jpg": encoded(shown.resize((side, side * 3 // 4)), "JPEG") for side in range(160, 320, 16)}
    files |= {"mirrored.png": encoded(shown.transpose(Image.Transpose.FLIP_LEFT_RIGHT)), "upright.png": encoded(shown)}
    counted = Files(files)
    [(keeper, copies)] = grouped(counted.scan())
    assert keeper == "upright.png"
    assert counted.comparisons <= len(copies) + 3


def test_of_two_that_are_no_copies_the_keeper_is_chosen_once(monkeypatch):
    chosen = Counter()

    def choose(*given):
        chosen["times"] += 1
        return choose_keeper(*given)

    monkeypatch.setattr("dedup_app.scan.groups.choose_keeper", choose)
    colors = {f"{turn}.png": encoded(hue_shifted(picture(1), turn)) for turn in (0, 40)}
    assert grouped(Files(colors).scan()) == []
    assert chosen["times"] == 1


def test_many_copies_of_one_picture_take_about_one_comparison_each():
    shown = picture(1)
    files = Files({f"{side}.jpg": encoded(shown.resize((side, side * 3 // 4)), "JPEG") for side in range(160, 400, 16)})
    [(_, copies)] = grouped(files.scan())
    assert len(copies) == 14
    assert files.comparisons <= 14 + 2
    assert max(files.reads.values()) == 1


def test_a_keeper_is_handed_over_once_for_several_copies():
    shown = picture(1)
    qualities = (90, 80, 70, 60, 50, 40, 30)
    files = Files({f"{quality}.jpg": encoded(shown, "JPEG", quality=quality) for quality in qualities})
    files.threads = 1
    [group] = files.scan().groups
    assert (group.keeper.path, files.comparisons) == ("90.jpg", 6)
    assert files.handed_over == 9  # for one, two and three copies


def test_where_all_files_look_alike_they_are_compared_on_all_cores():
    files = Files({f"{quality}.jpg": encoded(picture(1), "JPEG", quality=quality) for quality in (90, 80, 70, 60)})
    meeting, calls = Barrier(2), iter(range(3))

    def before_measuring() -> None:
        if next(calls, 0) > 0:  # the first comparison tells what is kept, the next two run at once
            meeting.wait(timeout=5)

    files.before_measuring = before_measuring
    [group] = files.scan().groups
    assert (group.keeper.path, files.comparisons) == ("90.jpg", 3)


def test_a_copy_that_looks_only_like_another_copy_is_compared_with_the_keeper_too(monkeypatch):
    monkeypatch.setattr("dedup_app.scan.candidates.MAX_CANDIDATES", 1)  # the nearest: of the second crop the first one
    part = picture(1).crop((20, 15, 320, 240))
    files = {
        "a.png": encoded(picture(1)),
        "b.jpg": encoded(part, "JPEG", quality=90),
        "c.jpg": encoded(part, "JPEG", quality=60),
    }
    [(keeper, copies)] = grouped(Files(files).scan())
    assert keeper == "a.png"
    assert [path for path, _ in copies] == ["b.jpg", "c.jpg"]


def test_of_many_pictures_the_last_are_held_and_others_read_again(monkeypatch):
    monkeypatch.setattr("dedup_app.scan.pictures.HELD_PICTURES", 3)
    files = Files({f"{number}.{kind}": encoded(picture(number), kind) for number in (1, 2) for kind in ("JPEG", "PNG")})
    assert [keeper for keeper, _ in grouped(files.scan())] == ["1.PNG", "2.PNG"]
    assert set(files.reads.values()) <= {1, 2}
    assert files.reads.total() > 4


def test_with_a_file_to_hold_them_no_picture_is_read_twice(monkeypatch, tmp_path):
    monkeypatch.setattr("dedup_app.scan.pictures.HELD_PICTURES", 3)
    files = Files({f"{number}.{kind}": encoded(picture(number), kind) for number in (1, 2) for kind in ("JPEG", "PNG")})
    with Path(tmp_path, "pictures").open("w+b", buffering=0) as file:
        report = files.scan(file)
    assert report == Files(files.contents).scan()
    assert files.reads.total() == len(files.contents)


def test_a_page_comes_back_from_the_file_with_its_luma(monkeypatch, tmp_path):
    monkeypatch.setattr("dedup_app.scan.pictures.HELD_PICTURES", 1)
    pages = [decode(encoded(Image.new("L", (800, 20 + number), 255))) for number in range(3)]
    with Path(tmp_path, "pictures").open("w+b", buffering=0) as file:
        pictures = ScanPictures(file)
        for number, sheet in enumerate(pages):
            pictures.hold(bytes([number]), sheet)
        for number, sheet in enumerate(pages):
            held = pictures.held(bytes([number]))
            assert held is not None
            assert held.fine is not None
            assert sheet.fine is not None
            assert np.array_equal(held.fine, sheet.fine)
            assert np.array_equal(held.pixels, sheet.pixels)


class FullDisk(io.BytesIO):
    """Takes what is written as far as there is room: half of the first picture."""

    def write(self, data: bytes) -> int:
        room = 320 * 240 * 3 // 2 - self.tell()
        if room <= 0:
            raise OSError(errno.ENOSPC, "no space left on device")
        return super().write(data[:room])


def test_where_the_disk_is_full_files_are_read_again(monkeypatch):
    monkeypatch.setattr("dedup_app.scan.pictures.HELD_PICTURES", 1)
    files = Files({f"{number}.{kind}": encoded(picture(number), kind) for number in (1, 2) for kind in ("JPEG", "PNG")})
    assert [keeper for keeper, _ in grouped(files.scan(FullDisk()))] == ["1.PNG", "2.PNG"]
    assert files.reads.total() > len(files.contents)


def test_another_color_is_no_copy_and_is_told_apart_from_strangers():
    files = {"a.png": encoded(picture(1)), "b.png": encoded(hue_shifted(picture(1), 40)), "c.png": encoded(picture(2))}
    report = Files(files).scan()
    assert grouped(report) == []
    [pair] = report.look_alikes
    assert (pair.left.path, pair.right.path, pair.verdict.kind) == ("a.png", "b.png", VerdictKind.COLOR_VARIANT)


def test_two_copies_of_one_file_are_not_told_as_look_alikes_of_each_other():
    """Each shows much that the other does not, and no more than the third one does, which is kept."""
    shown = scene(1, (480, 400))
    files = {
        "left.png": encoded(shown.crop((0, 0, 317, 400))),
        "right.png": encoded(shown.crop((163, 0, 480, 400))),
        "whole.jpg": encoded(shown.resize((336, 280)), "JPEG", quality=95),
    }
    report = Files(files).scan()
    assert grouped(report) == [("whole.jpg", [("left.png", "duplicate"), ("right.png", "duplicate")])]
    assert report.look_alikes == ()


def test_a_look_alike_of_a_group_is_told_beside_what_is_kept_of_it():
    shown = scene(1, (480, 400))
    left = shown.crop((0, 0, 400, 400))
    marked = left.copy()
    marked.paste("white", (40, 300, 200, 360))
    files = {
        "left.png": encoded(left),  # the keeper until it is compared with the whole
        "marked.png": encoded(marked),
        "whole.jpg": encoded(shown.resize((380, 316)), "JPEG", quality=95),
    }
    report = Files(files).scan()
    assert grouped(report) == [("whole.jpg", [("left.png", "duplicate")])]
    assert [(it.left.path, it.right.path) for it in report.look_alikes] == [("marked.png", "whole.jpg")]


@pytest.mark.parametrize("broken", [b"", b"no image", encoded(picture(3), "JPEG")[:900]])
def test_a_file_that_cannot_be_read_is_listed_and_stops_nothing(broken):
    files = {"a.png": encoded(picture(1)), "b.jpg": broken, "c.jpg": encoded(picture(1), "JPEG")}
    report = Files(files).scan()
    [unreadable] = report.unreadable
    assert unreadable.name == "b.jpg"
    assert " " in unreadable.detail
    assert grouped(report) == [("a.png", [("c.jpg", "duplicate")])]


def test_files_with_the_same_bytes_are_decoded_and_compared_once(monkeypatch):
    decoded = []

    def once(self, data, header=None):
        decoded.append(data)
        return features_and_picture(data)

    monkeypatch.setattr(InProcessDecoders, "features_and_picture", once)
    original, copy = encoded(picture(1)), encoded(picture(1).resize((160, 120)), "JPEG")
    contents = {f"{number}.{kind}": data for number in range(3) for kind, data in (("png", original), ("jpg", copy))}
    files = Files(contents)
    report = files.scan()
    kinds = {
        "0.jpg": "duplicate",
        "1.jpg": "duplicate",
        "1.png": "identical",
        "2.jpg": "duplicate",
        "2.png": "identical",
    }
    assert [(keeper, dict(copies)) for keeper, copies in grouped(report)] == [("0.png", kinds)]
    assert (len(decoded), files.comparisons) == (2, 1)


def test_of_a_file_that_is_refused_nothing_is_held(monkeypatch):
    """Errors hold what led to them, and thousands of large files that are none would fill the memory."""

    def refuse(self, data, header=None):
        raise PermanentError("it is damaged", reason="corrupt")

    monkeypatch.setattr(InProcessDecoders, "features_and_picture", refuse)
    broken = [bytes(900 + number) for number in (1, 2)]
    before = [sys.getrefcount(it) for it in broken]
    files = Files({"a.png": broken[0], "b.png": broken[0], "c.png": broken[1]})
    assert len(files.scan().unreadable) == 3
    files.contents = {}
    assert [sys.getrefcount(it) for it in broken] == before


class Vanishing(Files):
    """One of them is gone once it was read."""

    def __init__(self, gone: str, contents: Mapping[str, bytes]) -> None:
        super().__init__(contents)
        self._gone = gone

    def read(self, name: str) -> bytes:
        if name == self._gone and self.reads[name]:
            raise PermanentError("gone", reason="not-readable")
        return super().read(name)


def test_a_file_that_goes_between_its_two_reads_is_in_no_group_and_listed(monkeypatch):
    monkeypatch.setattr("dedup_app.scan.pictures.HELD_PICTURES", 0)

    report = Vanishing("b.jpg", {"a.png": encoded(picture(1)), "b.jpg": encoded(picture(1), "JPEG")}).scan()
    assert grouped(report) == []
    assert [(it.name, it.reason, it.detail) for it in report.unreadable] == [("b.jpg", "not-readable", "gone")]


def test_what_is_gone_is_not_kept_for_a_file_that_had_the_same_bytes(monkeypatch):
    """Who removed the other one as its copy would have lost both."""
    monkeypatch.setattr("dedup_app.scan.pictures.HELD_PICTURES", 0)

    shown, copy = encoded(picture(1)), encoded(picture(1).resize((160, 120)), "JPEG")
    report = Vanishing("b.png", {"a.jpg": copy, "b.png": shown, "c.png": shown}).scan()
    assert grouped(report) == [("c.png", [("a.jpg", "duplicate")])]
    assert [it.name for it in report.unreadable] == ["b.png"]
    assert report.images == 2


def test_the_same_bytes_are_identical_also_where_files_are_too_many_to_find_each_other(monkeypatch):
    monkeypatch.setattr("dedup_app.scan.candidates.MAX_CANDIDATES", 1)
    same = encoded(picture(1))
    files = Files({f"cat{number}.png": same for number in ("", " (1)", " (2)", " (3)")})
    assert grouped(files.scan()) == [("cat.png", [(f"cat ({number}).png", "identical") for number in (1, 2, 3)])]
    assert files.comparisons == 0


def test_of_two_files_with_the_same_bytes_the_one_that_is_left_is_compared(monkeypatch):
    monkeypatch.setattr("dedup_app.scan.pictures.HELD_PICTURES", 0)

    shown, copy = encoded(picture(1)), encoded(picture(1).resize((160, 120)), "JPEG")
    report = Vanishing("b.jpg", {"a.png": shown, "b.jpg": copy, "c.jpg": copy}).scan()
    assert grouped(report) == [("a.png", [("c.jpg", "duplicate")])]
    assert [it.name for it in report.unreadable] == ["b.jpg"]


def test_a_file_that_changes_between_its_two_reads_is_not_judged_by_what_it_was_found_for(monkeypatch):
    monkeypatch.setattr("dedup_app.scan.pictures.HELD_PICTURES", 0)

    class Changing(Files):
        def read(self, name: str) -> bytes:
            known = super().read(name)
            return encoded(picture(1).rotate(180), "JPEG") if name == "b.jpg" and self.reads[name] > 1 else known

    report = Changing({"a.png": encoded(picture(1)), "b.jpg": encoded(picture(1), "JPEG")}).scan()
    assert grouped(report) == []
    assert [(it.name, it.reason) for it in report.unreadable] == [("b.jpg", "changed")]


def test_a_group_says_so_where_nothing_tells_its_files_apart():
    same = encoded(picture(1))
    [group] = Files({"a.png": same, "b.png": same}).scan().groups
    assert group.why == [UNTOLD]


@pytest.mark.parametrize("copy", ["cat (1).png", "cat-copy.png", "Copy of cat.png", "a/cat (1).png"])
def test_the_plain_name_is_kept_where_nothing_else_tells(copy: str):
    same = encoded(picture(1))
    [group] = Files({copy: same, "cat.png": same}).scan().groups
    assert group.keeper.path == "cat.png"


def test_why_a_file_is_kept_is_about_its_copies_alone():
    forms = {f"form-{number}.png": hue_shifted(picture(1), 40 * number) for number in range(3)}
    files = {name: encoded(form) for name, form in forms.items()}
    files["mailed.jpg"] = encoded(forms["form-0.png"].resize((160, 120)), "JPEG")
    [group] = Files(files).scan().groups
    assert (group.keeper.path, [copy.facts.path for copy in group.copies]) == ("form-0.png", ["mailed.jpg"])
    assert group.why == ["it has more pixels (320 on its longer side)"]


def test_of_a_crowd_of_forms_few_are_compared_and_the_copy_is_found(monkeypatch):
    monkeypatch.setattr("dedup_core.search.second_look.CROWD", 2)
    forms = {f"{value}.png": form(value) for value in range(4)}
    files = Files({name: encoded(it) for name, it in (forms | {"copy.png": forms["2.png"].resize((200, 250))}).items()})
    assert grouped(files.scan()) == [("2.png", [("copy.png", "duplicate")])]
    assert files.comparisons < 9  # of all that look alike from afar
