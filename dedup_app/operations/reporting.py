"""Reporting: the sum of all instances of a day, logged as one line and stored for people to look at."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from dedup_app.configuration.settings import Settings
from dedup_app.event_log import EventLog
from dedup_app.pipeline.loader_totals import utc_day
from dedup_app.ports.reports import Meter, ReportsTable, StatsReport, StatsTable
from dedup_core.loading.stats import LoaderStats

log = EventLog(__name__)


class ReportingService:
    """Sums what every instance counted; instances share nothing but the table."""

    def __init__(
        self,
        *,
        stats: StatsTable,
        reports: ReportsTable,
        settings: Settings,
        now: Callable[[], datetime],
        meter: Meter | None = None,
    ) -> None:
        self._stats = stats
        self._reports = reports
        self._settings = settings
        self._now = now
        self._meter = meter

    def report(self) -> StatsReport:
        """Report today; first close the day of the last report, if that is over, with what was counted after it.

        The day before that is closed once more: what storage was too busy for may have been written a day late.
        """
        today = utc_day(self._now())
        latest = self._reports.latest_stats_report()
        if latest is not None and latest.day < today:
            day_before = (date.fromisoformat(latest.day) - timedelta(days=1)).isoformat()
            for day in (day_before, latest.day):
                if day == latest.day or self._stats.of_day(day):
                    self._report_day(day)
        report = self._report_day(today)
        if self._meter is not None:
            self._meter.report(report)
        return report

    def _report_day(self, day: str) -> StatsReport:
        by_instance = self._stats.of_day(day)
        totals = LoaderStats.sum(by_instance.values())
        told = self._settings.keeper_told | self._settings.policy_told
        report = StatsReport(day, len(by_instance), totals, self._now(), self._settings.protected_prefixes, told)
        log.info("loader_stats", day=day, instances=report.instances, **report.totals.as_dict())
        self._reports.put_stats_report(report)
        return report
