"""Images that a person names: which of the images is meant, and whether it is there."""

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from dedup_app.services import Services
from dedup_cli.presentation.output import as_argument, tell
from dedup_core.errors import InvalidPath
from dedup_core.paths import ImagePath

# Letters as `plain` prints them.
SPELLED_OUT = re.compile(r"\\(?:x|u|U000)((?<=x)[0-9a-f]{2}|(?<=u)[0-9a-f]{4}|(?<=U000)[0-9a-f]{5})")
LOOKS_AT_ONCE = 16  # requests for one etag each, mostly waiting


def image_path(services: Services, text: str) -> ImagePath:
    """The image that is meant, in the container that the app watches: of the readings one that is known, or is there.

    Where none is, it is the one with `%` and two hex digits decoded.
    """
    readings = _readings(services, text)
    if (spelled := SPELLED_OUT.sub(lambda it: chr(int(it[1], 16)), text)) != text:
        with suppress(InvalidPath):
            readings = (*_readings(services, spelled), *readings)
    if len(readings) == 1:
        return readings[0]
    known = services.features.summaries([path.image_id for path in readings])
    meant = next((path for path in readings if path.image_id in known), None)
    return meant or next((path for path in readings if services.images.etag(path) is not None), readings[-1])


def _readings(services: Services, text: str) -> tuple[ImagePath, ...]:
    try:
        return ImagePath.readings(text, containers=services.settings.containers, account=services.settings.account)
    except InvalidPath as error:
        if os.path.exists(text):  # noqa: PTH110 - that of `Path` raises for a name that is too long
            raise InvalidPath(f"{error}. It is a name on this machine: upload it first") from error
        raise


def note_prefix(services: Services, prefix: str) -> None:
    """Warn of a prefix that begins with the container, as printed names do: mostly no name begins so."""
    container, slash, rest = prefix.partition("/")
    if slash and container in services.settings.containers:
        instead = f"give --prefix {as_argument(rest)}" if rest else "leave it out"
        tell(
            f"--prefix is matched without the container, so this asks for names like {container}/{prefix}…; "
            f"if you mean the container, {instead}"
        )


def not_in_container(services: Services, paths: Sequence[ImagePath]) -> list[ImagePath]:
    """Those that are not in the container; generated pictures are drawn when they are asked for."""
    stored = [path for path in paths if not path.is_generated]
    with ThreadPoolExecutor(LOOKS_AT_ONCE) as threads:
        etags = threads.map(services.images.etag, stored)
        return [path for path, etag in zip(stored, etags, strict=True) if etag is None]
