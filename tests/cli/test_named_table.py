"""Tables of names and reasons in terminals of any width."""

import pytest
from rich.console import Console
from rich.text import Text

from dedup_cli.presentation.named_table import NamedRow, named_table

HEADINGS = NamedRow(("",), Text("file"), ("bytes",), Text("why"))
WHY = "structure matches (correlation 1.00 >= 0.80); colors match after exposure and white balance (0.4 <= 3.8)"


def lines_of(width: int, *names: str) -> list[str]:
    rows = [NamedRow(("duplicate",), Text(name), ("18,303",), Text(WHY)) for name in names]
    console = Console(width=width)
    with console.capture() as told:
        console.print(named_table(HEADINGS, rows, width, right=("bytes",)))
    return [line.rstrip() for line in told.get().splitlines()]


def test_a_reason_wraps_beside_a_name_that_leaves_it_room():
    heading, first, *more = lines_of(80, "photos/tower-small.jpg")
    assert heading.split() == ["file", "bytes", "why"]
    assert first.split()[:3] == ["duplicate", "photos/tower-small.jpg", "18,303"]
    assert all(line.startswith(" " * 40) for line in more)


@pytest.mark.parametrize("width", [60, 80])
def test_a_reason_stands_below_a_name_that_leaves_it_none(width: int):
    name = "my-photos/2019/tower-small-edited.jpg"
    heading, first, *more = lines_of(width, name)
    assert heading.split() == ["bytes", "file,", "and", "why"]
    assert first.split() == ["duplicate", "18,303", name]
    assert " ".join(" ".join(more).split()) == WHY


def test_of_a_name_that_fills_more_than_two_lines_the_middle_is_left_out():
    _, first, second, third, *_ = lines_of(80, f"photos/{'x' * 300}/tower.jpg")
    name = (first.split()[-1] + second.strip()).split("…")
    assert (name[0].startswith("photos/xxx"), name[1].endswith("xxx/tower.jpg")) == (True, True)
    assert third.strip().startswith("structure matches")


@pytest.mark.parametrize("width", [1, 20, 30])
def test_columns_that_leave_a_name_no_room_are_no_defect(width: int):
    assert lines_of(width, "my-photos/2019/tower-small-edited.jpg")
