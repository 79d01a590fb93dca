"""Decisions out of the tables and into them: for a backup, or for another account with the same images."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from operator import attrgetter

from dedup_app.feedback.decision_lines import DecisionLine, InvalidDecisionLine, line_of, parse_line
from dedup_app.feedback.decisions import MOST_REMEMBERED
from dedup_app.ports.features import FeaturesTable, ImageSummary
from dedup_app.ports.pairs import PairRow, PairsTable
from dedup_app.ports.superseded import Superseded
from dedup_app.progress import Progress, no_progress, with_progress
from dedup_app.records.decision_steps import DecisionSteps, never_compared
from dedup_app.records.group_records import facts_of, id_of
from dedup_app.records.journal import VerdictJournal
from dedup_app.threads import Threads
from dedup_core.paths import ImagePath

LINES_AT_ONCE = 200  # whose images' rows are asked for together, and which are told in one block
PAIRS_AT_ONCE = 8  # each is some calls to storage one after the other, mostly waiting


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

    def export(self, progress: Progress = no_progress) -> Iterator[str]:
        """A line for each pair that was decided about, in an order that is the same in every account.

        `progress` hears how many pairs were seen so far, decided or not.
        """
        return (line_of(pair) for pair in with_progress(self._pairs.all(), progress) if pair.decided is not None)

    def take_in(self, lines: Iterable[bytes], *, exported_from: str = "") -> ImportReport:
        """Write what is not known here, many pairs at once; bad lines are refused, the others go in all the same."""
        report = ImportReport()
        for group in _each_pair_once(self._good_lines(lines, exported_from, report)):
            self._take_in(group, report)
        return report

    def _good_lines(self, lines: Iterable[bytes], exported_from: str, report: ImportReport) -> Iterator[DecisionLine]:
        for number, text in enumerate(lines, 1):
            if not text.strip():
                continue
            try:
                line = parse_line(text, container=self._container, exported_from=exported_from)
            except InvalidDecisionLine as error:
                report.refused.append((number, str(error)))
            else:
                yield line

    def _take_in(self, group: Collection[DecisionLine], report: ImportReport) -> None:
        rows = self._features.summaries({path.image_id for line in group for path in line.paths})
        untold: list[PairRow] = []
        with Threads(PAIRS_AT_ONCE) as threads:
            found = list(threads.map(lambda line: self._write(line, rows), group))
        for line, (became, pair) in zip(group, found, strict=True):
            match became:
                case _Became.WRITTEN:
                    report.written += 1
                case _Became.KNOWN:
                    report.known += 1
                    untold += [] if pair.is_half_decided else [pair]
                case _Became.OLDER:
                    report.older += 1
                    continue
            absent = {path for path in line.paths if not _is_there(path, rows)}
            report.absent |= absent
            report.about_other_bytes += not absent and not _is_about(line, rows)
        # Told once more: their images may have come since, and groups have to hear of both.
        self._journal.tell(untold, rows)

    def _write(self, line: DecisionLine, rows: Mapping[str, ImageSummary]) -> "tuple[_Became, PairRow]":
        pair = self._pairs.get(line.left, line.right) or never_compared(line.left, line.right, rows)
        before, now = pair.decided, line.decisions[-1]
        if before is not None and before != now and not now.outranks(before):
            return _Became.OLDER, pair
        if before == now:
            if pair.is_half_decided:
                self._steps.resume(pair, rows)
            return _Became.KNOWN, pair
        earlier = {*line.decisions[:-1], *pair.decision_history, *([before] if before else [])}
        history = tuple(sorted(earlier, key=attrgetter("at"))[-MOST_REMEMBERED:])
        try:
            written = self._steps.take(replace(pair, decided=now, decision_history=history), before, rows)
        except Superseded:  # a person has decided about this very pair just now: which word is later is asked anew
            return self._write(line, rows)
        return _Became.WRITTEN, written


class _Became(Enum):
    """What became of the decision of a line."""

    WRITTEN = "written"
    KNOWN = "known"
    OLDER = "older"


def _each_pair_once(lines: Iterable[DecisionLine]) -> Iterator[Collection[DecisionLine]]:
    """Groups of lines; of two about one pair the second finds what became of the first."""
    group: dict[frozenset[ImagePath], DecisionLine] = {}
    for line in lines:
        pair = frozenset(line.paths)
        if len(group) == LINES_AT_ONCE or pair in group:
            yield group.values()
            group = {}
        group[pair] = line
    if group:
        yield group.values()


def _is_there(path: ImagePath, rows: Mapping[str, ImageSummary]) -> bool:
    return path.image_id in rows and rows[path.image_id].is_alive


def _is_about(line: DecisionLine, rows: Mapping[str, ImageSummary]) -> bool:
    return line.decisions[-1].is_about({id_of(it): facts_of(rows[it.image_id]).content for it in line.paths})
