"""What became of each image, and how several are worked on side by side."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from threading import Event

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
) -> Generator[Outcome]:
    """Handle the items, several at once. The first failure, or closing it, ends it after the images that have begun."""
    if at_once == 1:
        for item in items:
            yield from handle(item)
        return
    is_over = Event()
    with ThreadPoolExecutor(at_once) as threads:
        waiting = [threads.submit(_all_of, handle, item, is_over) for item in items]
        try:
            for done in waiting:
                yield from done.result()
        finally:
            is_over.set()
            threads.shutdown(wait=True, cancel_futures=True)


def _all_of[T](handle: Callable[[T], Iterable[Outcome]], item: T, is_over: Event) -> list[Outcome]:
    found = []
    for outcome in handle(item):
        found.append(outcome)
        if is_over.is_set():
            break
    return found
