"""The decoders that a process asks for, by the name of their isolation."""

from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits
from dedup_decoders.in_process import InProcessDecoders


def open_decoders(limits: DecodeLimits = DEFAULT_LIMITS) -> InProcessDecoders:
    """The decoders of this process, for all of its threads; use them in a `with` statement, or close them.

    Nothing is started before the first picture.
    """
    return InProcessDecoders(limits)
