"""MemoryEfficientImageLoader: a single download per image and comparison, all metrics in one pass."""

from collections.abc import Callable
from dataclasses import dataclass

from dedup_core.decode import WorkingImage
from dedup_core.paths import ImagePath


@dataclass(frozen=True, slots=True)
class SourceImage:
    """An encoded image as it was read: its bytes, the etag they had and how long the download took."""

    data: bytes
    etag: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """A small working image and where it came from; the encoded bytes are gone."""

    path: ImagePath
    etag: str
    sha256: str
    working: WorkingImage


type ReadImage = Callable[[ImagePath], SourceImage]
