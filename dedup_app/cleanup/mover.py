"""Moving one blob: copied within the account, waited for, compared; whatever an earlier try has left."""

import time
from dataclasses import replace

from dedup_app.cleanup.ports import Blob, BlobChanged, BlobContent, Copying, MovableBlobs
from dedup_app.records.image_tags import of_others
from dedup_core.errors import StoreBusy
from dedup_core.paths import ImagePath

POLL_SECONDS = 1.0  # within one account a copy is mostly done before the first look
MOST_POLLS = 600  # ten minutes; what is still not there then is left to the next try, which finds it
CHOSEN = frozenset({"tier", "encryption_scope"})  # compared where somebody chose one; else they are the container's
TRIES = 2  # of a copy that the service gave up


class NotTheSame(BlobChanged):
    """What was copied is not what came out, or something else is there."""

    reason = "not-the-same"


class Mover:
    """Copies blobs and proves that the copy is the same."""

    def __init__(self, blobs: MovableBlobs, *, tags: bool) -> None:
        self._blobs = blobs
        self._tags = tags

    def look(self, path: ImagePath) -> Blob | None:
        """The blob, without the tags that the app puts on it: it may change them at any time, and makes them anew."""
        found = self._blobs.look(path, tags=self._tags)
        if found is None:
            return None
        return replace(found, content=replace(found.content, tags=of_others(found.content.tags)))

    def copy(self, source: ImagePath, etag: str, target: ImagePath, content: BlobContent, sha256: str) -> Blob:
        """The blob at the target, which then is what `content` says and has the bytes with this hash.

        Raises `NotTheSame` for whatever else is there, and leaves it. Nothing is ever overwritten.
        """
        for _ in range(TRIES):
            found = self.look(target)
            if found is None:
                try:
                    self._blobs.copy(source, etag, target, content)
                except BlobChanged:
                    # A call that was repeated within finds its own copy; one whose source changed finds none.
                    if self.look(target) is None:
                        raise
            found = self._settled(target)
            if found.copying is not Copying.FAILED:
                self.must_be(target, found, content, sha256)
                return found
            if found.copied_from != source:
                raise NotTheSame(f"there is something else at {target}")
            self._blobs.delete(target, found.etag)
        raise StoreBusy(f"storage gave up copying to {target}")

    def drop(self, path: ImagePath, copy: Blob, lease_id: str, place: ImagePath, etag: str | None = None) -> None:
        """Delete a copy in quarantine, but only while an image is at its place, the one with the etag if one is given.

        Nobody deletes an image without a lease on its copy, so while we have it what is seen at the place stays there.
        Raises `BlobHeld` if somebody else has it, and `BlobChanged`.
        """
        self._blobs.lease(path, lease_id, copy.etag)
        try:
            there = self._blobs.look(place, tags=False)
            if there is None or etag not in {None, there.etag}:
                raise BlobChanged(f"{place} changed, or went away, just now")
            self._blobs.delete(path, copy.etag, lease_id)
        finally:
            self._blobs.release(path, lease_id)

    def must_be(self, path: ImagePath, found: Blob, content: BlobContent, sha256: str) -> None:
        """Raise `NotTheSame` unless the blob is what `content` says; without a stored hash its bytes are read."""
        chosen = {name for name in CHOSEN if getattr(content, name)}
        differences = [it for it in content.differences(found.content) if it in chosen or it not in CHOSEN]
        if differences:
            raise NotTheSame(f"{path} is not the same in {', '.join(differences)}")
        if not content.md5 and self._blobs.sha256(path, found.etag) != sha256:
            raise NotTheSame(f"the bytes of {path} are not the same")

    def _settled(self, path: ImagePath) -> Blob:
        for _ in range(MOST_POLLS):
            found = self.look(path)
            if found is None:
                raise BlobChanged(f"{path} is gone again")
            if found.copying is not Copying.PENDING:
                return found
            time.sleep(POLL_SECONDS)
        raise StoreBusy(f"storage is still copying to {path}")
