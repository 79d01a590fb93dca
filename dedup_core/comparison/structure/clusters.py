"""Marked blocks or points -> boxes: of the few groups that they form, around all of them, or full of them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

type PixelBox = tuple[int, int, int, int]
MOST: Final = 8  # each is a box on the page, and some 150 bytes in both rows of a pair
_GAP: Final = 2  # blocks between two of one group
_LEAST: Final = 2  # blocks of a group


def boxes_of(blocks: NDArray[np.bool_], cell: int) -> list[PixelBox]:
    """Left, top, right, bottom in pixels of the groups of marked blocks, the largest `MOST` of them, largest first.

    A block is two cells wide and high and begins at every cell.
    """
    waiting = {(int(row), int(column)) for row, column in np.argwhere(blocks)}
    groups = []
    while waiting:
        group, edge = [], [waiting.pop()]
        while edge:
            row, column = edge.pop()
            group.append((row, column))
            near = [
                (row + down, column + across)
                for down in range(-_GAP, _GAP + 1)
                for across in range(-_GAP, _GAP + 1)
                if (row + down, column + across) in waiting
            ]
            waiting.difference_update(near)
            edge += near
        groups.append(group)
    groups = sorted((group for group in groups if len(group) >= _LEAST), key=len, reverse=True)[:MOST]
    return [_around(group, cell) for group in groups]


def _around(group: list[tuple[int, int]], cell: int) -> PixelBox:
    rows, columns = zip(*group, strict=True)
    return min(columns) * cell, min(rows) * cell, (max(columns) + 2) * cell, (max(rows) + 2) * cell


def bounds_of(inside: NDArray[np.bool_]) -> PixelBox | None:
    """The smallest box around all points that are marked."""
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1) if len(rows) else None


def common_rectangle(inside: NDArray[np.bool_]) -> tuple[slice, slice]:
    """A large rectangle of points that both pictures show: the side with most holes is cut until none is left.

    Empty if there is no such rectangle.
    """
    box = bounds_of(inside)
    if box is None or inside.all():
        return slice(0, inside.shape[0]), slice(0, inside.shape[1])
    first, top, last, bottom = box
    while bottom > top and last > first:
        part = inside[top:bottom, first:last]
        holes = (1 - part[0].mean(), 1 - part[-1].mean(), 1 - part[:, 0].mean(), 1 - part[:, -1].mean())
        if max(holes) == 0:
            break
        worst = int(np.argmax(holes))
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        first, last = first + (worst == 2), last - (worst == 3)  # noqa: PLR2004
    return slice(int(top), int(bottom)), slice(int(first), int(last))
