"""The blobs of the image container."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from dedup_core.loading.source import SourceImage
from dedup_core.paths import ImagePath

BLOBS_A_PAGE = 5_000  # as many as the service lists at once


class BlobPage(NamedTuple):
    """Names and etags of some blobs, and the place where the next page begins; None after the last one."""

    blobs: Sequence[tuple[str, str]]
    next_place: str | None


class Images(Protocol):
    """The blobs of the image container, read only."""

    def read(self, path: ImagePath, *, unless_etag: str | None = None) -> SourceImage | None:
        """The blob's bytes with their etag, in one download; None if its etag still is `unless_etag`.

        Raises `ImageNotFound`, `ImageTooLarge` (before the body is read) or `StoreBusy`.
        """
        ...

    def etag(self, path: ImagePath) -> str | None:
        """The etag of the blob as it is now, None if there is none; reads none of it."""
        ...

    def names(self, container: str) -> Iterator[tuple[str, str]]:
        """Name and etag of every blob, in the order of the names, fetched page by page."""
        ...

    def page(self, container: str, place: str = "", most: int = BLOBS_A_PAGE) -> BlobPage:
        """One page of `names`, from such a place on. A place stays good, whatever becomes of the blobs around it."""
        ...


class OriginalLinks(Protocol):
    """Addresses under which a browser gets one blob from storage itself."""

    def link(self, path: ImagePath, media_type: str) -> str | None:
        """An address that is good for some minutes and for this blob only, or None where the app may make none."""
        ...
