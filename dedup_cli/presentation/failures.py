"""What ends a command early: one sentence on standard error and an exit code, never a traceback."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import typer
from typer.core import TyperGroup

from dedup_app.configuration.index_address import INDEX_URL
from dedup_app.configuration.storage_connection import STORAGE
from dedup_cli.presentation.output import print_error
from dedup_core.errors import DedupError, InvalidSetting, TemporaryError

ACCESS_DENIED = "access-denied"
OF_PYDANTIC = "Value error, "  # begins what Typer says of a wrong choice
NO_DATE = re.compile(r"does not match the formats '%Y.*'")  # as Typer says it, in a language of programs
LINE_BREAK = re.compile(r"\n\t*")  # before each choice, where Typer says what is missing


class ExitCode(IntEnum):
    """What a script can tell from the exit code; docs/command.md lists them for users."""

    DONE = 0
    NOT_COPIES = 1  # `dedup compare` only: an answer, not a failure
    REFUSED = 1  # `dedup apply`, `undo` and `purge`: some images stay as they are
    TOO_FEW_FOUND = 1  # `dedup measure --at-least` only
    WRONG_INPUT = 2
    WRONG_SETTING = 3
    STORAGE_UNREACHABLE = 4


class InputError(DedupError):
    """What the user gave cannot be used; the text names it and says what would be right."""

    reason = "input"


class SentencesForErrors(TyperGroup):
    """Turns every error that this project raises on purpose into its sentence, a remedy and an exit code."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **kwargs: Any) -> Any:
        if not args:
            return super().make_context(info_name, args, *more, **kwargs)  # shows the help
        with _wrong_options_in_a_sentence():
            return super().make_context(info_name, args, *more, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        try:
            with _wrong_options_in_a_sentence():
                return super().invoke(ctx)
        except DedupError as error:
            print_error("; ".join(filter(None, [str(error), remedy_for(error)])))
            raise typer.Exit(exit_code_of(error)) from error


@contextmanager
def _wrong_options_in_a_sentence() -> Iterator[None]:
    """Where Typer would draw a box around it."""
    try:
        yield
    except typer.TyperException as error:
        told = NO_DATE.sub("is no date: write 2026-11-29 or 2026-11-29T08:30:00", error.format_message())
        sentence = LINE_BREAK.sub(" ", told.replace(OF_PYDANTIC, "")).rstrip(".")
        context = getattr(error, "ctx", None)  # of the command whose options are wrong, where it is known
        print_error(f"{sentence}; see {context.command_path} --help" if context else sentence)
        raise typer.Exit(ExitCode.WRONG_INPUT) from error


def remedy_for(error: DedupError) -> str:
    """What the texts of storage errors leave out, because in the app nobody is there to act on it."""
    if isinstance(error, TemporaryError) and error.setting == INDEX_URL:
        if error.reason == ACCESS_DENIED:
            return f"check the user and password in {INDEX_URL}, or the database role of your identity"
        return f"check that {INDEX_URL} names a database that can be reached from here and written to, then try again"
    if error.reason == ACCESS_DENIED:
        return f"check the key in {STORAGE}, or the role of your identity"
    if isinstance(error, TemporaryError):
        return (
            f"check that {STORAGE} names an account that can be reached from here (for the emulator: that `make start` "
            "runs in this folder), then try again"
        )
    return ""


def exit_code_of(error: DedupError) -> ExitCode:
    if isinstance(error, InvalidSetting) or error.reason == ACCESS_DENIED:
        return ExitCode.WRONG_SETTING
    return ExitCode.STORAGE_UNREACHABLE if isinstance(error, TemporaryError) else ExitCode.WRONG_INPUT
