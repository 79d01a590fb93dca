"""Marked blocks -> the boxes of the few groups that they form."""

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
