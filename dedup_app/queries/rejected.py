"""Rejected images: files that cannot be read, listed page by page."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from dedup_app.ports.features import FeaturesRow, FeaturesTable
from dedup_app.progress import Progress, no_progress
from dedup_app.queries.paging import parse_image_cursor
from dedup_core.errors import PermanentError

_REASON = re.compile(r"[a-z0-9-]{1,64}")
# Of 256, which a page looks through at most: it ends, with or without a hit, after a sixteenth of the table.
PREFIXES_A_PAGE = 16
LAST = 0xFF
_PREFIX = re.compile(r"[0-9a-f]{2}")


class NoReason(PermanentError):
    """What was given cannot be a reason for which images are rejected."""

    reason = "no-reason"


@dataclass(frozen=True, slots=True)
class RejectedPage:
    """Some of them; `next_cursor` is None where the table ends. A page may be empty and not be the last one."""

    rows: list[FeaturesRow]
    next_cursor: str | None


class RejectedService:
    """Reads the rows of rejected images and of no others; changes nothing."""

    def __init__(self, features: FeaturesTable) -> None:
        self._features = features

    def each(
        self, *, reason: str = "", prefix: str = "", after: str = "", progress: Progress = no_progress
    ) -> Iterator[FeaturesRow]:
        """All of them in the order of their ids, or those for this reason, or whose name begins so.

        `progress` hears how many were found so far, of whatever name, also where none are for long. Raises `NoReason`,
        `BadCursor`.
        """
        if reason and not _REASON.fullmatch(reason):
            raise NoReason(f"{reason!r} is no reason; give one that `dedup status` lists behind `rejected:`")
        rows = self._part_by_part(parse_image_cursor(after) if after else "", reason, progress)
        return (row for row in rows if row.path.begins_with(prefix))

    def _part_by_part(self, after: str, reason: str, progress: Progress) -> Iterator[FeaturesRow]:
        seen = 0
        for first in range(int(after[:2], 16) if after else 0, LAST + 1, PREFIXES_A_PAGE):
            for row in self._part(after, first, reason):
                seen += 1
                progress(seen)
                yield row
            progress(seen)
            after = _last_prefix(first)

    def _part(self, after: str, first: int, reason: str = "") -> Iterator[FeaturesRow]:
        """Those behind `after` whose ids begin with one of the prefixes of a page, of which this is the first."""
        end = first + PREFIXES_A_PAGE
        return self._features.rejected(after, before=f"{end:02x}" if end <= LAST else "", reason=reason)

    def reasons(self) -> Counter[str]:
        """How many images were rejected for which reason."""
        return Counter(row.status.reason or "" for row in self._features.rejected())

    def page(self, cursor: str = "", size: int = 50) -> RejectedPage:
        """At most `size` of them, of a part of the table. Raises `BadCursor`."""
        if not cursor:
            after, first = "", 0
        elif _PREFIX.fullmatch(cursor):
            after, first = cursor, int(cursor, 16) + 1
        else:
            after, first = parse_image_cursor(cursor), int(cursor[:2], 16)
        rows: list[FeaturesRow] = []
        for row in self._part(after, first):
            rows.append(row)
            if len(rows) == size:
                return RejectedPage(rows, row.path.image_id)
        return RejectedPage(rows, _last_prefix(first) if first + PREFIXES_A_PAGE <= LAST else None)


def _last_prefix(first: int) -> str:
    """Of the page that begins with this one."""
    return f"{first + PREFIXES_A_PAGE - 1:02x}"
