"""What decoders say of themselves before the first picture."""

from collections.abc import Callable
from dataclasses import dataclass

from dedup_core.decoding.libraries import decoder_of, outdated_library
from dedup_core.limits import DecodeLimits


@dataclass(frozen=True, slots=True)
class Ready:
    """Whether a decoder is confined, and if not, why; and what decodes each format.

    `decoders` is what `decoder_of` says by format, `outdated` the library that is below its floor, where one is.
    """

    confined: bool
    why_not: str
    decoders: dict[str, str]
    outdated: dict[str, str]


type Started = Callable[[Ready], None]


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
