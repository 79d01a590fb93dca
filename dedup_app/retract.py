"""Retract: an event says that a blob was deleted; what is known of the image goes, if the blob really is gone."""

from collections.abc import Callable
from datetime import datetime

from dedup_app.event_log import EventLog
from dedup_app.image_status import INDEXED, PROCESSING
from dedup_app.ingest import IngestService
from dedup_app.ports import FeaturesTable, Images
from dedup_app.settings import Settings
from dedup_core.errors import InvalidPath
from dedup_core.paths import ImagePath

BLOB_DELETED = "Microsoft.Storage.BlobDeleted"

log = EventLog(__name__)


class RetractService:
    """Events may come twice, late or out of order: the blob decides, an event only says where to look."""

    def __init__(
        self,
        *,
        images: Images,
        features: FeaturesTable,
        ingest: IngestService,
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        self._images = images
        self._features = features
        self._ingest = ingest
        self._containers = settings.containers
        self._now = now

    def handle_event(self, event_type: str, data: object) -> None:
        """Act on an event of Event Grid, given its type and data. Raises `TemporaryError`: Event Grid sends it again.

        What is no deletion of a blob that the app could know is passed over.
        """
        if event_type != BLOB_DELETED:
            log.info("event_ignored", reason="other-event", type=event_type)
            return
        url = data.get("url") if isinstance(data, dict) else None
        if not isinstance(url, str):
            log.warning("event_ignored", reason="no-url")
            return
        try:
            path = ImagePath.parse(url, containers=self._containers)
        except InvalidPath as error:
            log.info("event_ignored", reason="no-image-of-ours", detail=str(error))
            return
        self.retract(path)

    def retract(self, path: ImagePath) -> None:
        """Forget the image, unless its blob is there (again): then it is taken in once more.

        An earlier try on this event may have died between taking the image out of the index and looking again, and
        whoever took in the blob meanwhile had put it there before that.
        """
        if self._images.etag(path) is not None:
            log.info("image_kept", image=path)
            row = self._features.get(path.image_id)
            if row is not None and row.status == INDEXED:
                self._features.set_status(path.image_id, row.etag, PROCESSING, self._now())
        # Looks again after it has forgotten the image, and takes in what was uploaded in between.
        self._ingest.ingest(path)
