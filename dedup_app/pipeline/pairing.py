"""Pairing: which pairs an image makes; what the stored features decide is decided here, the rest goes to the queue."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import batched, chain

from dedup_app.configuration.settings import Settings
from dedup_app.pipeline.candidates import Candidate, confirmed, likeliest
from dedup_app.pipeline.loader_totals import LoaderTotals
from dedup_app.pipeline.verify import VerifyService
from dedup_app.ports.features import FeaturesRow, FeaturesTable
from dedup_app.ports.image_status import PROCESSING
from dedup_app.ports.images import Images
from dedup_app.ports.pairs import PairRow, PairsTable, Written
from dedup_app.ports.queues import VerifyQueue
from dedup_app.records.current_pairs import is_current
from dedup_app.records.journal import VerdictJournal
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.comparison.verdict import Verdict, VerdictKind
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.messages import MAX_TARGETS, VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from dedup_core.search.hit import Hit
from dedup_core.views import View

IDENTICAL = VerdictKind.IDENTICAL
IDENTICAL_METRICS = ColorMetrics(dominant_distance=0.0, pixel_difference=0.0, histogram_correlation=1.0)
MOST_AT_ONCE = 4  # comparisons that an image waits for; a message of more costs little for each of them


class Pairing:
    """Opens the pairs of an image that was just written down. Doing it again changes nothing."""

    def __init__(
        self,
        *,
        images: Images,
        features: FeaturesTable,
        pairs: PairsTable,
        journal: VerdictJournal,
        verify: VerifyService,
        verify_queue: VerifyQueue,
        totals: LoaderTotals,
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        self._images = images
        self._features = features
        self._pairs = pairs
        self._journal = journal
        self._verify = verify
        self._verify_queue = verify_queue
        self._totals = totals
        self._max_candidates = settings.max_candidates
        self._container = settings.image_container
        self._now = now

    def pair_up(
        self,
        row: FeaturesRow,
        hits: Iterable[Hit],
        before: FeaturesRow | None = None,
        *,
        picture: WorkingImage | None = None,
    ) -> int:
        """Decide or send every pair of the image with a hit, and those that other bytes left; how many were sent.

        `before` is the row as it was found. With the picture, as a first try has it, a few pairs are compared here;
        where that fails or ends the process, the next try sends them, so that no comparison keeps an image from being
        indexed.
        """
        copies, others = self._wanted(row, hits)
        targets = [it.target for it in others] + self._store_identical(row, copies)
        if picture is not None and 0 < len(targets) <= MOST_AT_ONCE:
            self._verify.verify_new(row.summary, picture, targets)
            return 0
        if before is None or before.is_claimed:
            return self._send(row, targets, ())
        was_begun = before.status == PROCESSING and before.features is not None
        return self._send(row, targets, _outdated(row, self._pairs.of_image(row.path)), was_begun=was_begun)

    def verify_anew(self, row: FeaturesRow) -> int:
        """Send the pairs of another content than that of the row and those that could not be read; how many.

        What was stored of files with the same bytes is told once more: whoever stored it may have died before, and
        another one who was at it has made the row `indexed` since, for whom there was nothing left to store.
        """
        pairs = list(self._pairs.of_image(row.path))
        same = [it for it in pairs if it.verdict and it.verdict.kind is IDENTICAL and it.left_version == row.version]
        if same:
            self._journal.tell(same, {row.path.image_id: row.summary})
        return self._send(row, (), _outdated(row, pairs))

    def without_pair(self, row: FeaturesRow, hits: Iterable[Hit]) -> list[Hit]:
        """Those of the hits that `pair_up` would take and that have no pair with the image, as the two are now."""
        missing = []
        for candidate in chain(*self._wanted(row, hits)):
            other = candidate.row
            pair = self._pairs.get(row.path, other.path)
            summaries = {it.path.image_id: it.summary for it in (row, other)}
            if pair is None or not is_current(pair, summaries):
                missing.append(candidate.hit)
        return missing

    def wanted(self, row: FeaturesRow, hits: Iterable[Hit]) -> frozenset[ImagePath]:
        """The images that `pair_up` would take."""
        return frozenset(it.row.path for it in chain(*self._wanted(row, hits)))

    def _wanted(self, image: FeaturesRow, hits: Iterable[Hit]) -> tuple[list[Candidate], list[Candidate]]:
        """Files with the same bytes, and the others that are likely enough."""
        asked = _fingerprints(image)
        candidates = list(confirmed(asked, hits, self._row_of, self._max_candidates))
        copies = [it for it in candidates if is_same_file(image, it.row)]
        return copies, likeliest(asked, [it for it in candidates if not is_same_file(image, it.row)])

    def _row_of(self, image_id: str) -> FeaturesRow | None:
        """None for an image of a container that was watched before: no message may name it, so nobody reads it."""
        row = self._features.get(image_id)
        return row if row is not None and row.path.container == self._container else None

    def _store_identical(self, image: FeaturesRow, copies: Sequence[Candidate]) -> list[VerifyTarget]:
        """Store the verdict on files with the same bytes, of which none is read; those that have changed by now.

        It is about two versions, so it stays true of them whatever becomes of the blobs.
        """
        if not copies or image.features is None:
            return []
        etags = {copy.row.path: self._images.etag(copy.row.path) for copy in copies}
        # One that is gone may come back as it was, and then nobody would look for this pair again.
        same = [copy for copy in copies if etags[copy.row.path] in {copy.row.etag, None}]
        pairs = [_identical(image, copy.row, image.features.sha256, self._now()) for copy in same]
        with self._totals.message():
            stored = [self._stored(pair) for pair in pairs]
            rows = {row.path.image_id: row.summary for row in (image, *(copy.row for copy in same))}
            self._journal.tell(stored, rows)
        return [copy.target for copy in copies if copy not in same]

    def _stored(self, pair: PairRow) -> PairRow:
        """The pair as the table has it now: told later than it is dated there, the log would seem to lack it."""
        if self._pairs.put_verdict(pair) is Written.NEW:  # a repetition has nothing new to count
            self._totals.count_without_reads(1)
            return pair
        known = self._pairs.get(pair.left, pair.right)
        return pair if known is None else replace(known, decided=None)

    def _send(
        self,
        row: FeaturesRow,
        targets: Iterable[VerifyTarget],
        outdated: Iterable[VerifyTarget],
        *,
        was_begun: bool = False,
    ) -> int:
        """Open the pairs that want a verification and put them on the queue, each image once.

        Those that are outdated are open: they have a row, about other bytes. If it `was_begun` before, those that have
        a verdict are sent as well: whoever stored it may have died before anybody was told.
        """
        by_path: dict[ImagePath, VerifyTarget] = {}
        for target in targets:
            by_path.setdefault(target.path, target)
        open_already = {target.path: target for target in outdated}
        sent = 0
        together = (open_already | by_path).values()
        for part in batched(together, MAX_TARGETS, strict=False):  # sent at once: a try that dies leaves less
            opened = tuple(self._opened(row, it, open_already, was_begun=was_begun) for it in part)
            rights = tuple(it for it in opened if it is not None)
            for message in VerifyMessage(row.path, rights, row.etag, "candidate", row.version).split():
                self._verify_queue.send(message)
            sent += len(rights)
        return sent

    def _opened(
        self, row: FeaturesRow, target: VerifyTarget, open_already: Mapping[ImagePath, VerifyTarget], *, was_begun: bool
    ) -> VerifyTarget | None:
        if target.path in open_already:
            return target
        pair = self._pairs.open(_pending(row, target))
        if pair is None or (pair.verdict is not None and not was_begun):
            return None
        return target if pair.verdict else replace(target, tag=pair.tag)


def _outdated(row: FeaturesRow, pairs: Iterable[PairRow]) -> list[VerifyTarget]:
    """Images that were compared with another content under this path, or while one of the two was not there.

    Not those that were `distinct` from it, unless a person decided so: what the new content is like, the search finds.
    Else an image that is replaced again and again would be compared each time with all that it was ever like.
    """
    return [
        VerifyTarget(pair.right, pair.right_etag, version=pair.right_version)
        for pair in pairs
        if (_is_about_another(row, pair) and not _is_settled(pair)) or _has_verdict(pair, VerdictKind.UNVERIFIABLE)
    ]


def _is_about_another(row: FeaturesRow, pair: PairRow) -> bool:
    return pair.left_version != row.version or (row.version == 0 and pair.left_etag != row.etag)


def _is_settled(pair: PairRow) -> bool:
    return _has_verdict(pair, VerdictKind.DISTINCT) and pair.decided is None


def _has_verdict(pair: PairRow, kind: VerdictKind) -> bool:
    return pair.verdict is not None and pair.verdict.kind is kind


def _fingerprints(row: FeaturesRow) -> Fingerprints | None:
    return None if row.features is None else row.features.fingerprints


def is_same_file(left: FeaturesRow, right: FeaturesRow) -> bool:
    """Whether the bytes were the same when they were read, going by their SHA-256."""
    return left.features is not None and right.features is not None and left.features.sha256 == right.features.sha256


def _identical(left: FeaturesRow, right: FeaturesRow, sha256: str, now: datetime) -> PairRow:
    reason = (
        f"the files are byte for byte the same (SHA-256 {sha256}), known from their stored features; nothing was read"
    )
    verdict = Verdict(IDENTICAL, (reason,), IDENTICAL_METRICS, 0, View.UPRIGHT.value)
    return PairRow(
        left=left.path,
        right=right.path,
        left_etag=left.etag,
        right_etag=right.etag,
        verdict=verdict,
        distance_bits=0,
        view=View.UPRIGHT.value,
        verified_at=now,
        left_version=left.version,
        right_version=right.version,
    )


def _pending(row: FeaturesRow, target: VerifyTarget) -> PairRow:
    return PairRow(
        left=row.path,
        right=target.path,
        left_etag=row.etag,
        right_etag=target.etag,
        distance_bits=target.distance_bits,
        view=str(target.view or View.UPRIGHT),
        left_version=row.version,
        right_version=target.version,
    )
