"""A listing of the container that serves many runs of the timer, and is taken anew in parts of them."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from dedup_app.ledger.listing import BlobListing, ListingUnderWay
from dedup_app.ports.images import Images
from dedup_app.upkeep import is_recent
from dedup_core.errors import PermanentError

# A run of the timer has other parts, too, and 480 s for all of them.
LISTING_SECONDS = 120  # no further page of the container after that: the next run goes on with it
LISTINGS_A_TURN = 4  # in the time within which every image is looked at once


class RecentListing:
    """One listing serves many slices, as what it contradicts is looked at once more.

    A large container takes several runs of the timer, in which the listing of before serves.
    """

    def __init__(self, images: Images, container: str, every: timedelta, now: Callable[[], datetime]) -> None:
        self._images = images
        self._container = container
        self._every = every
        self._now = now
        self._listing: BlobListing | None = None
        self._listed_at: datetime | None = None
        self._under_way: ListingUnderWay | None = None
        self._begun_at: datetime | None = None

    def get(self) -> BlobListing | None:
        """The last one that is complete, after a part of the next one if that is due; None if there was none yet."""
        if self._is_over(self._listed_at, self._every / LISTINGS_A_TURN):
            self._go_on()
        return self._listing

    def _go_on(self) -> None:
        if self._under_way is None or self._is_over(self._begun_at, self._every):
            self._under_way, self._begun_at = ListingUnderWay(self._images, self._container), self._now()
        try:
            self._under_way.take_pages(time.monotonic() + LISTING_SECONDS)
        except PermanentError:  # nothing goes on from there: the container is gone, or the place is refused
            self._under_way = None
            raise
        if self._under_way.is_complete:
            self._listing, self._listed_at = self._under_way.listing(), self._now()
            self._under_way = None

    def _is_over(self, since: datetime | None, pause: timedelta) -> bool:
        return since is None or not is_recent(since, self._now(), pause)
