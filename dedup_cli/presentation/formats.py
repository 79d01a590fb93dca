"""In which form a list is printed: for people, or for a program."""

from enum import StrEnum

import typer

from dedup_cli.presentation.failures import InputError


class Format(StrEnum):
    """How to print it."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def chosen_format[F: StrEnum](context: typer.Context, output: F, *, as_json: bool) -> F:
    """What `--format` and `--json`, which is short for one of its choices, ask for together.

    Raises `InputError` where they do not agree.
    """
    json = type(output)("json")
    source = context.get_parameter_source("output")
    if as_json and output is not json and source is not None and source.name == "COMMANDLINE":
        raise InputError(f"--json is short for --format json: leave out --json or --format {output}")
    return json if as_json else output
