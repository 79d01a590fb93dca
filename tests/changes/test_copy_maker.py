"""Copies are made in processes that can rest, and by changes that change something."""

import os
from functools import partial
from multiprocessing import active_children
from pathlib import Path

from dedup_changes.copy_maker import CopyMaker, make_copies
from dedup_changes.transforms import TRANSFORMS
from tests.core.pictures import scene, working


def note_process(file: Path) -> None:
    with file.open("a") as lines:
        lines.write(f"{os.getpid()}\n")


def test_processes_that_rest_are_gone_and_others_are_prepared_for_the_next_copy(tmp_path: Path) -> None:
    told = tmp_path / "processes"
    picture, changes = working(scene()), [TRANSFORMS["mirrored"]]
    others = set(active_children())
    with CopyMaker(1, changes, partial(note_process, told)) as copy_maker:
        first = copy_maker.copies(picture, "a.jpg", ["mirrored"])
        (process,) = set(active_children()) - others
        copy_maker.rest()
        assert process not in active_children()
        second = copy_maker.copies(picture, "a.jpg", ["mirrored"])
    before, after = told.read_text().split()
    assert before == str(process.pid) != after
    assert first[0].fingerprints == second[0].fingerprints


def test_no_copy_is_made_by_a_change_that_changes_nothing() -> None:
    made = make_copies(working(scene().convert("L").convert("RGB")), "a.jpg", ["gray-contrast", "sepia"])
    assert [it.change for it in made] == ["sepia"]
