"""What decodes in a process, told to all others by a row of its own."""

from datetime import UTC, datetime

from dedup_app.event_log import EventLog
from dedup_app.ports.reports import DecodersReport, ReportsTable
from dedup_core.errors import TemporaryError
from dedup_decoders.ready import Ready

log = EventLog(__name__)


class DecodersReporting:
    """Stores what decodes in this process, for `dedup status`. Where storage is busy then, it is not told."""

    def __init__(self, reports: ReportsTable, instance: str, setting: str) -> None:
        self._reports = reports
        self._instance = instance
        self._setting = setting

    def __call__(self, ready: Ready) -> None:
        isolation = "confined" if ready.confined else "off" if self._setting == "off" else "separate"
        told = (self._instance, isolation, ready.why_not, ready.decoders, ready.outdated, datetime.now(UTC))
        try:
            self._reports.put_decoders_report(DecodersReport(*told))
        except TemporaryError as error:
            log.warning("decoders_report_lost", reason=error.reason, error=str(error))
