"""Review: groups as people page through them, and what is needed to look at an image of one."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dedup_app.ports.features import FeaturesTable
from dedup_app.ports.pairs import PairRow, PairsTable
from dedup_app.queries.paging import BadCursor
from dedup_app.records.group_book import GroupBook
from dedup_app.records.group_records import facts_of, microseconds
from dedup_app.threads import Threads
from dedup_core.errors import PermanentError
from dedup_core.groups.facts import Family, ImageFacts
from dedup_core.groups.group import Group
from dedup_core.paths import ImagePath

EVERY_FAMILY = frozenset(Family)
PAIRS_AT_ONCE = 8  # point queries, mostly waiting: a group of `MOST_PAIRS` takes eight times as long as a pair
MOST_PAIRS = 60  # of a group are read for one look at it


class State(StrEnum):
    """Which groups are asked for."""

    OPEN = "open"
    DECIDED = "decided"
    ALL = "all"


class UnknownReviewImage(PermanentError):
    """No such image is known."""

    reason = "unknown-image"


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """What a list is narrowed to; `prefix` is that of any image's name, without the container.

    `name` is a part of one, in capital or small letters.
    """

    family: Family | None = None
    identical: bool = False
    state: State = State.OPEN
    prefix: str = ""
    since: datetime | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class GroupPage:
    """One page, the newest first; the counts are of all pages, the totals of all states as well."""

    groups: list[Group]
    next_cursor: str | None
    matching: int
    total: int
    decided: int
    bytes_to_gain: int


class ReviewService:
    """Reads the group book and the pairs of the groups that are looked at."""

    def __init__(self, *, book: GroupBook, pairs: PairsTable, features: FeaturesTable) -> None:
        self._book = book
        self._pairs = pairs
        self._features = features

    def page(self, wanted: GroupFilter, cursor: str | None = None, size: int = 50) -> GroupPage:
        """The page after the one that gave the cursor. A group that was decided meanwhile leaves no gap."""
        after = _parse(cursor) if cursor else None
        in_scope = self._in_scope(wanted)
        matching = [group for group in in_scope if _is_in_state(group, wanted.state)]
        ahead = [group for group in matching if after is None or (-group.newest_at, group.id) > after]
        shown = ahead[:size]
        return GroupPage(
            groups=shown,
            next_cursor=f"{shown[-1].newest_at}.{shown[-1].id}" if len(ahead) > len(shown) else None,
            matching=len(matching),
            total=len(in_scope),
            decided=sum(group.is_decided for group in in_scope),
            bytes_to_gain=sum(group.bytes_to_gain for group in in_scope),
        )

    def matching(self, wanted: GroupFilter) -> list[Group]:
        """All groups that the filter lets through, the newest first."""
        return [group for group in self._in_scope(wanted) if _is_in_state(group, wanted.state)]

    def pairs_of(self, group: Group, most: int = MOST_PAIRS) -> dict[bytes, PairRow]:
        """What was measured of the keeper and the first members, by the member's id; point queries, side by side."""
        keeper = ImagePath.parse(group.keeper.path)
        members = group.members[:most]
        others = [ImagePath.parse(member.facts.path) for member in members]
        with Threads(PAIRS_AT_ONCE) as threads:
            rows = list(threads.map(lambda other: self._pairs.get(keeper, other), others))
        return {member.facts.image_id: row for member, row in zip(members, rows, strict=True) if row is not None}

    def image(self, image_id: str) -> ImageFacts:
        """An image that is, or was, in a group, or is there at all. Raises `UnknownReviewImage`."""
        try:
            key = bytes.fromhex(image_id)
        except ValueError:
            key = b""
        with self._book.current() as projection:
            facts = projection.image(key)
        if facts is not None:
            return facts
        row = self._features.summaries([image_id]).get(image_id)
        if row is None or not row.is_alive:
            raise UnknownReviewImage("no image with this id is known")
        return facts_of(row)

    def groups_of(self, image_id: bytes) -> Iterator[Group]:
        """The groups that the image is in."""
        with self._book.current() as projection:
            found = [projection.group_of(image_id, family) for family in Family]
        return (group for group in found if group is not None)

    def _in_scope(self, wanted: GroupFilter) -> list[Group]:
        """What the filter lets through, decided or not."""
        return [group for group in self._book.groups(EVERY_FAMILY) if _is_in_scope(group, wanted)]


def _is_in_scope(group: Group, wanted: GroupFilter) -> bool:
    if wanted.family is None:
        # Copies that were decided to be none are part of what was decided, not of what is to be done.
        fits = group.family is not Family.APART or wanted.state is not State.OPEN
    else:
        fits = group.family is wanted.family
    if not fits or (wanted.identical and not group.is_identical):
        return False
    if wanted.since is not None and group.newest_at < microseconds(wanted.since):
        return False
    if wanted.prefix and not any(_begins_with(path, wanted.prefix) for path in group.paths):
        return False
    part = _as_one_letter_case(wanted.name)
    return not part or any(_has_in_name(path, part) for path in group.paths)


def _begins_with(path: str, prefix: str) -> bool:
    """As `ImagePath.begins_with`; of half a million paths few have a `%` and need be parsed for it."""
    return path.partition("/")[2].startswith(prefix) or ("%" in path and ImagePath.parse(path).begins_with(prefix))


def _has_in_name(path: str, part: str) -> bool:
    return part in _as_one_letter_case(path.partition("/")[2]) or (
        "%" in path and part in _as_one_letter_case(ImagePath.parse(path).name)
    )


def _as_one_letter_case(text: str) -> str:
    """Letters with accents as one character each, too: a Mac names files otherwise than people type."""
    return unicodedata.normalize("NFC", text).casefold()


def _is_in_state(group: Group, state: State) -> bool:
    return state is State.ALL or group.is_decided is (state is State.DECIDED)


def _parse(cursor: str) -> tuple[int, str]:
    newest_at, _, group_id = cursor.partition(".")
    if not newest_at.isascii() or not newest_at.isdigit() or not group_id:
        raise BadCursor
    return -int(newest_at), group_id
