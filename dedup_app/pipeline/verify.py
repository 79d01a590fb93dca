"""Verify: one image and its candidates -> an explained verdict for each pair, every image read once."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dedup_app.configuration.settings import Settings
from dedup_app.event_log import EventLog
from dedup_app.pipeline.loader_totals import LoaderTotals
from dedup_app.pipeline.rejection import Rejections
from dedup_app.ports.features import FeaturesTable, ImageSummary
from dedup_app.ports.pairs import PairRow, PairsTable
from dedup_app.records.journal import VerdictJournal
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.verdict import Verdict, VerdictKind, decide, unverifiable
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.errors import ImageNotFound, InvalidMessage, PermanentError, TemporaryError
from dedup_core.loading.loader import LoadedImage, MemoryEfficientImageLoader
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from dedup_core.views import View

log = EventLog(__name__)

UNVERIFIABLE = VerdictKind.UNVERIFIABLE
CLOCKS_APART = timedelta(hours=1)  # those of any two instances, and more
MAX_LOOKS = 4  # images that change faster than this many looks are left to a later try


class VerifyService:
    """Compares pairs and stores what it finds. A message may come twice: the verdicts are the same again."""

    def __init__(
        self,
        *,
        loader: MemoryEfficientImageLoader,
        features: FeaturesTable,
        pairs: PairsTable,
        journal: VerdictJournal,
        totals: LoaderTotals,
        rejections: Rejections,
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        self._loader = loader
        self._features = features
        self._pairs = pairs
        self._journal = journal
        self._totals = totals
        self._rejections = rejections
        self._settings = settings
        self._policy = settings.policy
        self._now = now

    def handle_message(self, body: str | bytes, message_id: str) -> None:
        """Verify the pairs that a queue message names. A message that says nothing is recorded as refused."""
        try:
            message = VerifyMessage.parse(body, containers=self._settings.containers, account=self._settings.account)
        except InvalidMessage as error:
            self._rejections.record(self._settings.verify_queue, message_id, body, error)
            return
        with self._totals.message():
            try:
                verdicts, missing = self._verify(message, self._known_contents(message))
                if missing:
                    self._rejections.record(self._settings.verify_queue, message_id, body, _no_blobs(missing))
                _log_verified(message, verdicts)
            except TemporaryError as error:
                self._rejections.note(body, error, message.left)
                raise

    def verify_new(self, image: ImageSummary, picture: WorkingImage, targets: Sequence[VerifyTarget]) -> None:
        """Verify the pairs of an image for whoever is taking it in, and has just read its blob, all rows and the index.

        They write its row afterwards if it still is this one, which is the look that a message takes for itself, and
        the totals with what they are at.
        """
        new = _New(image, LoadedImage.of(image.path, image.etag, image.sha256, picture))
        message = VerifyMessage(image.path, tuple(targets), image.etag, "candidate", image.version)
        verdicts, _ = self._verify(message, _told_contents(message), new)
        _log_verified(message, verdicts)

    def verify(self, message: VerifyMessage) -> list[Verdict]:
        """The verdicts of all pairs, in order, already stored.

        An image that cannot be read makes its pairs `unverifiable`; of one that never was, nothing is stored.
        Raises `TemporaryError` when a later try may help.
        """
        return self._verify(message, self._known_contents(message))[0]

    def _verify(
        self, message: VerifyMessage, known: "dict[ImagePath, _Content]", new: "_New | None" = None
    ) -> tuple[list[Verdict], list[ImagePath]]:
        """The verdicts, and the images that nobody has ever seen; `new` is the left one if that is just taken in."""
        watched = {} if new is None else {new.row.path.image_id: new.row}
        verdicts: dict[ImagePath, Verdict] = {}
        last: dict[ImagePath, _Seen] = {}  # what was seen of each when it was looked at last
        moved: set[ImagePath] = set()
        pairs = message
        for _ in range(MAX_LOOKS):
            seen: dict[ImagePath, _Seen] = {}
            stored = self._verify_pairs(pairs, known, verdicts, seen, new)
            ahead = {path for path in moved if seen.get(path) == last[path]}
            last |= seen
            rows = self._rows_of(seen, ahead | {row.path for row in watched.values()})
            self._journal.tell(stored, rows | watched)
            newer = self._moved(seen, rows)
            known |= {path: _Content(row.etag, row.version) for path, row in newer.items()}
            moved = set(newer)
            if not moved:
                # Once, however often an image was looked at; a try that ends in a temporary error has decided nothing.
                self._loader.count_failed_comparisons(sum(it.kind is UNVERIFIABLE for it in verdicts.values()))
                missing = [path for path, it in last.items() if it.is_unknown]
                return [verdicts[target.path] for target in message.rights], missing
            if pairs.left not in moved:
                pairs = replace(pairs, rights=tuple(target for target in pairs.rights if target.path in moved))
        left = message.left.image_id
        raise TemporaryError(f"Image {left} or a candidate keeps changing while it is read", reason="keeps-changing")

    def _known_contents(self, message: VerifyMessage) -> "dict[ImagePath, _Content]":
        """What the features rows said, as the message tells; where it does not, as they say now.

        A version is believed with the tag of an opened pair alone, and none that is yet to come: a wrong one in a
        message that was written by hand would outrank all versions to come, and hide the pair for good.
        """
        latest = (self._now() + CLOCKS_APART).timestamp()  # a version is in seconds
        known = _told_contents(message)
        ours = {target.path for target in message.rights if target.tag}
        ours |= {message.left} if ours else set()
        untold = {
            path.image_id: path
            for path, it in known.items()
            if not path.is_generated and not (0 < it.version <= latest and path in ours)
        }
        rows = self._features.summaries(untold) if untold else {}
        return known | {untold[image_id]: _Content(row.etag, row.version) for image_id, row in rows.items()}

    def _verify_pairs(
        self,
        message: VerifyMessage,
        known: "dict[ImagePath, _Content]",
        verdicts: dict[ImagePath, Verdict],
        seen: dict[ImagePath, "_Seen"],
        new: "_New | None",
    ) -> list[PairRow]:
        stored: list[PairRow] = []
        if new is None:
            left = self._load(message.left, known, seen)
        else:
            left, seen[message.left] = new.image, _Seen(known[message.left])
        for target in message.rights:
            measurement = None
            if isinstance(left, PermanentError):
                verdict = _unverifiable(message.left, left, target)
                right_seen = seen.get(target.path) or _Seen(known[target.path])
            else:
                verdict, measurement = self._verify_pair(left, target, known, seen)
                right_seen = seen[target.path]
            verdicts[target.path] = verdict
            left_seen = seen[message.left]
            if (left_seen.is_unknown or right_seen.is_unknown) and self._pairs.get(message.left, target.path) is None:
                continue  # a message may name anything
            contents = left_seen.content, right_seen.content
            stored.append(self._store(message.left, target, contents, verdict, measurement))
        return stored

    def _verify_pair(
        self,
        left: LoadedImage,
        target: VerifyTarget,
        known: "dict[ImagePath, _Content]",
        seen: dict[ImagePath, "_Seen"],
    ) -> tuple[Verdict, PairMeasurement | None]:
        right = self._load(target.path, known, seen)
        if isinstance(right, PermanentError):
            return _unverifiable(target.path, right, target), None
        measurement = self._loader.measure(left, right, target.view)
        return decide(measurement, self._policy, same_bytes=left.sha256 == right.sha256), measurement

    def _load(
        self, path: ImagePath, known: "dict[ImagePath, _Content]", seen: dict[ImagePath, "_Seen"]
    ) -> LoadedImage | PermanentError:
        try:
            image = self._loader.load(path)
        except PermanentError as error:
            is_gone = isinstance(error, ImageNotFound) and not path.is_generated
            is_unknown = is_gone and path.image_id not in self._features.summaries([path.image_id])
            seen[path] = _Seen(known[path], error.reason, is_unknown)
            return error
        seen[path] = _Seen(self._content(path, image, known[path]))
        return image

    def _content(self, path: ImagePath, image: LoadedImage, known: "_Content") -> "_Content":
        """Which version these bytes are, which may have been uploaded anew; 0 if no row is about them (yet)."""
        if image.etag == known.etag or path.is_generated:
            return _Content(image.etag, known.version)
        row = self._features.summaries([path.image_id]).get(path.image_id)
        is_known = row is not None and row.is_alive and (row.etag == image.etag or row.sha256 == image.sha256)
        return _Content(image.etag, row.version if row is not None and is_known else 0)

    def _rows_of(self, seen: dict[ImagePath, "_Seen"], ahead: set[ImagePath]) -> dict[str, ImageSummary]:
        """The features rows of what was read, by image id.

        Looked at after storing: whoever takes in a newer version writes its row first and looks for older verdicts
        afterwards, so either we see the new row here or they see our verdict there. An image that was read again, as
        its row said something else, and was the same, is ahead of its row: whoever brings the row up to date will look
        for this verdict.
        """
        return self._features.summaries([it.image_id for it in seen if not it.is_generated and it not in ahead])

    def _moved(self, seen: dict[ImagePath, "_Seen"], rows: dict[str, ImageSummary]) -> dict[ImagePath, ImageSummary]:
        """Images that may have changed since they were read, going by their rows, which come with them."""
        found = {path: rows[path.image_id] for path in seen if path.image_id in rows}
        return {path: row for path, row in found.items() if not seen[path].agrees(row)}

    def _store(
        self,
        left: ImagePath,
        target: VerifyTarget,
        contents: "tuple[_Content, _Content]",
        verdict: Verdict,
        measurement: PairMeasurement | None,
    ) -> PairRow:
        right, (left_content, content) = target.path, contents
        log.debug(
            "pair_verified", left=left, right=right, verdict=verdict.kind.value, detail="; ".join(verdict.reasons)
        )
        pair = PairRow(
            left=left,
            right=right,
            left_etag=left_content.etag,
            right_etag=content.etag,
            verdict=verdict,
            distance_bits=verdict.distance_bits,
            view=verdict.view,
            verified_at=self._now(),
            left_version=left_content.version,
            right_version=content.version,
            tag=target.tag,
            measurement=measurement,
        )
        self._pairs.put_verdict(pair)
        return pair


@dataclass(frozen=True, slots=True)
class _New:
    """An image that is being taken in: its row, whose changes the caller sees, and what was read of its blob."""

    row: ImageSummary
    image: LoadedImage


@dataclass(frozen=True, slots=True)
class _Content:
    """Bytes by their etag, and their version; 0 as long as no row is about them."""

    etag: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a read of an image gave: its content or, with a failure, the content that its row was about before.

    `is_unknown`: there is neither a blob nor a row.
    """

    content: _Content
    failure: str | None = None
    is_unknown: bool = False

    def agrees(self, row: ImageSummary) -> bool:
        """Whether the row knows nothing newer."""
        if row.version != self.content.version:
            return False
        if self.failure is not None:
            # Another etag of the same version says that the same bytes came back meanwhile.
            return not row.is_alive or row.etag == self.content.etag
        return row.version > 0 or row.etag == self.content.etag


def _told_contents(message: VerifyMessage) -> dict[ImagePath, _Content]:
    told = {message.left: _Content(message.left_etag, message.left_version)}
    return told | {target.path: _Content(target.etag, target.version) for target in message.rights}


def _log_verified(message: VerifyMessage, verdicts: Sequence[Verdict]) -> None:
    counts = Counter(verdict.kind.value for verdict in verdicts)
    log.info("pairs_verified", image=message.left, pairs=len(verdicts), verdicts=counts)


def _no_blobs(paths: list[ImagePath]) -> ImageNotFound:
    return ImageNotFound(f"There is no blob {', '.join(map(str, paths))}: nothing is stored about it")


def _unverifiable(path: ImagePath, error: PermanentError, target: VerifyTarget) -> Verdict:
    sentence = f"{path} cannot be compared ({error.reason}): {error}"
    return unverifiable(sentence, distance_bits=target.distance_bits, view=str(target.view or View.UPRIGHT))
