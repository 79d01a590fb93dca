"""What ends a command early: one sentence on standard error and an exit code, never a traceback."""

from enum import IntEnum
from typing import Any

import typer
from typer.core import TyperGroup

from dedup_cli.output import print_error
from dedup_core.errors import DedupError, InvalidSetting, TemporaryError


class ExitCode(IntEnum):
    """What a script can tell from the exit code; docs/command.md lists them for users."""

    DONE = 0
    NOT_COPIES = 1  # `dedup compare` only: an answer, not a failure
    WRONG_INPUT = 2
    WRONG_SETTING = 3
    STORAGE_BUSY = 4


class InputError(DedupError):
    """What the user gave cannot be used; the text names it and says what would be right."""

    reason = "input"


class SentencesForErrors(TyperGroup):
    """Turns every error that this project raises on purpose into its sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except DedupError as error:
            print_error(str(error))
            raise typer.Exit(exit_code_of(error)) from error


def exit_code_of(error: DedupError) -> ExitCode:
    match error:
        case InvalidSetting():
            return ExitCode.WRONG_SETTING
        case TemporaryError():
            return ExitCode.STORAGE_BUSY
        case _:
            return ExitCode.WRONG_INPUT
