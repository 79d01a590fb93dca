"""The versions at which images were removed, so that an addition that arrives late does not bring one back."""

from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.search.array_stream import ArrayReader, ArrayWriter
from dedup_core.search.columns import Words

_ID: Final = "S16"  # compares like 16 bytes: of equal length, zeros at the end change nothing
UNKNOWN: Final = -1


class RemovedImages:
    """Ids in order, each with a version: 20 bytes an image."""

    def __init__(self) -> None:
        self._ids = np.zeros(0, _ID)
        self._versions = np.zeros(0, np.uint32)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def memory_bytes(self) -> int:
        return self._ids.nbytes + self._versions.nbytes

    def versions(self, image_ids: Words) -> NDArray[np.int64]:
        """The version at which each of these images (2, n) was removed, -1 for those that never were."""
        found = np.full(image_ids.shape[1], UNKNOWN, np.int64)
        if len(self._ids):
            ids = _in_order(image_ids)
            places = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
            known = self._ids[places] == ids
            found[known] = self._versions[places[known]]
        return found

    def remember(self, image_ids: Words, versions: NDArray[np.int64]) -> None:
        """Note that these distinct images (2, n) were removed; a version of 0 needs no memory, nothing is below it."""
        ids, versions = _in_order(image_ids)[versions > 0], versions[versions > 0]
        if len(ids):
            others = ~np.isin(self._ids, ids)
            joined = np.concatenate([self._ids[others], ids])
            order = np.argsort(joined)
            self._ids = joined[order]
            self._versions = np.concatenate([self._versions[others], versions.astype(np.uint32)])[order]

    def forget(self, image_ids: Words) -> None:
        """These images are held again, with a version of their own."""
        if len(self._ids):
            others = ~np.isin(self._ids, _in_order(image_ids))
            self._ids, self._versions = self._ids[others], self._versions[others]

    def write_to(self, stream: ArrayWriter) -> None:
        """Write all ids and versions."""
        stream.put(self._ids)
        stream.put(self._versions)

    @classmethod
    def read_from(cls, stream: ArrayReader) -> Self:
        """What `write_to` wrote."""
        removed = cls()
        removed._ids = stream.take(np.dtype(_ID))
        removed._versions = stream.take(np.uint32, len(removed._ids))
        return removed


def _in_order(image_ids: Words) -> NDArray[np.bytes_]:
    """Ids (2, n) as texts of 16 bytes that sort as the ids do."""
    return np.ascontiguousarray(image_ids.T.astype(">u8")).view(_ID).ravel()
