"""How far long work is: whoever starts it hears how many were seen so far."""

from collections.abc import Callable, Iterable, Iterator

type Progress = Callable[[int], None]


def unheard(_seen: int) -> None:
    """For work that nobody waits for."""


def told[T](items: Iterable[T], progress: Progress) -> Iterator[T]:
    """The items as they are; `progress` hears of each."""
    for seen, item in enumerate(items, 1):
        progress(seen)
        yield item
