"""Compares everything that the app has stored with the truth about the blobs that are left."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import INDEXED, ImageStatus
from dedup_app.ports.pairs import PairRow
from dedup_app.records.current_pairs import is_current
from dedup_app.services import Services
from dedup_core.comparison.verdict import VerdictKind
from tests.groups import groups_of_log, groups_of_tables
from tests.soak.counted import ProcessWitness, counted_more_or_less_than_once, wrong_statistics
from tests.soak.truth import Truth

WITHOUT_ANSWER = "blobs without the right answer"
GHOSTS = "images that are gone and known"
WITHOUT_VERDICT = "expected pairs without a verdict"
FALSE = "stale or false verdicts"
DOUBLE = "double rows"
GROUPS = "groups that are not those of the pairs"
LEDGER = "findings of the ledger"
DEAD = "messages that failed for good"
STATISTICS = "statistics that are not what happened"
KINDS = (WITHOUT_ANSWER, GHOSTS, WITHOUT_VERDICT, FALSE, DOUBLE, GROUPS, LEDGER, DEAD, STATISTICS)


@dataclass
class Findings:
    """What is wrong, by its kind; empty if all is well. `right` counts what was looked at and is as it should be."""

    wrong: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    right: Counter[str] = field(default_factory=Counter)

    def __bool__(self) -> bool:
        return any(self.wrong.values())

    def must(self, holds: bool, kind: str, what: str) -> None:
        if holds:
            self.right[kind] += 1
        else:
            self.wrong[kind].append(what)

    def counts(self) -> dict[str, int]:
        return {kind: len(found) for kind, found in self.wrong.items()}


@dataclass
class Check:
    """One look at the tables and logs; `etags`, without quotes, are those of the blobs that are there.

    `processes` are all that have worked on them, if somebody has watched.
    """

    services: Services
    truth: Truth
    etags: Mapping[str, str]
    processes: Sequence[ProcessWitness] = ()
    findings: Findings = field(default_factory=Findings)

    def run(self) -> Findings:
        all_rows = list(self.services.features.all())
        rows = {row.path.name: row for row in all_rows}
        pairs = list(self.services.pairs.all())
        summaries = {row.path.image_id: row.summary for row in rows.values()}
        current = [pair for pair in pairs if is_current(pair, summaries)]
        self._answers(rows)
        self._verdicts(current, rows)
        self._sides(all_rows, pairs, current)
        self._groups(rows, pairs)
        self._ledger()
        self._messages()
        if self.processes:
            self._statistics()
        return self.findings

    def _answers(self, rows: Mapping[str, FeaturesRow]) -> None:
        must = self.findings.must
        self.services.index.refresh()
        held = self.services.index.held("")
        for name in self.truth.blobs:
            row = rows.get(name)
            if row is None:
                must(False, WITHOUT_ANSWER, f"{name} has no row")
                continue
            reason = self.truth.refused.get(name)
            expected = INDEXED if reason is None else ImageStatus.rejected(reason)
            must(row.status == expected, WITHOUT_ANSWER, f"{name} is {row.status}, not {expected}")
            must(row.etag.strip('"') == self.etags[name], WITHOUT_ANSWER, f"{name} has a row about other bytes")
            if reason is None:
                sha256 = self.truth.features[name].sha256
                is_its = row.features is not None and row.features.sha256 == sha256
                must(is_its, WITHOUT_ANSWER, f"{name} has the features of other bytes")
                is_held = held.pop(row.path.image_id, None) == row.version
                must(is_held, WITHOUT_ANSWER, f"{name} is not held at its version")
        for name in rows.keys() - self.truth.blobs.keys():
            must(rows[name].status.is_gone, GHOSTS, f"{name} is gone and {rows[name].status}")
        for image_id in held:
            must(False, GHOSTS, f"{image_id} is held and should not be")

    def _verdicts(self, current: list[PairRow], rows: Mapping[str, FeaturesRow]) -> None:
        by_names = {frozenset((pair.left.name, pair.right.name)): pair for pair in current}
        for names in self.truth.found_by_both:
            pair = by_names.get(names)
            has_verdict = pair is not None and pair.verdict is not None
            self.findings.must(has_verdict, WITHOUT_VERDICT, f"{sorted(names)}: {'pending' if pair else 'no pair'}")
        for names, pair in by_names.items():
            if not names <= self.truth.blobs.keys():
                is_shown = pair.verdict is not None and pair.verdict.kind is not VerdictKind.UNVERIFIABLE
                gone = [str(rows[it].status) if it in rows else "no row" for it in names - self.truth.blobs.keys()]
                self.findings.must(not is_shown, FALSE, f"{sorted(names)}: a verdict on what is gone ({gone})")
            elif pair.verdict is None:
                self.findings.must(False, WITHOUT_VERDICT, f"{sorted(names)} is open")
            else:
                kind = pair.verdict.kind
                self.findings.must(self.truth.is_right(names, kind), FALSE, f"{sorted(names)} is not {kind}")

    def _sides(self, rows: Sequence[FeaturesRow], pairs: list[PairRow], current: list[PairRow]) -> None:
        """Both directions of a pair say the same, and no pair and no image has more rows than that."""
        paths = Counter(row.path for row in rows)
        for path, count in paths.items():
            self.findings.must(count == 1, DOUBLE, f"{path} has {count} rows")
        counts = Counter(frozenset((pair.left, pair.right)) for pair in pairs)
        for sides, count in counts.items():
            self.findings.must(count == 1, DOUBLE, f"{sorted(sides)} has {count} rows")
        of_image = cache(lambda path: list(self.services.pairs.of_image(path)))
        for pair in current:
            if pair.verdict is None:
                continue
            for one, other in ((pair.left, pair.right), (pair.right, pair.left)):
                kinds = [it.verdict and it.verdict.kind for it in of_image(one) if it.right == other]
                self.findings.must(kinds == [pair.verdict.kind], DOUBLE, f"{one}, {other}: {kinds}")

    def _groups(self, rows: Mapping[str, FeaturesRow], pairs: list[PairRow]) -> None:
        """What the verdict log says, which is all that groups come from, is what the tables say."""
        expected = groups_of_tables(self.services, (row.summary for row in rows.values()), pairs)
        found = groups_of_log(self.services)
        for group in expected - found:
            self.findings.must(False, GROUPS, f"missing: {sorted(group)}")
        for group in found - expected:
            self.findings.must(False, GROUPS, f"should not be: {sorted(group)}")
        self.findings.right[GROUPS] += len(expected & found)

    def _ledger(self) -> None:
        ledger = self.services.reconcile.reconcile(deep=True)
        for kind, count in ledger.found.items():
            self.findings.must(not count, LEDGER, f"{count} {kind.value}")
        self.findings.must(
            ledger.broken == ledger.waiting == 0, LEDGER, f"{ledger.broken} broken, {ledger.waiting} wait"
        )
        self.findings.right[LEDGER] += ledger.complete

    def _messages(self) -> None:
        for queue, length in self.services.queues.lengths().items():
            self.findings.must(length.poison == 0, DEAD, f"{length.poison} in {queue}-poison")

    def _statistics(self) -> None:
        report = self.services.reporting.report()
        dates = {put.day for process in self.processes for put in process.puts} | {report.day}
        days = {day: self.services.stats.of_day(day) for day in dates}
        wrong = [
            *wrong_statistics(self.processes, days, report),
            *counted_more_or_less_than_once(self.processes),
        ]
        for found in wrong:
            self.findings.must(False, STATISTICS, found)
        self.findings.right[STATISTICS] += sum(map(len, days.values())) - len(wrong)
