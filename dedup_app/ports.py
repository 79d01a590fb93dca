"""What the use cases need from the outside world; `dedup_storage` implements every port."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import TracebackType
from typing import Protocol, Self

from dedup_app.image_status import ImageStatus
from dedup_app.ledger.findings import SliceReport
from dedup_app.ownership import OwnerRecord
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.verdict import Verdict
from dedup_core.decoding.provenance import UNKNOWN, Provenance
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.features import ImageFeatures
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.groups.facts import Decided
from dedup_core.loading.loader import SourceImage
from dedup_core.loading.stats import LoaderStats
from dedup_core.messages import IngestMessage, VerifyMessage
from dedup_core.paths import ImagePath
from dedup_core.search.hit import Hit


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
class PairRow:
    """One pair as seen from `left`; `verdict` is None while its verification is on the queue.

    `left_etag` and `right_etag` are those of the bytes that were compared (or, while pending, of those to be compared),
    `left_version` and `right_version` the versions of these contents; a pair is about the images as they are only if
    both versions are those of the rows (`is_current`). `failure` says why no verdict came: its message failed for good.
    `decided` is what a person decided last, `decision_history` what was decided before, the oldest first.
    `measurement` is what the verdict follows from, where it was stored and can be judged again.
    """

    left: ImagePath
    right: ImagePath
    left_etag: str
    right_etag: str
    verdict: Verdict | None
    distance_bits: int | None
    view: str
    verified_at: datetime | None
    left_version: int = 0
    right_version: int = 0
    failure: str = ""
    tag: str = field(default="", compare=False, repr=False)
    decided: Decided | None = None
    decision_history: tuple[Decided, ...] = ()
    measurement: PairMeasurement | None = field(default=None, compare=False, repr=False)

    @property
    def decision(self) -> str | None:
        """What a person decided, as a word; None where nothing was decided, or it was taken back."""
        return self.decided.decision.value if self.decided and self.decided.decision else None


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


@dataclass(frozen=True, slots=True)
class DecodersReport:
    """What decodes in one process, as it said before its first picture.

    `isolation` is `confined`, `separate` (`cause` says why not confined) or `off`; `decoders` tells by format what
    decides about its files, `refused` which formats are refused for an old library.
    """

    instance: str
    isolation: str
    cause: str
    decoders: Mapping[str, str]
    refused: Mapping[str, str]
    started_at: datetime


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

    def prepare(self) -> None:
        """Hear that a picture is on its way, and start a decoder meanwhile if there is none yet; returns at once."""
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


class Superseded(Exception):
    """Somebody else was faster: what was to be written is about an older state. `version` is theirs, where known."""

    def __init__(self, version: int = 0) -> None:
        super().__init__(version)
        self.version = version


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

    def set_status(self, row: FeaturesRow) -> FeaturesRow:
        """Write status, version and time alone, on the same condition: the row with its new tag, or `Superseded`."""
        ...

    def delete(self, row: FeaturesRow) -> bool:
        """Take the row away, on the same condition; otherwise do nothing. Whether it is gone."""
        ...

    def deleted_before(self, prefix: str, moment: datetime, most: int) -> Sequence[FeaturesRow]:
        """Up to `most` images whose ids begin with these two hex digits and that are deleted since before then."""
        ...

    def all(self) -> Iterator[FeaturesRow]: ...

    def with_prefix(self, prefix: str) -> Iterator[FeaturesRow]:
        """The rows of images whose ids begin with these two hex digits."""
        ...

    def summaries(self, image_ids: Collection[str]) -> dict[str, ImageSummary]:
        """The rows of these images as far as there are any, one point query each, side by side."""
        ...

    def all_summaries(self) -> Iterator[ImageSummary]: ...

    def rejected(self, after: str = "", before: str = "", reason: str = "") -> Iterator[FeaturesRow]:
        """Rejected images in the order of their ids, of those between the two; `reason` is one of our own words."""
        ...

    def count_by_status(self, most: int | None = None) -> dict[ImageStatus, int]:
        """How many images have which status; of the first `most` rows only, if that is given."""
        ...


class Written(Enum):
    """What came of writing a verdict; false if it was not written."""

    NEW = "new"
    AGAIN = "again"
    """The same verdict on the same contents was there, and was written once more."""
    SUPERSEDED = "superseded"
    """One on newer contents is there."""

    def __bool__(self) -> bool:
        return self is not Written.SUPERSEDED


class PairsTable(Protocol):
    """The `pairs` table: both directions of every pair."""

    def open(self, pair: PairRow) -> PairRow | None:
        """Create the pair as pending: the row, if it is worth a verification; its tag saves `put_verdict` a look.

        Two finders of the same pair do not undo each other. None if there is a verdict on just these two contents, or
        anything on newer ones; what is there about older ones becomes pending, but for a person's decision.
        """
        ...

    def put_verdict(self, pair: PairRow) -> Written:
        """Write the verdict under both images, unless one on newer contents is there; what came of it.

        Never touches a person's decision. `pair.tag` is that of the row that `open` gave, if it is known.
        """
        ...

    def decide(self, pair: PairRow) -> PairRow:
        """Note `pair.decided` and `pair.decision_history` under both images, and nothing else that the pair says.

        A pair that is not there is made. The pair as it is then.
        """
        ...

    def get(self, left: ImagePath, right: ImagePath) -> PairRow | None: ...

    def of_image(self, path: ImagePath) -> Iterator[PairRow]:
        """Verified pairs of one image, seen from it."""
        ...

    def all(self, after: tuple[str, str] | None = None) -> Iterator[PairRow]:
        """Every pair once, verified or pending, in the order of their ids; those that come after these two only."""
        ...

    def with_prefix(self, prefix: str) -> Iterator[PairRow]:
        """The pairs whose smaller image id begins with these two hex digits, each once."""
        ...

    def forget(self, path: ImagePath, most: int) -> int:
        """Take away up to `most` pairs of an image, but none that a person has decided about; how many it were.

        One that is written meanwhile stays, for it may be about another image by now.
        """
        ...

    def fail(self, left: ImagePath, right: ImagePath, failure: str) -> None:
        """Note on a pair that waits why no verdict comes; one with a verdict stays as it is."""
        ...


class StatsTable(Protocol):
    """The `loaderstats` table: running totals of each process for each UTC day."""

    def put(self, day: str, instance: str, totals: LoaderStats) -> None: ...

    def of_day(self, day: str) -> dict[str, LoaderStats]: ...

    def fold_before(self, day: str, most: int) -> int:
        """Put up to `most` rows of days before this one into one a day, which adds up to the same; how many it were."""
        ...


class ReportsTable(OwnerRecord, Protocol):
    """The `reports` table, newest first, and in it whose the namespace is."""

    def put_stats_report(self, report: StatsReport) -> None: ...

    def latest_stats_report(self) -> StatsReport | None: ...

    def put_decoders_report(self, report: DecodersReport) -> None: ...

    def latest_decoders_report(self) -> DecodersReport | None: ...

    def put_rejected_message(self, message: RejectedMessage) -> None: ...

    def rejected_messages(self, limit: int = 20) -> Sequence[RejectedMessage]: ...

    def put_last_error(self, body: str, error: str, at: datetime) -> None:
        """Note why the handling of a message failed; whoever has its body can ask for it."""
        ...

    def last_error(self, body: str) -> str | None: ...

    def forget_before(self, moment: datetime, most: int) -> int:
        """Take away up to `most` rows of each kind that are older; the latest report of a kind stays. How many it were.

        The ledger and the owner stay, too.
        """
        ...

    def retention_place(self) -> str:
        """The slice in which deleted images are looked for next, as it was put last; empty before that."""
        ...

    def put_retention_place(self, prefix: str) -> None: ...

    def put_ledger(self, report: SliceReport) -> None:
        """Keep what was found in one slice, in place of what was found before."""
        ...

    def ledger(self) -> Iterator[SliceReport]:
        """What was found in each slice when it was looked at last."""
        ...


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


@dataclass(frozen=True, slots=True)
class PoisonMessage:
    """A message that failed on every try, as it waits in the poison queue of `queue`."""

    queue: str
    message_id: str
    body: str
    since: datetime


class Queues(Protocol):
    """What a person asks of the queues: how long they are."""

    def lengths(self) -> dict[str, QueueLengths]:
        """By queue name; a queue that does not exist yet has length 0."""
        ...

    def waiting(self) -> int:
        """Messages on the queues of this app, those that are being handled included."""
        ...

    def poison(self, limit: int = 20) -> Sequence[RejectedMessage]:
        """The messages that failed for good, without taking them away."""
        ...


class PoisonQueues(Protocol):
    """The messages that the host gave up on, with hands on them."""

    def peek(self, queue: str, limit: int = 32) -> Sequence[PoisonMessage]:
        """The oldest of them, up to 32, left where they are."""
        ...

    def take(self, queue: str, limit: int, handle: Callable[[PoisonMessage], bool]) -> int:
        """Take out, of up to `limit` messages, the oldest first, those whose handling says so; how many it were."""
        ...

    def clear(self, queue: str) -> None:
        """Throw all of them away."""
        ...


class CandidateIndex(Protocol):
    """All fingerprints, of all images, across all instances; of an image the highest version counts."""

    def add_and_search(self, image_id: str, version: int, fingerprints: Fingerprints) -> list[Hit]:
        """Append the fingerprints, read what others appended, then search; nearest first, without the image itself.

        The order makes two look-alikes that arrive at the same moment find each other: whoever appends second reads
        the first. Raises `Superseded` if a higher version of the image is known.
        """
        ...

    def search(self, image_id: str, version: int, fingerprints: Fingerprints) -> list[Hit]:
        """What `add_and_search` would find, in what this instance has read; nothing is appended."""
        ...

    def remove(self, image_id: str, version: int) -> None:
        """Forget the image (append a removal), unless a higher version of it comes or came."""
        ...

    def add_all(self, images: Iterable[tuple[str, int, Fingerprints]]) -> int:
        """Append many images at their versions without searching, known ones included; how many there were."""
        ...

    def remove_all(self, images: Iterable[tuple[str, int]]) -> int:
        """Append the removal of many images at these versions; how many there were."""
        ...

    def declare_whole(self) -> None:
        """All images were just appended again: what could not be read before is mended."""
        ...

    def refresh(self) -> int:
        """Read what others appended; the number of images held now."""
        ...

    def tend(self, now: datetime) -> None:
        """Do what keeps the index quick to start and no larger than needed; called from time to time."""
        ...

    def held(self, prefix: str) -> dict[str, int]:
        """Ids that begin with these two hex digits, with their versions, of what this instance has read."""
        ...

    @property
    def damaged_bytes(self) -> int:
        """How much of what was read is no record, after the last time that the index was declared whole."""
        ...
