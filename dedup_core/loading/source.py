"""SourceImage: an encoded image as it was read."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SourceImage:
    """An encoded image as it was read: its bytes, their etag, how long the download took, since when they are there."""

    data: bytes
    etag: str = ""
    seconds: float = 0.0
    modified_at: datetime | None = None
