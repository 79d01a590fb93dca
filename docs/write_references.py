"""Writes the tables of options in docs/command.md from the commands themselves: `python docs/write_references.py`."""

import argparse
import re
import sys
from collections.abc import Sequence
from enum import EnumType
from pathlib import Path
from typing import Any, get_args

from typer.main import get_command

from dedup_cli.main import app

PAGE = Path(__file__).parent / "command.md"
_BLOCK = re.compile(r"(<!-- options of ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when the page is stale")
    check = parser.parse_args(arguments).check
    page = PAGE.read_text(encoding="utf-8")
    fresh = _BLOCK.sub(lambda block: f"{block[1]}\n{options(block[2])}\n\n{block[3]}", page)
    if page == fresh:
        return 0
    if check:
        print("docs/command.md is not what the commands say: run python docs/write_references.py", file=sys.stderr)  # noqa: T201
        return 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


def options(name: str) -> str:
    """One row an argument or option of the command, in its own words."""
    commands: dict[str, Any] = get_command(app).commands
    lines = ["| option | what it does |", "|---|---|"]
    lines += [f"| {_names(it)} | {_told(it)} |" for it in commands[name].params if it.name != "help"]
    return "\n".join(lines)


def _names(parameter: Any) -> str:
    if not parameter.opts[0].startswith("-"):
        return f"`{parameter.metavar or parameter.name.upper()}`"
    value = "" if parameter.is_flag or (_choices(parameter) and not parameter.metavar) else f" {_value(parameter)}"
    return ", ".join(f"`{option}{value}`" for option in [*parameter.opts, *parameter.secondary_opts])


def _value(parameter: Any) -> str:
    return parameter.metavar or {int: "N", float: "N", str: "TEXT"}[parameter.type_descriptor.annotation]


def _choices(parameter: Any) -> list[str]:
    kind = parameter.type_descriptor.annotation
    kind = next(iter(get_args(kind)), kind)
    return [it.value for it in kind] if isinstance(kind, EnumType) else []


def _told(parameter: Any) -> str:
    told = [parameter.help.replace("|", r"\|")]
    if choices := _choices(parameter):
        told.append(f"One of {', '.join(f'`{it}`' for it in choices)}.")
    default = getattr(parameter.default, "value", parameter.default)
    if default not in (None, "", False, True) and not parameter.required:
        told.append(f"Default: `{default}`.")
    return " ".join(told)


if __name__ == "__main__":
    sys.exit(main())
