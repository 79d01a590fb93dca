"""Purge: what has been in quarantine for long enough is deleted for good, if the image that stayed for it is there.

And if nobody wants it meanwhile: a decision that came while a plan was followed, or was taken back, counts here, as
does a prefix that is protected by now.
"""

from collections.abc import Callable, Generator, Mapping
from datetime import datetime, timedelta

from dedup_app.cleanup.mover import Mover
from dedup_app.cleanup.outcome import AT_ONCE, Fate, Outcome, side_by_side
from dedup_app.cleanup.ports import Manifest, MovableBlobs
from dedup_app.cleanup.record import Header, Moved, Record, Step
from dedup_app.configuration.settings import Settings
from dedup_app.records.group_book import GroupBook
from dedup_app.records.group_records import id_of, microseconds
from dedup_core.errors import PermanentError
from dedup_core.groups.facts import CONTENT_BYTES, FAMILIES, Decided, Decision, Family
from dedup_core.groups.plan import Keep, PlannedImage
from dedup_core.groups.projection import GroupProjection
from dedup_core.paths import ImagePath

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
        book: GroupBook,
        settings: Settings,
        now: Callable[[], datetime],
        at_once: int = AT_ONCE,
    ) -> None:
        self._blobs = blobs
        self._book = book
        self._settings = settings
        self._policy = settings.keeper_policy
        self._now = now
        self._at_once = at_once

    def purge(self, manifest: Manifest, older_than: timedelta, *, is_dry: bool) -> Generator[Outcome]:
        """Delete the copies that have been away for longer, or say which would be. Raises `TemporaryError`."""
        record = Record.of_app(manifest, self._now, self._settings)
        mover, wanted = Mover(self._blobs, tags=False), self._wanted(record)

        def of_image(moved: Moved) -> list[Outcome]:
            why = wanted.get(moved.image.path, "")
            return [self._end(record, mover, moved, older_than, why, is_dry=is_dry)]

        return side_by_side(record.images, of_image, self._at_once)

    def _wanted(self, record: Record) -> dict[ImagePath, str]:
        """What people do not hold for copies now, and why. Raises `VerdictLogLost`: what they decided is not known."""
        with self._book.whole() as projection:
            found = ((moved.image.path, self._why_wanted(projection, record, moved)) for moved in record.images)
            return {path: why for path, why in found if why}

    def _why_wanted(self, projection: GroupProjection, record: Record, moved: Moved) -> str:
        why = _wish(projection, moved, record.header) or self._protection(moved)
        return f"{why}: `dedup undo` brings it back" if why else ""

    def _protection(self, moved: Moved) -> str:
        prefix = self._policy.protects_from(str(moved.image.path), str(moved.keeper.path))
        return f"the prefix {prefix} protects it, and not {moved.keeper.path}" if prefix else ""

    def _end(
        self, record: Record, mover: Mover, moved: Moved, older_than: timedelta, wish: str, *, is_dry: bool
    ) -> Outcome:
        path, size = moved.image.path, moved.image.byte_size
        if moved.step is Step.PURGED:
            return Outcome(path, Fate.ENDED, size, is_from_before=True)
        try:
            if moved.step not in {Step.REFUSED, Step.UNDONE, *AWAY}:
                raise CannotPurge("its move is not finished: `dedup apply` or `dedup undo` it first")
            if moved.step not in AWAY:
                return Outcome(path, Fate.STAYS, size, "it is not away")
            if moved.away_since is None or self._now() - moved.away_since < older_than:
                return Outcome(path, Fate.STAYS, size, "it has not been away for so long")
            if wish:
                raise CannotPurge(wish)
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
            with self._book.whole() as projection:  # people decide while this runs for hours
                if why := self._why_wanted(projection, record, moved):
                    raise CannotPurge(why)
            if copy.is_leased:  # by an earlier run of ours that died
                self._blobs.release(moved.quarantined, record.lease_id)
            self._blobs.delete(moved.quarantined, copy.etag)

    def _objection(self, mover: Mover, keeper: PlannedImage) -> str:
        """What was kept must still be there to be read, with the same bytes, whoever touched it since."""
        stays = mover.look(keeper.path)
        if stays is None:
            return f"{keeper.path}, which stayed for it, is gone: this may be the last copy"
        if stays.offline:
            return f"{keeper.path}, which stayed for it: {stays.offline}"
        if stays.etag != keeper.etag and self._blobs.sha256(keeper.path, stays.etag) != keeper.sha256:
            return f"{keeper.path}, which stayed for it, has other bytes now: this may be the last copy"
        return ""


def _wish(projection: GroupProjection, moved: Moved, header: Header) -> str:
    """Why a person wants the image to stay; empty if nobody does."""
    keeper, image = id_of(moved.keeper.path), id_of(moved.image.path)
    told, link = projection.decided(keeper, image), projection.link(keeper, image)
    decided = told if told is not None and _are_meant(moved, _contents(told)) else None
    if decided is not None and (decided.decision is not Decision.DUPLICATE or decided.keeper == image):
        return f"{decided.by or 'a person'} decided that it stays"
    is_chosen = any(
        it.at >= microseconds(header.begun_at) and _contents(it)[image] == _content(moved.image)
        for it in projection.chosen(image)
    )
    if is_chosen and (decided is None or decided.keeper != keeper):
        return "a person chose to keep it, over another image"
    if decided is not None:
        return ""
    if told is None and header.keep is Keep.DECIDED:
        return "what a person decided about it was taken back"
    if projection.is_wanted_beside(_content(moved.image), keeper):
        return f"a person wants its bytes to stay beside {moved.keeper.path}, or beside a copy of that"
    known = {it: facts.content for it in (keeper, image) if (facts := projection.image(it)) is not None}
    is_other = link is not None and FAMILIES.get(link.kind) is not Family.SAME and _are_meant(moved, known)
    return f"nobody holds it for a copy of {moved.keeper.path} any more" if is_other else ""


def _contents(decided: Decided) -> dict[bytes, bytes]:
    return {decided.first: decided.first_content, decided.second: decided.second_content}


def _are_meant(moved: Moved, contents: Mapping[bytes, bytes]) -> bool:
    """Whether these contents, by the ids of images, are those of the image and its keeper; empty is for whatever."""
    return all(contents.get(id_of(it.path)) in {b"", _content(it)} for it in (moved.keeper, moved.image))


def _content(image: PlannedImage) -> bytes:
    return bytes.fromhex(image.sha256)[:CONTENT_BYTES]
