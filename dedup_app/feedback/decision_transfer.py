"""Decisions out of the tables and into them: for a backup, or for another account with the same images."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from operator import attrgetter

from dedup_app.feedback.decision_lines import DecisionLine, InvalidDecisionLine, line_of, parse_line
from dedup_app.feedback.decisions import MOST_REMEMBERED
from dedup_app.ports.features import FeaturesTable, ImageSummary
from dedup_app.ports.pairs import PairRow, PairsTable
from dedup_app.ports.superseded import Superseded
from dedup_app.progress import Progress, told, unheard
from dedup_app.records.decision_steps import DecisionSteps
from dedup_app.records.group_records import facts_of, id_of
from dedup_app.records.journal import VerdictJournal
from dedup_core.groups.facts import Decided
from dedup_core.paths import ImagePath
from dedup_core.views import View


@dataclass
class ImportReport:
    """What became of the lines: how many were written, and how many were not because they are known or older.

    Of those that hold, `absent` names images that are not there (yet) and `about_other_bytes` counts pairs of which one
    side has other bytes now: they hold when the bytes come. `refused` has the number of each bad line and its reason.
    """

    written: int = 0
    known: int = 0
    older: int = 0
    about_other_bytes: int = 0
    absent: set[ImagePath] = field(default_factory=set)
    refused: list[tuple[int, str]] = field(default_factory=list)


class DecisionTransfer:
    """Doing it again changes nothing: of two words about a pair the later one counts."""

    def __init__(self, *, features: FeaturesTable, pairs: PairsTable, journal: VerdictJournal, container: str) -> None:
        self._features = features
        self._pairs = pairs
        self._journal = journal
        self._steps = DecisionSteps(pairs, journal)
        self._container = container

    def export(self, progress: Progress = unheard) -> Iterator[str]:
        """A line for each pair that was decided about, in an order that is the same in every account.

        `progress` hears how many pairs were seen so far, decided or not.
        """
        return (line_of(pair) for pair in told(self._pairs.all(), progress) if pair.decided is not None)

    def take_in(self, lines: Iterable[bytes], *, exported_from: str = "") -> ImportReport:
        """Write what is not known here, line by line; bad lines are refused, and the others go in all the same."""
        report = ImportReport()
        for number, text in enumerate(lines, 1):
            if not text.strip():
                continue
            try:
                line = parse_line(text, container=self._container, exported_from=exported_from)
            except InvalidDecisionLine as error:
                report.refused.append((number, str(error)))
            else:
                self._take_in(line, report)
        return report

    def _take_in(self, line: DecisionLine, report: ImportReport) -> None:
        rows = self._features.summaries([line.left.image_id, line.right.image_id])
        pair = self._pairs.get(line.left, line.right) or _never_compared(line, rows)
        before, now = pair.decided, line.decisions[-1]
        if before is not None and before != now and not now.outranks(before):
            report.older += 1
            return
        if before == now:
            report.known += 1
            # Told once more: their images may have come since, and groups have to hear of both.
            self._steps.resume(pair, rows) if pair.is_half_decided else self._journal.tell([pair], rows)
        else:
            earlier = {*line.decisions[:-1], *pair.decision_history, *([before] if before else [])}
            history = tuple(sorted(earlier, key=attrgetter("at"))[-MOST_REMEMBERED:])
            try:
                self._steps.take(replace(pair, decided=now, decision_history=history), before, rows)
            except Superseded:  # a person has decided about this very pair just now: which word is later is asked anew
                self._take_in(line, report)
                return
            report.written += 1
        absent = {path for path in (line.left, line.right) if not _is_there(path, rows)}
        report.absent |= absent
        report.about_other_bytes += not absent and not _is_about(now, rows.values())


def _is_there(path: ImagePath, rows: dict[str, ImageSummary]) -> bool:
    return path.image_id in rows and rows[path.image_id].is_alive


def _is_about(decided: Decided, rows: Iterable[ImageSummary]) -> bool:
    contents = {decided.first: decided.first_content, decided.second: decided.second_content}
    return all(contents[id_of(row.path)] in {b"", facts_of(row).content} for row in rows)


def _never_compared(line: DecisionLine, rows: dict[str, ImageSummary]) -> PairRow:
    """A pair that has no row here; it stays pending, until its images are found to look alike."""
    left, right = rows.get(line.left.image_id), rows.get(line.right.image_id)
    return PairRow(
        left=line.left,
        right=line.right,
        left_etag=left.etag if left else "",
        right_etag=right.etag if right else "",
        verdict=None,
        distance_bits=None,
        view=View.UPRIGHT.value,
        verified_at=None,
        left_version=left.version if left else 0,
        right_version=right.version if right else 0,
    )
