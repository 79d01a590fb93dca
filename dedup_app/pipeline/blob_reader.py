"""What the blob under a path holds now: features, or why there are none."""

from dataclasses import dataclass
from datetime import datetime

from dedup_app.ports.decoders import Decoders
from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import ImageStatus
from dedup_app.ports.images import Images
from dedup_core.decoding.libraries import deciding_decoder
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.errors import ImageNotFound, PermanentError
from dedup_core.features import ImageFeatures
from dedup_core.loading.budget import FileRoom, LoadBudgets
from dedup_core.loading.source import SourceImage
from dedup_core.paths import ImagePath


@dataclass(frozen=True, slots=True)
class Reading:
    """What a look at a path found: features, or why there are none, and which decoder says so.

    Neither etag nor decoder where the blob was not read. `picture` is what to compare, where that was asked for.
    """

    etag: str
    found: ImageFeatures | PermanentError
    decoder: str = ""
    modified_at: datetime | None = None
    picture: WorkingImage | None = None


class BlobReader:
    """Reads blobs and makes features of them, within what all threads together may hold."""

    def __init__(self, *, images: Images, decoders: Decoders, budgets: LoadBudgets) -> None:
        self._images = images
        self._decoders = decoders
        self._budgets = budgets

    def prepare(self) -> None:
        """Start the decoders, so that they are ready when a blob has arrived."""
        self._decoders.prepare()

    def is_absent(self, path: ImagePath) -> bool:
        """Whether there is no blob; one that storage refuses to show is there, and its row is to say so."""
        try:
            return self._images.etag(path) is None
        except PermanentError:
            return False

    def read(
        self, path: ImagePath, row: FeaturesRow | None, unless_etag: str | None, *, with_picture: bool = False
    ) -> Reading | None:
        """What is there now; None if the row says so already, or if it has this etag still.

        The bytes of the file are gone when it returns.
        """
        gone = row is None or row.status.is_gone
        with self._budgets.file() as room:
            try:
                source = self._images.read(path, unless_etag=None if gone else unless_etag)
            except ImageNotFound as error:
                return None if gone else Reading("", error)
            except PermanentError as error:
                known = row is not None and row.status == ImageStatus.rejected(error.reason)
                return None if known else Reading("", error)
            if source is None:
                return None
            return self._decoded(source, room, with_picture=with_picture)

    def _decoded(self, source: SourceImage, room: FileRoom, *, with_picture: bool) -> Reading:
        picture = None
        try:
            with room.picture(source.data) as header:
                if with_picture:
                    features, picture = self._decoders.features_and_picture(source.data, header)
                else:
                    features = self._decoders.extract_features(source.data, header)
                return Reading(source.etag, features, modified_at=source.modified_at, picture=picture)
        except PermanentError as error:
            return Reading(source.etag, error, deciding_decoder(source.data))
