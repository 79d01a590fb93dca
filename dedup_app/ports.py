"""What the use cases need from the outside world; `dedup_storage` implements every port."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from dedup_app.image_status import ImageStatus
from dedup_core.comparison.verdict import Verdict
from dedup_core.decoding.provenance import UNKNOWN, Provenance
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.features import ImageFeatures
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.loading.loader import SourceImage
from dedup_core.loading.stats import LoaderStats
from dedup_core.messages import IngestMessage, VerifyMessage
from dedup_core.paths import ImagePath
from dedup_core.search.hit import Hit


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """A features row without its features; sizes are 0 and `scheme` is None when there are none.

    `version` is that of the content under the path (docs/decisions/0006-versions.md); 0 in rows of earlier apps.
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

    @property
    def is_alive(self) -> bool:
        """Whether there is an image to compare: neither deleted nor rejected."""
        return self.status.is_alive


@dataclass(frozen=True, slots=True)
class FeaturesRow:
    """One image as the `features` table knows it.

    `features` is None and `detail` says why in a sentence when the image is rejected. `version` names the content that
    the path has; it only grows. `added_at`: since when these bytes are there. `tag` is the stored row's own
    etag as it was read: the condition of the next write.
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

    @property
    def summary(self) -> ImageSummary:
        if self.features is None:
            return ImageSummary(self.path, self.etag, self.status, None, version=self.version, added_at=self.added_at)
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
class PairRow:
    """One pair as seen from `left`; `verdict` is None while its verification is on the queue.

    `left_etag` and `right_etag` are those of the bytes that were compared (or, while pending, of those to be compared),
    `left_version` and `right_version` the versions of these contents; a pair is about the images as they are only if
    both versions are those of the rows (`is_current`). `failure` says why no verdict came: its message failed for good.
    """

    left: ImagePath
    right: ImagePath
    left_etag: str
    right_etag: str
    verdict: Verdict | None
    distance_bits: int | None
    view: str
    verified_at: datetime | None
    decision: str | None = None
    left_version: int = 0
    right_version: int = 0
    failure: str = ""
    tag: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """A queue message that nobody can act on: what it said (shortened) and why it was refused."""

    queue: str
    message_id: str
    excerpt: str
    reason: str
    rejected_at: datetime


@dataclass(frozen=True, slots=True)
class StatsReport:
    """What the timer reported: the sum of all instances of one UTC day."""

    day: str
    instances: int
    totals: LoaderStats
    reported_at: datetime


class Images(Protocol):
    """The blobs of the image container, read only."""

    def read(self, path: ImagePath, *, unless_etag: str | None = None) -> SourceImage | None:
        """The blob's bytes with their etag, in one download; None if its etag still is `unless_etag`.

        Raises `ImageNotFound`, `ImageTooLarge` (before the body is read) or `StoreBusy`.
        """
        ...

    def etag(self, path: ImagePath) -> str | None:
        """The etag of the blob as it is now, None if there is none; reads none of it."""
        ...

    def names(self, container: str) -> Iterator[tuple[str, str]]:
        """Name and etag of every blob, in the order of the names, fetched page by page."""
        ...


class Decoders(Protocol):
    """Where bytes of strangers become features and pictures: in this process, or in children that hold nothing.

    Everything that decodes a file goes through here; only what is drawn by ourselves may be decoded by
    `dedup_core.decode`. Every method may be called from many threads at once. A context manager, so that a plain
    command gets rid of its children: `with open_decoders(limits) as decoders: decoders.decode(data)`.
    """

    @property
    def isolation(self) -> str:
        """`confined` (children that can only compute), `separate` (children, not confined) or `off` (no children)."""
        ...

    def extract_features(self, data: bytes) -> ImageFeatures:
        """As `dedup_core.extract_features` within the limits of the app: raises `UnreadableImage`, `ImageTooLarge`.

        `TemporaryError` if there is no decoder to be had now: this is nothing about the file.
        """
        ...

    def decode(self, data: bytes) -> WorkingImage:
        """As `dedup_core.decode`; raises what `extract_features` raises."""
        ...

    def close(self) -> None:
        """End all children. What is being decoded ends in `TemporaryError`."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class FeaturesTable(Protocol):
    """The `features` table: one row an image, keyed by `ImagePath.image_id`."""

    def get(self, image_id: str) -> FeaturesRow | None: ...

    def put(self, row: FeaturesRow) -> None:
        """Upsert the whole row."""
        ...

    def set_status(self, image_id: str, etag: str, status: ImageStatus, updated_at: datetime) -> None:
        """Change the status alone, if the row is still about `etag`; otherwise (or with no row) do nothing."""
        ...

    def all(self) -> Iterator[FeaturesRow]: ...

    def changed_since(self, moment: datetime) -> Iterator[FeaturesRow]:
        """Rows whose `updated_at` is not earlier."""
        ...

    def summaries(self, image_ids: Collection[str]) -> dict[str, ImageSummary]:
        """The rows of these images as far as there are any, one point query each, side by side."""
        ...

    def all_summaries(self) -> Iterator[ImageSummary]: ...

    def count_by_status(self) -> dict[ImageStatus, int]: ...


class PairsTable(Protocol):
    """The `pairs` table: both directions of every pair."""

    def open(self, pair: PairRow) -> bool:
        """Create the pair as pending; True if it is worth a verification.

        Create-only, so that two finders of the same pair do not undo each other. False if the pair already holds a
        verdict on just these two etags; True (and nothing is lost) if it is new, was opened but never verified, or is
        about other etags.
        """
        ...

    def put_verdict(self, pair: PairRow) -> None:
        """Upsert the verdict under both images. Never touches a person's decision."""
        ...

    def restamp(self, path: ImagePath, old_etag: str, new_etag: str) -> None:
        """Note on the pairs that were verified with `old_etag` of an image that `new_etag` are the same bytes."""
        ...

    def decide(self, left: ImagePath, right: ImagePath, decision: str) -> bool:
        """Note what a person decided of the pair, under both images; False if there is no verdict to decide about."""
        ...

    def get(self, left: ImagePath, right: ImagePath) -> PairRow | None: ...

    def of_image(self, path: ImagePath) -> Iterator[PairRow]:
        """Verified pairs of one image, seen from it."""
        ...

    def all(self) -> Iterator[PairRow]:
        """Every pair once, verified or pending."""
        ...


class StatsTable(Protocol):
    """The `loaderstats` table: running totals of each process for each UTC day."""

    def put(self, day: str, instance: str, totals: LoaderStats) -> None: ...

    def of_day(self, day: str) -> dict[str, LoaderStats]: ...


class ReportsTable(Protocol):
    """The `reports` table, newest first."""

    def put_stats_report(self, report: StatsReport) -> None: ...

    def latest_stats_report(self) -> StatsReport | None: ...

    def put_rejected_message(self, message: RejectedMessage) -> None: ...

    def rejected_messages(self, limit: int = 20) -> Sequence[RejectedMessage]: ...


class Meter(Protocol):
    """Where numbers go that a monitoring service draws and watches."""

    def count(self, new: LoaderStats, reads_saved: int) -> None:
        """What was counted since the last call, and by how much that changed the reads saved (which may be less)."""
        ...

    def report(self, report: StatsReport) -> None: ...


class VerifyQueue(Protocol):
    def send(self, message: VerifyMessage) -> None: ...


class IngestQueue(Protocol):
    def send(self, message: IngestMessage) -> None: ...

    def send_all(self, messages: Iterable[IngestMessage]) -> int:
        """Send many, side by side and in any order; how many there were."""
        ...


@dataclass(frozen=True, slots=True)
class QueueLengths:
    """Approximate number of waiting messages, and of those that failed for good."""

    waiting: int
    poison: int


class Queues(Protocol):
    """What a person asks of the queues: how long they are."""

    def lengths(self) -> dict[str, QueueLengths]:
        """By queue name; a queue that does not exist yet has length 0."""
        ...

    def poison(self, limit: int = 20) -> Sequence[RejectedMessage]:
        """The messages that failed for good, without taking them away."""
        ...


class CandidateIndex(Protocol):
    """All fingerprints, of all images, across all instances."""

    def add_and_search(self, image_id: str, fingerprints: Fingerprints) -> list[Hit]:
        """Append the fingerprints, read what others appended, then search; nearest first, without the image itself.

        The order makes two look-alikes that arrive at the same moment find each other: whoever appends second reads
        the first.
        """
        ...

    def remove(self, image_id: str) -> None:
        """Forget the image (append a removal)."""
        ...

    def add_all(self, images: Iterable[tuple[str, Fingerprints]]) -> int:
        """Append many images without searching, those that are known already included; how many there were."""
        ...

    def refresh(self) -> int:
        """Read what others appended; the number of images held now."""
        ...
