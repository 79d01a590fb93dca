"""What decoders say of themselves before the first picture."""

from collections.abc import Callable
from dataclasses import dataclass


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
