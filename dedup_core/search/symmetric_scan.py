"""Which of the images held are near a symmetric picture: by those groups of its hash alone that say anything of it."""

from itertools import chain

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.hash_views import GROUPS, group_bounds, group_distances, with_inverted
from dedup_core.search.columns import Words
from dedup_core.search.hash_scan import CHUNK, Near
from dedup_core.search.image_slots import ImageSlots


def nearest_by_groups(held: ImageSlots, windows: list[Words], silent: NDArray[np.bool_], limit: int) -> Near:
    """Every slot of which a hash is near one of those windows (2, 4) that have silent groups, in the best view.

    `silent` is (windows, groups). Distances count as if the silent groups differed as much as the others do; the limit
    is that at which as few strangers are met by the bits that are left as by all of them within `limit`.
    """
    found: Near = {}
    asked: list[Words] = []
    for window, of_window in zip(windows, silent, strict=True):
        if not of_window.any() or not window.any() or any((window == it).all() for it in asked):
            continue
        asked.append(window)
        told, least = ~of_window, _limit(limit, GROUPS - int(of_window.sum()))
        of_all = ((np.arange(first, first + block.shape[1]), block) for first, block in held.first_hashes())
        for slots, block in chain(of_all, held.second_hashes()):
            for start in range(0, block.shape[1], CHUNK):
                hashes = block[:, start : start + CHUNK]
                near = np.flatnonzero((group_bounds(hashes, window, told) <= least) & hashes.any(axis=0))
                distances = with_inverted(group_distances(hashes[:, near], window, told))
                rows = zip(distances.min(axis=0).tolist(), distances.argmin(axis=0).tolist(), strict=True)
                for slot, row in zip(slots[start + near].tolist(), rows, strict=True):
                    if row[0] <= least:
                        found[slot] = min(found.get(slot, row), row)
    return found


def _limit(limit: int, groups: int) -> int:
    """As many standard deviations below what strangers have (half of the bits) as `limit` is for all groups."""
    half = 32 * GROUPS
    return int(half - (half - limit) * np.sqrt(GROUPS / groups))
