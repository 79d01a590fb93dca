"""Purge: what has been in quarantine for long enough is deleted for good, if the image that stayed for it is there."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from dedup_app.cleanup.mover import Mover
from dedup_app.cleanup.outcome import AT_ONCE, Fate, Outcome, side_by_side
from dedup_app.cleanup.ports import Manifest, MovableBlobs
from dedup_app.cleanup.record import Moved, Record, Step
from dedup_core.errors import PermanentError
from dedup_core.groups.plan import PlannedImage

AWAY = frozenset({Step.DELETED, Step.TOLD})


class CannotPurge(PermanentError):
    """The copy stays in quarantine; the message says why."""

    reason = "cannot-purge"


class PurgeService:
    """Ends a clearing up. This is what cannot be taken back."""

    def __init__(
        self,
        *,
        blobs: MovableBlobs,
        account: str,
        now: Callable[[], datetime],
        at_once: int = AT_ONCE,
    ) -> None:
        self._blobs = blobs
        self._account = account
        self._now = now
        self._at_once = at_once

    def purge(self, manifest: Manifest, older_than: timedelta, *, is_dry: bool) -> Iterator[Outcome]:
        """Delete the copies that have been away for longer, or say which would be. Raises `TemporaryError`."""
        record = Record.of_account(manifest, self._now, self._account)
        mover = Mover(self._blobs, tags=False)

        def of_image(moved: Moved) -> list[Outcome]:
            return [self._end(record, mover, moved, older_than, is_dry=is_dry)]

        return side_by_side(record.images, of_image, self._at_once)

    def _end(self, record: Record, mover: Mover, moved: Moved, older_than: timedelta, *, is_dry: bool) -> Outcome:
        path, size = moved.image.path, moved.image.byte_size
        if moved.step is Step.PURGED:
            return Outcome(path, Fate.ENDED, size, is_from_before=True)
        try:
            if moved.step not in {Step.REFUSED, Step.UNDONE, *AWAY}:
                raise CannotPurge("its move is not finished: `dedup apply` or `dedup undo` it first")
            if moved.step not in AWAY:
                return Outcome(path, Fate.STAYS, size, "it is not away")
            if moved.away_since is None or self._now() - moved.away_since < older_than:
                return Outcome(path, Fate.STAYS, size, "it is not away for so long")
            self._delete(record, mover, moved, is_dry=is_dry)
        except PermanentError as error:
            return Outcome(path, Fate.STAYS, size, str(error), is_refused=True)
        if not is_dry:
            record.note(moved, Step.PURGED)
        return Outcome(path, Fate.WOULD_END if is_dry else Fate.ENDED, size)

    def _delete(self, record: Record, mover: Mover, moved: Moved, *, is_dry: bool) -> None:
        copy = mover.look(moved.quarantined)
        if copy is None:  # by an earlier run that died before it noted so
            return
        why = self._objection(mover, moved.keeper)
        if why:
            raise CannotPurge(why)
        if not is_dry:
            if copy.is_leased:  # by an earlier run of ours that died
                self._blobs.release(moved.quarantined, record.header.lease_id)
            self._blobs.delete(moved.quarantined, copy.etag)

    def _objection(self, mover: Mover, keeper: PlannedImage) -> str:
        """What was kept must still be there, with the same bytes, whoever touched it since."""
        stays = mover.look(keeper.path)
        if stays is None:
            return f"{keeper.path}, which stayed for it, is gone: this may be the last copy"
        if stays.etag != keeper.etag and self._blobs.sha256(keeper.path, stays.etag) != keeper.sha256:
            return f"{keeper.path}, which stayed for it, has other bytes now: this may be the last copy"
        return ""
