"""Writes the tables of docs/command.md and docs/http.md from the code: `python docs/write_references.py`."""

import argparse
import re
import sys
from collections.abc import Sequence
from enum import EnumType
from pathlib import Path
from typing import Any, get_args

from typer.main import get_command

from dedup_cli.main import app
from dedup_web.app import description
from dedup_web.docs_page import Input, inputs_of

DOCS = Path(__file__).parent
_OPTIONS = re.compile(r"(<!-- options of ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_OPERATIONS = re.compile(r"(<!-- operations -->\n).*?(<!-- end -->)", re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a page is stale")
    check = parser.parse_args(arguments).check
    stale = [page for page in ("command.md", "http.md") if (DOCS / page).read_text("utf-8") != fresh(page)]
    for page in stale:
        if check:
            print(f"docs/{page} is not what the code says: run python docs/write_references.py", file=sys.stderr)  # noqa: T201
        else:
            (DOCS / page).write_text(fresh(page), encoding="utf-8")
    return 1 if check and stale else 0


def fresh(page: str) -> str:
    """The page with all its tables made anew."""
    text = (DOCS / page).read_text(encoding="utf-8")
    text = _OPTIONS.sub(lambda block: f"{block[1]}\n{options(block[2])}\n\n{block[3]}", text)
    return _OPERATIONS.sub(lambda block: f"{block[1]}\n{operations()}\n\n{block[2]}", text)


def operations() -> str:
    """One row an operation of the API, in its own words."""
    schema = description()
    lines = ["| operation | parameters | what it does |", "|---|---|---|"]
    for path, by_method in schema["paths"].items():
        for method, it in by_method.items():
            told = (it.get("description") or it["summary"]).replace("\n", " ")
            lines.append(f"| `{method.upper()} {path}` | {_parameters(it, schema)} | {told} |")
    return "\n".join(lines)


def _parameters(operation: dict[str, Any], schema: dict[str, Any]) -> str:
    return "; ".join(map(_parameter, inputs_of(operation, schema)))


def _parameter(it: Input) -> str:
    name = f"body: `{it.name}`" if it.place == "body" else f"`{it.name}`"
    values = ", ".join(f"`{value}`" for value in it.values)
    told = " ".join(filter(None, (f"{it.told[:1].lower()}{it.told[1:]}", f"({values})" if values else "")))
    return f"{name}: {told}" if it.told else f"{name} {told}".strip()


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
