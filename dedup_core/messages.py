"""Queue messages, versioned and validated."""

from dataclasses import dataclass

from dedup_core.fingerprint import View
from dedup_core.paths import ImagePath


@dataclass(frozen=True, slots=True)
class VerifyTarget:
    """One candidate of a `VerifyMessage`; etag, view and distance are hints and may be missing."""

    path: ImagePath
    etag: str = ""
    view: View = View.UPRIGHT
    distance_bits: int | None = None


@dataclass(frozen=True, slots=True)
class VerifyMessage:
    """Verify `left` against each of `rights`. `origin` is `candidate` or `manual`."""

    left: ImagePath
    rights: tuple[VerifyTarget, ...]
    left_etag: str = ""
    origin: str = "manual"


@dataclass(frozen=True, slots=True)
class IngestMessage:
    """Extract the features of one image that is already there."""

    path: ImagePath
