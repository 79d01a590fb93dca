"""How everything the command prints looks: tables and colors for people, JSON and CSV for programs."""

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from textwrap import indent
from typing import IO, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.comparison.verdict import VerdictKind

PENDING = "pending"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
WIDTH_OF_A_FILE = 110
LEAST_WIDTH = 60  # a narrower terminal breaks the lines by itself: a table that fits into it would lose the names
PADDING = re.compile(r" +(?=\n)")
UNCOMMON = re.compile(r"[^\n -~]")

VERDICT_STYLES = {
    VerdictKind.IDENTICAL: "bold green",
    VerdictKind.DUPLICATE: "green",
    VerdictKind.ALTERED: "cyan",
    VerdictKind.COLOR_VARIANT: "magenta",
    VerdictKind.DISTINCT: "dim",
    VerdictKind.UNVERIFIABLE: "yellow",
}

type Cell = str | int | float | None


def console() -> Console:
    """Standard output; into a file or pipe it has no colors, and a width at which nothing important wraps."""
    width_is_known = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = None if width_is_known else WIDTH_OF_A_FILE
    file = None if sys.stdout.isatty() else cast("IO[str]", _WithoutPadding())
    made = Console(file=file, width=width, highlight=False)
    made.width = max(made.width, LEAST_WIDTH)
    return made


class _WithoutPadding(io.TextIOBase):
    """Standard output without the blanks with which tables fill their lines: a program would have to strip them."""

    encoding = property(lambda _self: sys.stdout.encoding)

    def write(self, text: str) -> int:
        sys.stdout.write(PADDING.sub("", text))
        return len(text)

    def flush(self) -> None:
        sys.stdout.flush()


def print_json(value: object) -> None:
    sys.stdout.write(_as_json(value) + "\n")


def print_json_list(values: Iterable[object]) -> None:
    """A list as `print_json` prints it, one value at a time."""
    opening = "["
    for value in values:
        sys.stdout.write(f"{opening}\n" + indent(_as_json(value), "  "))
        opening = ","
    sys.stdout.write("[]\n" if opening == "[" else "\n]\n")


def _as_json(value: object) -> str:
    return json_to_print(json.dumps(value, ensure_ascii=False, indent=2))


def json_to_print(text: str) -> str:
    """With letters as they are, if the output can show all there are; what nobody sees is spelled out in any case."""
    has_all_letters = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    return UNCOMMON.sub(lambda it: it[0] if has_all_letters and it[0].isprintable() else json.dumps(it[0])[1:-1], text)


def print_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> None:
    shown = _spelled_out if sys.stdout.isatty() else _defused
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: shown(cell) for name, cell in row.items()} for row in rows)


def _defused(cell: Cell) -> Cell:
    """A text that a spreadsheet would take for a formula, behind an apostrophe: blobs may have any name."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def _spelled_out(cell: Cell) -> Cell:
    """The same for a terminal, which a name may not paint; programs get names as they are."""
    cell = _defused(cell)
    return plain(cell) if isinstance(cell, str) else cell


def print_error(sentence: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text.assemble(("error: ", "bold red"), plain(sentence)))


def tell(sentence: str) -> None:
    """A remark for a person, on standard error, where it is in no program's way."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(plain(sentence), style="dim"))


def counted(count: int, one: str, many: str = "") -> str:
    """`1 copy`, `1,200 copies`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def plain(text: str) -> str:
    """Text from outside, fit for a terminal: whatever could move the cursor or hide letters is spelled out."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def as_argument(text: str) -> str:
    """Text from outside in a command that people copy: one argument, whatever spaces and signs are in it."""
    return subprocess.list2cmdline([plain(text)]) if os.name == "nt" else shlex.quote(plain(text))


def verdict_text(kind: VerdictKind | None) -> Text:
    return Text(PENDING, style="yellow") if kind is None else Text(kind.value, style=VERDICT_STYLES[kind])


def metric_numbers(metrics: ColorMetrics | None) -> list[str]:
    """The three metrics as people read them: palette, pixels, histogram."""
    if metrics is None:
        return ["", "", ""]
    return [
        f"{metrics.dominant_distance:.1f}",
        f"{metrics.pixel_difference:.1f}",
        f"{metrics.histogram_correlation:.2f}",
    ]


def plain_table(*headings: str, right: Sequence[str] = (), title: str | None = None) -> Table:
    """A table with lines only under its headings."""
    table = Table(box=None, title=title, title_justify="left", title_style="bold", header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return table
