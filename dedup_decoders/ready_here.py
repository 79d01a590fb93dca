"""What decodes in this process, found out by loading it."""

from dedup_core.decoding.libraries import decoder_of, outdated_library
from dedup_core.limits import DecodeLimits
from dedup_decoders.ready import Ready


def ready_here(limits: DecodeLimits, *, confined: bool, why_not: str) -> Ready:
    """As it is in this process. Imports the plugins of all formats that the limits allow."""
    names = sorted(limits.formats)
    outdated = {name: library for name in names if (library := outdated_library(name))}
    return Ready(
        confined=confined,
        why_not=why_not,
        decoders={name: decoder_of(name) for name in names},
        outdated={name: f"{library} < {library.floor}" for name, library in outdated.items()},
    )
