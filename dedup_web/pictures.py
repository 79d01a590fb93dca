"""Pictures for the page: thumbnails, two pictures as they were compared, and originals.

Pillow and the comparison are loaded by the first picture, for which a list of groups need not wait.
"""

import io
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from dedup_app.services import Services
from dedup_core.arrays import Pixels
from dedup_core.paths import ImagePath

HELD = 8  # pairs that were laid on each other, for whoever swipes between their two sides

# By format, told by the content and never by the name.
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
    "HEIC": "image/heic",
    "JPEG2000": "image/jp2",
}


@dataclass
class _Pair:
    """Two pictures that were laid on each other, once they are; whoever makes them has the lock."""

    lock: Lock = field(default_factory=Lock)
    sides: tuple[bytes, bytes] | None = None


class Pictures:
    """Makes pictures from one read each; nothing is stored, a few aligned pairs are held in memory."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pairs: OrderedDict[tuple[str, ...], _Pair] = OrderedDict()
        self._lock = Lock()

    def thumbnail(self, path: ImagePath) -> tuple[bytes, str]:
        """The picture with its longer side at most 512 pixels as JPEG, and the etag of the blob that it was made of."""
        loaded = self._services.loader.load(path)
        return _jpeg(loaded.working.pixels), loaded.etag

    def aligned(self, left: ImagePath, right: ImagePath, versions: tuple[int, int]) -> tuple[bytes, bytes]:
        """What both pictures show, cut and turned to lie on each other, as two JPEGs of one size.

        A page asks for both sides at once: they are made for whoever comes first, and the other one waits.
        """
        key = (left.image_id, right.image_id, *map(str, versions))
        with self._lock:
            pair = self._pairs.setdefault(key, _Pair())
            while len(self._pairs) > HELD:
                self._pairs.popitem(last=False)
        with pair.lock:
            pair.sides = pair.sides or self._laid(left, right)
            return pair.sides

    def _laid(self, left: ImagePath, right: ImagePath) -> tuple[bytes, bytes]:
        from dedup_core.comparison.overlap.laid import shared_parts  # noqa: PLC0415 - see above

        images = self._services.loader.load_image_pair_for_comparison(left, right)
        parts = shared_parts(images[0].working.pixels, images[1].working.pixels)
        return _jpeg(parts[0]), _jpeg(parts[1])


def _jpeg(pixels: Pixels) -> bytes:
    from PIL import Image  # noqa: PLC0415 - see above

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
