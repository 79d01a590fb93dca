"""All blobs of the container as 16 bytes each: enough to tell which are known as they are, whatever their number."""

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup_app.ports.images import BLOBS_A_PAGE, Images
from dedup_core.errors import InvalidPath
from dedup_core.paths import ImagePath

type Blobs = NDArray[np.void]
BLOB = np.dtype([("id", np.uint64), ("etag", np.uint32), ("page", np.uint32)])


class ListingUnderWay:
    """A listing that is taken page by page; whoever is interrupted goes on with it later."""

    def __init__(self, images: Images, container: str) -> None:
        self._images = images
        self._container = container
        self._parts: list[Blobs] = []
        self._places: list[str] = []
        self._next: str | None = ""
        self._left_out = 0

    @property
    def is_complete(self) -> bool:
        return self._next is None

    def take_page(self) -> int:
        """The next page, unless it raises; how many blobs it has. Names that no path may have are left out."""
        if self._next is None:
            return 0
        page = self._images.page(self._container, self._next, BLOBS_A_PAGE)
        number = len(self._places)
        blobs = [
            (short_id(path.image_id), short_etag(etag), number)
            for name, etag in page.blobs
            if (path := _path(self._container, name)) is not None
        ]
        self._parts.append(np.array(blobs, BLOB))
        self._left_out += len(page.blobs) - len(blobs)
        self._places.append(self._next)
        self._next = page.next_place
        return len(page.blobs)

    def take_pages(self, ends_at: float) -> None:
        """Pages, one at least, until it is complete or, by `time.monotonic`, so late."""
        self.take_page()
        while not self.is_complete and time.monotonic() < ends_at:
            self.take_page()

    def listing(self) -> "BlobListing":
        """What was listed, once it is complete."""
        return BlobListing(np.concatenate(self._parts), self._places, self._left_out)


class PageToLookAt(NamedTuple):
    """The place of a page, and the shortened ids of the blobs that are looked for there."""

    place: str
    ids: set[int]


class BlobListing:
    """Ids shortened to 8 bytes and etags shortened to 4, in the order of the ids, and the page of each.

    So many blobs were `left_out`, for names that no path may have.
    """

    def __init__(self, blobs: Blobs, places: Sequence[str], left_out: int) -> None:
        self.left_out = left_out
        order = np.argsort(blobs["id"])
        self._ids, self._etags, self._pages = (blobs[field][order] for field in ("id", "etag", "page"))
        self._places = places

    def __len__(self) -> int:
        return len(self._ids)

    @classmethod
    def take(
        cls, images: Images, container: str, progress: Callable[[int], None] = lambda _blobs: None
    ) -> "BlobListing":
        """List the container once."""
        under_way, seen = ListingUnderWay(images, container), 0
        while not under_way.is_complete:
            seen += under_way.take_page()
            progress(seen)
        return under_way.listing()

    def etag_of(self, image_id: str) -> int | None:
        """The shortened etag of the image's blob; None if there was none."""
        wanted = np.uint64(short_id(image_id))
        place = int(np.searchsorted(self._ids, wanted))
        return int(self._etags[place]) if place < len(self._ids) and self._ids[place] == wanted else None

    def ids(self, prefix: str) -> set[int]:
        """The shortened ids that begin with these hex digits."""
        return set(self._ids[self._place(prefix)].tolist())

    def pages_of(self, ids: set[int]) -> list[PageToLookAt]:
        """The pages on which these were listed, whose names no listing holds."""
        wanted: dict[int, set[int]] = defaultdict(set)
        for it in ids:
            wanted[int(self._pages[np.searchsorted(self._ids, np.uint64(it))])].add(it)
        return [PageToLookAt(self._places[number], wanted[number]) for number in sorted(wanted)]

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


def paths_on(page: PageToLookAt, images: Images, container: str) -> Iterator[ImagePath]:
    """The blobs that are looked for on this page and still are there."""
    for name, _ in images.page(container, page.place, BLOBS_A_PAGE).blobs:
        path = _path(container, name)
        if path is not None and short_id(path.image_id) in page.ids:
            yield path


def _path(container: str, name: str) -> ImagePath | None:
    try:
        return ImagePath(container, name)
    except InvalidPath:
        return None


def short_id(image_id: str) -> int:
    return int(image_id[:16], 16)


def short_etag(etag: str) -> int:
    return int.from_bytes(hashlib.blake2b(etag.encode(), digest_size=4).digest())
