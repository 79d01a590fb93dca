"""Rejudge: what was measured of pairs is judged once more, by another policy, and no image is read."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dedup_app.ports.pairs import PairRow, PairsTable
from dedup_app.ports.queues import VerifyQueue
from dedup_app.progress import Progress, told, unheard
from dedup_app.records.group_book import GroupBook
from dedup_app.records.group_records import id_of
from dedup_app.records.journal import VerdictJournal
from dedup_core.comparison.verdict import NO_MATTER_OF_POLICY, Verdict, VerdictKind, decide
from dedup_core.groups.facts import FAMILIES
from dedup_core.groups.projection import GroupProjection
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.policy import Policy

TOLD_AT_ONCE = 100  # verdicts that a run which dies has stored and not told; the next run tells them


@dataclass(frozen=True, slots=True)
class Change:
    """A pair whose kind of verdict is another one by the policy."""

    pair: PairRow
    before: VerdictKind
    verdict: Verdict

    def as_dict(self) -> dict[str, object]:
        """For JSON: the two paths, what was said, what would be said and why, and what a person decided."""
        return {
            "left": str(self.pair.left),
            "right": str(self.pair.right),
            "before": self.before.value,
            "verdict": self.verdict.kind.value,
            "reasons": list(self.verdict.reasons),
            "decision": self.pair.decision,
        }


@dataclass(slots=True)
class RejudgeReport:
    """What became of all pairs that have a verdict; filled while the changes are listed.

    `reworded`: only numbers or limits in the reasons changed. `not_measured`: the measurement is missing or of another
    version. `queued` counts those of them that were sent to be verified. `overtaken`: a verdict on newer contents came.
    """

    judged: int = 0
    reworded: int = 0
    not_measured: int = 0
    queued: int = 0
    overtaken: int = 0
    changed: Counter[str] = field(default_factory=Counter)


class RejudgeService:
    """Goes through all pairs. Doing it again changes nothing more, and a try that died is ended by the next."""

    def __init__(
        self,
        *,
        pairs: PairsTable,
        journal: VerdictJournal,
        verify_queue: VerifyQueue,
        book: GroupBook,
        policy: Policy,
        now: Callable[[], datetime],
    ) -> None:
        self._pairs = pairs
        self._journal = journal
        self._verify_queue = verify_queue
        self._book = book
        self._policy = policy
        self._now = now

    def rejudge(
        self,
        report: RejudgeReport,
        *,
        dry_run: bool = False,
        remeasure: bool = False,
        progress: Progress = unheard,
    ) -> Iterator[Change]:
        """The changes, each stored when it comes out, unless it is a dry run. A person's decision is never touched.

        `remeasure` queues the pairs that cannot be judged again for a verification, which reads their images.
        `progress` hears how many pairs were seen so far.
        """
        untold: list[PairRow] = []
        with self._book.current() as log:
            for pair in told(self._pairs.all(), progress):
                if pair.verdict is None or pair.verdict.kind in NO_MATTER_OF_POLICY:
                    continue
                if pair.measurement is None:
                    self._leave(pair, report, remeasure=remeasure and not dry_run)
                    continue
                report.judged += 1
                verdict = decide(pair.measurement, self._policy)
                if verdict.kind is pair.verdict.kind:
                    if not dry_run and _is_untold(pair, verdict, log):
                        untold.append(replace(pair, decided=None))
                    row = replace(pair, verdict=verdict)
                    if verdict != pair.verdict and self._stored(row, report, dry_run=dry_run):
                        report.reworded += 1
                    continue
                row = replace(pair, verdict=verdict, verified_at=self._later_than(pair))
                if self._stored(row, report, dry_run=dry_run):
                    report.changed[f"{pair.verdict.kind.value} -> {verdict.kind.value}"] += 1
                    if not dry_run:
                        untold.append(replace(row, decided=None))
                    yield Change(pair, pair.verdict.kind, verdict)
                self._tell(untold, least=TOLD_AT_ONCE)
            self._tell(untold, least=1)

    def _leave(self, pair: PairRow, report: RejudgeReport, *, remeasure: bool) -> None:
        report.not_measured += 1
        if remeasure:
            self._verify_queue.send(_message(pair))
            report.queued += 1

    def _stored(self, row: PairRow, report: RejudgeReport, *, dry_run: bool) -> bool:
        if dry_run or self._pairs.put_verdict(row):
            return True
        report.overtaken += 1
        return False

    def _later_than(self, pair: PairRow) -> datetime:
        """Now, or just after the verdict before: of two on the same contents the log takes the later one."""
        now = self._now()
        return now if pair.verified_at is None else max(now, pair.verified_at + timedelta(microseconds=1))

    def _tell(self, untold: list[PairRow], *, least: int) -> None:
        if len(untold) >= least:
            self._journal.tell(untold, {})
            untold.clear()


def _is_untold(pair: PairRow, verdict: Verdict, log: GroupProjection) -> bool:
    """Whether the log has another verdict than the table: a try died between the two."""
    link = log.link(id_of(pair.left), id_of(pair.right))
    return verdict.kind in FAMILIES if link is None else link.kind is not verdict.kind


def _message(pair: PairRow) -> VerifyMessage:
    target = VerifyTarget(pair.right, pair.right_etag, version=pair.right_version)
    return VerifyMessage(pair.left, (target,), pair.left_etag, left_version=pair.left_version)
