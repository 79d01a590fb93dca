"""The `features` table, and what a row of it says."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from dedup_app.ports.image_status import ImageStatus
from dedup_app.progress import Progress, no_progress
from dedup_core.decoding.history.provenance import UNKNOWN, Provenance
from dedup_core.features import ImageFeatures
from dedup_core.paths import ImagePath


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """A features row without its features; sizes are 0 and `scheme` is None when there are none.

    `version` is that of the content under the path (docs/decisions/0006-versions.md); 0 in rows of earlier apps.
    `decoder` is what refused the file, as `deciding_decoder` says it.
    """

    path: ImagePath
    etag: str
    status: ImageStatus
    scheme: int | None
    width: int = 0
    height: int = 0
    byte_size: int = 0
    version: int = 0
    sha256: str = ""
    format: str = ""
    provenance: Provenance = UNKNOWN
    added_at: datetime | None = None
    decoder: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether there is an image to compare: neither deleted nor rejected."""
        return self.status.is_alive


@dataclass(frozen=True, slots=True)
class FeaturesRow:
    """One image as the `features` table knows it.

    `features` is None and `detail` says why in a sentence when the image is rejected. `version` names the content that
    the path has; it only grows. `added_at`: since when these bytes are there. `tag` is the stored row's own
    etag as it was read: the condition of the next write. `decoder` is what refused the file, empty where none read it.
    """

    path: ImagePath
    etag: str
    status: ImageStatus
    features: ImageFeatures | None
    detail: str
    updated_at: datetime
    version: int = 0
    tag: str = field(default="", compare=False, repr=False)
    added_at: datetime | None = None
    decoder: str = ""

    @property
    def is_claimed(self) -> bool:
        """Whether somebody has made the row before reading the blob, and nothing else is known yet."""
        return self.status.is_alive and not self.etag and self.features is None

    @property
    def summary(self) -> ImageSummary:
        if self.features is None:
            return ImageSummary(
                self.path,
                self.etag,
                self.status,
                None,
                version=self.version,
                added_at=self.added_at,
                decoder=self.decoder,
            )
        of = self.features
        return ImageSummary(
            path=self.path,
            etag=self.etag,
            status=self.status,
            scheme=of.scheme,
            width=of.width,
            height=of.height,
            byte_size=of.byte_size,
            version=self.version,
            sha256=of.sha256,
            format=of.format,
            provenance=of.provenance,
            added_at=self.added_at,
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """Images counted by status, and by the day (UTC) since when their bytes are there.

    Rows are in the order of hashes, so that those of a part of the table stand for all of them.
    """

    statuses: Mapping[ImageStatus, int]
    days: Mapping[str, int]


class FeaturesTable(Protocol):
    """The `features` table: one row an image, keyed by `ImagePath.image_id`. Every write of a row is conditional."""

    def get(self, image_id: str) -> FeaturesRow | None: ...

    def put(self, row: FeaturesRow) -> FeaturesRow:
        """Write the whole row if it still is as it was when its `tag` was read, or create it if that is empty.

        The row with its new tag. Raises `Superseded`.
        """
        ...

    def put_first(self, row: FeaturesRow) -> FeaturesRow:
        """The same for the first that is known of an image that was claimed: it is in no pairs yet."""
        ...

    def resume(self, row: FeaturesRow) -> FeaturesRow:
        """Go on with a row as it stands, which somebody else has put: whatever follows a `put` follows now, too.

        They may have died in between, or may be at it still. The row as it was given.
        """
        ...

    def set_status(self, row: FeaturesRow) -> FeaturesRow:
        """Write status, version and time alone, on the same condition: the row with its new tag, or `Superseded`."""
        ...

    def delete(self, row: FeaturesRow) -> None:
        """Take the row away, on the same condition; otherwise do nothing."""
        ...

    def deleted_before(self, prefix: str, moment: datetime, most: int) -> Sequence[FeaturesRow]:
        """Up to `most` images whose ids begin with these two hex digits and that are gone since before then."""
        ...

    def all(self) -> Iterator[FeaturesRow]: ...

    def with_prefix(self, prefix: str) -> Iterator[FeaturesRow]:
        """The rows of images whose ids begin with these hex digits, two or more."""
        ...

    def summaries(self, image_ids: Collection[str]) -> dict[str, ImageSummary]:
        """The rows of these images as far as there are any, `absent` ones left out; many at once cost less."""
        ...

    def all_summaries(self) -> Iterator[ImageSummary]:
        """Those of all images, `absent` ones left out."""
        ...

    def rejected(self, after: str = "", before: str = "", reason: str = "") -> Iterator[FeaturesRow]:
        """Rejected images in the order of their ids, of those between the two; `reason` is one of our own words."""
        ...

    def tally(self, most: int | None = None, progress: Progress = no_progress) -> Tally:
        """Images counted, `absent` ones left out; of the first `most` rows only, if that is given.

        `progress` hears how many rows were seen so far.
        """
        ...
