"""Apply: what a plan names moves into quarantine, one image after the other, and each of them only if all still holds.

An image is deleted from its place only while a lease keeps it, the one that stays for it and its copy in quarantine,
which lies under the id of that one, as they are, and if nothing in quarantine relies on the image itself. So of two
plans that each rely on what the other one takes, at least one is refused, whatever they do at the same time and
wherever they die: whoever deletes has made its copy before it looked for copies of others. And of two that take the
same image, neither drops the copy that the other one relies on.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache

from dedup_app.cleanup.mover import Mover
from dedup_app.cleanup.outcome import AT_ONCE, Fate, Outcome, side_by_side
from dedup_app.cleanup.ports import Blob, BlobChanged, BlobHeld, Copying, Manifest, MovableBlobs
from dedup_app.cleanup.record import Moved, Record, Step, kept_for, quarantined_path
from dedup_app.configuration.settings import Settings
from dedup_app.ports.queues import IngestQueue
from dedup_app.records.group_book import GroupBook
from dedup_app.records.group_records import id_of
from dedup_core.errors import PermanentError
from dedup_core.groups.plan import Keep, KeepPlan, PlannedGroup, PlannedImage
from dedup_core.groups.projection import GroupProjection
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath

type Look = Callable[[ImagePath], Blob | None]
"""Tells of a blob as it is."""

NOT_AGAIN = "it was brought back, or ended, after this plan: make a new one"


class Refused(PermanentError):
    """The image stays where it is; the message says why."""

    reason = "refused"


class ApplyService:
    """Follows plans, with the rights of whoever calls it."""

    def __init__(
        self,
        *,
        blobs: MovableBlobs,
        book: GroupBook,
        ingest_queue: IngestQueue,
        settings: Settings,
        now: Callable[[], datetime],
        at_once: int = AT_ONCE,
    ) -> None:
        self._blobs = blobs
        self._book = book
        self._ingest_queue = ingest_queue
        self._containers = settings.containers
        self._account = settings.account
        self._quarantine = settings.quarantine_container
        self._policy = settings.keeper_policy
        self._now = now
        self._at_once = at_once

    def check(self, plan: KeepPlan, manifest: Manifest | None = None, *, tags: bool = True) -> Generator[Outcome]:
        """What would become of each image now. Nothing is changed. Without `tags` these are not looked at.

        `manifest` is what an earlier run of the plan has written, if there is any.
        """
        self._must_be_sound(plan, tags=tags)
        record = manifest and Record.going_on(manifest, plan, self._now, quarantine=self._quarantine, tags=tags)
        mover, wanted = Mover(self._blobs, tags=tags), self._wanted(plan.keep, plan.going)

        def of_group(group: PlannedGroup) -> Iterator[Outcome]:
            look = cache(mover.look)  # each blob of the group once: a call costs, and nothing moves here
            for image in (copy.image for copy in group.copies):
                known = record.of(image.path) if record else None
                yield _outcome_before(image, known) or self._foreseen(look, group.keeper, image, known, wanted)

        return side_by_side(plan.groups, of_group, self._at_once)

    def apply(self, plan: KeepPlan, manifest: Manifest, *, tags: bool = True) -> Generator[Outcome]:
        """Do it, or go on with it where an earlier run has ended. Raises `TemporaryError`: go on later."""
        self._must_be_sound(plan, tags=tags)
        record = Record.begin(manifest, plan, self._now, quarantine=self._quarantine, tags=tags)
        self._blobs.make_container(self._quarantine)
        mover, wanted = Mover(self._blobs, tags=tags), self._wanted(plan.keep, plan.going)

        def of_group(group: PlannedGroup) -> Iterator[Outcome]:
            for copy in group.copies:
                yield self._take(record, mover, group, copy.image, wanted.get(copy.image.path, ""))

        return side_by_side(plan.groups, of_group, self._at_once)

    def _must_be_sound(self, plan: KeepPlan, *, tags: bool) -> None:
        if plan.account != self._account:
            raise Refused(f"the plan is about the account {plan.account!r}, and the settings name {self._account!r}")
        named = {it.path for group in plan.groups for it in [group.keeper, *(copy.image for copy in group.copies)]}
        foreign = sorted(path for path in named if path.container not in self._containers)
        if foreign:
            raise Refused(f"{foreign[0]} is in no container that the app watches")
        # A role may be on the images alone; where there is no quarantine yet, only a right is missed here.
        looked_at = {min(named), ImagePath(self._quarantine, min(named).name)} if named and tags else ()
        if not all(map(self._blobs.may_read_tags, sorted(looked_at))):
            raise Refused(
                "your role may not read the tags of blobs in the image container and in quarantine, so they could be "
                "lost: have the role Storage Blob Data Owner, or give --without-tags if no image has any that matter "
                "but those of the app"
            )

    def _wanted(self, keep: Keep, going: Iterable[tuple[PlannedImage, PlannedImage]]) -> dict[ImagePath, str]:
        """Why images may not go any more, each for its keeper, whatever a plan says."""
        with self._book.whole() as projection:
            found = ((it.path, self._why_wanted(projection, keep, keeper.path, it.path)) for keeper, it in going)
            return {path: why for path, why in found if why}

    def _why_wanted(self, projection: GroupProjection, keep: Keep, keeper: ImagePath, image: ImagePath) -> str:
        if not projection.is_copy(id_of(keeper), id_of(image), by_word=keep is Keep.DECIDED):
            return f"it is no longer held for a copy of {keeper}: make a new plan"
        prefix = self._policy.protects_from(str(image), str(keeper))
        return f"it is under the protected prefix {prefix}, and {keeper} is not" if prefix else ""

    def _foreseen(
        self,
        look: Look,
        keeper: PlannedImage,
        image: PlannedImage,
        known: Moved | None,
        wanted: Mapping[ImagePath, str],
    ) -> Outcome:
        try:
            if known is not None and _is_deleted(look, known):
                return _outcome(image, Fate.WOULD_GO, "")
            why = self._objection(look, keeper, image) or wanted.get(image.path, "")
            why = why or _lease_on(look, image.path) or _lease_on(look, keeper.path, _staying(keeper))
        except PermanentError as error:
            why = str(error)
        return _outcome(image, Fate.STAYS if why else Fate.WOULD_GO, why)

    def _take(self, record: Record, mover: Mover, group: PlannedGroup, image: PlannedImage, wanted: str) -> Outcome:
        known = record.of(image.path)
        before = _outcome_before(image, known)
        if before is not None:
            return before
        if known is not None and known.step is Step.DELETED:
            return self._tell(record, known)
        moved = known or Moved(image, group.keeper, quarantined_path(self._quarantine, group, image), Step.REFUSED)
        try:
            if moved.step is not Step.REFUSED and not _is_there(mover, image):
                moved = self._gone(record, mover, moved)
            else:
                why = self._objection(mover.look, group.keeper, image) or wanted
                if why:
                    raise Refused(why)
                moved = self._delete(record, mover, *self._copy(record, mover, moved))
        except PermanentError as error:
            self._leave(record, mover, moved)
            return _outcome(image, Fate.STAYS, str(error))
        return self._tell(record, moved)

    def _objection(self, look: Look, keeper: PlannedImage, image: PlannedImage) -> str:
        """Why the image has to stay; empty if nothing speaks against its going."""
        there = look(image.path)
        if there is None:
            return "it is gone"
        if there.etag != image.etag:
            return "it changed since it was compared: `dedup ingest` it, then make a new plan"
        if image.etag == keeper.etag:
            # As `a//b.jpg` and `a/b.jpg` are where there are directories: with the one the other would go.
            return f"it has the etag of {keeper.path}, so the two may be names of one blob"
        return there.held or self._objection_of_others(look, keeper, image)

    def _objection_of_others(self, look: Look, keeper: PlannedImage, image: PlannedImage) -> str:
        stays = look(keeper.path)
        if stays is None or stays.etag != keeper.etag:
            happened = "changed" if stays else "is gone"
            return f"{_staying(keeper)}, {happened}: `dedup ingest` that one, then make a new plan"
        if stays.offline:  # to archive a blob changes no etag
            return _about(_staying(keeper), stays.offline)
        if self._blobs.has_any(self._quarantine, kept_for(image.path)):
            return "copies of it are in quarantine, so it has to stay: undo or purge what took them"
        return ""

    def _copy(self, record: Record, mover: Mover, moved: Moved) -> tuple[Moved, Blob]:
        there = mover.look(moved.image.path)
        if there is None or there.etag != moved.image.etag:
            raise Refused("it changed just now")
        if moved.step is Step.REFUSED:
            moved = record.note(moved, Step.BEGUN)
        copy = mover.copy(moved.image.path, there.etag, moved.quarantined, there.content, moved.image.sha256)
        return record.note(replace(moved, content=there.content), Step.COPIED), copy

    def _gone(self, record: Record, mover: Mover, moved: Moved) -> Moved:
        """Deleted by an earlier run that died before it noted so; or by somebody else, which is as good."""
        found = mover.look(moved.quarantined)
        if found is None or found.copying is not Copying.DONE:
            raise Refused("it is gone")
        if moved.step is not Step.COPIED:
            if self._blobs.sha256(moved.quarantined, found.etag) != moved.image.sha256:
                raise Refused(f"it is gone, and {moved.quarantined} is not what it was")
            moved = record.note(replace(moved, content=found.content), Step.COPIED)
        return record.note(moved, Step.DELETED)

    def _delete(self, record: Record, mover: Mover, moved: Moved, copy: Blob) -> Moved:
        image, keeper, lease = moved.image, moved.keeper, record.lease_id
        leased: list[ImagePath] = []
        try:
            # The copy is leased last, so that its lease still holds whenever the image can be deleted under its own.
            for path, etag, what in (
                (keeper.path, None, _staying(keeper)),
                (image.path, None, ""),
                (moved.quarantined, copy.etag, f"its copy at {moved.quarantined}"),
            ):
                try:
                    self._blobs.lease(path, lease, etag)
                except (BlobChanged, BlobHeld) as error:
                    raise Refused(_about(what, str(error))) from error
                leased.append(path)
            why = self._objection_of_others(mover.look, keeper, image)
            # Once more: people decide while a plan is followed for hours.
            why = why or self._wanted(record.header.keep, [(keeper, image)]).get(image.path, "")
            if why:
                raise Refused(why)
            there = mover.look(image.path)
            if there is None or there.content != moved.content:  # tags and tier, which change no etag
                raise Refused("it changed just now")
            try:
                self._blobs.delete(image.path, image.etag, lease)
            except BlobChanged:
                if mover.look(image.path) is not None:  # else this call was repeated within, and finds its own work
                    raise
        finally:
            for path in leased:
                self._blobs.release(path, lease)
        return record.note(moved, Step.DELETED)

    def _tell(self, record: Record, moved: Moved) -> Outcome:
        # Where the container is scanned no event tells of a deletion; where one does, twice is as good as once.
        try:
            self._ingest_queue.send(IngestMessage(moved.image.path))
        except PermanentError as error:
            return _outcome(moved.image, Fate.GONE, f"the app could not be told: {error}")
        record.note(moved, Step.TOLD)
        return _outcome(moved.image, Fate.GONE, "")

    def _leave(self, record: Record, mover: Mover, moved: Moved) -> None:
        """The image stays: its copy in quarantine goes, but only while the very image is where it was."""
        known = record.of(moved.image.path)
        if known is None or known.step is Step.REFUSED:
            return
        try:
            if not _is_there(mover, known.image):
                return
            if (found := mover.look(known.quarantined)) and found.copied_from == known.image.path:
                mover.drop(known.quarantined, found, record.lease_id, known.image.path, known.image.etag)
        except PermanentError:  # mostly of another run that takes it just now, of which this copy is what is left
            return
        record.note(known, Step.REFUSED)


def _outcome_before(image: PlannedImage, known: Moved | None) -> Outcome | None:
    """What earlier runs have made of the image; None if there is something left to do."""
    if known is None or known.step in {Step.BEGUN, Step.COPIED, Step.DELETED, Step.REFUSED}:
        return None
    if known.step is Step.TOLD:
        return Outcome(image.path, Fate.GONE, image.byte_size, is_from_before=True)
    return _outcome(image, Fate.STAYS, NOT_AGAIN)


def _is_deleted(look: Look, known: Moved) -> bool:
    """Whether an earlier run has deleted the image, noted or not, and its copy is in quarantine."""
    if known.step is Step.DELETED:
        return True
    if known.step is Step.REFUSED or look(known.image.path) is not None:
        return False
    found = look(known.quarantined)
    return found is not None and found.copying is Copying.DONE


def _is_there(mover: Mover, image: PlannedImage) -> bool:
    found = mover.look(image.path)
    return found is not None and found.etag == image.etag


def _staying(keeper: PlannedImage) -> str:
    return f"{keeper.path}, which would stay for it"


def _about(what: str, why: str) -> str:
    """The reason, and what it is about if not the image itself."""
    return f"{what}: {why}" if what else why


def _lease_on(look: Look, path: ImagePath, what: str = "") -> str:
    found = look(path)
    return _about(what, "somebody holds a lease on it") if found is not None and found.is_leased else ""


def _outcome(image: PlannedImage, fate: Fate, why: str) -> Outcome:
    return Outcome(image.path, fate, image.byte_size, why, is_refused=bool(why))
