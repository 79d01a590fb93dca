"""How far long work is: whoever starts it hears how many were seen so far."""

from collections.abc import Callable, Iterable, Iterator

type Progress = Callable[[int], None]
type Parts = Callable[[str], Progress]
"""Of work that has parts: how far each of them is, by what is counted in it."""


def no_progress(_seen: int) -> None:
    """For work that nobody waits for."""


def no_progress_of_parts(_what: str) -> Progress:
    return no_progress


def with_progress[T](items: Iterable[T], progress: Progress) -> Iterator[T]:
    """The items as they are; `progress` hears of each."""
    for seen, item in enumerate(items, 1):
        progress(seen)
        yield item
