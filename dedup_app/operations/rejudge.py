"""Rejudge: what was measured of pairs is judged once more, by another policy, and no image is read."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import batched, groupby

from dedup_app.ports.pairs import PairRow, PairsTable
from dedup_app.ports.queues import VerifyQueue
from dedup_app.progress import Progress, no_progress, with_progress
from dedup_app.records.group_book import GroupBook
from dedup_app.records.group_records import id_of
from dedup_app.records.journal import VerdictJournal
from dedup_app.threads import Threads
from dedup_core.comparison.verdict import NO_MATTER_OF_POLICY, Verdict, VerdictKind, decide
from dedup_core.groups.facts import FAMILIES
from dedup_core.groups.projection import GroupProjection
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.policy import Policy

PAIRS_AT_ONCE = 100  # verdicts that a run which dies has stored and not told; the next run tells them
CALLS_AT_ONCE = 8  # a verdict takes four of them, one after the other, mostly waiting


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


@dataclass(frozen=True, slots=True)
class _Judged:
    """A pair, what was said of it, what is said now, and the row that says so."""

    pair: PairRow
    before: Verdict
    verdict: Verdict
    row: PairRow

    @property
    def is_changed(self) -> bool:
        return self.verdict.kind is not self.before.kind

    @property
    def is_reworded(self) -> bool:
        return self.verdict != self.before and not self.is_changed


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

    def count(self, judged: Sequence[_Judged], settled: Sequence[_Judged]) -> None:
        """Add pairs that were judged, and those of them whose new verdict holds."""
        self.judged += len(judged)
        self.overtaken += len(judged) - len(settled)
        self.reworded += sum(it.is_reworded for it in settled)
        self.changed.update(f"{it.before.kind.value} -> {it.verdict.kind.value}" for it in settled if it.is_changed)


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
        containers: Collection[str],
        now: Callable[[], datetime],
    ) -> None:
        self._pairs = pairs
        self._journal = journal
        self._verify_queue = verify_queue
        self._book = book
        self._policy = policy
        self._containers = containers
        self._now = now

    def rejudge(
        self,
        report: RejudgeReport,
        *,
        dry_run: bool = False,
        remeasure: bool = False,
        progress: Progress = no_progress,
    ) -> Iterator[Change]:
        """The changes, each stored when it comes out, unless it is a dry run. A person's decision is never touched.

        `remeasure` queues the pairs that cannot be judged again for a verification, which reads their images.
        `progress` hears how many pairs were seen so far.
        """
        with self._book.current() as log, Threads(CALLS_AT_ONCE) as threads:
            for group in batched(with_progress(self._pairs.all(), progress), PAIRS_AT_ONCE, strict=False):
                depend = [pair for pair in group if pair.verdict and pair.verdict.kind not in NO_MATTER_OF_POLICY]
                unmeasured = [pair for pair in depend if pair.measurement is None and self._watches(pair)]
                report.not_measured += len(unmeasured)
                if remeasure and not dry_run:
                    list(threads.map(self._verify_queue.send, _messages(unmeasured)))  # raises what a send raised
                    report.queued += len(unmeasured)
                judged = list(self._judged(depend))
                settled = judged if dry_run else self._stored(judged, threads, log)
                report.count(judged, settled)
                yield from (Change(it.pair, it.before.kind, it.verdict) for it in settled if it.is_changed)

    def _watches(self, pair: PairRow) -> bool:
        """Not of a container that was watched before: a message about it would be refused."""
        return all(path.is_generated or path.container in self._containers for path in pair.paths)

    def _judged(self, pairs: Iterable[PairRow]) -> Iterator[_Judged]:
        for pair in pairs:
            if pair.verdict is None or pair.measurement is None:
                continue
            verdict = decide(pair.measurement, self._policy)
            row = replace(pair, verdict=verdict)
            if verdict.kind is not pair.verdict.kind:
                row = replace(row, verified_at=self._later_than(pair))
            yield _Judged(pair, pair.verdict, verdict, row)

    def _stored(self, judged: Sequence[_Judged], threads: Threads, log: GroupProjection) -> list[_Judged]:
        """Those of which the table says now what they say; the verdict log is told what it does not know."""
        are_stored = threads.map(self._is_stored, judged)
        stored = [it for it, is_stored in zip(judged, are_stored, strict=True) if is_stored]
        untold = (it.row for it in stored if it.is_changed or _is_untold(it, log))
        self._journal.tell([replace(row, decided=None) for row in untold], {})
        return stored

    def _is_stored(self, it: _Judged) -> bool:
        """Whether the verdict stands in the table; not where one on newer contents does."""
        return it.verdict == it.before or bool(self._pairs.put_verdict(it.row, is_there=True))

    def _later_than(self, pair: PairRow) -> datetime:
        """Now, or just after the verdict before: of two on the same contents the log takes the later one."""
        now = self._now()
        return now if pair.verified_at is None else max(now, pair.verified_at + timedelta(microseconds=1))


def _is_untold(it: _Judged, log: GroupProjection) -> bool:
    """Whether the log has another verdict than the table: a try died between the two."""
    link = log.link(id_of(it.pair.left), id_of(it.pair.right))
    return it.verdict.kind in FAMILIES if link is None else link.kind is not it.verdict.kind


def _messages(pairs: Iterable[PairRow]) -> Iterator[VerifyMessage]:
    """One for all neighboring pairs of an image, which is read once for them."""
    for (left, etag, version), of_it in groupby(pairs, lambda it: (it.left, it.left_etag, it.left_version)):
        rights = tuple(VerifyTarget(it.right, it.right_etag, version=it.right_version) for it in of_it)
        yield from VerifyMessage(left, rights, etag, left_version=version).split()
