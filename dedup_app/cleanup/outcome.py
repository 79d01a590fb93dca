"""What became of each image, and how several are worked on side by side."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from dedup_core.paths import ImagePath

AT_ONCE = 8  # each is some calls to storage one after the other, mostly waiting


class Fate(StrEnum):
    """What became of an image, or would."""

    WOULD_GO = "would go"
    GONE = "in quarantine"
    BACK = "brought back"
    WOULD_END = "would end"
    ENDED = "ended"
    STAYS = "stays"
    """As it is, for the reason that is given."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One image; `why` says why it stays as it is. `is_refused`: that was not what was asked for.

    `is_from_before`: an earlier run has done it, and this one nothing.
    """

    path: ImagePath
    fate: Fate
    byte_size: int
    why: str = ""
    is_refused: bool = False
    is_from_before: bool = False


def side_by_side[T](
    items: Iterable[T], handle: Callable[[T], Iterable[Outcome]], at_once: int = AT_ONCE
) -> Iterator[Outcome]:
    """Handle the items, several at once. The first failure ends it, after those that have begun are done."""
    if at_once == 1:
        for item in items:
            yield from handle(item)
        return
    with ThreadPoolExecutor(at_once) as threads:
        waiting = [threads.submit(_all_of, handle, item) for item in items]
        try:
            for done in waiting:
                yield from done.result()
        finally:
            threads.shutdown(wait=True, cancel_futures=True)


def _all_of[T](handle: Callable[[T], Iterable[Outcome]], item: T) -> list[Outcome]:
    return list(handle(item))
