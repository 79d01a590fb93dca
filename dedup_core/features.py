"""Image bytes -> ImageFeatures: everything that is ever kept of an image."""

from dataclasses import dataclass
from typing import Self

from dedup_core.fingerprint import Fingerprints


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    """What is stored of one image. `width` and `height` are upright full size; `quality` is 0..100."""

    scheme: int
    sha256: str
    format: str
    width: int
    height: int
    byte_size: int
    quality: int
    fingerprints: Fingerprints

    def to_columns(self) -> dict[str, int | str | bytes]:
        """Flat table columns (`scheme`, `sha256`, `width`, `height`, ... and binary `fingerprints`, `palette`, ...)."""
        raise NotImplementedError

    @classmethod
    def from_columns(cls, columns: dict[str, int | str | bytes]) -> Self:
        raise NotImplementedError
