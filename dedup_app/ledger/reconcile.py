"""Reconcile: the ledger of all slices or of those whose turn it is, and the mending of what is amiss in them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, reduce
from math import ceil
from operator import add

from dedup_app.configuration.settings import Settings
from dedup_app.event_log import EventLog
from dedup_app.ledger.audit import Audit, Slice
from dedup_app.ledger.listing import BlobListing, paths_on
from dedup_app.ledger.recent_listing import RecentListing
from dedup_app.pipeline.pairing import Pairing
from dedup_app.ports.findings import PREFIXES, Finding, FindingKind, Ledger, SliceReport
from dedup_app.ports.images import Images
from dedup_app.ports.index import CandidateIndex
from dedup_app.ports.pairs import PairRow
from dedup_app.ports.queues import IngestQueue, Queues, VerifyQueue
from dedup_app.ports.reports import ReportsTable
from dedup_app.records.decision_steps import DecisionSteps
from dedup_app.time_limit import time_limit
from dedup_app.upkeep import is_recent
from dedup_core.errors import TemporaryError
from dedup_core.messages import IngestMessage, VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from dedup_core.views import View

log = EventLog(__name__)

SLICES_A_RUN = 4  # of the timer at least
CATCHES_UP = 4  # times as many slices a run as the time since the last one asks for: runs are missed, or take too long
TURN_SHARE = 0.9  # of the hours is over when a slice is looked at again: the next run may come after them
SECONDS_A_RUN = 60  # of the timer: no further slice after that
LEDGER_SECONDS = 300  # nothing at all after that
ROWS_AT_ONCE = 1_000  # one page of the table; more are not held, however large a slice is
SOON = timedelta(minutes=15)  # a slice that was not complete is looked at again before its turn


class ReconcileService:
    """Safe while the app runs: what is found is looked at twice, and mending is work that may come twice anyway."""

    def __init__(
        self,
        *,
        audit: Audit,
        images: Images,
        index: CandidateIndex,
        pairing: Pairing,
        decision_steps: DecisionSteps,
        queues: Queues,
        ingest_queue: IngestQueue,
        verify_queue: VerifyQueue,
        reports: ReportsTable,
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        self._audit = audit
        self._images = images
        self._index = index
        self._pairing = pairing
        self._decision_steps = decision_steps
        self._queues = queues
        self._ingest_queue = ingest_queue
        self._verify_queue = verify_queue
        self._reports = reports
        self._container = settings.image_container
        self._every = timedelta(hours=settings.reconcile_hours)
        self._now = now
        self._listing = RecentListing(images, self._container, self._every, now)

    def reconcile(
        self,
        *,
        fix: bool = False,
        deep: bool = False,
        prefixes: Sequence[str] = PREFIXES,
        progress: Callable[[str, int], None] = lambda _what, _count: None,
    ) -> Ledger:
        """Compare everything both ways; with `fix`, mend it, with `deep`, look every image up again as well.

        `progress` hears of blobs while they are listed and of slices while they are looked at.
        """
        listing = BlobListing.take(self._images, self._container, lambda blobs: progress("blobs", blobs))
        reports, waiting = [], self._waiting()
        for done, prefix in enumerate(prefixes, 1):
            reports.append(self._slice(prefix, listing, waiting, fix=fix, deep=deep))
            progress("slices", done)
        return replace(Ledger.sum(reports), left_out=listing.left_out)

    def run_slices(self) -> Ledger:
        """Look at the slices whose turn it is and mend them; the ledger of all. The timer's part: bounded."""
        known = {report.prefix: report for report in self._reports.ledger()}
        due = [it for it in PREFIXES if it not in known or self._is_due(known[it].checked_at, self._pause(known[it]))]
        due.sort(key=lambda it: known[it].checked_at.timestamp() if it in known else 0.0)
        with time_limit(LEDGER_SECONDS):
            listing = self._listing.get() if due else None
            if listing is not None:
                self._look_at(due[: self._most(known)], listing, known)
        ledger = Ledger.sum(known.values())
        log.info(
            "ledger",
            images=ledger.images,
            complete=ledger.complete,
            waiting=ledger.waiting,
            broken=ledger.broken,
            slices=ledger.slices,
            damaged_bytes=ledger.damaged_bytes,
            late=sum(it not in known or self._is_due(known[it].checked_at, self._every) for it in PREFIXES),
            found={kind.name.lower(): count for kind, count in ledger.found.items() if count},
        )
        return ledger

    def _is_due(self, last: datetime, pause: timedelta) -> bool:
        return not is_recent(last, self._now(), pause)

    def _pause(self, report: SliceReport) -> timedelta:
        turn = self._every * TURN_SHARE
        return turn if report.complete == report.images else min(SOON, turn)

    def _most(self, known: Mapping[str, SliceReport]) -> int:
        """How many slices this run looks at, if there is time."""
        last = max((it.checked_at for it in known.values()), default=self._now())
        asked_for = len(PREFIXES) * (self._now() - last) / self._every
        return max(SLICES_A_RUN, ceil(CATCHES_UP * asked_for))

    def _look_at(self, prefixes: Sequence[str], listing: BlobListing, known: dict[str, SliceReport]) -> None:
        waiting, ends_at = self._waiting(), time.monotonic() + SECONDS_A_RUN
        for prefix in prefixes:
            known[prefix] = self._slice(prefix, listing, waiting, ends_at, fix=True)
            if time.monotonic() > ends_at:
                break

    def _slice(
        self,
        prefix: str,
        listing: BlobListing,
        waiting: Callable[[], int],
        ends_at: float = float("inf"),
        *,
        fix: bool = False,
        deep: bool = False,
    ) -> SliceReport:
        reports: list[SliceReport] = []
        unknown: set[int] = set()
        for portion in listing.portions(prefix, ROWS_AT_ONCE):
            found = self._audit.look(portion, listing, deep=deep)
            unknown |= found.unknown
            has_messages = bool(found.findings) and waiting() > 0
            if fix:
                self._mend(found, has_messages=has_messages)
            reports.append(self._report(prefix, found.images, found.findings, has_messages or fix))
        # Their pages are listed once more: once for all portions.
        missing, unread = self._unknown(unknown, listing, ends_at)
        has_messages = bool(missing) and waiting() > 0
        if fix:
            self._ingest_queue.send_all(map(IngestMessage, missing))
        findings = [Finding(FindingKind.MISSING, path.image_id, path) for path in missing]
        findings += (Finding(FindingKind.MISSING, f"{it:016x}") for it in unread)
        reports.append(self._report(prefix, len(findings), findings, has_messages or fix))
        report = reduce(add, reports)
        self._reports.put_ledger(report)
        return report

    def _report(self, prefix: str, images: int, findings: Sequence[Finding], has_messages: bool) -> SliceReport:
        return SliceReport.of(
            prefix,
            images,
            findings,
            has_messages=has_messages,
            damaged_bytes=self._index.damaged_bytes,
            checked_at=self._now(),
        )

    def _waiting(self) -> Callable[[], int]:
        """How many messages waited when something was amiss for the first time: mending sends messages of its own."""
        return cache(self._queues.waiting)

    def _unknown(self, ids: set[int], listing: BlobListing, ends_at: float) -> tuple[list[ImagePath], list[int]]:
        """The blobs without a row, that still are there and still have none; and those there was no time for.

        There is time for one page at least, so that each look at the slice leaves fewer.
        """
        missing: list[ImagePath] = []
        pages = listing.pages_of(ids)
        for number, page in enumerate(pages):
            if number and time.monotonic() > ends_at:
                return missing, [it for left in pages[number:] for it in left.ids]
            paths = paths_on(page, self._images, self._container)
            missing += (path for path in paths if not self._audit.is_known(path))
        return missing, []

    def _mend(self, found: Slice, *, has_messages: bool) -> None:
        self._ingest_queue.send_all(IngestMessage(row.path, force=True) for row in found.to_ingest)
        self._index.add_all(
            (row.path.image_id, row.version, row.features.fingerprints) for row in found.to_append if row.features
        )
        self._index.remove_all(found.to_remove)
        if found.to_append:
            # What was missed while they were in no search.
            self._index.catch_up()
            found.to_pair += [(row, self._audit.unpaired(row)) for row in found.to_append if row.features]
        for row, missing in found.to_pair:
            ids = {hit.image_id for hit in missing}
            hits = [hit for hit in self._audit.hits(row) if hit.image_id in ids]  # none if the row has moved since
            self._pairing.pair_up(row, hits)
        for pair in found.to_send:
            if pair.failure or not has_messages:
                self._verify_queue.send(_message(pair))
        for pair in found.half_decided:
            try:
                self._decision_steps.resume(pair, {})
            except TemporaryError as error:  # mostly of whoever is to hear of it, whom nothing else has to wait for
                log.warning("decision_not_told", image=pair.left, reason=error.reason, detail=str(error))


def _message(pair: PairRow) -> VerifyMessage:
    target = VerifyTarget(
        pair.right, pair.right_etag, View(pair.view), pair.distance_bits, pair.right_version, pair.tag
    )
    return VerifyMessage(pair.left, (target,), pair.left_etag, "candidate", pair.left_version)
