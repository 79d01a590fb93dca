"""Images that a person names: which of the images is meant, and whether it is there."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from dedup_app.services import Services
from dedup_core.paths import ImagePath

LOOKS_AT_ONCE = 16  # requests for one etag each, mostly waiting


def image_path(services: Services, text: str) -> ImagePath:
    """The image that is meant, in the container that the app watches: of two readings one that is known, or is there.

    Where neither is, it is the one with `%` and two hex digits decoded.
    """
    readings = ImagePath.readings(text, containers=services.settings.containers, account=services.settings.account)
    if len(readings) == 1:
        return readings[0]
    known = services.features.summaries([path.image_id for path in readings])
    meant = next((path for path in readings if path.image_id in known), None)
    return meant or next((path for path in readings if services.images.etag(path) is not None), readings[-1])


def not_in_container(services: Services, paths: Sequence[ImagePath]) -> list[ImagePath]:
    """Those that are not in the container; generated pictures are drawn when they are asked for."""
    stored = [path for path in paths if not path.is_generated]
    with ThreadPoolExecutor(LOOKS_AT_ONCE) as threads:
        etags = threads.map(services.images.etag, stored)
        return [path for path, etag in zip(stored, etags, strict=True) if etag is None]
