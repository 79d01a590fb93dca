"""Undo: what was moved into quarantine comes back to its place as it was, and over nothing that is there since."""

from collections.abc import Callable, Generator
from datetime import datetime

from dedup_app.cleanup.mover import Mover
from dedup_app.cleanup.outcome import AT_ONCE, Fate, Outcome, side_by_side
from dedup_app.cleanup.ports import Blob, BlobChanged, BlobHeld, Manifest, MovableBlobs
from dedup_app.cleanup.record import Moved, Record, Step
from dedup_app.configuration.settings import Settings
from dedup_app.ports.queues import IngestQueue
from dedup_core.errors import PermanentError
from dedup_core.messages import IngestMessage

BYTES = frozenset({"size", "md5"})  # of what is known of a blob, what its bytes make


class CannotUndo(PermanentError):
    """The image does not come back; the message says why, and where its copy is."""

    reason = "cannot-undo"


class UndoService:
    """Takes a clearing up back, as often as it takes."""

    def __init__(
        self,
        *,
        blobs: MovableBlobs,
        ingest_queue: IngestQueue,
        settings: Settings,
        now: Callable[[], datetime],
        at_once: int = AT_ONCE,
    ) -> None:
        self._blobs = blobs
        self._ingest_queue = ingest_queue
        self._settings = settings
        self._now = now
        self._at_once = at_once

    def undo(self, manifest: Manifest) -> Generator[Outcome]:
        """Bring all of it back that is still in quarantine. Raises `TemporaryError`: go on later."""
        record = Record.of_app(manifest, self._now, self._settings)
        mover = Mover(self._blobs, tags=record.header.tags)
        return side_by_side(record.images, lambda moved: [self._bring_back(record, mover, moved)], self._at_once)

    def _bring_back(self, record: Record, mover: Mover, moved: Moved) -> Outcome:
        path, size = moved.image.path, moved.image.byte_size
        match moved.step:
            case Step.REFUSED:
                return Outcome(path, Fate.STAYS, size, _never_taken(mover, moved))
            case Step.UNDONE:
                return Outcome(path, Fate.BACK, size, is_from_before=True)
            case Step.PURGED if not _has_copy(mover, moved):  # else somebody undeleted it
                return Outcome(path, Fate.ENDED, size, "it was purged and cannot come back", is_refused=True)
        try:
            there = mover.look(path)
            seen = there.etag if there and self._is_there(mover, moved, there) else None
            if seen is None:
                self._restore(mover, moved, there)
                moved = record.note(moved, Step.RESTORED)
            if path.container in self._settings.containers:  # also where it was undeleted, of which no event tells
                self._ingest_queue.send(IngestMessage(path))
            try:
                _drop_copy(record, mover, moved, seen)
            except BlobHeld as error:
                why = f"it is at its place, and its copy stays at {moved.quarantined}: {error}"
                return Outcome(path, Fate.BACK, size, why, is_refused=True)
        except PermanentError as error:
            if not self._is_back(mover, moved):
                return Outcome(path, Fate.STAYS, size, f"{error}; {_where(mover, moved)}", is_refused=True)
        record.note(moved, Step.UNDONE)
        return Outcome(path, Fate.BACK, size)

    def _is_there(self, mover: Mover, moved: Moved, there: Blob) -> bool:
        """Whether it never went, or an earlier run has brought it back, and its bytes are still there."""
        if moved.step is not Step.RESTORED:
            return there.etag == moved.image.etag
        return not _has_copy(mover, moved) or self._blobs.sha256(moved.image.path, there.etag) == moved.image.sha256

    def _is_back(self, mover: Mover, moved: Moved) -> bool:
        """Whether another run, with a manifest of its own, has brought it back meanwhile and dropped the copy."""
        try:
            there = mover.look(moved.image.path)
            if there is None or mover.look(moved.quarantined) is not None:
                return False
            mover.must_be(moved.image.path, there, moved.content or there.content, moved.image.sha256)
            if moved.content is None:  # else these are known to be its bytes
                return self._blobs.sha256(moved.image.path, there.etag) == moved.image.sha256
        except PermanentError:
            return False
        return True

    def _restore(self, mover: Mover, moved: Moved, there: Blob | None) -> None:
        copy = mover.look(moved.quarantined)
        content = moved.content or (copy.content if copy else None)
        if content is None:
            raise CannotUndo("it is neither at its place nor in quarantine: somebody deleted it there")
        if copy is None:
            # An earlier run brought it back, and died before it noted that its copy was dropped.
            if there is None:
                raise CannotUndo("it is neither at its place nor in quarantine: somebody deleted it there")
            mover.must_be(moved.image.path, there, content, moved.image.sha256)
            return
        if there is not None and there.copied_from != moved.quarantined and there.content.differences(content):
            raise CannotUndo("something else is at its place now")
        if copy.offline:  # a copy of it would take hours, in which all others wait
            raise CannotUndo(copy.offline)
        # Before anything of it comes to lie among the images: what is not the same afterwards stays there.
        changed = [f"another {it}" for it in content.differences(copy.content) if it in BYTES]
        if not changed and not content.md5 and self._blobs.sha256(moved.quarantined, copy.etag) != moved.image.sha256:
            changed = ["other bytes"]
        if changed:
            raise CannotUndo(f"somebody changed its copy in quarantine ({', '.join(changed)})")
        try:
            mover.copy(moved.quarantined, copy.etag, moved.image.path, content, moved.image.sha256)
        except BlobChanged as error:
            raise CannotUndo(str(error)) from error


def _drop_copy(record: Record, mover: Mover, moved: Moved, etag: str | None) -> None:
    copy: Blob | None = mover.look(moved.quarantined)
    if copy is not None:
        mover.drop(moved.quarantined, copy, record.lease_id, moved.image.path, etag)


def _never_taken(mover: Mover, moved: Moved) -> str:
    try:
        is_away = mover.look(moved.image.path) is None and _has_copy(mover, moved)
    except PermanentError:
        is_away = False
    if is_away:
        return (
            f"another run of `dedup apply` took it: undo it by that one's manifest; its copy is at {moved.quarantined}"
        )
    return "it was never away"


def _where(mover: Mover, moved: Moved) -> str:
    return f"its copy is at {moved.quarantined}" if _has_copy(mover, moved) else "there is no copy in quarantine"


def _has_copy(mover: Mover, moved: Moved) -> bool:
    """Whether there is one, as far as storage tells."""
    try:
        return mover.look(moved.quarantined) is not None
    except PermanentError:
        return False
