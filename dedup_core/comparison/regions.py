"""Regions: parts of an aligned pair as boxes in both pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

type Corners = tuple[float, float, float, float]
"""Left, top, right and bottom, in shares of a picture."""
WHOLE_CORNERS: Final[Corners] = (0.0, 0.0, 1.0, 1.0)
_AS_LARGE: Final = 0.5  # of the largest box
_PLACES_TOLD: Final = 2


class RegionKind(StrEnum):
    """What a region says about the two pictures."""

    CHANGED = "changed"
    """They show something else there: one lies over the other, or one stands in the place of the other."""
    SHARED = "shared"
    """They show the same there, and at least one of them shows more around it."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in one picture as it is seen upright, in shares (0..1) of its width and of its height."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def corners(self) -> Corners:
        return self.left, self.top, self.right, self.bottom

    @property
    def area(self) -> float:
        """The share (0..1) of the picture."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)

    @classmethod
    def around(cls, points: Sequence[Sequence[float]]) -> Self:
        """The smallest box around points (x, y), cut to the picture."""
        across, down = zip(*points, strict=True)
        low_x, low_y, high_x, high_y = (
            round(min(1.0, max(0.0, float(value))), 4) for value in (min(across), min(down), max(across), max(down))
        )
        return cls(low_x, low_y, high_x, high_y)


@dataclass(frozen=True, slots=True)
class Region:
    """One part of a pair: where it lies in the left and in the right picture."""

    kind: RegionKind
    left: Box
    right: Box

    def swapped(self) -> Self:
        """The same part of the pair the other way round."""
        return type(self)(self.kind, self.right, self.left)

    def as_dict(self) -> dict[str, object]:
        """As it is stored and printed: `{"kind": …, "left": [left, top, right, bottom], "right": […]}`."""
        return {"kind": self.kind.value, "left": list(self.left.corners), "right": list(self.right.corners)}

    @classmethod
    def from_dict(cls, stored: dict[str, object]) -> Self:
        """What `as_dict` gave. Raises `ValueError` if it is something else."""
        sides = [stored.get("left"), stored.get("right")]
        boxes = [Box(*map(float, side)) for side in sides if isinstance(side, list) and len(side) == len(Box.__slots__)]
        if len(boxes) != len(sides):
            raise ValueError(f"a region needs two boxes of four numbers, not {stored!r}")
        return cls(RegionKind(str(stored.get("kind"))), *boxes)


def changed(regions: Sequence[Region]) -> list[Region]:
    """The parts in which the two show something else."""
    return [region for region in regions if region.kind is RegionKind.CHANGED]


def swapped(regions: Sequence[Region]) -> tuple[Region, ...]:
    """All of them the other way round."""
    return tuple(region.swapped() for region in regions)


def in_words(boxes: Sequence[Box]) -> str:
    """Where the largest box, which is the first one, lies in a picture, and those that are half as large."""
    large = [box for box in boxes if box.area >= _AS_LARGE * boxes[0].area]
    places = list(dict.fromkeys(map(_place, large)))
    return " and ".join(places) if len(places) <= _PLACES_TOLD else "in several places"


def _place(box: Box) -> str:
    across, down = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    column = "left" if across < 1 / 3 else "right" if across > 2 / 3 else "center"
    row = "top" if down < 1 / 3 else "bottom" if down > 2 / 3 else "middle"
    return "in the middle" if (row, column) == ("middle", "center") else f"{row} {column}"
