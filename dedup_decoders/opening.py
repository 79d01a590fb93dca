"""The decoders that a process asks for, by the name of their isolation."""

from typing import TYPE_CHECKING

from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits
from dedup_decoders.pool import DecoderPool, Tell, say_nothing

if TYPE_CHECKING:
    from dedup_decoders.in_process import InProcessDecoders

OFF = "off"


def open_decoders(
    limits: DecodeLimits = DEFAULT_LIMITS,
    isolation: str = "separate",
    *,
    children: int | None = None,
    tell: Tell = say_nothing,
) -> "DecoderPool | InProcessDecoders":
    """The decoders of this process, for all of its threads; use them in a `with` statement, or close them.

    `isolation` is `separate`, `confined` or `off`: `docs/decoding.md#isolation`. As many `children` as there are cores,
    unless told otherwise; none is started before `prepare` or the first picture. `tell` hears of events for a log.
    Raises `InvalidSetting` where `confined` cannot hold.
    """
    if isolation == OFF:
        from dedup_decoders.in_process import InProcessDecoders  # noqa: PLC0415 - Pillow and all that decodes

        return InProcessDecoders(limits)
    return DecoderPool(limits, isolation=isolation, children=children, tell=tell)
