"""All blobs of the container as 16 bytes each: enough to tell which are known as they are, whatever their number."""

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dedup_app.ports.images import Images
from dedup_core.errors import InvalidPath
from dedup_core.paths import ImagePath

BLOBS_AT_ONCE = 5_000  # as many as the service lists at once, before they become 16 bytes each


class BlobListing:
    """Ids and etags, shortened to 8 bytes, in the order of the ids."""

    def __init__(self, ids: NDArray[np.uint64], etags: NDArray[np.uint64]) -> None:
        order = np.argsort(ids)
        self._ids, self._etags = ids[order], etags[order]

    def __len__(self) -> int:
        return len(self._ids)

    @classmethod
    def take(
        cls, images: Images, container: str, progress: Callable[[int], None] = lambda _blobs: None
    ) -> "BlobListing":
        """List the container once; names that no path may have are left out, as they are everywhere."""
        parts: list[NDArray[np.uint64]] = []
        page: list[tuple[int, int]] = []
        seen = 0
        for name, etag in images.names(container):
            seen += 1
            progress(seen)
            try:
                page.append((short_id(ImagePath(container, name).image_id), short_etag(etag)))
            except InvalidPath:
                continue
            if len(page) == BLOBS_AT_ONCE:
                parts.append(np.array(page, np.uint64))
                page = []
        parts.append(np.array(page, np.uint64).reshape(-1, 2))
        blobs = np.concatenate(parts)
        return cls(blobs[:, 0], blobs[:, 1])

    def etag_of(self, image_id: str) -> int | None:
        """The shortened etag of the image's blob; None if there was none."""
        wanted = np.uint64(short_id(image_id))
        place = int(np.searchsorted(self._ids, wanted))
        return int(self._etags[place]) if place < len(self._ids) and self._ids[place] == wanted else None

    def ids(self, prefix: str) -> set[int]:
        """The shortened ids that begin with these hex digits."""
        return set(self._ids[self._place(prefix)].tolist())

    def portions(self, prefix: str, most: int) -> list[str]:
        """Longer prefixes that make up this one, of about so many blobs each at most."""
        place, digits = self._place(prefix), 0
        while place.stop - place.start > most * 16**digits:
            digits += 1
        return [f"{prefix}{number:0{digits}x}" for number in range(16**digits)] if digits else [prefix]

    def _place(self, prefix: str) -> slice:
        low = int(prefix.ljust(16, "0"), 16)
        high = low + (1 << 4 * (16 - len(prefix))) - 1
        first = np.searchsorted(self._ids, np.uint64(low))
        return slice(int(first), int(np.searchsorted(self._ids, np.uint64(high), side="right")))


def short_id(image_id: str) -> int:
    return int(image_id[:16], 16)


def short_etag(etag: str) -> int:
    return int.from_bytes(hashlib.blake2b(etag.encode(), digest_size=8).digest())
