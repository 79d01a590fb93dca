"""Retract: what is known of an image goes, if its blob really is gone."""

from collections.abc import Callable
from datetime import datetime

from dedup_app.event_log import EventLog
from dedup_app.image_status import INDEXED, PROCESSING
from dedup_app.ingest import IngestService
from dedup_app.ports import FeaturesTable, Images
from dedup_core.paths import ImagePath

log = EventLog(__name__)


class RetractService:
    """Events may come twice, late or out of order: the blob decides, an event only says where to look."""

    def __init__(
        self,
        *,
        images: Images,
        features: FeaturesTable,
        ingest: IngestService,
        now: Callable[[], datetime],
    ) -> None:
        self._images = images
        self._features = features
        self._ingest = ingest
        self._now = now

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
