"""Which of the images held are near a query by their hashes: every one is looked at, in all eight views."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.hash_views import DistanceBounds, view_distances, with_inverted
from dedup_core.search.columns import Words
from dedup_core.search.image_slots import ImageSlots

CHUNK: Final = 32_768  # hashes compared at a time: one group of them takes 256 KiB and stays in the L2 cache
type Near = dict[int, tuple[int, int]]
"""The least distance in bits of a slot and the number of its view."""


def nearest_slots(held: ImageSlots, windows: list[Words], limit: int) -> Near:
    """Every slot of which a window is within the limit of bits of a window (2, 4) of the query, in the best view.

    A page has margins of its own: on another page the whole of it is what that page has inside its margins.
    """
    whole, inner = windows
    asked = windows if (whole != inner).any() else [whole]
    scan = _Scan(limit, min(CHUNK, held.slots))
    for first, block in held.first_hashes():
        for start in range(0, block.shape[1], CHUNK):
            hashes = block[:, start : start + CHUNK]
            for window in asked:
                near = scan.near(hashes, window)
                scan.note(hashes, window, near, near + first + start)
    for owners, block in held.second_hashes():
        for start in range(0, block.shape[1], CHUNK):
            hashes = block[:, start : start + CHUNK]
            for window in asked:
                near = scan.near(hashes, window)
                scan.note(hashes, window, near, owners[start + near])
    return scan.found


class _Scan:
    """What was found so far within a limit of bits."""

    def __init__(self, limit: int, most: int) -> None:
        """Room for that many hashes at a time."""
        self.found: Near = {}
        self._limit = limit
        self._bounds = DistanceBounds(most)

    def near(self, hashes: Words, query: Words) -> NDArray[np.intp]:
        """Which of the hashes (4, n) may be within the limit; one without bits is near nothing."""
        if not query.any():
            return np.zeros(0, np.intp)
        bounds = self._bounds(hashes, query)
        if bounds.min() > self._limit:
            return np.zeros(0, np.intp)
        near = np.flatnonzero(bounds.min(axis=0) <= self._limit)
        return near[hashes[:, near].any(axis=0)]

    def note(
        self, hashes: Words, query: Words, near: NDArray[np.intp], slots: NDArray[np.intp] | NDArray[np.uint32]
    ) -> None:
        """Look at those hashes, which are of these slots."""
        if len(near) == 0:
            return
        distances = with_inverted(view_distances(hashes[:, near], query))  # (8, near)
        least = distances.min(axis=0)
        within = np.flatnonzero(least <= self._limit)
        rows = zip(least[within].tolist(), distances[:, within].argmin(axis=0).tolist(), strict=True)
        for slot, row in zip(slots[within].tolist(), rows, strict=True):
            self.found[slot] = min(self.found.get(slot, row), row)
