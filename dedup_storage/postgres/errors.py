"""Failures of PostgreSQL and its driver -> our errors, without passwords or tokens in their text."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from dedup_app.configuration.index_address import INDEX_URL
from dedup_core.errors import DedupError, PermanentError, StoreBusy, TemporaryError

MESSAGE_LENGTH: Final = 300  # as for storage
_SECRETS: Final = re.compile(r"(password|token)\s*[=:]\s*\S+", re.IGNORECASE)
# Classes of SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
_DENIED: Final = ("28", "42501")
_SET_UP: Final = ("0A000", "2200H", "3D000", "3F000", "42", "58P01")
"""A database or a schema that is not there, not whole or full: no image is at fault, and somebody has to mend it."""
# What happens while connecting has no SQLSTATE.
_NOT_LET_IN: Final = re.compile(r"authentication failed|role .* does not exist|no pg_hba.conf entry|permission denied")
_NO_DATABASE: Final = re.compile(r"database .* does not exist")
_REFUSED: Final = ("21", "22", "23")


@contextmanager
def our_errors(action: str) -> Iterator[None]:
    """Run statements; `action` says what was tried, as in `search the index`."""
    # Chains are cut because the driver's own text, which a logged traceback would show, may hold a password.
    try:
        yield
    except TemporaryError as error:  # of signing in, or for want of time
        error.setting = INDEX_URL
        raise
    except psycopg.Error as error:
        ours = as_our_error(error, action)
        ours.setting = INDEX_URL
        raise ours from None


def as_our_error(error: psycopg.Error, action: str) -> DedupError:
    """Only what the server refuses for what was asked is final; all else is worth another try.

    So is a missing right or extension: no image is at fault, and all of them wait until somebody mends it.
    """
    state = error.sqlstate or ""
    text = f"Could not {action}: {_explanation(error, state)}"
    if state.startswith(_DENIED) or _NOT_LET_IN.search(str(error)):
        return TemporaryError(text, reason="access-denied")
    if state.startswith(_SET_UP) or _NO_DATABASE.search(str(error)):
        return TemporaryError(text, reason="index-not-ready")
    if state.startswith(_REFUSED):
        return PermanentError(text, reason="store-refused")
    return StoreBusy(text)


def _explanation(error: psycopg.Error, state: str) -> str:
    line = _SECRETS.sub(" ...", str(error)).strip().partition("\n")[0]
    return f"{type(error).__name__} {state}: {line}"[:MESSAGE_LENGTH]
