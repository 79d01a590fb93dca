"""How far long work is: whoever starts it hears how many were seen so far."""

from collections.abc import Callable, Iterable, Iterator

type Progress = Callable[[int], None]
type Parts = Callable[[str], Progress]
"""Of work that has parts: how far each of them is, by what is counted in it."""


def unheard(_seen: int) -> None:
    """For work that nobody waits for."""


def unheard_parts(_what: str) -> Progress:
    return unheard


def told[T](items: Iterable[T], progress: Progress) -> Iterator[T]:
    """The items as they are; `progress` hears of each."""
    for seen, item in enumerate(items, 1):
        progress(seen)
        yield item
