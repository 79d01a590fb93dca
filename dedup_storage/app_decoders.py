"""The decoders of the app, which can be opened and start while everything else is still being loaded.

So nothing is imported here but what starts a process: NumPy alone takes a third of that time.
"""

from typing import TYPE_CHECKING, Any

from dedup_app.configuration.settings import Settings
from dedup_app.event_log import EventLog
from dedup_decoders.opening import open_decoders

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
