"""When a snapshot of the index is due, and which snapshots and segments nobody needs any more."""

from contextlib import AbstractContextManager
from datetime import date, datetime

from dedup_storage.logs.fingerprint_records import RECORD_BYTES
from dedup_storage.logs.index_snapshots import Begun, Draft, Snapshots, clean_up, load_newest
from dedup_storage.logs.places import LogPlace, Segments

# A snapshot is due when this much of the log has come after the last one, and this share of what all images take: so
# much is what a start reads of the log at most.
LEAST_UNSAVED = 16 * 1024 * 1024
UNSAVED_SHARE = 0.05


class SnapshotKeeper:
    """The snapshots of one log. Its calls are for one thread at a time."""

    def __init__(self, snapshots: Snapshots, segments: Segments) -> None:
        self._snapshots = snapshots
        self._segments = segments
        self._cleaned_up: date | None = None

    def newest(self) -> Begun | None:
        """The index to start from, None where no snapshot fits the log."""
        return load_newest(self._snapshots, self._segments)

    def is_due(self, here: LogPlace, images: int) -> bool:
        """Whether to write one of this place, at which so many images are held."""
        if here.log_bytes < LEAST_UNSAVED or here.offset == 0:
            return False
        saved = next((it.place.log_bytes for it in self._snapshots.stored() if _is_behind(it.place, here)), 0)
        return here.log_bytes - saved >= max(LEAST_UNSAVED, UNSAVED_SHARE * images * RECORD_BYTES)

    def writing(self) -> AbstractContextManager[Draft]:
        """The right to write one. Raises `AnotherWrites`."""
        return self._snapshots.writing()

    def clean_up_after(self, now: datetime, *, is_new: bool) -> None:
        """Delete what nobody needs: once a day, and after a new snapshot."""
        if is_new or self._cleaned_up != now.date():
            self._cleaned_up = None
            clean_up(self._snapshots, self._segments, now)
            self._cleaned_up = now.date()


def _is_behind(place: LogPlace, here: LogPlace) -> bool:
    """Whether a snapshot is of this log, as far as one can tell without reading, and of an earlier place."""
    is_here = place.segment == here.segment
    return place.log_bytes <= here.log_bytes and (not is_here or place.generation == here.generation)
