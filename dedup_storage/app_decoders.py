"""The decoders of the app, which can be opened and start while everything else is still being loaded."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dedup_app.event_log import EventLog
from dedup_app.ports.reports import DecodersReport, ReportsTable
from dedup_app.settings import Settings
from dedup_core.errors import TemporaryError
from dedup_decoders.opening import open_decoders
from dedup_decoders.ready import Ready

if TYPE_CHECKING:
    from dedup_decoders.in_process import InProcessDecoders
    from dedup_decoders.pool import DecoderPool

log = EventLog(__name__)


def open_app_decoders(settings: Settings) -> "DecoderPool | InProcessDecoders":
    """As the settings say; what happens to them is logged. Raises `InvalidSetting`."""
    return open_decoders(settings.limits, settings.decoder_isolation, tell=log_decoders)


def log_decoders(event: str, values: dict[str, Any]) -> None:
    """A line for what happened to a decoder: a process that ended, a format that is refused, no confinement."""
    log.warning(event, **values)


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
