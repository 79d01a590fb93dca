"""Backlog: blobs that the app does not know as they are now, put on the ingest queue."""

from collections.abc import Iterator
from dataclasses import dataclass

from dedup_app.configuration.settings import Settings
from dedup_app.pipeline.known_content import is_final
from dedup_app.ports.features import FeaturesTable
from dedup_app.ports.image_status import REMOVING
from dedup_app.ports.images import Images
from dedup_app.ports.queues import IngestQueue
from dedup_app.progress import Parts, Progress, no_progress, no_progress_of_parts, with_progress
from dedup_core.errors import InvalidPath
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath


@dataclass(frozen=True, slots=True)
class BacklogReport:
    """How many blobs the container has, how many were queued, and the names that the app cannot keep."""

    blobs: int
    queued: int
    unusable: tuple[str, ...]


class BacklogService:
    """Finds what landed before the app ran, or while it was off."""

    def __init__(
        self, *, images: Images, features: FeaturesTable, ingest_queue: IngestQueue, settings: Settings
    ) -> None:
        self._images = images
        self._features = features
        self._ingest_queue = ingest_queue
        self._settings = settings

    def enqueue_all(self, parts: Parts = no_progress_of_parts) -> BacklogReport:
        """Go through the whole container; `parts` hear how many rows, and then how many blobs, were seen so far.

        Images that are known but gone are queued, too, and those that a decoder of another version refused.

        The etags of all known images are held meanwhile (about 200 bytes an image): one scan of the table costs a
        thousandth of the operations that a look at each row would.
        """
        container = self._settings.image_container
        known_rows = with_progress(self._features.all_summaries(), parts("rows"))
        rows = [row for row in known_rows if row.path.container == container]
        known = {row.path.image_id: row.etag for row in rows if is_final(row)}
        vanished = {row.path.image_id: row.path for row in rows if row.is_alive or row.status == REMOVING}
        blobs, progress = 0, parts("blobs")
        unusable: list[str] = []

        def outdated() -> Iterator[IngestMessage]:
            nonlocal blobs
            for name, etag in self._images.names(container):
                blobs += 1
                progress(blobs)
                try:
                    path = ImagePath(container, name)
                except InvalidPath:
                    unusable.append(name)
                    continue
                vanished.pop(path.image_id, None)
                if known.get(path.image_id) != etag:
                    yield IngestMessage(path)
            for path in vanished.values():  # no event of their deletion got here; taking them in marks it
                yield IngestMessage(path)

        queued = self._ingest_queue.send_all(outdated())
        return BacklogReport(blobs, queued, tuple(unusable))

    def enqueue_rejected(self, reason: str | None = None, progress: Progress = no_progress) -> int:
        """Have all images taken in again that were refused, or those that were for this reason; how many there are.

        `progress` hears how many images were seen so far, refused or not.
        """
        container = self._settings.image_container
        refused = (
            row.path
            for row in with_progress(self._features.all_summaries(), progress)
            if row.path.container == container and row.status.is_rejected and reason in (None, row.status.reason)
        )
        return self._ingest_queue.send_all(IngestMessage(path, again=True) for path in refused)
