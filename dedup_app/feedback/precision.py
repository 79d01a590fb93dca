"""Precision that people have seen: how many pairs of each verdict were looked at, and how many were no copies."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dedup_app.event_log import EventLog
from dedup_app.intervals import Share
from dedup_app.ports.reports import ReportsTable
from dedup_app.records.group_book import GroupBook
from dedup_app.records.group_records import DAY_MICROSECONDS, moment
from dedup_app.upkeep import is_recent
from dedup_core.comparison.verdict import SAME_PICTURE, VerdictKind
from dedup_core.groups.facts import FAMILIES, Decision, ImageFacts

log = EventLog(__name__)

TOLD_EVERY = timedelta(minutes=55)  # an hour less the time a run of the timer takes; a new process reads all decisions
LOOKED_AT = (*FAMILIES, VerdictKind.DISTINCT)
LEAST_LOOKED_AT = 20  # pairs; fewer raise no alert
MOST_MONTHS = 12  # of verdicts; all months in which people decided are told
TOP_FOLDER = "/"  # of images that are in no folder


@dataclass(frozen=True, slots=True)
class Seen:
    """Pairs with one verdict that people decided about; `denied` counts those of which they said: no copy."""

    verdict: VerdictKind
    denied: Share

    @property
    def precision(self) -> Share:
        """Those of which nobody said so."""
        return Share(self.denied.of - self.denied.count, self.denied.of)


@dataclass(frozen=True, slots=True)
class SeenPart:
    """The same of one folder, or of one month (`2026-11`)."""

    name: str
    seen: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class PrecisionReport:
    """In all, by the first folder of the images and by the month of the decision.

    `kinds` tells by the month of the verdict how many pairs had which, of those that look alike: whether their shares
    drift. `is_low`: so many pairs called copies were denied that the precision is below the setting, interval and all.
    """

    seen: tuple[Seen, ...]
    folders: tuple[SeenPart, ...]
    months: tuple[SeenPart, ...]
    kinds: tuple[tuple[str, dict[VerdictKind, int]], ...]
    is_low: bool


class PrecisionService:
    """Counts over the group book, which holds all decisions in force."""

    def __init__(self, book: GroupBook, reports: ReportsTable, least: float, now: Callable[[], datetime]) -> None:
        self._book = book
        self._reports = reports
        self._least = least
        self._now = now

    def report(self) -> PrecisionReport:
        """What people have seen until now."""
        counts: Counter[tuple[str, str, VerdictKind, bool]] = Counter()
        with self._book.current() as known:
            for first, second, link, decided in known.decisions():
                if link is None or decided.decision is None or link.kind not in LOOKED_AT:
                    continue
                is_denied = decided.decision is Decision.NOT_DUPLICATE
                month = f"{moment(decided.at):%Y-%m}"
                for folder in {_folder(first), _folder(second)} | {""}:
                    counts[folder, month, link.kind, is_denied] += 1
            days = Counter((at // DAY_MICROSECONDS, kind) for at, kind in known.verdicts_since(0))
        kinds: Counter[tuple[str, VerdictKind]] = Counter()
        for (day, kind), count in days.items():  # there may be half a million verdicts, but only so many days
            kinds[f"{moment(day * DAY_MICROSECONDS):%Y-%m}", kind] += count
        folders = sorted({folder for folder, *_ in counts if folder})
        months = sorted({month for folder, month, *_ in counts if not folder}, reverse=True)
        seen = _seen(counts, "", None)
        return PrecisionReport(
            seen=seen,
            folders=tuple(SeenPart(name, _seen(counts, name, None)) for name in folders),
            months=tuple(SeenPart(name, _seen(counts, "", name)) for name in months),
            kinds=tuple(
                (name, {kind: kinds[name, kind] for kind in LOOKED_AT if kinds[name, kind]})
                for name in sorted({name for name, _ in kinds}, reverse=True)[:MOST_MONTHS]
            ),
            is_low=any(self._is_low(it) for it in seen),
        )

    def tell(self) -> None:
        """The timer's part: once an hour a line for each verdict that people have seen, wherever they decided."""
        now, told_at = self._now(), self._reports.precision_told_at()
        if told_at is not None and is_recent(told_at, now, TOLD_EVERY):
            return
        for it in self.report().seen:
            log.info(
                "precision_seen",
                verdict=it.verdict.value,
                is_low=self._is_low(it),
                looked_at=it.denied.of,
                denied=it.denied.count,
                low=round(it.denied.low, 4),
                high=round(it.denied.high, 4),
            )
        self._reports.put_precision_told(now)

    def _is_low(self, seen: Seen) -> bool:
        is_told = seen.verdict in SAME_PICTURE and seen.denied.of >= LEAST_LOOKED_AT
        return is_told and seen.precision.high < self._least


def _seen(counts: Counter[tuple[str, str, VerdictKind, bool]], folder: str, month: str | None) -> tuple[Seen, ...]:
    found: Counter[tuple[VerdictKind, bool]] = Counter()
    for (in_folder, in_month, kind, is_denied), count in counts.items():
        if in_folder == folder and month in {None, in_month}:
            found[kind, is_denied] += count
    shares = {kind: Share(found[kind, True], found[kind, True] + found[kind, False]) for kind in LOOKED_AT}
    return tuple(Seen(kind, share) for kind, share in shares.items() if share.of)


def _folder(image: ImageFacts) -> str:
    """The first folder below the container."""
    _, _, name = image.path.partition("/")
    folder, slash, _ = name.partition("/")
    return f"{folder}/" if slash else TOP_FOLDER
