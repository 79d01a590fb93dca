"""What processes count and report: the tables `loaderstats` and `reports`, and a monitoring service."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from dedup_app.configuration.ownership import OwnerRecord
from dedup_app.ports.findings import SliceReport
from dedup_core.loading.stats import LoaderStats


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """A queue message that nobody can act on: what it said (shortened) and why it was refused."""

    queue: str
    message_id: str
    excerpt: str
    reason: str
    rejected_at: datetime


@dataclass(frozen=True, slots=True)
class StatsReport:
    """What the timer reported: the sum of all instances of one UTC day.

    `protected` has the prefixes of names that the app keeps before others, which the command has to do, too; `told` has
    the settings by which it chooses the copy to keep and judges, none where an earlier version reported.
    """

    day: str
    instances: int
    totals: LoaderStats
    reported_at: datetime
    protected: Sequence[str] = ()
    told: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DecodersReport:
    """What decodes in one process, as it said before its first picture.

    `isolation` is `confined`, `separate` (`cause` says why not confined) or `off`; `decoders` tells by format what
    decides about its files, `refused` which formats are refused for an old library.
    """

    instance: str
    isolation: str
    cause: str
    decoders: Mapping[str, str]
    refused: Mapping[str, str]
    started_at: datetime


class StatsTable(Protocol):
    """The `loaderstats` table: running totals of each process for each UTC day."""

    def put(self, day: str, instance: str, totals: LoaderStats) -> None: ...

    def of_day(self, day: str) -> dict[str, LoaderStats]: ...

    def fold_before(self, day: str, most: int) -> int:
        """Put up to `most` rows of days before this one into one a day, which adds up to the same; how many it were."""
        ...


class ReportsTable(OwnerRecord, Protocol):
    """The `reports` table, newest first, and in it whose the namespace is."""

    def put_stats_report(self, report: StatsReport) -> None: ...

    def latest_stats_report(self) -> StatsReport | None: ...

    def put_decoders_report(self, report: DecodersReport) -> None: ...

    def latest_decoders_report(self) -> DecodersReport | None: ...

    def put_rejected_message(self, message: RejectedMessage) -> None: ...

    def rejected_messages(self, limit: int = 20) -> Sequence[RejectedMessage]: ...

    def put_last_error(self, body: str, error: str, at: datetime) -> None:
        """Note why the handling of a message failed; whoever has its body can ask for it."""
        ...

    def last_error(self, body: str) -> str | None: ...

    def forget_before(self, moment: datetime, most: int) -> int:
        """Take away up to `most` rows of each kind that are older; the latest report of a kind stays. How many it were.

        The ledger, the owner and what is kept once stay, too.
        """
        ...

    def retention_place(self) -> str:
        """The slice in which deleted images are looked for next, as it was put last; empty before that."""
        ...

    def put_retention_place(self, prefix: str) -> None: ...

    def precision_told_at(self) -> datetime | None:
        """When it was last told what people have seen of the precision; None before the first time."""
        ...

    def put_precision_told(self, at: datetime) -> None: ...

    def put_ledger(self, report: SliceReport) -> None:
        """Keep what was found in one slice, in place of what was found before."""
        ...

    def ledger(self) -> Iterator[SliceReport]:
        """What was found in each slice when it was looked at last."""
        ...


class Meter(Protocol):
    """Where numbers go that a monitoring service draws and watches."""

    def count(self, new: LoaderStats, reads_saved: int) -> None:
        """What was counted since the last call, and by how much that changed the reads saved (which may be less)."""
        ...

    def report(self, report: StatsReport) -> None: ...
