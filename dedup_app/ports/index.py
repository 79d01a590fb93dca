"""The candidate index, whatever engine holds it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.search.hit import Hit

NOBODY = "0" * 32  # the id of an image that is not there, to search with


class CandidateIndex(Protocol):
    """All fingerprints of all images across all instances; of an image the highest version counts, which hits tell."""

    def add_and_search(self, image_id: str, version: int, fingerprints: Fingerprints) -> list[Hit]:
        """Append the fingerprints, read what others appended, then search; nearest first, without the image itself.

        The order makes two look-alikes that arrive at the same moment find each other: whoever appends second reads
        the first. Raises `Superseded` if a higher version of the image is known.
        """
        ...

    def search(self, image_id: str, version: int, fingerprints: Fingerprints) -> list[Hit]:
        """What `add_and_search` would find, in what this instance has read; nothing is appended."""
        ...

    def remove(self, image_id: str, version: int) -> None:
        """Forget the image (append a removal), unless a higher version of it comes or came."""
        ...

    def add_all(self, images: Iterable[tuple[str, int, Fingerprints]]) -> int:
        """Append many images at their versions without searching, known ones included; how many there were."""
        ...

    def remove_all(self, images: Iterable[tuple[str, int]]) -> int:
        """Append the removal of many images at these versions; how many there were."""
        ...

    def declare_whole(self) -> None:
        """All images were just appended again: what could not be read before is mended."""
        ...

    def catch_up(self) -> None:
        """Read what others appended, where that is not seen anyhow."""
        ...

    def refresh(self) -> int:
        """Read what others appended; the number of images held now."""
        ...

    def tend(self, now: datetime) -> None:
        """Do what keeps the index quick to start and no larger than needed; called from time to time."""
        ...

    def held(self, prefix: str) -> dict[str, int]:
        """Ids that begin with these two hex digits, with their versions, of what this instance has read."""
        ...

    @property
    def damaged_bytes(self) -> int:
        """How much of what was read is no record, after the last time that the index was declared whole."""
        ...
