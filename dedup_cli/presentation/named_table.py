"""Tables of images with a reason each: names stay whole, and the reason wraps beside them or stands below."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, chop_cells
from rich.table import Table
from rich.text import Text

from dedup_cli.presentation.output import plain_table

LEAST_WHY: Final = 24  # columns beside a name, below which a reason is easier to read below it
LEAST_NAME: Final = 12  # columns for a name in a terminal that has no room for all columns
MOST_LINES: Final = 2  # of a name that is wider than its column; then its middle is left out
GAP: Final = 2


@dataclass(frozen=True, slots=True)
class NamedRow:
    """What stands before the name, the name, what stands behind it, and the reason."""

    before: tuple[Text | str, ...]
    name: Text
    after: tuple[str, ...]
    why: Text

    @property
    def short_cells(self) -> tuple[Text | str, ...]:
        return (*self.before, *self.after)


def named_table(
    headings: NamedRow, rows: Sequence[NamedRow | None], width: int, *, right: Sequence[str] = (), title: str = ""
) -> Table:
    """The table as it fits into `width` columns; None is an empty row."""
    all_rows = [headings, *(row for row in rows if row)]
    names, whys = (max(cell_len(getattr(row, it).plain) for row in all_rows) for it in ("name", "why"))
    short_ones = zip(*(row.short_cells for row in all_rows), strict=True)
    taken = sum(GAP + max(cell_len(str(cell)) for cell in column) for column in short_ones)
    is_wide = taken + names + GAP + min(whys, LEAST_WHY) <= width
    table = plain_table(*_headings(headings, is_wide), right=right, title=title or None)
    for column in table.columns[:-1]:
        column.no_wrap = True
    room = max(width - taken, LEAST_NAME)
    for row in rows:
        table.add_row(*(_cells(row, is_wide, room) if row else ()))
    return table


def _headings(row: NamedRow, is_wide: bool) -> list[str]:
    below = ", and ".join(filter(None, (row.name.plain, row.why.plain)))
    return list(map(str, _cells(row, is_wide, 0) if is_wide else (*row.short_cells, below)))


def _cells(row: NamedRow, is_wide: bool, room: int) -> tuple[Text | str, ...]:
    if is_wide:
        return (*row.before, row.name, *row.after, row.why)
    name = Text(_shortened(row.name.plain, MOST_LINES * room), style=row.name.style)
    return (*row.short_cells, name.append("\n").append(row.why) if row.why.plain else name)


def _shortened(name: str, most: int) -> str:
    if cell_len(name) <= most:
        return name
    half = (most - 1) // 2
    return f"{chop_cells(name, half)[0]}…{chop_cells(name[::-1], half)[0][::-1]}"
