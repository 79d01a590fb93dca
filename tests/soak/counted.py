"""Compares the statistics that are stored with what the witnesses of the processes have written down."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dedup_app.ports.pairs import Written
from dedup_app.ports.reports import StatsReport
from dedup_core.loading.stats import LoaderStats
from tests.soak.witness import COMPARISON

type Line = Mapping[str, Any]
type Days = Mapping[str, Mapping[str, LoaderStats]]

TOLD_AFTERWARDS = ("decode failed", "given up")
NOT_COUNTS = ("success_rate", "reads_saved", "total_download_seconds", "peak_decoded_bytes")


@dataclass(frozen=True, slots=True)
class Put:
    """One write of a row of statistics: where it stands among the lines, and those of the flush that made it."""

    line: int
    flush: int
    day: str
    instance: str
    totals: LoaderStats
    is_stored: bool


class ProcessWitness:
    """What one process has done, in the order in which it was done."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.has_ended = bool(lines) and lines[-1]["what"] == "ended"
        self.puts = list(self._puts())

    @classmethod
    def all_in(cls, folder: Path) -> "list[ProcessWitness]":
        texts = [file.read_text("utf-8") for file in sorted(folder.glob("*.jsonl"))]
        return [cls([json.loads(line) for line in text.splitlines()]) for text in texts]

    def done(self) -> LoaderStats:
        """All that happened."""
        return _sum(self.lines)

    def reads(self) -> int:
        """Whole images that came, for whatever they were read."""
        return sum(line["what"] == "read" for line in self.lines)

    def bounds(self, put: Put) -> tuple[LoaderStats, LoaderStats]:
        """At least and at most what had been counted when these totals were taken.

        What a thread tells of it counts a moment later or, what is in `TOLD_AFTERWARDS`, a moment before.
        """
        of_putter = self.lines[put.line]["thread"]
        before = self.lines[: put.flush]
        last = {line["thread"]: number for number, line in enumerate(before)}
        surely = [it for number, it in enumerate(before) if it["thread"] == of_putter or number < last[it["thread"]]]
        nexts: dict[int, Line] = {}
        for line in self.lines[put.line :]:
            nexts.setdefault(line["thread"], line)
        soon = [line for line in nexts.values() if line["what"] in TOLD_AFTERWARDS]
        return _sum(surely), _sum([*self.lines[: put.line], *soon])

    def _puts(self) -> Iterable[Put]:
        flushes: dict[int, int] = {}
        for number, line in enumerate(self.lines):
            if line["what"] == "flush":
                flushes[line["thread"]] = number
            elif line["what"] == "put":
                after = (it["what"] for it in self.lines[number + 1 :] if it["thread"] == line["thread"])
                totals = _countable(LoaderStats.from_dict(line["totals"]))
                is_stored = next(after, "") == "stored"
                yield Put(number, flushes[line["thread"]], line["day"], line["instance"], totals, is_stored)


def wrong_statistics(processes: Iterable[ProcessWitness], days: Days, report: StatsReport) -> list[str]:
    """What the rows say that did not happen, and what happened and they do not say.

    A process that was killed may have done more since it wrote its row, and nothing else.
    """
    wrong = [found for process in processes if process.puts for found in _wrong_rows(process, days)]
    rows = days[report.day]
    if (report.instances, report.totals) != (len(rows), LoaderStats.sum(rows.values())):
        wrong.append(f"the report of {report.day} is not the sum of its {len(rows)} rows: {report}")
    known = {put.instance for process in processes for put in process.puts}
    wrong += [f"a row of {name}, whom nobody has seen" for of_day in days.values() for name in of_day.keys() - known]
    return wrong


def counted_more_or_less_than_once(processes: Iterable[ProcessWitness]) -> list[str]:
    """Pairs of files with the same bytes that were not counted once.

    One of which a write had no outcome, as its process was killed or storage did not answer, may be written and
    counted by nobody; one that was compared before is counted there.
    """
    times: Counter[str] = Counter()
    open_tries: Counter[str] = Counter()
    compared: set[str] = set()
    for process in processes:
        for line in process.lines:
            if line["what"] == "same bytes tried":
                open_tries[str(line["pair"])] += 1
            elif line["what"] == "same bytes compared":
                compared.add(str(line["pair"]))
            elif line["what"] == "same bytes":
                open_tries[str(line["pair"])] -= 1
                if line["written"] != Written.SUPERSEDED.value:
                    times[str(line["pair"])] += line["written"] == Written.NEW.value
    return [
        f"the files {pair} were counted as the same {count} times"
        for pair, count in times.items()
        if count > 1 or (count == 0 and not open_tries[pair] and pair not in compared)
    ]


def _wrong_rows(process: ProcessWitness, days: Days) -> Iterable[str]:
    name = process.puts[-1].instance
    shown: list[Put] = []
    for day in {put.day: None for put in process.puts}:
        puts = [put for put in process.puts if put.day == day]
        stored = max((place for place, put in enumerate(puts) if put.is_stored), default=-1)
        row = days.get(day, {}).get(name)
        if row is None:
            if stored >= 0:
                yield f"{name} has no row on {day}"
            continue
        possible = [put for put in puts[max(stored, 0) :] if put.totals == _countable(row)]
        if not possible:
            yield f"{name} has not written last what its row on {day} says: {row}, but {puts[-1].totals}"
            return
        shown.append(possible[-1])
    if not shown:
        return
    # The totals of a day begin where those of the day before ended.
    total = LoaderStats.sum(put.totals for put in shown)
    least, most = process.bounds(shown[-1])
    if not _is_within(least, total, most):
        yield f"{name} has counted {total}, but did at least {least} and at most {most}"
    if process.has_ended and process.done() != total:
        yield f"{name} was not killed and has not told of {process.done().since(total)}"


def _sum(lines: Iterable[Line]) -> LoaderStats:
    return LoaderStats.sum(map(_counted, lines))


def _counted(line: Line) -> LoaderStats:
    """What the app should count of it."""
    counts: dict[str, Any] = {}
    match line["what"]:
        case "read" if line["whom"] == COMPARISON:
            counts = {"images_downloaded": 1, "bytes_downloaded": line["bytes"]}
        case "read failed" if line["whom"] == COMPARISON:
            counts = {"download_failures": 1, "failures_by_reason": {line["reason"]: 1}}
        case "decode failed":
            counts = {"decode_failures": 1, "failures_by_reason": {line["reason"]: 1}}
        case "measure":
            counts = {"comparisons_performed": 1}
        case "measure failed":
            counts = {"comparisons_failed": 1, "failures_by_reason": {line["reason"]: 1}}
        case "same bytes" if line["written"] == Written.NEW.value:
            counts = {"comparisons_performed": 1}
        case "given up":
            counts = {"comparisons_failed": line["pairs"]}
    return LoaderStats(**counts)


def _countable(totals: LoaderStats) -> LoaderStats:
    """Without what is measured and not counted."""
    return replace(totals, total_download_seconds=0.0, peak_decoded_bytes=0)


def _is_within(least: LoaderStats, totals: LoaderStats, most: LoaderStats) -> bool:
    def numbers(stats: LoaderStats) -> Counter[str]:
        told = stats.as_dict()
        reasons = {f"failures: {reason}": count for reason, count in told.pop("failures_by_reason").items()}
        return Counter({name: told[name] for name in told if name not in NOT_COUNTS} | reasons)

    return numbers(least) <= numbers(totals) <= numbers(most)
