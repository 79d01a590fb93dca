"""Sides: which picture of a pair has something lying over it, a frame around it, or less of the scene."""

from dataclasses import dataclass
from typing import Final, Self


@dataclass(frozen=True, slots=True)
class Side:
    """One picture against the other: `shared` 0..1 of its scene, a frame not counted, is shown by the other, too.

    `is_written`: something is written or shown around what the other shows of it, and not in the other.
    """

    shared: float = 1.0
    is_framed: bool = False
    is_overlaid: bool = False
    is_written: bool = False


@dataclass(frozen=True, slots=True)
class Sides:
    """Both pictures of a pair against each other."""

    left: Side
    right: Side

    def swapped(self) -> Self:
        """The same pair the other way round."""
        return type(self)(self.right, self.left)

    def as_text(self) -> str:
        """As it is stored: `0.62,framed|1.0,overlaid`."""
        return "|".join(_side_text(side) for side in (self.left, self.right))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """What `as_text` gave. Raises `ValueError` if it is something else."""
        left, _, right = text.partition("|")
        return cls(_side(left), _side(right))


ALIKE: Final = Sides(Side(), Side())


def _side_text(side: Side) -> str:
    told = {"framed": side.is_framed, "overlaid": side.is_overlaid, "written": side.is_written}
    return ",".join([f"{side.shared:.3g}", *(word for word, holds in told.items() if holds)])


def _side(text: str) -> Side:
    shared, *words = text.split(",")
    return Side(float(shared), "framed" in words, "overlaid" in words, "written" in words)
