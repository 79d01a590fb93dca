"""Verdicts on pairs -> groups, and the best copy, for who has nothing but pairs: what they link is one group."""

from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from dedup_core.comparison.verdict import SAME_PICTURE, VerdictKind
from dedup_core.paths import ImagePath

SAME_SHAPE = SAME_PICTURE | {VerdictKind.COLOR_VARIANT}


class Sortable(Hashable, Protocol):
    """What images may be called by: an `ImagePath`, a `Path`, a text, a number; one kind for all of them."""

    def __lt__(self, other: Any, /) -> bool: ...


@dataclass(frozen=True, slots=True, order=True)
class ImageCopy[Id: Sortable = ImagePath]:
    """One image of a group and what tells a better copy from a worse one; sizes of 0 when they are not known."""

    path: Id
    width: int = 0
    height: int = 0
    byte_size: int = 0


def group_pairs[Id: Sortable](
    pairs: Iterable[tuple[Id, Id, VerdictKind]], *, linking: Collection[VerdictKind] = SAME_PICTURE
) -> list[tuple[Id, ...]]:
    """Groups of images that the pairs of the `linking` kinds hold together, members and groups in order of their paths.

    A chain is a group: if a matches b and b matches c, then all three are together, though a and c were never compared
    or are a little too different. Use `SAME_SHAPE` to have the same thing in other colors in one group.

    Raises `TypeError` for a verdict in place of its kind, `ValueError` for a text that is no kind.
    """
    leaders: dict[Id, Id] = {}
    for left, right, kind in pairs:
        if not isinstance(kind, str):
            raise TypeError(
                f"a pair is two paths and the kind of a verdict, not {type(kind).__name__}: use verdict.kind"
            )
        if VerdictKind(kind) in linking and left != right:
            first, second = _leader(leaders, left), _leader(leaders, right)
            leaders[max(first, second)] = min(first, second)
    groups: dict[Id, list[Id]] = {}
    for path in sorted(leaders):
        groups.setdefault(_leader(leaders, path), []).append(path)
    return [tuple(members) for members in groups.values()]


def best_copy[Id: Sortable](copies: Iterable[ImageCopy[Id]]) -> ImageCopy[Id]:
    """The copy to keep: most pixels, then most bytes (least compressed), then the first path in order.

    Raises `ValueError` if there is none.
    """
    given = list(copies)
    if not given:
        raise ValueError("of no copies none can be kept: hand over one or more")
    return min(given, key=lambda copy: (-copy.width * copy.height, -copy.byte_size, copy.path))


def _leader[Id: Sortable](leaders: dict[Id, Id], path: Id) -> Id:
    """The first path of the group so far; halves the way there, so that long chains stay cheap."""
    leaders.setdefault(path, path)
    while leaders[path] != path:
        leaders[path] = leaders[leaders[path]]
        path = leaders[path]
    return path
