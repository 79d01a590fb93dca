"""Cursors: where a page ended, as whoever asks for the next one hands it back."""

import re

from dedup_core.errors import PermanentError

_PAIR = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{32})")
_IMAGE = re.compile(r"[0-9a-f]{32}")


class BadCursor(PermanentError):
    """The cursor was not given by the page before."""

    reason = "bad-cursor"

    def __init__(self) -> None:
        super().__init__("this cursor was not given by a page before: leave it out")


def pair_cursor(left_id: str, right_id: str) -> str:
    """Where a page ended whose last pair is of these images, the smaller id first."""
    return f"{left_id}.{right_id}"


def parse_pair_cursor(cursor: str) -> tuple[str, str]:
    """The ids of the last pair. Raises `BadCursor`."""
    found = _PAIR.fullmatch(cursor)
    if found is None:
        raise BadCursor
    return found[1], found[2]


def parse_image_cursor(cursor: str) -> str:
    """The id of the last image. Raises `BadCursor`."""
    if _IMAGE.fullmatch(cursor) is None:
        raise BadCursor
    return cursor
